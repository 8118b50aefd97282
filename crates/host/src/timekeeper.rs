//! Wakes instances when their schedules are due. Which times those are, and what is made up for after an absence, is
//! decided by [`crate::schedule`]; this task waits, and puts what fires into the inbox in the same step in which it
//! notes that the time is decided.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use parlor_bot::schedule::Zone;
use parlor_bot::{ScheduleFired, ScheduleSpec};
use tokio_util::sync::CancellationToken;

use crate::events::HostEvent;
use crate::fault::Point;
use crate::ground::Ground;
use crate::lane::Bell;
use crate::ledger::LedgerStatus;
use crate::schedule::{Fire, Scheduler};
use crate::state::{NewEntry, NewInput};
use crate::status::ScheduleStatus;
use crate::validate::local;
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

    /// The next due time of each schedule, soonest first, at most `limit`.
    pub(crate) fn next(&self, limit: usize) -> Vec<ScheduleStatus> {
        let scheduler = self.lock();
        let mut next: Vec<_> = scheduler
            .iter()
            .filter_map(|(key, schedule, due)| Some((due?, key, schedule.zone())))
            .collect();
        next.sort_unstable_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)));
        next.truncate(limit);
        let line = |(due, key, zone): (DateTime<Utc>, &Key, Zone)| ScheduleStatus {
            instance: key.0.to_string(),
            schedule: key.1.to_string(),
            due,
            local: local(zone, due),
        };
        next.into_iter().map(line).collect()
    }
}

/// Wakes instances when their schedules are due.
#[derive(Debug)]
pub(crate) struct Timekeeper {
    ground: Ground,
    timetable: Timetable,
    bells: HashMap<Arc<str>, Arc<Bell>>,
    zones: HashMap<Key, Zone>,
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
            zones: HashMap::new(),
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
            let ScheduleStatus {
                instance,
                schedule,
                due,
                ..
            } = next;
            self.ground.announcer.tell(HostEvent::ScheduleNext {
                instance,
                schedule,
                due,
            });
        }
        while self.wait().await {
            let fires = self.timetable.lock().due(self.ground.clock.now());
            for fire in fires {
                if self.decide(fire).await.is_none() {
                    return;
                }
            }
        }
    }

    async fn add(&mut self, scheduled: Scheduled) -> Option<()> {
        let instance: Arc<str> = scheduled.instance.into();
        let state = &self.ground.state;
        for spec in scheduled.schedules {
            let known = || state.decided(instance.to_string(), spec.id.clone());
            let last = match self.ground.insist(&self.stop, known).await? {
                Some(millis) => DateTime::from_timestamp_millis(millis).unwrap_or_default(),
                None => {
                    // A new schedule begins now, also when the host is stopped before its first time.
                    let now = self.ground.clock.now();
                    let at = now.timestamp_millis();
                    let begin = || {
                        let (instance, schedule) = (instance.to_string(), spec.id.clone());
                        state.decide(instance, schedule, at, Vec::new(), Vec::new(), at)
                    };
                    self.ground.insist(&self.stop, begin).await?;
                    now
                }
            };
            let key = (instance.clone(), spec.id.into());
            self.zones.insert(Key::clone(&key), spec.schedule.zone());
            self.timetable.lock().add(key, spec.schedule, spec.misfire, last);
        }
        self.bells.insert(instance, scheduled.bell);
        Some(())
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

    async fn decide(&self, fire: Fire<Key>) -> Option<()> {
        let (instance, schedule) = (fire.key.0.to_string(), fire.key.1.to_string());
        let input = fire.run.and_then(|due| self.input(&fire, due));
        let (ground, at) = (&self.ground, self.ground.clock.millis());
        let decided = fire.decided.timestamp_millis();
        let passed_over = fire.run.is_none().then(|| {
            let cause = format!("schedule:{schedule}:{}", fire.decided.to_rfc3339());
            let reason = format!(
                "missed while the host was away, and passed over by policy ({} times)",
                fire.missed
            );
            NewEntry::new(&*instance, cause, LedgerStatus::Skipped).detail(reason)
        });
        let store = || {
            let inputs = input.iter().cloned().collect();
            let entries = passed_over.iter().cloned().collect();
            ground
                .state
                .decide(instance.clone(), schedule.clone(), decided, inputs, entries, at)
        };
        ground.insist(&self.stop, store).await?;
        ground.faults.pass(Point::Accepted, &schedule).await;
        let Some(due) = fire.run else {
            tracing::info!(%instance, %schedule, missed = fire.missed, "missed times are passed over, by policy");
            return Some(());
        };
        ground.announcer.tell(HostEvent::ScheduleFired {
            instance,
            schedule,
            due,
        });
        if let Some(bell) = self.bells.get(&fire.key.0) {
            bell.ring_for_inbox();
        }
        Some(())
    }

    fn input(&self, fire: &Fire<Key>, due: DateTime<Utc>) -> Option<NewInput> {
        let (instance, schedule) = &fire.key;
        let zone = *self.zones.get(&fire.key)?;
        let fired = ScheduleFired {
            id: schedule.to_string(),
            due,
            zone,
            missed: fire.missed,
        };
        Some(NewInput {
            instance: instance.to_string(),
            source: format!("schedule:{schedule}"),
            cause: format!("schedule:{schedule}:{}", due.to_rfc3339()),
            title: Some(format!("due {}", local(zone, due))),
            link: None,
            event: serde_json::to_string(&Accepted::Schedule(fired)).ok()?,
        })
    }
}

/// Schedules that are announced at the start; the rest is in the status.
const ANNOUNCED: usize = 20;
