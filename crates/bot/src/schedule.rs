//! Times by the wall clock of a zone: cron expressions and intervals, what clock changes and calendars do to them, and
//! what happens with times that nobody was there for. Waiting for a time is the host's task; nothing here reads a clock.
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
//!
//! An [`Interval`] is elapsed time, to which no clock change does anything.
//!
//! # From a time to a fire
//!
//! A [`Schedule`] says which times there are. [`crate::ScheduleSpec::catch_up`] decides about each of them once: it
//! fires, or it is [`Skipped`] for a reason.

mod busy;
pub mod calendar;
mod cron;
mod days;
mod decision;
mod explain;
mod interval;
mod jitter;
mod misfire;
mod moment;
mod occurrences;
mod zone;

pub use busy::{Busy, BusyError};
pub use calendar::{Calendar, CalendarError, CalendarFile, CalendarFileError};
pub use cron::{Cron, CronError, Field};
pub use days::{Days, Excluded};
pub use decision::{CatchUp, Decision, MAX_DECISIONS, Outcome, Skipped};
pub use explain::{Explanation, Finding};
pub use interval::{Interval, IntervalError};
pub use jitter::{Jitter, JitterError, Seed};
pub use misfire::{Misfire, MisfireError};
pub use moment::{Moment, MomentError};
pub use occurrences::Upcoming;
pub use zone::{Zone, ZoneError};

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The times of a cron expression or an interval, in a zone, from a start to an end, but for some days.
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
    times: Times,
    zone: Zone,
    gap: Gap,
    overlap: Overlap,
    from: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
    /// Shared: a host keeps each schedule in several places.
    days: Arc<[Days]>,
}

/// The rule by which times come.
#[derive(Clone, Debug, PartialEq)]
pub enum Times {
    /// By the wall clock.
    Cron(Cron),
    /// By elapsed time.
    Every(Interval),
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cron(cron) => cron.fmt(f),
            Self::Every(interval) => interval.fmt(f),
        }
    }
}

/// What happens with a time that the wall clock skips.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Gap {
    /// It comes when the gap ends; several of one gap come as one.
    RunAfter,
    /// It does not come.
    Skip,
}

/// What happens with a time that the wall clock shows twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
            gap,
            overlap,
            ..Self::of(Times::Cron(cron), zone)
        }
    }

    /// The times of an interval; `zone` is what it is shown in, and whose days calendars mean.
    pub fn interval(interval: Interval, zone: Zone) -> Self {
        Self::of(Times::Every(interval), zone)
    }

    fn of(times: Times, zone: Zone) -> Self {
        Self {
            times,
            zone,
            gap: Gap::Skip,
            overlap: Overlap::Both,
            from: None,
            until: None,
            days: Arc::new([]),
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

    /// Not before `from`.
    #[must_use]
    pub fn starting(mut self, from: Moment) -> Self {
        self.from = Some(from.start(self.zone));
        self
    }

    /// Not after `until`: a day includes its last second.
    #[must_use]
    pub fn ending(mut self, until: Moment) -> Self {
        self.until = Some(until.end(self.zone));
        self
    }

    /// With calendars of days that it keeps off or keeps to.
    #[must_use]
    pub fn with_days(mut self, days: impl IntoIterator<Item = Days>) -> Self {
        self.days = days.into_iter().collect();
        self
    }

    /// The rule by which its times come.
    pub fn times(&self) -> &Times {
        &self.times
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

    /// The first moment at which it may come.
    pub fn from(&self) -> Option<DateTime<Utc>> {
        self.from
    }

    /// The last moment at which it may come.
    pub fn until(&self) -> Option<DateTime<Utc>> {
        self.until
    }

    /// The calendars of days that it keeps off or keeps to.
    pub fn days(&self) -> &[Days] {
        &self.days
    }

    /// The first time after `after`; `None` when there is none before its end, or before the year 2100. Whether a
    /// calendar keeps it from coming is said by [`Schedule::excluded`].
    pub fn next(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let after = match self.from {
            Some(from) => after.max(from - TimeDelta::seconds(1)),
            None => after,
        };
        let time = occurrences::next(self, after)?;
        (self.until.is_none_or(|until| time <= until) && time < occurrences::horizon()).then_some(time)
    }

    /// The latest time at or before `until` and after `after`.
    pub fn latest(&self, after: DateTime<Utc>, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
        occurrences::latest(self, after, until, 1).pop_back()
    }

    /// All times after `after`, in order.
    pub fn upcoming(&self, after: DateTime<Utc>) -> Upcoming<'_> {
        Upcoming::new(self, after)
    }

    /// The calendar that keeps a time from coming, as its file was read last.
    pub fn excluded(&self, time: DateTime<Utc>) -> Option<Excluded> {
        days::excluded(&self.days, time, self.zone)
    }
}
