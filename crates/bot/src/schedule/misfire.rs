//! What happens with times that passed while nobody was there.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::settings::Span;

/// What happens with times that passed while the host was away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfire {
    /// Nothing.
    Skip,
    /// The latest one comes at the start.
    Latest,
    /// All of them come at the start, in order; of more than [`super::MAX_DECISIONS`], the latest so many.
    All,
    /// The latest one comes at the start when it is not longer ago than this.
    Within(Duration),
}

impl Default for Misfire {
    /// Within a quarter of an hour: late is better than never, but no "good morning" in the afternoon.
    fn default() -> Self {
        Self::Within(Duration::from_secs(15 * 60))
    }
}

/// The text is not a misfire policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a policy for missed times; write \"skip\", \"latest\", \"all\" or \"within(15m)\"")]
pub struct MisfireError;

impl FromStr for Misfire {
    type Err = MisfireError;

    fn from_str(text: &str) -> Result<Self, MisfireError> {
        match text.trim() {
            "skip" => Ok(Self::Skip),
            "latest" => Ok(Self::Latest),
            "all" => Ok(Self::All),
            text => {
                let span = text
                    .strip_prefix("within")
                    .and_then(|rest| rest.trim().strip_prefix('(')?.strip_suffix(')'));
                let span: Span = span
                    .ok_or(MisfireError)?
                    .trim()
                    .parse()
                    .map_err(|_| MisfireError)?;
                Ok(Self::Within(span.0))
            }
        }
    }
}

impl fmt::Display for Misfire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Skip => f.write_str("skip"),
            Self::Latest => f.write_str("latest"),
            Self::All => f.write_str("all"),
            Self::Within(span) => write!(f, "within({})", Span(*span)),
        }
    }
}

impl Serialize for Misfire {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Misfire {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|problem| de::Error::custom(format_args!("`{text}`: {problem}")))
    }
}
