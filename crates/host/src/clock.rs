//! Where the host's time comes from. A test's time follows tokio's, so that it can be paused and advanced.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

/// The longest uninterrupted wait for a due time: after it the wall clock is read again, so that a clock that was
/// set, or a machine that slept, is noticed.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// The wall clock, or one that starts at a chosen time and follows tokio's.
#[derive(Debug, Clone, Copy)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// Shows `wall` when tokio's clock shows `origin`, and goes with it from there.
    Virtual {
        /// The time at the origin.
        wall: DateTime<Utc>,
        /// The origin.
        origin: Instant,
    },
}

impl Clock {
    /// A clock that shows `wall` now and follows tokio's (paused) time.
    pub fn starting_at(wall: DateTime<Utc>) -> Self {
        Self::Virtual {
            wall,
            origin: Instant::now(),
        }
    }

    /// The time.
    pub fn now(&self) -> DateTime<Utc> {
        match self {
            Self::System => Utc::now(),
            Self::Virtual { wall, origin } => {
                *wall + chrono::Duration::from_std(origin.elapsed()).unwrap_or(chrono::Duration::MAX)
            }
        }
    }

    /// The time that tokio's clock shows as `moment`, which is not in the future.
    pub(crate) fn at(&self, moment: Instant) -> DateTime<Utc> {
        let ago = chrono::Duration::from_std(moment.elapsed()).unwrap_or(chrono::Duration::MAX);
        self.now().checked_sub_signed(ago).unwrap_or_default()
    }

    /// Milliseconds since the Unix epoch.
    pub(crate) fn millis(&self) -> i64 {
        self.now().timestamp_millis()
    }

    /// Waits until `due`, or for a while in which the clock may have been set: ask [`Clock::now`] again after it.
    pub(crate) async fn wait_towards(&self, due: DateTime<Utc>) {
        let left = (due - self.now()).to_std().unwrap_or(Duration::ZERO);
        tokio::time::sleep(left.min(LOOK_AGAIN)).await;
    }
}
