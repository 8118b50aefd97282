//! Wakes instances when their schedules are due. Which times those are, and what is made up for after an absence, is
//! decided by [`crate::schedule`]; this task waits, and puts what fires into the inbox in the same step in which it
//! notes that the time is decided.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use parlor_bot::schedule::{CalendarFile, Decision, Outcome, Seed};
use parlor_bot::{ScheduleFired, ScheduleSpec};
use tokio_util::sync::CancellationToken;

use crate::events::HostEvent;
use crate::fault::Point;
use crate::ground::Ground;
use crate::lane::Bell;
use crate::ledger::LedgerStatus;
use crate::schedule::{Due, Scheduler};
use crate::state::{Decisions, DueTime, NewEntry, NewInput, Settled};
use crate::status::ScheduleStatus;
use crate::worker::Accepted;

/// An instance and one of its schedules.
type Key = (Arc<str>, Arc<str>);

/// The schedules of a host, shared between the task that waits and the status.
#[derive(Debug, Clone, Default)]
pub(crate) struct Timetable {
    scheduler: Arc<Mutex<Scheduler<Key>>>,
}

impl Timetable {
    fn lock(&self) -> MutexGuard<'_, Scheduler<Key>> {
        self.scheduler.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets all schedules, for those who begin anew.
    pub(crate) fn clear(&self) {
        *self.lock() = Scheduler::new();
    }

    /// The next time of each schedule, soonest first, at most `limit`.
    pub(crate) fn next(&self, limit: usize) -> Vec<ScheduleStatus> {
        let scheduler = self.lock();
        let mut next: Vec<_> = scheduler
            .iter()
            .filter_map(|(key, spec, next)| Some((next?.comes, key, spec, next?)))
            .collect();
        next.sort_unstable_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)));
        next.truncate(limit);
        next.into_iter()
            .map(|(_, key, spec, next)| ScheduleStatus::new(&key.0, spec, next))
            .collect()
    }
}

/// Wakes instances when their schedules are due.
#[derive(Debug)]
pub(crate) struct Timekeeper {
    ground: Ground,
    timetable: Timetable,
    bells: HashMap<Arc<str>, Arc<Bell>>,
    /// Each calendar once, however many schedules go by it.
    calendars: Vec<Arc<CalendarFile>>,
    stop: CancellationToken,
}

/// One instance's schedules.
#[derive(Debug)]
pub(crate) struct Scheduled {
    pub(crate) instance: String,
    pub(crate) schedules: Vec<ScheduleSpec>,
    pub(crate) bell: Arc<Bell>,
}

impl Timekeeper {
    pub(crate) fn new(ground: Ground, timetable: Timetable, stop: CancellationToken) -> Self {
        Self {
            ground,
            timetable,
            bells: HashMap::new(),
            calendars: Vec::new(),
            stop,
        }
    }

    /// Reads what was decided before and fires until told to stop.
    pub(crate) async fn run(mut self, scheduled: Vec<Scheduled>) {
        for one in scheduled {
            if self.add(one).await.is_none() {
                return;
            }
        }
        for next in self.timetable.next(ANNOUNCED) {
            self.ground.announcer.tell(HostEvent::ScheduleNext {
                instance: next.instance,
                schedule: next.schedule,
                due: next.due,
            });
        }
        while self.wait().await {
            self.refresh_calendars().await;
            let all = self.timetable.lock().due(self.ground.clock.now());
            for some in all.chunks(TOGETHER) {
                if self.decide(some).await.is_none() {
                    return;
                }
            }
        }
    }

    async fn add(&mut self, scheduled: Scheduled) -> Option<()> {
        let Scheduled {
            instance,
            schedules,
            bell,
        } = scheduled;
        let instance: Arc<str> = instance.into();
        let now = self.ground.clock.now();
        let begin = || {
            let names = schedules.iter().map(|spec| spec.id.clone()).collect();
            let state = &self.ground.state;
            // A new schedule begins now, also when the host is stopped before its first time.
            state.begin_schedules(instance.to_string(), names, now.timestamp_millis())
        };
        let last = self.ground.insist(&self.stop, begin).await?;
        for spec in schedules {
            self.keep_calendars(&spec);
            let decided = last.get(&spec.id).copied();
            let last = decided.and_then(DateTime::from_timestamp_millis).unwrap_or(now);
            let key = (instance.clone(), spec.id.as_str().into());
            let seed = Seed::of(&instance, &spec.id);
            self.timetable.lock().add(key, spec.into(), seed, last);
        }
        self.bells.insert(instance, bell);
        Some(())
    }

    fn keep_calendars(&mut self, spec: &ScheduleSpec) {
        for days in spec.schedule.days() {
            if !self.calendars.iter().any(|known| Arc::ptr_eq(known, days.file())) {
                self.calendars.push(Arc::clone(days.file()));
            }
        }
    }

    /// Waits until something may be due; `false` when told to stop.
    async fn wait(&self) -> bool {
        let due = self.timetable.lock().next_due();
        let wait = async {
            match due {
                Some(due) => self.ground.clock.wait_towards(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.stop.cancelled() => false,
            () = wait => true,
        }
    }

    /// Takes changed calendar files into use, so that a decision is made by the file as it is now.
    async fn refresh_calendars(&self) {
        if self.calendars.is_empty() {
            return;
        }
        let calendars = self.calendars.clone();
        let read = tokio::task::spawn_blocking(move || {
            let all = calendars
                .iter()
                .map(|file| (file.path().to_owned(), file.refresh()));
            all.collect::<Vec<_>>()
        });
        for (path, result) in read.await.unwrap_or_default() {
            match result {
                Ok(false) => {}
                Ok(true) => tracing::info!(path = %path.display(), "calendar read again"),
                Err(error) => {
                    let reason = error.to_string();
                    tracing::error!(%reason, "calendar not read, what was read before stays in use");
                    self.ground
                        .announcer
                        .tell(HostEvent::CalendarFailed { path, reason });
                }
            }
        }
    }

    /// Stores the decisions about schedules that came due together, in one commit.
    async fn decide(&self, all: &[Due<Key>]) -> Option<()> {
        let (ground, at) = (&self.ground, self.ground.clock.millis());
        let decisions: Vec<_> = all.iter().map(decisions).collect();
        let store = || ground.state.decide(decisions.clone(), at);
        let settled = ground.insist(&self.stop, store).await?;
        for (due, settled) in all.iter().zip(settled) {
            ground.faults.pass(Point::Accepted, &due.key.1).await;
            self.announce(&due.key.0, &due.key.1, &settled);
            if !settled.fired.is_empty()
                && let Some(bell) = self.bells.get(&due.key.0)
            {
                bell.ring_for_inbox();
            }
        }
        Some(())
    }

    fn announce(&self, instance: &str, schedule: &str, settled: &Settled) {
        let time = |millis: i64| DateTime::from_timestamp_millis(millis).unwrap_or_default();
        // Of a long absence the last word is enough; the ledger has them all.
        if let Some((due, skipped)) = settled.skipped.last() {
            tracing::info!(%instance, %schedule, due = %time(*due), reason = %skipped, "does not fire");
            self.ground.announcer.tell(HostEvent::ScheduleSkipped {
                instance: instance.to_owned(),
                schedule: schedule.to_owned(),
                due: time(*due),
                times: settled.skipped.len(),
                reason: skipped.to_string(),
            });
        }
        for due in &settled.fired {
            self.ground.announcer.tell(HostEvent::ScheduleFired {
                instance: instance.to_owned(),
                schedule: schedule.to_owned(),
                due: time(*due),
            });
        }
    }
}

fn decisions(due: &Due<Key>) -> Decisions {
    let times = due.caught.decisions.iter();
    Decisions {
        instance: due.key.0.to_string(),
        schedule: due.key.1.to_string(),
        busy: due.spec.busy,
        times: times.filter_map(|one| time(due, one)).collect(),
        entries: earlier(due).into_iter().collect(),
        decided: due.caught.decided.timestamp_millis(),
    }
}

fn time(due: &Due<Key>, decision: &Decision) -> Option<DueTime> {
    let cause = cause(&due.key.1, decision.due);
    let outcome = match &decision.outcome {
        Outcome::Skipped(skipped) => Err(skipped.clone()),
        Outcome::Fires { missed } => {
            let fired = ScheduleFired {
                id: due.key.1.to_string(),
                due: decision.due,
                zone: due.spec.schedule.zone(),
                missed: *missed,
            };
            Ok(NewInput {
                instance: due.key.0.to_string(),
                source: format!("schedule:{}", due.key.1),
                cause: cause.clone(),
                event: serde_json::to_string(&Accepted::Schedule(fired)).ok()?,
                title: None,
                link: None,
            })
        }
    };
    Some(DueTime {
        due: decision.due.timestamp_millis(),
        cause,
        outcome,
    })
}

/// What names a fire for ever.
pub(crate) fn cause(schedule: &str, due: DateTime<Utc>) -> String {
    format!("schedule:{schedule}:{}", due.to_rfc3339())
}

/// Tells of times of a long absence that are not listed one by one.
fn earlier(due: &Due<Key>) -> Option<NewEntry> {
    let first = due.caught.decisions.first()?.due;
    let count = Some(due.caught.earlier).filter(|count| *count > 0)?;
    let reason = format!(
        "missed, {count} or more times before this one, policy {}",
        due.spec.misfire
    );
    let entry = NewEntry::new(&*due.key.0, cause(&due.key.1, first), LedgerStatus::Skipped);
    Some(entry.detail(reason))
}

/// Schedules whose decisions share one commit: all of ten thousand at midnight in forty commits, none of them long.
const TOGETHER: usize = 256;

/// Schedules that are announced at the start; the rest is in the status.
const ANNOUNCED: usize = 20;

#[cfg(test)]
mod tests;
