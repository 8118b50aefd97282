//! The ledger's words: what can become of an item, one entry, and how entries are asked for. The rows are kept by
//! `state`; showing them is left to the program.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What became of an item, in the order in which it usually happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LedgerStatus {
    /// It came in and waits for its handler.
    Seen,
    /// It came in and was passed over before any handler; the reason is told.
    Filtered,
    /// What was posted cannot be read any more (purged, or not shown): the bot cannot have dealt with it.
    Missed,
    /// Its handler succeeded.
    Handled,
    /// Its handler, or a schedule's policy, decided that nothing is posted; the reason is told.
    Skipped,
    /// Its handler failed for good; the event is kept and can be retried.
    Quarantined,
    /// A post for a room is stored and waits for its turn.
    Queued,
    /// An attempt to send the post was begun.
    Sent,
    /// An attempt failed and will be repeated; the reason is told.
    Failed,
    /// The post is in the room; the message id is told where the server numbers messages.
    Acknowledged,
    /// The message is to be removed; that is stored and waits for its turn.
    Removing,
    /// The message is removed from its room.
    Removed,
    /// The post, or the removal, was given up; it is kept and can be retried.
    Dead,
    /// Somebody asked for another try.
    Retried,
}

impl LedgerStatus {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Seen,
        Self::Filtered,
        Self::Missed,
        Self::Handled,
        Self::Skipped,
        Self::Quarantined,
        Self::Queued,
        Self::Sent,
        Self::Failed,
        Self::Acknowledged,
        Self::Removing,
        Self::Removed,
        Self::Dead,
        Self::Retried,
    ];

    /// The word for it, in the state file, in JSON and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::Filtered => "filtered",
            Self::Missed => "missed",
            Self::Handled => "handled",
            Self::Skipped => "skipped",
            Self::Quarantined => "quarantined",
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Acknowledged => "acknowledged",
            Self::Removing => "removing",
            Self::Removed => "removed",
            Self::Dead => "dead",
            Self::Retried => "retried",
        }
    }
}

impl fmt::Display for LedgerStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// A word that is no ledger status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is none of {}", LedgerStatus::ALL.map(LedgerStatus::as_str).join(", "))]
pub struct UnknownStatus {
    /// The word.
    pub word: String,
}

impl FromStr for LedgerStatus {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| UnknownStatus {
                word: text.to_owned(),
            })
    }
}

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// Its number; grows with time.
    pub number: i64,
    /// When it was written, together with what it tells.
    pub at: DateTime<Utc>,
    /// The bot.
    pub instance: String,
    /// The room, where it is about one.
    pub room: Option<String>,
    /// What it is about: `feed:NAME:ID`, `schedule:NAME:DUE`, `webhook:NAME:KEY`, `message:ROOM:NUMBER`.
    pub item: String,
    /// What became of it.
    pub status: LedgerStatus,
    /// The message's id in the room, once it is known.
    pub message: Option<i64>,
    /// The item's address, when it has one.
    pub link: Option<String>,
    /// A reason, a title, or the first characters of a post.
    pub detail: Option<String>,
}

/// Which entries are wanted; what is `None` restricts nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LedgerQuery {
    /// Of this bot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Of this room, upper and lower case being the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room: Option<String>,
    /// With this status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<LedgerStatus>,
    /// Not older than this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
    /// With a greater number than this, oldest first; without it the newest entries are taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<i64>,
    /// How many at most; the ledger has a limit of its own above which it gives no more at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// What is to be given another chance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// Dead posts and quarantined events of this item.
    Item(String),
    /// Those of the item that this entry of the ledger is about.
    Entry(i64),
    /// All dead posts, of one bot or of all.
    Dead(Option<String>),
    /// All quarantined events, of one bot or of all.
    Quarantined(Option<String>),
}

/// What was given another chance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retried {
    /// Posts that wait again.
    pub posts: u64,
    /// Events that wait for their handler again.
    pub events: u64,
    /// Events that cannot be tried again: a bot's start, for example.
    pub kept_back: u64,
    /// Posts and events of rooms and bots that the running host does not have; they wait for a start with them.
    pub waiting_for_start: u64,
}

#[cfg(test)]
mod tests {
    use super::LedgerStatus;

    #[test]
    fn the_words_are_the_same_everywhere() {
        for status in LedgerStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
            assert_eq!(
                serde_json::to_value(status).unwrap(),
                serde_json::json!(status.as_str())
            );
        }
        assert!("lost".parse::<LedgerStatus>().is_err());
    }
}
