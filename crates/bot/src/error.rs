//! What can go wrong with a bot: when it is made ([`SetupError`]) and when it handles an event ([`BotError`]).

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::{Message, Room};

/// Why an instance cannot be made from its settings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The configuration names a kind of bot that this program does not have.
    #[error("no bot of kind `{kind}`; there are {}", known.join(", "))]
    UnknownKind {
        /// As configured.
        kind: String,
        /// The kinds that exist.
        known: Vec<String>,
    },
    /// A setting is missing, unknown, of the wrong type or has a value that is not accepted.
    #[error("{path}: {source}")]
    Setting {
        /// The setting inside the instance's settings, for example `announcements[2].cron`; `.` for the whole.
        path: String,
        /// What is wrong with it.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A setting names a room that is not one of the instance's rooms.
    #[error("{path}: `{room}` is not one of this bot's rooms ({})", names(configured))]
    UnknownRoom {
        /// The setting.
        path: String,
        /// As configured.
        room: String,
        /// The instance's rooms.
        configured: Vec<Room>,
    },
    /// The settings are not to blame: what the bot needs is away, such as the program that it runs in. It may be there
    /// later, so that an instance that ran before is made again after a while.
    #[error("{0}")]
    Unavailable(Box<dyn Error + Send + Sync>),
    /// Several of these, none of which is itself this.
    #[error("{}", lines(.0))]
    Several(Vec<Self>),
}

impl SetupError {
    /// Everything that was found wrong, as one error.
    ///
    /// # Errors
    /// When there is any.
    pub fn all(problems: Vec<Self>) -> Result<(), Self> {
        let mut each: Vec<Self> = problems.into_iter().flat_map(Self::each).collect();
        match each.len() {
            0 => Ok(()),
            1 => Err(each.remove(0)),
            _ => Err(Self::Several(each)),
        }
    }

    /// The problems one by one.
    pub fn each(self) -> Vec<Self> {
        match self {
            Self::Several(problems) => problems,
            one => vec![one],
        }
    }

    /// The setting at `path` is wrong because of `source`, an error or a text.
    pub fn setting(path: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Setting {
            path: path.into(),
            source: source.into(),
        }
    }

    /// The same with `path` before its own: for the settings of one entry of a list.
    pub(crate) fn below(self, path: &str) -> Self {
        match self {
            Self::Setting { path: own, source } if own == "." => Self::Setting {
                path: path.to_owned(),
                source,
            },
            Self::Setting { path: own, source } => Self::Setting {
                path: format!("{path}.{own}"),
                source,
            },
            other => other,
        }
    }

    /// The path of the setting inside the instance's settings, when one setting is to blame.
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::UnknownKind { .. } | Self::Unavailable(_) | Self::Several(_) => None,
            Self::Setting { path, .. } | Self::UnknownRoom { path, .. } => Some(path),
        }
    }
}

fn lines(problems: &[SetupError]) -> String {
    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

fn names(rooms: &[Room]) -> String {
    rooms.iter().map(Room::as_str).collect::<Vec<_>>().join(", ")
}

/// Why an event was not handled, which decides what the host does next. Nothing that the handler posted or
/// remembered before it failed takes effect.
///
/// `?` on any error gives [`BotError::Retry`]. It is not itself a [`std::error::Error`], which is what allows that.
#[derive(Debug)]
#[non_exhaustive]
pub enum BotError {
    /// It may work later: the host hands over the same event again, after `after` or its own back-off, some times;
    /// then it sets the event aside.
    Retry {
        /// Not before this time has passed.
        after: Option<Duration>,
        /// What happened.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Whoever caused the event did something wrong: the message is posted to the event's room, and the event is
    /// done. For an event without a room it is as [`BotError::Reject`].
    Tell(Message),
    /// It will not work later either: the host sets the event aside with this reason and goes on with the next.
    Reject(Box<dyn Error + Send + Sync>),
    /// The instance cannot go on: the host stops it and says so. Other instances are not touched.
    Stop(Box<dyn Error + Send + Sync>),
    /// The instance cannot go on as it is, such as one whose program has ended: the host makes it anew from its settings,
    /// as after a panic, and hands over the same event again.
    Broken(Box<dyn Error + Send + Sync>),
}

impl BotError {
    /// Try again after at least `after`.
    pub fn retry_after(after: Duration, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Retry {
            after: Some(after),
            source: source.into(),
        }
    }

    /// Tell the user.
    pub fn tell(message: impl Into<Message>) -> Self {
        Self::Tell(message.into())
    }

    /// Set the event aside.
    pub fn reject(reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Reject(reason.into())
    }

    /// Stop the instance.
    pub fn stop(reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Stop(reason.into())
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for BotError {
    fn from(source: E) -> Self {
        Self::Retry {
            after: None,
            source: Box::new(source),
        }
    }
}

impl fmt::Display for BotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retry { source, .. } => write!(f, "failed, to be tried again: {source}"),
            Self::Tell(message) => write!(f, "refused: {}", message.display_text()),
            Self::Reject(reason) => write!(f, "set aside: {reason}"),
            Self::Stop(reason) => write!(f, "stopped: {reason}"),
            Self::Broken(reason) => write!(f, "broken: {reason}"),
        }
    }
}
