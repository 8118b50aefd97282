//! What a bot is told.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::schedule::Zone;
use crate::{FeedDigest, FeedItem, MessageId, MessagePart, Room, RoomUri, SipUri, WebhookRequest};

/// Something that happened; which ones arrive is decided by [`crate::Interests`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The instance has started: once per start, before anything else.
    Started,
    /// Somebody else posted in one of the instance's rooms. The instance's own posts do not arrive.
    Message(IncomingMessage),
    /// Somebody wrote to the instance's user alone.
    PrivateMessage(PrivateMessage),
    /// Somebody entered one of the instance's rooms.
    Joined(Presence),
    /// Somebody left one of the instance's rooms.
    Parted(Presence),
    /// A time that [`crate::ScheduleSpec`] asked for has come.
    Schedule(ScheduleFired),
    /// The time that [`crate::Context::wake_at`] asked for has come.
    Woken(DateTime<Utc>),
    /// A feed has an item that this instance has not seen, or one that changed since.
    FeedItem(FeedItem),
    /// A feed has more new items at once than the instance wants one by one.
    FeedDigest(FeedDigest),
    /// A request came in by one of the instance's webhooks.
    Webhook(WebhookRequest),
}

impl Event {
    /// The room that this happened in: where [`crate::Context::reply`] posts.
    pub fn room(&self) -> Option<&Room> {
        match self {
            Self::Message(message) => Some(&message.room),
            Self::Joined(presence) | Self::Parted(presence) => Some(&presence.room),
            Self::Started
            | Self::PrivateMessage(_)
            | Self::Schedule(_)
            | Self::Woken(_)
            | Self::FeedItem(_)
            | Self::FeedDigest(_)
            | Self::Webhook(_) => None,
        }
    }

    /// Who wrote to the instance alone: whom [`crate::Context::reply`] answers.
    pub fn correspondent(&self) -> Option<&SipUri> {
        match self {
            Self::PrivateMessage(message) => Some(&message.from),
            _ => None,
        }
    }
}

/// A post by somebody else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IncomingMessage {
    /// Where it was posted.
    pub room: Room,
    /// That room's URI.
    pub room_uri: RoomUri,
    /// Who posted it.
    pub author: SipUri,
    /// The author's display name, when the server sent one.
    pub author_name: Option<String>,
    /// Its id, increasing inside the room.
    pub id: MessageId,
    /// When the server accepted it.
    pub sent: DateTime<Utc>,
    /// Whether it is an alert (high importance).
    pub alert: bool,
    /// Its title, when it is a story.
    pub title: Option<String>,
    /// What a reader sees: links by their text, emoticons by their signs, a story without its title.
    pub text: String,
    /// The parts it consists of.
    pub parts: Vec<MessagePart>,
    /// Whether a bot host posted it (it carries a post key). Bots that answer bots make loops.
    pub automated: bool,
    /// Whether it was posted while this instance was away, and fetched from the room's history.
    pub missed: bool,
}

impl IncomingMessage {
    /// All that a reader sees: the text, after the title if it is a story.
    pub fn whole_text(&self) -> Cow<'_, str> {
        match &self.title {
            Some(title) => Cow::Owned(format!("{title}\n{}", self.text)),
            None => Cow::Borrowed(&self.text),
        }
    }
}

/// What somebody wrote to the instance's user alone. Nobody else sees it, nor the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrivateMessage {
    /// Who wrote it.
    pub from: SipUri,
    /// The writer's display name, when the server sent one.
    pub from_name: Option<String>,
    /// When it came in.
    pub sent: DateTime<Utc>,
    /// The text, without markup.
    pub text: String,
}

/// Somebody's entering or leaving.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// The room.
    pub room: Room,
    /// That room's URI.
    pub room_uri: RoomUri,
    /// Who.
    pub user: SipUri,
    /// The display name, when the server sent one.
    pub user_name: Option<String>,
}

/// A scheduled time that has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleFired {
    /// The id of the [`crate::ScheduleSpec`].
    pub id: String,
    /// The time that was due. Together with `id` it names this fire for ever.
    pub due: DateTime<Utc>,
    /// The schedule's zone.
    pub zone: Zone,
    /// How many earlier times were missed while the host was away and are not made up for.
    pub missed: u32,
}

impl ScheduleFired {
    /// The due time as a clock on the wall of the schedule's zone shows it.
    pub fn local(&self) -> NaiveDateTime {
        self.zone.local(self.due)
    }
}
