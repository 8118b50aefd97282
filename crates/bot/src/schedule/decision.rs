//! The decision about each time of a schedule: it fires, or it is passed over for a reason.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{Busy, Excluded, Misfire, Seed, occurrences};
use crate::ScheduleSpec;
use crate::settings::Span;

/// A time counts as met until this much later: a timer's slack, a busy host, a quick restart.
const ON_TIME: TimeDelta = TimeDelta::seconds(60);

/// Times of one absence that are decided on one by one: the latest so many. Also how many [`Misfire::All`] makes up for.
pub const MAX_DECISIONS: usize = 100;

/// Times before those are counted up to here; beyond, only that there were many matters.
const MAX_COUNTED: usize = 1000;

/// What has come due since the last time that was decided on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatchUp {
    /// The latest [`MAX_DECISIONS`] times, in order.
    pub decisions: Vec<Decision>,
    /// How many more passed before them and are missed; counted up to a thousand.
    pub earlier: u32,
    /// The latest time that this decides on: the `last` of the next question.
    pub decided: DateTime<Utc>,
}

/// What is decided about one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The time that was due. Instance, schedule and due time name a fire for ever.
    pub due: DateTime<Utc>,
    /// What comes of it.
    pub outcome: Outcome,
}

/// What comes of a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It fires.
    Fires {
        /// How many times before it, since the last fire, were missed and are not made up for.
        missed: u32,
    },
    /// It does not.
    Skipped(Skipped),
}

/// Why a time does not fire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Skipped {
    /// The host was away, and the policy does not make up for it.
    Missed {
        /// The policy.
        misfire: Misfire,
        /// How late it would have been, in seconds.
        late: u64,
    },
    /// The host was away, and a later time of the same absence is made up for instead.
    Overtaken {
        /// The policy.
        misfire: Misfire,
    },
    /// A calendar keeps it from coming.
    Excluded(Excluded),
    /// It passed while the host was away, and the schedule has ended since.
    Ended {
        /// The schedule's end.
        until: DateTime<Utc>,
    },
    /// Earlier ones still wait to be handled or delivered.
    Busy {
        /// The rule for that.
        busy: Busy,
        /// How many wait.
        waiting: u32,
    },
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missed { misfire, late } => {
                let late = Span(std::time::Duration::from_secs(*late));
                write!(f, "missed by {late}, policy {misfire}")
            }
            Self::Overtaken { misfire } => write!(f, "missed, a later time came instead, policy {misfire}"),
            Self::Excluded(excluded) => excluded.fmt(f),
            Self::Ended { until } => write!(f, "missed, and the schedule ended at {until}"),
            Self::Busy { busy, waiting } => {
                write!(
                    f,
                    "{waiting} earlier still wait to be handled or delivered, rule {busy}"
                )
            }
        }
    }
}

impl ScheduleSpec {
    /// When the time `due` really comes: later by its jitter.
    pub fn comes_at(&self, seed: Seed, due: DateTime<Utc>) -> DateTime<Utc> {
        self.jitter.applied(&self.schedule, seed, due)
    }

    /// Decides on the times after `last` that have come at `now`; `None` when there were none.
    pub fn catch_up(&self, seed: Seed, last: DateTime<Utc>, now: DateTime<Utc>) -> Option<CatchUp> {
        let mut latest = self.schedule.latest(last, now)?;
        if self.comes_at(seed, latest) > now {
            // No time waits past the next one, so the one before it has come.
            latest = self.schedule.latest(last, latest - TimeDelta::seconds(1))?;
        }
        let listed = occurrences::latest(&self.schedule, last, latest, MAX_DECISIONS);
        let first = *listed.front()?;
        let earlier = self
            .schedule
            .upcoming(last)
            .take_while(|time| *time < first)
            .take(MAX_COUNTED)
            .filter(|time| self.schedule.excluded(*time).is_none())
            .count();
        let mut later_fires = false;
        let mut decisions: Vec<Decision> = Vec::with_capacity(listed.len());
        for due in listed.into_iter().rev() {
            let late = now - self.comes_at(seed, due);
            let outcome = match self.skipped(due, late, later_fires, now) {
                Some(skipped) => Outcome::Skipped(skipped),
                None => Outcome::Fires { missed: 0 },
            };
            later_fires |= matches!(outcome, Outcome::Fires { .. });
            decisions.push(Decision { due, outcome });
        }
        decisions.reverse();
        let earlier = u32::try_from(earlier).unwrap_or(u32::MAX);
        count_missed(&mut decisions, earlier);
        Some(CatchUp {
            decisions,
            earlier,
            decided: latest,
        })
    }

    /// Why a time that is `late` does not fire; `None` when it does.
    fn skipped(
        &self,
        due: DateTime<Utc>,
        late: TimeDelta,
        later_fires: bool,
        now: DateTime<Utc>,
    ) -> Option<Skipped> {
        if let Some(excluded) = self.schedule.excluded(due) {
            return Some(Skipped::Excluded(excluded));
        }
        if late <= ON_TIME && !later_fires {
            return None;
        }
        if let Some(until) = self.schedule.until().filter(|until| *until < now) {
            return Some(Skipped::Ended { until });
        }
        let misfire = self.misfire;
        let missed = Skipped::Missed {
            misfire,
            late: late.num_seconds().unsigned_abs(),
        };
        match misfire {
            Misfire::All => None,
            Misfire::Skip => Some(missed),
            Misfire::Within(limit) if late > Span(limit).delta() => Some(missed),
            Misfire::Latest | Misfire::Within(_) => later_fires.then_some(Skipped::Overtaken { misfire }),
        }
    }
}

/// Tells each fire how many times were missed before it.
fn count_missed(decisions: &mut [Decision], earlier: u32) {
    let mut before = earlier;
    for decision in decisions {
        match &mut decision.outcome {
            Outcome::Fires { missed } => *missed = std::mem::take(&mut before),
            Outcome::Skipped(Skipped::Excluded(_)) => {}
            Outcome::Skipped(_) => before += 1,
        }
    }
}
