//! An event on a line.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    Event, FeedDigest, FeedItem, IncomingMessage, Presence, PrivateMessage, ScheduleFired, WebhookRequest,
};

/// [`Event`] as it stands on a line: its fields, and its name as `type`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
#[allow(missing_docs, reason = "Event says what they are")]
pub enum Happening {
    Started,
    Message(IncomingMessage),
    PrivateMessage(PrivateMessage),
    Joined(Presence),
    Parted(Presence),
    Schedule(ScheduleFired),
    Woken { at: DateTime<Utc> },
    FeedItem(FeedItem),
    FeedDigest(FeedDigest),
    Webhook(WebhookRequest),
}

impl From<&Event> for Happening {
    fn from(event: &Event) -> Self {
        match event.clone() {
            Event::Started => Self::Started,
            Event::Message(said) => Self::Message(said),
            Event::PrivateMessage(said) => Self::PrivateMessage(said),
            Event::Joined(who) => Self::Joined(who),
            Event::Parted(who) => Self::Parted(who),
            Event::Schedule(fired) => Self::Schedule(fired),
            Event::Woken(at) => Self::Woken { at },
            Event::FeedItem(item) => Self::FeedItem(item),
            Event::FeedDigest(digest) => Self::FeedDigest(digest),
            Event::Webhook(request) => Self::Webhook(request),
        }
    }
}

impl From<Happening> for Event {
    fn from(happening: Happening) -> Self {
        match happening {
            Happening::Started => Self::Started,
            Happening::Message(said) => Self::Message(said),
            Happening::PrivateMessage(said) => Self::PrivateMessage(said),
            Happening::Joined(who) => Self::Joined(who),
            Happening::Parted(who) => Self::Parted(who),
            Happening::Schedule(fired) => Self::Schedule(fired),
            Happening::Woken { at } => Self::Woken(at),
            Happening::FeedItem(item) => Self::FeedItem(item),
            Happening::FeedDigest(digest) => Self::FeedDigest(digest),
            Happening::Webhook(request) => Self::Webhook(request),
        }
    }
}
