//! What somebody said, in a room or to the bot alone, as the rules look at it.

use std::borrow::Cow;

use parlor_bot::prelude::*;
use parlor_bot::{IncomingMessage, PrivateMessage, SipUri};

#[derive(Debug)]
pub(crate) struct Said<'e> {
    pub(crate) author: &'e SipUri,
    author_name: Option<&'e str>,
    /// `None` when it was said to the bot alone.
    pub(crate) room: Option<&'e Room>,
    title: Option<&'e str>,
    pub(crate) text: &'e str,
    pub(crate) sent: DateTime<Utc>,
    pub(crate) automated: bool,
}

impl<'e> From<&'e IncomingMessage> for Said<'e> {
    fn from(message: &'e IncomingMessage) -> Self {
        Self {
            author: &message.author,
            author_name: message.author_name.as_deref(),
            room: Some(&message.room),
            title: message.title.as_deref(),
            text: &message.text,
            sent: message.sent,
            automated: message.automated,
        }
    }
}

impl<'e> From<&'e PrivateMessage> for Said<'e> {
    fn from(message: &'e PrivateMessage) -> Self {
        Self {
            author: &message.from,
            author_name: message.from_name.as_deref(),
            room: None,
            title: None,
            text: &message.text,
            sent: message.sent,
            automated: false,
        }
    }
}

impl<'e> Said<'e> {
    /// The author's display name, else the part of the address before the `@`.
    pub(crate) fn author_shown(&self) -> &'e str {
        self.author_name.unwrap_or_else(|| self.author.user())
    }

    /// Where it was said: a room, or with whom.
    pub(crate) fn place(&self) -> &'e str {
        self.room.map_or(self.author.as_str(), Room::as_str)
    }

    /// All that is searched: a story's title too.
    pub(crate) fn whole_text(&self) -> Cow<'e, str> {
        match self.title {
            Some(title) => Cow::Owned(format!("{title}\n{}", self.text)),
            None => Cow::Borrowed(self.text),
        }
    }
}
