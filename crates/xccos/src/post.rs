//! One post (`grpchat`), as an author sends it and as a server stamps it; the text inside is read by [`crate::format`].

use crate::format;
use crate::{MessageId, PostKey, RoomUri, SipUri, Timestamp};

/// A post in a room.
///
/// What a client sends in `author` and `timestamp` is its claim; a server puts in the authenticated user and its own
/// time, and adds the id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// Where.
    pub room: RoomUri,
    /// Who.
    pub author: SipUri,
    /// The author's display name, when the server added it.
    pub author_name: Option<String>,
    /// When; [`Timestamp::EPOCH`] when the sender gave no readable time.
    pub timestamp: Timestamp,
    /// Number in the room, given by the server.
    pub id: Option<MessageId>,
    /// High priority.
    pub alert: bool,
    /// The text, lines separated by CR LF, with links and story title marked as [`crate::format`] says.
    pub chat: String,
    /// The same as RTF.
    pub rtf: Option<String>,
    /// The author's key against repeats.
    pub key: Option<PostKey>,
}

impl Post {
    /// A plain post without the parts a server adds.
    pub fn new(room: RoomUri, author: SipUri, timestamp: Timestamp, chat: impl Into<String>) -> Self {
        Self {
            room,
            author,
            author_name: None,
            timestamp,
            id: None,
            alert: false,
            chat: chat.into(),
            rtf: None,
            key: None,
        }
    }

    /// Whether the text begins with a story's title: the larger size limit holds then.
    pub fn is_story(&self) -> bool {
        format::is_story(&self.chat)
    }
}
