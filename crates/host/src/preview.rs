//! What can be told about a configuration's schedules without starting it: the coming times, and why a time comes or
//! not.

use chrono::{DateTime, Utc};
use parlor_bot::schedule::{Explanation, Moment, Seed, Zone};
use parlor_bot::{Registry, ScheduleSpec};

use crate::config::Config;
use crate::schedule::Next;
use crate::status::ScheduleStatus;
use crate::timekeeper::cause;
use crate::validate::inspect;

/// A schedule of a configured bot.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfiguredSchedule {
    /// The bot.
    pub instance: String,
    /// Its schedule.
    pub spec: ScheduleSpec,
}

/// All schedules of a configuration, in its order. Bots with wrong settings have none.
pub fn schedules(config: &Config, registry: &Registry) -> Vec<ConfiguredSchedule> {
    let mut all = Vec::new();
    for (instance, made) in inspect(config, registry) {
        let Ok(made) = made else { continue };
        all.extend(
            made.interests
                .schedules
                .into_iter()
                .map(|spec| ConfiguredSchedule {
                    instance: instance.id.clone(),
                    spec,
                }),
        );
    }
    all
}

/// The next `count` times of all schedules after `now`, soonest first; also those that a calendar keeps from coming.
pub fn upcoming(
    config: &Config,
    registry: &Registry,
    count: usize,
    now: DateTime<Utc>,
) -> Vec<ScheduleStatus> {
    let mut all = Vec::new();
    for one in schedules(config, registry) {
        let times = one.spec.schedule.upcoming(now).take(count);
        all.extend(times.map(|due| {
            let comes = one.comes_at(due);
            ScheduleStatus::new(&one.instance, &one.spec, Next { due, comes })
        }));
        // Ten thousand schedules with `count` times each are not all kept.
        if all.len() > count.saturating_mul(64).max(4096) {
            soonest(&mut all, count);
        }
    }
    soonest(&mut all, count);
    all
}

fn soonest(all: &mut Vec<ScheduleStatus>, count: usize) {
    all.sort_by(|a, b| (a.comes, &a.instance, &a.schedule).cmp(&(b.comes, &b.instance, &b.schedule)));
    all.truncate(count);
}

impl ConfiguredSchedule {
    /// When the time `due` comes: later by its jitter.
    pub fn comes_at(&self, due: DateTime<Utc>) -> DateTime<Utc> {
        self.spec.comes_at(Seed::of(&self.instance, &self.spec.id), due)
    }

    /// Why a time comes or not, by the settings alone; what became of it is in the ledger.
    pub fn explain(&self, asked: Moment) -> Explanation {
        self.spec.schedule.explain(asked)
    }

    /// The name of the fire at `due`, in the ledger and in post keys.
    pub fn item(&self, due: DateTime<Utc>) -> String {
        cause(&self.spec.id, due)
    }

    /// Whose wall clock it goes by.
    pub fn zone(&self) -> Zone {
        self.spec.schedule.zone()
    }
}
