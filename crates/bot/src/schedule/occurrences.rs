//! The evaluation: naive wall-clock times from the expression, mapped to moments by the zone and the rules.

use std::collections::VecDeque;
use std::iter::FusedIterator;

use chrono::{DateTime, MappedLocalTime, NaiveDateTime, TimeDelta, Utc};

use super::{Cron, Gap, Overlap, Schedule, Times};

/// Where schedules end: the crate `cron` knows no years after it.
pub(super) fn horizon() -> DateTime<Utc> {
    DateTime::from_timestamp(4_102_444_800, 0).unwrap_or_default() // 2100-01-01
}

/// The moments at which the wall-clock time `local` comes; the later only where it comes twice.
pub(super) struct Moments {
    pub(super) first: Option<DateTime<Utc>>,
    pub(super) second: Option<DateTime<Utc>>,
}

pub(super) fn moments(schedule: &Schedule, local: NaiveDateTime) -> Moments {
    match schedule.zone.instants(local) {
        MappedLocalTime::Single(time) => Moments {
            first: Some(time),
            second: None,
        },
        MappedLocalTime::Ambiguous(first, second) => match schedule.overlap {
            Overlap::First => Moments {
                first: Some(first),
                second: None,
            },
            Overlap::Second => Moments {
                first: Some(second),
                second: None,
            },
            Overlap::Both => Moments {
                first: Some(first),
                second: Some(second),
            },
        },
        MappedLocalTime::None => Moments {
            first: (schedule.gap == Gap::RunAfter).then(|| schedule.zone.gap_end(local)),
            second: None,
        },
    }
}

/// The first moment after `after`.
pub(super) fn next(schedule: &Schedule, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    match &schedule.times {
        Times::Cron(cron) => next_of_cron(schedule, cron, after),
        Times::Every(interval) => interval.next(after),
    }
}

/// Wall-clock times in order give `first` moments in order, so the search ends at the first one that is late enough.
/// Only second moments come out of order: one of an earlier wall-clock time may still lie ahead while the clock is
/// inside the repeated hour. That is why the search then starts early, and why it keeps the best second moment until
/// the first ones have passed it.
fn next_of_cron(schedule: &Schedule, cron: &Cron, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let local = schedule.zone.local(after);
    let start = match schedule.zone.instants(local) {
        MappedLocalTime::Ambiguous(first, second) => local - (second - first) - TimeDelta::seconds(1),
        _ => local,
    };
    let mut best: Option<DateTime<Utc>> = None;
    let sooner =
        |best: Option<DateTime<Utc>>, time: DateTime<Utc>| Some(best.map_or(time, |best| best.min(time)));
    for local in cron.after(start) {
        let Moments { first, second } = moments(schedule, local);
        if let Some(second) = second.filter(|time| *time > after) {
            best = sooner(best, second);
        }
        if let Some(first) = first.filter(|time| *time > after) {
            return sooner(best, first);
        }
    }
    best
}

/// The last `count` moments after `after` and at or before `until`, in order, found by looking at ever longer stretches
/// of the past: frequent times are found in the short ones, rare ones are few in the long ones.
pub(super) fn latest(
    schedule: &Schedule,
    after: DateTime<Utc>,
    until: DateTime<Utc>,
    count: usize,
) -> VecDeque<DateTime<Utc>> {
    let stretches = [60, 3600, 86_400, 31 * 86_400, 366 * 86_400, 100 * 366 * 86_400].map(TimeDelta::seconds);
    let mut found = VecDeque::new();
    for stretch in stretches {
        let from = after.max(until - stretch);
        found.clear();
        for time in schedule.upcoming(from).take_while(|time| *time <= until) {
            if found.len() == count {
                found.pop_front();
            }
            found.push_back(time);
        }
        if found.len() == count || from == after {
            break;
        }
    }
    found
}

/// The times of a schedule in order; made by [`Schedule::upcoming`].
#[derive(Clone, Debug)]
pub struct Upcoming<'a> {
    schedule: &'a Schedule,
    after: Option<DateTime<Utc>>,
}

impl<'a> Upcoming<'a> {
    pub(super) fn new(schedule: &'a Schedule, after: DateTime<Utc>) -> Self {
        Self {
            schedule,
            after: Some(after),
        }
    }
}

impl Iterator for Upcoming<'_> {
    type Item = DateTime<Utc>;

    fn next(&mut self) -> Option<DateTime<Utc>> {
        self.after = self.schedule.next(self.after?);
        self.after
    }
}

impl FusedIterator for Upcoming<'_> {}
