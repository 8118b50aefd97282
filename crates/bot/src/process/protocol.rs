//! What the two ends say to each other. One JSON object on each line; what it is stands under `type`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Happening, Post, Removal, Wanted};
use crate::settings::Span;
use crate::{Command, Description, Limits, QueuedMail, SipUri, State};

/// The version of the protocol. A host speaks this one and ends a bot that answers with another.
pub const VERSION: u32 = 1;

/// The longest line that a bot may write, in bytes. A hundred posts of a story's length are 6.5 MB and what an instance
/// may remember is 1 MiB: the largest answer that a host would take still fits.
pub const MAX_LINE: usize = 8 << 20;

/// The longest reason that is kept of a refusal or a failure, in characters: it goes into the ledger and the log.
pub const MAX_REASON: usize = 1000;

/// What a host tells a bot. A bot leaves alone what it does not know: fields may be added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToBot {
    /// The first line: the bot answers with what it is.
    Hello {
        /// [`VERSION`].
        protocol: u32,
    },
    /// The second line: which instance this process is. The bot answers with what the instance wants, or why it cannot
    /// be made.
    Configure(Box<Configure>),
    /// Something happened. The bot answers before it is told of the next.
    Event(Box<Told>),
}

/// An instance: an entry of the operator's configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Configure {
    /// Its id in the configuration.
    pub instance: String,
    /// The address that it posts as.
    pub me: SipUri,
    /// Its rooms, as the configuration names them.
    pub rooms: Vec<String>,
    /// The configuration's folder, where relative paths in settings start; also the process' working folder.
    pub folder: PathBuf,
    /// Whether it may ask for removals.
    #[serde(default)]
    pub can_remove: bool,
    /// How long posts may be; longer ones are shortened.
    pub limits: Limits,
    /// Its settings, which fit the schema of the description.
    pub settings: Value,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// What the answer names.
    pub id: u64,
    /// The time at which it is handled.
    pub now: DateTime<Utc>,
    /// What happened.
    pub event: Happening,
    /// The command that the post is, if the host reads commands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Command>,
    /// The words of [`Wanted::keywords`] in the post, as they are written there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<String>,
    /// All that the instance remembers; left out when it is the same as with the event before, so that most lines are
    /// short and a bot never has to find out whether its last answer was committed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
}

/// What a bot tells a host. Unknown fields are refused: a misspelt one would be a post that nobody sees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum FromBot {
    /// To `hello`.
    Hello {
        /// [`VERSION`].
        protocol: u32,
        /// What kind of bot this is.
        description: Description,
        /// Who reads commands.
        #[serde(default)]
        commands: ReadBy,
    },
    /// To `configure`: the instance is made.
    Ready(Wanted),
    /// To `configure`: it cannot be made.
    Refused {
        /// Everything that is wrong.
        problems: Vec<Refusal>,
    },
    /// To `event`: handled. What it asks for is committed together with the note that the event is done.
    Done(Done),
    /// To `event`: it may work later.
    Retry {
        /// The event's.
        id: u64,
        /// Not before this time has passed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<Span>,
        /// What happened.
        reason: String,
    },
    /// To `event`: whoever caused it did something wrong and is told.
    Tell {
        /// The event's.
        id: u64,
        /// What; without `room` and `to`.
        post: Post,
    },
    /// To `event`: it will not work later either.
    Reject {
        /// The event's.
        id: u64,
        /// What happened.
        reason: String,
    },
    /// To `event`: the instance cannot go on.
    Stop {
        /// The event's.
        id: u64,
        /// What happened.
        reason: String,
    },
}

/// Who reads commands out of posts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadBy {
    /// The host, by the description; it also answers `!help`, and tells people how a command is written.
    #[default]
    Host,
    /// The bot: posts come as they are.
    Bot,
}

/// Why an instance cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// The setting, like `announcements[2].cron`; empty for the whole.
    #[serde(default)]
    pub path: String,
    /// What is wrong with it.
    pub problem: String,
}

/// What a handled event leads to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Done {
    /// The event's.
    pub id: u64,
    /// Posts, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub posts: Vec<Post>,
    /// Mails, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mails: Vec<QueuedMail>,
    /// Messages to be taken out of their rooms, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removals: Vec<Removal>,
    /// When the instance wants to be woken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wake: Option<DateTime<Utc>>,
    /// What is remembered from now on, by key; `null` forgets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub state: BTreeMap<String, Option<Value>>,
    /// Why nothing, or less than expected, was posted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
}

/// Why a line is none of the protocol.
#[derive(Debug, thiserror::Error)]
#[error("not a line of the protocol: {problem}: {start}")]
pub struct ProtocolError {
    problem: serde_json::Error,
    /// How it begins, for people.
    start: String,
}

impl FromBot {
    /// Reads a line.
    ///
    /// # Errors
    /// [`ProtocolError`] when it is not JSON, not of this protocol, or has a field that is not.
    pub fn read(line: &[u8]) -> Result<Self, ProtocolError> {
        read(line)
    }

    /// Which event it answers, if any.
    pub fn id(&self) -> Option<u64> {
        match self {
            Self::Hello { .. } | Self::Ready(_) | Self::Refused { .. } => None,
            Self::Done(Done { id, .. })
            | Self::Retry { id, .. }
            | Self::Tell { id, .. }
            | Self::Reject { id, .. }
            | Self::Stop { id, .. } => Some(*id),
        }
    }
}

impl ToBot {
    /// Reads a line.
    ///
    /// # Errors
    /// [`ProtocolError`] when it is not JSON or not of this protocol.
    pub fn read(line: &[u8]) -> Result<Self, ProtocolError> {
        read(line)
    }
}

/// Bytes of a line that are shown when it is no line of the protocol.
const SHOWN: usize = 80;

fn read<T: serde::de::DeserializeOwned>(line: &[u8]) -> Result<T, ProtocolError> {
    serde_json::from_slice(line).map_err(|problem| ProtocolError {
        problem,
        start: String::from_utf8_lossy(&line[..line.len().min(SHOWN)])
            .escape_debug()
            .to_string(),
    })
}
