//! Many schedules in the order in which they come due.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use parlor_bot::ScheduleSpec;
use parlor_bot::schedule::{CatchUp, Seed};

/// Schedules by key, driven by the `now` of whoever waits. One heap for all: a schedule that is not due costs nothing.
///
/// ```text
/// loop {
///     sleep until scheduler.next_due()          // or until a schedule is added or removed
///     for due in scheduler.due(now) { store due.caught for due.key; hand what fires to the bot }
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
    spec: Arc<ScheduleSpec>,
    seed: Seed,
    last: DateTime<Utc>,
    next: Option<Next>,
}

/// The next time of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Next {
    /// The time itself.
    pub due: DateTime<Utc>,
    /// When it comes, later by its jitter.
    pub comes: DateTime<Utc>,
}

/// What came due of one schedule.
#[derive(Clone, Debug, PartialEq)]
pub struct Due<K> {
    /// Whose.
    pub key: K,
    /// The schedule.
    pub spec: Arc<ScheduleSpec>,
    /// What is decided. Its `decided` is to be stored, and given as `last` to [`Scheduler::add`] after a restart.
    pub caught: CatchUp,
}

impl Job {
    fn look_ahead(&mut self) {
        self.next = self.spec.schedule.next(self.last).map(|due| Next {
            due,
            comes: self.spec.comes_at(self.seed, due),
        });
    }
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
    pub fn add(&mut self, key: K, spec: Arc<ScheduleSpec>, seed: Seed, last: DateTime<Utc>) {
        let mut job = Job {
            spec,
            seed,
            last,
            next: None,
        };
        job.look_ahead();
        if let Some(next) = job.next {
            self.heap.push(Reverse((next.comes, key.clone())));
        }
        self.jobs.insert(key, job);
    }

    /// Removes a schedule.
    pub fn remove(&mut self, key: &K) {
        self.jobs.remove(key);
    }

    /// When the next one comes.
    pub fn next_due(&mut self) -> Option<DateTime<Utc>> {
        while let Some(Reverse((time, key))) = self.heap.peek() {
            let next = self.jobs.get(key).and_then(|job| job.next);
            if next.is_some_and(|next| next.comes == *time) {
                return Some(*time);
            }
            self.heap.pop();
        }
        None
    }

    /// Takes out what has come at `now`, the longest due first.
    pub fn due(&mut self, now: DateTime<Utc>) -> Vec<Due<K>> {
        let mut all = Vec::new();
        while self.next_due().is_some_and(|due| due <= now) {
            let Some(Reverse((_, key))) = self.heap.pop() else {
                break;
            };
            let Some(job) = self.jobs.get_mut(&key) else {
                continue;
            };
            let Some(caught) = job.spec.catch_up(job.seed, job.last, now) else {
                continue;
            };
            job.last = caught.decided;
            job.look_ahead();
            if let Some(next) = job.next {
                self.heap.push(Reverse((next.comes, key.clone())));
            }
            let spec = Arc::clone(&job.spec);
            all.push(Due { key, spec, caught });
        }
        all
    }

    /// The schedules and when each comes next, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &ScheduleSpec, Option<Next>)> {
        self.jobs.iter().map(|(key, job)| (key, &*job.spec, job.next))
    }
}

impl<K: Ord + Clone> Default for Scheduler<K> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use parlor_bot::schedule::{Misfire, Outcome, Schedule};

    use super::*;

    fn at(time: &str) -> DateTime<Utc> {
        format!("2026-11-21T{time}Z").parse().unwrap()
    }

    fn add<K: Ord + Clone>(
        scheduler: &mut Scheduler<K>,
        key: K,
        cron: &str,
        misfire: Misfire,
        last: DateTime<Utc>,
    ) {
        let schedule = Schedule::new(cron.parse().unwrap(), "UTC".parse().unwrap());
        let spec = ScheduleSpec::new("test", schedule).misfire(misfire);
        scheduler.add(key, spec.into(), Seed::of("bot", "test"), last);
    }

    /// What fires, as `hourly 09:00:00 after 0`.
    fn fires(scheduler: &mut Scheduler<&'static str>, now: &str) -> Vec<String> {
        let due = scheduler.due(at(now));
        let mut fires = Vec::new();
        for one in &due {
            for decision in &one.caught.decisions {
                if let Outcome::Fires { missed } = decision.outcome {
                    fires.push(format!(
                        "{} {} after {missed}",
                        one.key,
                        decision.due.format("%H:%M:%S")
                    ));
                }
            }
        }
        fires
    }

    #[test]
    fn schedules_come_due_in_order_and_again() {
        let mut scheduler = Scheduler::new();
        add(
            &mut scheduler,
            "hourly",
            "0 * * * *",
            Misfire::Skip,
            at("08:30:00"),
        );
        add(
            &mut scheduler,
            "half",
            "30 9 * * *",
            Misfire::Skip,
            at("08:30:00"),
        );
        assert_eq!(scheduler.next_due(), Some(at("09:00:00")));
        assert!(scheduler.due(at("08:59:59")).is_empty());
        assert_eq!(fires(&mut scheduler, "09:00:00"), ["hourly 09:00:00 after 0"]);
        assert!(scheduler.due(at("09:00:00")).is_empty(), "once is enough");
        assert_eq!(scheduler.next_due(), Some(at("09:30:00")));
        assert_eq!(fires(&mut scheduler, "09:30:10"), ["half 09:30:00 after 0"]);
        assert_eq!(scheduler.next_due(), Some(at("10:00:00")));
    }

    #[test]
    fn what_passed_while_nobody_was_there_is_decided_once() {
        for (misfire, fired) in [
            (Misfire::Skip, vec![]),
            (Misfire::Latest, vec!["hourly 11:00:00 after 2"]),
            (
                Misfire::All,
                vec![
                    "hourly 09:00:00 after 0",
                    "hourly 10:00:00 after 0",
                    "hourly 11:00:00 after 0",
                ],
            ),
        ] {
            let mut scheduler = Scheduler::new();
            add(&mut scheduler, "hourly", "0 * * * *", misfire, at("08:00:00"));
            assert_eq!(fires(&mut scheduler, "11:30:00"), fired);
            assert_eq!(scheduler.next_due(), Some(at("12:00:00")));
        }
    }

    #[test]
    fn a_schedule_can_be_replaced_and_removed() {
        let mut scheduler = Scheduler::new();
        add(&mut scheduler, "a", "0 9 * * *", Misfire::Skip, at("08:00:00"));
        add(&mut scheduler, "a", "0 10 * * *", Misfire::Skip, at("08:00:00"));
        assert_eq!(scheduler.next_due(), Some(at("10:00:00")));
        assert_eq!(fires(&mut scheduler, "10:00:00"), ["a 10:00:00 after 0"]);
        scheduler.remove(&"a");
        assert_eq!(scheduler.next_due(), None);
    }
}
