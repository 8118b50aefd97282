//! Times that come every so often, whatever the clocks on the wall show.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::{Moment, Zone};
use crate::settings::Span;

/// Every so much elapsed time, in whole seconds, counted from an anchor in both directions.
///
/// A clock change neither adds nor drops a time, so that "every day" is another hour of the day after one: what is to
/// come at an hour of the day is a [`super::Cron`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    seconds: i64,
    anchor: DateTime<Utc>,
}

/// An interval below one second or above ten years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not in 1s-3653d; write for example \"15m\", \"2h\" or \"1w\"", Span(*.0))]
pub struct IntervalError(Duration);

impl Interval {
    /// Every `every`, counted from `anchor`.
    ///
    /// # Errors
    /// When `every` is below one second or above [`Span::MAX`].
    pub fn new(every: Duration, anchor: DateTime<Utc>) -> Result<Self, IntervalError> {
        let seconds = i64::try_from(every.as_secs()).unwrap_or(0);
        if seconds == 0 || every > Span::MAX {
            return Err(IntervalError(every));
        }
        Ok(Self { seconds, anchor })
    }

    /// The anchor when none is named: the start of Monday, 1 January 2001, in the zone. So quarters of an hour are those
    /// of the clock, and a week begins on Monday.
    pub fn default_anchor(zone: Zone) -> DateTime<Utc> {
        NaiveDate::from_ymd_opt(2001, 1, 1).map_or(DateTime::UNIX_EPOCH, |day| Moment::Day(day).start(zone))
    }

    /// The length of the interval.
    pub fn every(self) -> Duration {
        Duration::from_secs(self.seconds.unsigned_abs())
    }

    /// What is counted from.
    pub fn anchor(self) -> DateTime<Utc> {
        self.anchor
    }

    pub(super) fn next(self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let elapsed = (after - self.anchor).num_milliseconds().div_euclid(1000);
        let steps = elapsed.div_euclid(self.seconds) + 1;
        self.anchor
            .checked_add_signed(TimeDelta::try_seconds(steps.checked_mul(self.seconds)?)?)
    }

    pub(super) fn holds(self, time: DateTime<Utc>) -> bool {
        self.next(time - TimeDelta::seconds(1)) == Some(time)
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "every {}", Span(self.every()))
    }
}
