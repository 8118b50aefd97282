//! Taking what somebody said out of a room.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Context, EffectError, MAX_POSTS_PER_EVENT};
use crate::{BotError, IncomingMessage, Message, MessageId, Room};

/// The longest reason, in characters; a longer one is cut. The server keeps it with the original.
pub const MAX_REASON: usize = 400;

/// A removal that waits for the handler's success.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueuedRemoval {
    /// Where the message is.
    pub room: Room,
    /// Its number there.
    pub id: MessageId,
    /// When it was posted: the server leaves a message of the same number and another time alone.
    pub posted: DateTime<Utc>,
    /// What stands in its place, unless it is the server's own notice.
    pub notice: Option<Message>,
    /// Why, for the server's record.
    pub reason: String,
}

impl Context {
    /// Takes what a message says out of its room. A notice of the server stands in its place for whoever reads it from
    /// then on; who is in the room keeps seeing it until the history is read again. Nothing but the notice is left to
    /// readers; the server's record keeps the original, the bot and the `reason`.
    ///
    /// The removal is committed with the handler's other effects and carried out soon; a message that is removed already
    /// stays as it is.
    ///
    /// # Errors
    /// [`BotError::Reject`] where [`crate::Setup::can_remove`] is false, when the message is not from one of the instance's
    /// rooms, and from the hundred-and-first on.
    pub fn remove(&mut self, said: &IncomingMessage, reason: impl Into<String>) -> Result<(), BotError> {
        self.queue(QueuedRemoval::of(said, None, reason.into()))
    }

    /// As [`Context::remove`], with words of one's own in the place of the message. A notice over the room's limit is
    /// shortened to it.
    ///
    /// # Errors
    /// As [`Context::remove`]; also when the notice is empty.
    pub fn replace(
        &mut self,
        said: &IncomingMessage,
        notice: impl Into<Message>,
        reason: impl Into<String>,
    ) -> Result<(), BotError> {
        let notice = notice.into().shortened(self.setup.limits().message);
        if notice.is_empty() {
            return Err(BotError::reject(EffectError::Empty));
        }
        self.queue(QueuedRemoval::of(said, Some(notice), reason.into()))
    }

    /// [`Context::remove`] or [`Context::replace`] for an adapter to bots of another kind, which have no message at hand.
    ///
    /// # Errors
    /// As these.
    pub fn remove_queued(&mut self, mut removal: QueuedRemoval) -> Result<(), BotError> {
        removal.reason = removal.reason.chars().take(MAX_REASON).collect();
        if let Some(notice) = removal.notice.take() {
            let notice = notice.shortened(self.setup.limits().message);
            if notice.is_empty() {
                return Err(BotError::reject(EffectError::Empty));
            }
            removal.notice = Some(notice);
        }
        self.queue(removal)
    }

    fn queue(&mut self, removal: QueuedRemoval) -> Result<(), BotError> {
        if !self.setup.can_remove() {
            return Err(BotError::reject(EffectError::CannotRemove));
        }
        if !self.setup.rooms().contains(&removal.room) {
            return Err(BotError::reject(EffectError::NotMyRoom {
                room: removal.room.to_string(),
            }));
        }
        if self.effects.removals.len() == MAX_POSTS_PER_EVENT {
            return Err(BotError::reject(EffectError::TooManyPosts));
        }
        self.effects.removals.push(removal);
        Ok(())
    }
}

impl QueuedRemoval {
    fn of(said: &IncomingMessage, notice: Option<Message>, reason: String) -> Self {
        Self {
            room: said.room.clone(),
            id: said.id,
            posted: said.sent,
            notice,
            reason: reason.chars().take(MAX_REASON).collect(),
        }
    }
}
