//! Removed messages.

use parlor_rooms::RemovalRecord;
use parlor_xccos::{MessageId, SipUri, Timestamp};
use serde::{Deserialize, Serialize};

use super::PostView;

/// `POST /rooms/{room}/posts/{id}/removal`: takes what a message says out of its room.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoveMessage {
    /// Who wants it: an address, or the name of an operator.
    pub by: String,
    /// Why, for the record.
    #[serde(default)]
    pub reason: Option<String>,
    /// What stands in its place, in the wire's form; none is "This message was removed.".
    #[serde(default)]
    pub text: Option<String>,
    /// The message's time, where it is known: one of the same id and of another time is another message and is left alone.
    #[serde(default)]
    pub posted: Option<Timestamp>,
}

/// What became of a removal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovedMessage {
    /// The message's number in its room.
    pub id: MessageId,
    /// Who wrote it.
    pub author: SipUri,
    /// When the server took it.
    pub posted: Timestamp,
    /// Who removed it.
    pub by: String,
    /// When it was removed.
    pub at: Timestamp,
    /// It had been removed before; the others are of that time.
    pub repeated: bool,
}

/// The record of one removed message: `GET /rooms/{room}/removals`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovalView {
    /// Counts the removals of all rooms.
    pub number: i64,
    /// The message as it was.
    pub original: PostView,
    /// What stands in its place.
    pub notice: String,
    /// Who removed it.
    pub by: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was removed.
    pub at: Timestamp,
}

/// Which removals of a room: `GET /rooms/{room}/removals`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RemovalsQuery {
    /// Only those with a greater number; the first 999 of them are told.
    pub after: i64,
}

impl RemovedMessage {
    pub(crate) fn of(record: &RemovalRecord, repeated: bool) -> Self {
        Self {
            id: record.original.id,
            author: record.original.author.clone(),
            posted: record.original.timestamp,
            by: record.by.clone(),
            at: record.at,
            repeated,
        }
    }
}

impl From<RemovalRecord> for RemovalView {
    fn from(record: RemovalRecord) -> Self {
        let original = record.original;
        Self {
            number: record.number,
            original: PostView {
                id: original.id,
                timestamp: original.timestamp,
                author: original.author,
                author_name: original.author_name,
                alert: original.alert,
                text: original.chat,
                key: original.key,
            },
            notice: record.notice,
            by: record.by,
            reason: record.reason,
            at: record.at,
        }
    }
}
