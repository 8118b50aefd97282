//! A removal on a line.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Post;
use crate::{BotError, Context, MessageId, QueuedRemoval, Room};

/// What is to be taken out of a room: `room`, `id` and `sent` of the message as it came in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Removal {
    /// One of the instance's rooms.
    pub room: Room,
    /// The message's number there.
    pub id: MessageId,
    /// When it was posted.
    pub sent: DateTime<Utc>,
    /// What stands in its place, unless it is the server's own notice; without `room` and `to`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<Post>,
    /// Why, for the server's record.
    pub reason: String,
}

impl Removal {
    /// Asks for it.
    ///
    /// # Errors
    /// As [`Context::remove`].
    pub fn ask(self, context: &mut Context) -> Result<(), BotError> {
        context.remove_queued(QueuedRemoval {
            room: self.room,
            id: self.id,
            posted: self.sent,
            notice: self.notice.map(|notice| notice.message()),
            reason: self.reason,
        })
    }
}

impl From<QueuedRemoval> for Removal {
    fn from(removal: QueuedRemoval) -> Self {
        Self {
            room: removal.room,
            id: removal.id,
            sent: removal.posted,
            notice: removal.notice.as_ref().map(Post::from),
            reason: removal.reason,
        }
    }
}
