//! Who caused an event.

use std::fmt;

use crate::{BotError, Context, Event, Extract, Presence, SipUri, Speech};

/// Who said, or came, or went. An argument of a handler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// The address.
    pub uri: SipUri,
    /// The display name; the part of the address before the `@` when the server sent none.
    pub name: String,
}

impl Author {
    fn new(uri: &SipUri, name: Option<&str>) -> Self {
        Self {
            uri: uri.clone(),
            name: name.unwrap_or_else(|| uri.user()).to_owned(),
        }
    }

    fn of(event: &Event) -> Result<Self, BotError> {
        match event {
            Event::Message(said) => Ok(Self::new(&said.author, said.author_name.as_deref())),
            Event::PrivateMessage(said) => Ok(Self::new(&said.from, said.from_name.as_deref())),
            Event::Joined(who) | Event::Parted(who) => Ok(Self::new(&who.user, who.user_name.as_deref())),
            _ => Err(BotError::reject("this event was caused by nobody")),
        }
    }
}

impl Extract<Speech> for Author {
    fn extract(event: &Event, _: &mut Context) -> Result<Self, BotError> {
        Self::of(event)
    }
}

impl Extract<Presence> for Author {
    fn extract(event: &Event, _: &mut Context) -> Result<Self, BotError> {
        Self::of(event)
    }
}

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
