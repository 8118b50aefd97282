//! Times by the wall clock of a zone: cron expressions, what clock changes do to them, and what happens with times
//! that nobody was there for. Waiting for a time is the host's task; nothing here reads a clock.
//!
//! # Clock changes
//!
//! An expression is evaluated on the zone's wall clock. Where that clock jumps, [`Gap`] and [`Overlap`] decide. Their
//! defaults follow from the expression, as a crontab's user expects:
//!
//! | expression | in the hour that is skipped | in the hour that comes twice |
//! |---|---|---|
//! | fixed hour and minute (`30 2 * * *`) | runs once, when the gap ends | runs once, at the first |
//! | `*` in hour or minute (`30 * * * *`, `*/10 * * * *`) | does not run | runs in both |

mod cron;
mod misfire;
mod occurrences;
mod zone;

pub use cron::{Cron, CronError, Field};
pub use misfire::{CatchUp, Misfire, MisfireError};
pub use occurrences::Upcoming;
pub use zone::{Zone, ZoneError};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The times of a cron expression in a zone.
///
/// ```
/// use parlor_bot::schedule::Schedule;
///
/// let schedule = Schedule::new("30 8 * * MON-FRI".parse()?, "Europe/Berlin".parse()?);
/// let friday = "2026-03-27T12:00:00Z".parse()?;
/// let next = schedule.next(friday).map(|time| time.to_rfc3339());
/// assert_eq!(next.as_deref(), Some("2026-03-30T06:30:00+00:00")); // Monday, summer time by then
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    cron: Cron,
    zone: Zone,
    gap: Gap,
    overlap: Overlap,
}

/// What happens with a time that the wall clock skips.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gap {
    /// It comes when the gap ends; several of one gap come as one.
    RunAfter,
    /// It does not come.
    Skip,
}

/// What happens with a time that the wall clock shows twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// It comes the first time.
    First,
    /// It comes the second time.
    Second,
    /// It comes both times.
    Both,
}

impl Schedule {
    /// The times of `cron` in `zone`, with the rules for clock changes that suit the expression.
    pub fn new(cron: Cron, zone: Zone) -> Self {
        let (gap, overlap) = if cron.is_periodic() {
            (Gap::Skip, Overlap::Both)
        } else {
            (Gap::RunAfter, Overlap::First)
        };
        Self {
            cron,
            zone,
            gap,
            overlap,
        }
    }

    /// With this rule for skipped times.
    #[must_use]
    pub fn with_gap(mut self, gap: Gap) -> Self {
        self.gap = gap;
        self
    }

    /// With this rule for repeated times.
    #[must_use]
    pub fn with_overlap(mut self, overlap: Overlap) -> Self {
        self.overlap = overlap;
        self
    }

    /// The expression.
    pub fn cron(&self) -> &Cron {
        &self.cron
    }

    /// The zone.
    pub fn zone(&self) -> Zone {
        self.zone
    }

    /// The rule for skipped times.
    pub fn gap(&self) -> Gap {
        self.gap
    }

    /// The rule for repeated times.
    pub fn overlap(&self) -> Overlap {
        self.overlap
    }

    /// The first time after `after`; `None` when there is none before the year 2100.
    pub fn next(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        occurrences::next(self, after)
    }

    /// The latest time at or before `until` and after `after`.
    pub fn latest(&self, after: DateTime<Utc>, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
        occurrences::latest(self, after, until)
    }

    /// All times after `after`, in order.
    pub fn upcoming(&self, after: DateTime<Utc>) -> Upcoming<'_> {
        Upcoming::new(self, after)
    }
}
