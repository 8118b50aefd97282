//! Many schedules in the order in which they come due.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use chrono::{DateTime, Utc};
use parlor_bot::schedule::{Misfire, Schedule};

/// Schedules by key, driven by the `now` of whoever waits.
///
/// ```text
/// loop {
///     sleep until scheduler.next_due()          // or until a schedule is added or removed
///     for fire in scheduler.due(now) { store fire.decided for fire.key; hand fire.run to the bot }
/// }
/// ```
///
/// A schedule's policy for missed times holds at a start (`last` given to [`Scheduler::add`]) and equally when the
/// machine slept or the clock was set forward while running.
#[derive(Debug)]
pub struct Scheduler<K> {
    jobs: BTreeMap<K, Job>,
    /// Next times; entries whose time is not their job's `next` any more are passed over.
    heap: BinaryHeap<Reverse<(DateTime<Utc>, K)>>,
}

#[derive(Debug)]
struct Job {
    schedule: Schedule,
    misfire: Misfire,
    last: DateTime<Utc>,
    next: Option<DateTime<Utc>>,
}

/// What came due of one schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fire<K> {
    /// Whose.
    pub key: K,
    /// The time that is run; `None` when its policy passes over all that was due.
    pub run: Option<DateTime<Utc>>,
    /// How many times were missed.
    pub missed: u32,
    /// To be stored, and given as `last` to [`Scheduler::add`] after a restart.
    pub decided: DateTime<Utc>,
}

impl<K: Ord + Clone> Scheduler<K> {
    /// Without schedules.
    pub fn new() -> Self {
        Self {
            jobs: BTreeMap::new(),
            heap: BinaryHeap::new(),
        }
    }

    /// Adds a schedule, or replaces the one of the same key. `last` is what was stored of it: times after it count,
    /// also when they have passed. For a schedule that is new it is the present, which is to be stored as well.
    pub fn add(&mut self, key: K, schedule: Schedule, misfire: Misfire, last: DateTime<Utc>) {
        let next = schedule.next(last);
        if let Some(next) = next {
            self.heap.push(Reverse((next, key.clone())));
        }
        self.jobs.insert(
            key,
            Job {
                schedule,
                misfire,
                last,
                next,
            },
        );
    }

    /// Removes a schedule.
    pub fn remove(&mut self, key: &K) {
        self.jobs.remove(key);
    }

    /// When the next one is due.
    pub fn next_due(&mut self) -> Option<DateTime<Utc>> {
        while let Some(Reverse((time, key))) = self.heap.peek() {
            if self.jobs.get(key).is_some_and(|job| job.next == Some(*time)) {
                return Some(*time);
            }
            self.heap.pop();
        }
        None
    }

    /// Takes out what is due at `now`, the longest due first.
    pub fn due(&mut self, now: DateTime<Utc>) -> Vec<Fire<K>> {
        let mut fires = Vec::new();
        while self.next_due().is_some_and(|due| due <= now) {
            let Some(Reverse((_, key))) = self.heap.pop() else {
                break;
            };
            let Some(job) = self.jobs.get_mut(&key) else {
                continue;
            };
            let Some(caught) = job.misfire.catch_up(&job.schedule, job.last, now) else {
                continue;
            };
            job.last = caught.decided;
            job.next = job.schedule.next(job.last);
            if let Some(next) = job.next {
                self.heap.push(Reverse((next, key.clone())));
            }
            fires.push(Fire {
                key,
                run: caught.run,
                missed: caught.missed,
                decided: caught.decided,
            });
        }
        fires
    }

    /// The schedules and when each comes next, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &Schedule, Option<DateTime<Utc>>)> {
        self.jobs.iter().map(|(key, job)| (key, &job.schedule, job.next))
    }
}

impl<K: Ord + Clone> Default for Scheduler<K> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(time: &str) -> DateTime<Utc> {
        format!("2026-11-21T{time}Z").parse().unwrap()
    }

    fn schedule(cron: &str) -> Schedule {
        Schedule::new(cron.parse().unwrap(), "UTC".parse().unwrap())
    }

    fn run(key: &'static str, time: &str) -> Fire<&'static str> {
        Fire {
            key,
            run: Some(at(time)),
            missed: 0,
            decided: at(time),
        }
    }

    #[test]
    fn schedules_come_due_in_order_and_again() {
        let mut scheduler = Scheduler::new();
        scheduler.add("hourly", schedule("0 * * * *"), Misfire::Skip, at("08:30:00"));
        scheduler.add("half", schedule("30 9 * * *"), Misfire::Skip, at("08:30:00"));
        assert_eq!(scheduler.next_due(), Some(at("09:00:00")));
        assert_eq!(scheduler.due(at("08:59:59")), []);
        assert_eq!(scheduler.due(at("09:00:00")), [run("hourly", "09:00:00")]);
        assert_eq!(scheduler.due(at("09:00:00")), [], "once is enough");
        assert_eq!(scheduler.next_due(), Some(at("09:30:00")));
        assert_eq!(scheduler.due(at("09:30:10")), [run("half", "09:30:00")]);
        assert_eq!(scheduler.next_due(), Some(at("10:00:00")));
    }

    #[test]
    fn what_passed_while_nobody_was_there_is_decided_once() {
        for (misfire, fired) in [(Misfire::Skip, None), (Misfire::Latest, Some(at("11:00:00")))] {
            let mut scheduler = Scheduler::new();
            scheduler.add("hourly", schedule("0 * * * *"), misfire, at("08:00:00"));
            let missed = if fired.is_some() { 2 } else { 3 };
            let expected = Fire {
                key: "hourly",
                run: fired,
                missed,
                decided: at("11:00:00"),
            };
            assert_eq!(scheduler.due(at("11:30:00")), [expected]);
            assert_eq!(scheduler.next_due(), Some(at("12:00:00")));
        }
    }

    #[test]
    fn a_schedule_can_be_replaced_and_removed() {
        let mut scheduler = Scheduler::new();
        scheduler.add("a", schedule("0 9 * * *"), Misfire::Skip, at("08:00:00"));
        scheduler.add("a", schedule("0 10 * * *"), Misfire::Skip, at("08:00:00"));
        assert_eq!(scheduler.next_due(), Some(at("10:00:00")));
        assert_eq!(scheduler.due(at("10:00:00")), [run("a", "10:00:00")]);
        scheduler.remove(&"a");
        assert_eq!(scheduler.next_due(), None);
    }

    proptest! {
        #[test]
        fn a_restart_anywhere_neither_repeats_nor_loses(
            steps in prop::collection::vec((1..50_i64, any::<bool>()), 1..60),
        ) {
            let start = at("00:00:00");
            let each_five = || schedule("*/5 * * * *");
            let (mut now, mut last) = (start, start);
            let mut fired = Vec::new();
            let mut scheduler = Scheduler::new();
            scheduler.add((), each_five(), Misfire::Latest, last);
            for (seconds, restart) in steps {
                now += chrono::TimeDelta::seconds(seconds);
                if restart {
                    scheduler = Scheduler::new();
                    scheduler.add((), each_five(), Misfire::Latest, last);
                }
                for fire in scheduler.due(now) {
                    fired.extend(fire.run);
                    last = fire.decided;
                }
            }
            let expected: Vec<_> = each_five().upcoming(start).take_while(|time| *time <= now).collect();
            prop_assert_eq!(fired, expected);
        }
    }
}
