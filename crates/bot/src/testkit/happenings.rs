//! What people do: they post, come and go.

use parlor_xccos::format;

use super::TestKit;
use crate::{
    BotError, Event, IncomingMessage, MessageId, MessagePart, Presence, PrivateMessage, Room, RoomUri, SipUri,
};

impl TestKit {
    /// Somebody posts in a room. `author` is a SIP URI or the name of a user of `example.com`.
    ///
    /// # Errors
    /// What the handler returned; [`BotError::Tell`] is posted instead, as a host does.
    pub async fn message(&mut self, room: &str, author: &str, text: &str) -> Result<(), BotError> {
        let message = self.incoming(room, author, text);
        self.deliver(Event::Message(message)).await
    }

    /// A post as it would come in now, to be changed and given to [`TestKit::deliver`].
    pub fn incoming(&mut self, room: &str, author: &str, text: &str) -> IncomingMessage {
        self.last_id = MessageId(self.last_id.0 + 1);
        let parts = format::parse(text);
        let title = parts.iter().find_map(|part| match part {
            MessagePart::StoryTitle(title) => Some(title.clone()),
            _ => None,
        });
        let author = user(author);
        IncomingMessage {
            room: self.room(room),
            room_uri: room_uri(),
            author_name: Some(author.user().to_owned()),
            author,
            id: self.last_id,
            sent: self.now,
            alert: false,
            title,
            text: format::display_text(text),
            parts,
            automated: false,
            missed: false,
        }
    }

    /// Somebody writes to the bot alone. `author` is a SIP URI or the name of a user of `example.com`.
    ///
    /// # Errors
    /// As [`TestKit::message`]; [`BotError::Tell`] is answered to the author.
    ///
    /// # Panics
    /// When the bot does not want to be told: a host would not let it know.
    pub async fn private(&mut self, author: &str, text: &str) -> Result<(), BotError> {
        assert!(
            self.wants_private_messages(),
            "the bot has no interest in private messages"
        );
        let from = user(author);
        let message = PrivateMessage {
            from_name: Some(from.user().to_owned()),
            from,
            sent: self.now,
            text: text.to_owned(),
        };
        self.deliver(Event::PrivateMessage(message)).await
    }

    /// Somebody enters a room.
    ///
    /// # Errors
    /// What the handler returned.
    pub async fn joined(&mut self, room: &str, who: &str) -> Result<(), BotError> {
        let presence = self.presence(room, who);
        self.deliver(Event::Joined(presence)).await
    }

    /// Somebody leaves a room.
    ///
    /// # Errors
    /// What the handler returned.
    pub async fn parted(&mut self, room: &str, who: &str) -> Result<(), BotError> {
        let presence = self.presence(room, who);
        self.deliver(Event::Parted(presence)).await
    }

    fn presence(&self, room: &str, who: &str) -> Presence {
        let user = user(who);
        let user_name = Some(user.user().to_owned());
        Presence {
            room: self.room(room),
            room_uri: room_uri(),
            user,
            user_name,
        }
    }

    fn room(&self, name: &str) -> Room {
        let room = self.setup.rooms().iter().find(|room| room.is(name));
        room.cloned()
            .unwrap_or_else(|| panic!("`{name}` is not one of the test's rooms"))
    }
}

pub(super) fn user(name: &str) -> SipUri {
    let uri = if name.starts_with("sip:") {
        name.to_owned()
    } else {
        format!("sip:{name}@example.com")
    };
    uri.parse()
        .unwrap_or_else(|error| panic!("`{uri}` is no SIP URI: {error}"))
}

fn room_uri() -> RoomUri {
    let uri = "ma-chan://example.com/11111111-1111-4111-8111-111111111111";
    uri.parse()
        .unwrap_or_else(|error| panic!("`{uri}` is no room URI: {error}"))
}
