//! What happens with a time that comes while earlier ones still wait to be handled or delivered.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// How many earlier fires of one schedule may wait in all: a server that is away for a day makes a minutely schedule
/// wait so often; after that it says the same again and again.
const MAX_WAITING: u32 = 1440;

/// What happens with a time that comes while earlier fires of its schedule wait: for their handler, or for their posts
/// to be delivered. Elsewhere it is called an overlap or concurrency policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Busy {
    /// It waits behind them, as many as there are, up to 1440.
    #[default]
    Queue,
    /// It waits when only one is there, and is skipped when one waits already.
    One,
    /// It is skipped.
    Skip,
}

impl Busy {
    /// How many earlier ones may wait for a time to fire all the same.
    pub const fn limit(self) -> u32 {
        match self {
            Self::Queue => MAX_WAITING,
            Self::One => 1,
            Self::Skip => 0,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::One => "one",
            Self::Skip => "skip",
        }
    }
}

/// The text is not a rule for times that come while earlier ones wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a rule for times that come while earlier ones wait; write \"queue\", \"one\" or \"skip\"")]
pub struct BusyError;

impl FromStr for Busy {
    type Err = BusyError;

    fn from_str(text: &str) -> Result<Self, BusyError> {
        [Self::Queue, Self::One, Self::Skip]
            .into_iter()
            .find(|busy| busy.name() == text.trim())
            .ok_or(BusyError)
    }
}

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Busy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Busy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|problem| de::Error::custom(format_args!("`{text}`: {problem}")))
    }
}
