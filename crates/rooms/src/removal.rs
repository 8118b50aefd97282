//! Taking a message out of a room: who wants it and why, what stands in its place, and what is remembered of it.
//!
//! The id, the author and the time of the message stay, and its post key, so that a repeat of it is still known. What it
//! said goes out of the room for good, the RTF form and the mark of high importance with it. The original moves into a
//! record that nobody in a room can read, together with who removed it, when and why (facts: product 3,
//! `Remove-CsPersistentChatMessage` with `ReplaceMessage`; product 5.2, database type 10).

use parlor_xccos::{MessageId, RoomId, Timestamp};

use crate::draft::check_text;
use crate::refusal::{Refusal, Subject};
use crate::store::StoredPost;

/// What stands in the place of a removed message unless something else is wanted.
pub const REMOVAL_NOTICE: &str = "This message was removed.";

/// The longest name of who removes a message, in bytes: an address, or the name of an operator.
pub const MAX_REMOVER: usize = 512;

/// The longest reason, in bytes: a few sentences.
pub const MAX_REMOVAL_REASON: usize = 2000;

/// What somebody wants to be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovalRequest {
    /// The room.
    pub room: RoomId,
    /// The message.
    pub message: MessageId,
    /// When the message was posted, where the asker knows it: ids count from 1 again after a room's history was lost, and
    /// then the message with this id is another one.
    pub posted: Option<Timestamp>,
    /// What stands in its place, in the wire's form; none is [`REMOVAL_NOTICE`].
    pub notice: Option<String>,
    /// Who wants it.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
    /// The time now.
    pub at: Timestamp,
}

/// A removal whose texts fit the limits and can be carried by the protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    request: RemovalRequest,
    notice: String,
}

impl Removal {
    /// Checks the texts; whether there is such a message is the store's to say. A notice may be as long as a message:
    /// `message_limit` bytes.
    ///
    /// # Errors
    /// [`Refusal::Empty`], [`Refusal::TooLong`], [`Refusal::ControlCharacter`].
    pub fn check(mut request: RemovalRequest, message_limit: usize) -> Result<Self, Refusal> {
        let notice = request.notice.take().unwrap_or_else(|| REMOVAL_NOTICE.to_owned());
        check(&notice, Subject::Notice, message_limit)?;
        check(&request.by, Subject::Remover, MAX_REMOVER)?;
        if let Some(reason) = &request.reason {
            check(reason, Subject::Reason, MAX_REMOVAL_REASON)?;
        }
        Ok(Self { request, notice })
    }

    /// The room.
    pub fn room(&self) -> RoomId {
        self.request.room
    }

    /// The message.
    pub fn message(&self) -> MessageId {
        self.request.message
    }

    /// Whether a message of this time is the one that is meant.
    pub fn is_meant(&self, posted: Timestamp) -> bool {
        self.request.posted.is_none_or(|known| known == posted)
    }

    /// What stands in its place.
    pub fn notice(&self) -> &str {
        &self.notice
    }

    /// Who removes it.
    pub fn by(&self) -> &str {
        &self.request.by
    }

    /// Why.
    pub fn reason(&self) -> Option<&str> {
        self.request.reason.as_deref()
    }

    /// When.
    pub fn at(&self) -> Timestamp {
        self.request.at
    }
}

/// What is remembered of a removed message. It stays when the room goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovalRecord {
    /// Counts the removals of all rooms, and is never used again: whoever follows posts into an index or an export
    /// follows removals by it.
    pub number: i64,
    /// Where it was said.
    pub room: RoomId,
    /// What was said.
    pub original: StoredPost,
    /// What stands in its place.
    pub notice: String,
    /// Who removed it.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
    /// When it was removed.
    pub at: Timestamp,
}

/// What became of a removal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removed {
    /// The message is removed now.
    Now(RemovalRecord),
    /// It was removed before, and nothing has changed: the record is the first removal's.
    Before(RemovalRecord),
}

impl Removed {
    /// What is remembered.
    pub fn record(&self) -> &RemovalRecord {
        match self {
            Self::Now(record) | Self::Before(record) => record,
        }
    }
}

fn check(text: &str, subject: Subject, limit: usize) -> Result<(), Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal::Empty { subject });
    }
    check_text(text, subject, limit)
}
