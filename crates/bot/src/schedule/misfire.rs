//! What happens with times that passed while nobody was there.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Schedule;
use crate::settings::Span;

/// A time counts as met until this much later: a timer's slack, a busy host, a quick restart.
const ON_TIME: TimeDelta = TimeDelta::seconds(60);

/// Missed times are counted up to here; beyond, only that there were many matters.
const MAX_COUNTED: usize = 1000;

/// What happens with a time that passed while the host was away. At most the latest one is made up for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfire {
    /// Nothing.
    Skip,
    /// The latest one comes at the start.
    Latest,
    /// The latest one comes at the start when it is not longer ago than this.
    Within(Duration),
}

impl Default for Misfire {
    /// Within a quarter of an hour: late is better than never, but no "good morning" in the afternoon.
    fn default() -> Self {
        Self::Within(Duration::from_secs(15 * 60))
    }
}

/// What has come due since the last time that was decided on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatchUp {
    /// The time to run now.
    pub run: Option<DateTime<Utc>>,
    /// How many other times passed and are not made up for; counted up to a thousand.
    pub missed: u32,
    /// The latest time that this decides on: the `last` of the next question.
    pub decided: DateTime<Utc>,
}

impl Misfire {
    /// Decides what of the times after `last` until `now` is run; `None` when there were none.
    pub fn catch_up(self, schedule: &Schedule, last: DateTime<Utc>, now: DateTime<Utc>) -> Option<CatchUp> {
        let latest = schedule.latest(last, now)?;
        let earlier = schedule
            .upcoming(last)
            .take_while(|time| *time < latest)
            .take(MAX_COUNTED)
            .count();
        let late = now - latest;
        let run = late <= ON_TIME
            || match self {
                Self::Skip => false,
                Self::Latest => true,
                Self::Within(limit) => late <= Span(limit).delta(),
            };
        let missed = earlier + usize::from(!run);
        Some(CatchUp {
            run: run.then_some(latest),
            missed: u32::try_from(missed).unwrap_or(u32::MAX),
            decided: latest,
        })
    }
}

/// The text is not a misfire policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a policy for missed times; write \"skip\", \"latest\" or \"within(15m)\"")]
pub struct MisfireError;

impl FromStr for Misfire {
    type Err = MisfireError;

    fn from_str(text: &str) -> Result<Self, MisfireError> {
        match text.trim() {
            "skip" => Ok(Self::Skip),
            "latest" => Ok(Self::Latest),
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
