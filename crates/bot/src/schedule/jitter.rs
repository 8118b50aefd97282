//! Spreading what comes due together, the same way after every restart.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Schedule;
use crate::settings::Span;

/// How late a time may be made at most, in whole seconds up to a day. How late each one is follows from the instance,
/// the schedule and the time alone, so that a restart changes nothing. A time never waits past the next one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Jitter(u32);

/// More than a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more than a day; write for example \"30s\" or \"5m\"")]
pub struct JitterError;

/// The longest jitter, in seconds: beyond a day a schedule would not say when anything comes.
const MAX_SECONDS: u32 = 86_400;

/// What tells the schedules of a host apart: made of the instance's and the schedule's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(u64);

impl Seed {
    /// The seed of a schedule.
    pub fn of(instance: &str, schedule: &str) -> Self {
        // FNV-1a: the same in every version of this program, which the standard library's hashes do not promise.
        let bytes = instance.bytes().chain([0]).chain(schedule.bytes());
        Self(bytes.fold(0xcbf2_9ce4_8422_2325, step))
    }
}

fn step(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
}

impl Jitter {
    /// Up to `most` late.
    ///
    /// # Errors
    /// When that is more than a day.
    pub fn up_to(most: Duration) -> Result<Self, JitterError> {
        match u32::try_from(most.as_secs()) {
            Ok(seconds) if seconds <= MAX_SECONDS => Ok(Self(seconds)),
            _ => Err(JitterError),
        }
    }

    /// How late a time may be made.
    pub fn most(self) -> Duration {
        Duration::from_secs(u64::from(self.0))
    }

    /// When a time of `schedule` really comes.
    pub fn applied(self, schedule: &Schedule, seed: Seed, due: DateTime<Utc>) -> DateTime<Utc> {
        if self.0 == 0 {
            return due;
        }
        let free = schedule
            .next(due)
            .map_or(i64::MAX, |next| (next - due).num_seconds());
        let most = i64::from(self.0).min(free).unsigned_abs();
        let mixed = due.timestamp().to_le_bytes().into_iter().fold(seed.0, step);
        // The high bits of the product are the well-mixed ones.
        let late = ((u128::from(mixed) * u128::from(most + 1)) >> 64) as i64;
        due + TimeDelta::seconds(late)
    }
}

impl Serialize for Jitter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Span(self.most()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Jitter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let span = Span::deserialize(deserializer)?;
        Self::up_to(span.duration()).map_err(|problem| de::Error::custom(format_args!("`{span}`: {problem}")))
    }
}
