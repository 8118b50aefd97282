//! Which due times of a schedule are decided, and how.

use std::collections::HashMap;

use parlor_bot::schedule::{Busy, Skipped};

use super::db::{Db, DbError, values};
use super::inbox::{self, NewInput};
use super::ledger::{Ledger, NewEntry};
use super::{State, StateError};
use crate::ledger::LedgerStatus;

/// What the policies make of the due times of one schedule; the rule for waiting fires is applied where it is stored.
#[derive(Debug, Clone)]
pub(crate) struct Decisions {
    pub(crate) instance: String,
    pub(crate) schedule: String,
    pub(crate) busy: Busy,
    /// In the order in which they were due.
    pub(crate) times: Vec<DueTime>,
    /// What else the ledger is told.
    pub(crate) entries: Vec<NewEntry>,
    /// The last due time that this decides on, milliseconds since the Unix epoch.
    pub(crate) decided: i64,
}

/// A due time, milliseconds since the Unix epoch, and what comes of it.
#[derive(Debug, Clone)]
pub(crate) struct DueTime {
    pub(crate) due: i64,
    pub(crate) cause: String,
    pub(crate) outcome: Result<NewInput, Skipped>,
}

/// What came of due times: those that fired, and those that did not.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Settled {
    pub(crate) fired: Vec<i64>,
    pub(crate) skipped: Vec<(i64, Skipped)>,
}

impl State {
    /// The last decided due time of each schedule of an instance, milliseconds since the Unix epoch. Those that are new
    /// begin at `now`; what was kept of others is forgotten, so that a schedule that comes back begins anew.
    pub(crate) async fn begin_schedules(
        &self,
        instance: String,
        schedules: Vec<String>,
        now: i64,
    ) -> Result<HashMap<String, i64>, StateError> {
        self.call(move |db| {
            let known: Vec<(String, i64)> = db.query(
                "SELECT schedule, decided FROM schedule WHERE instance = ?1",
                values![instance],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?;
            let mut last: HashMap<String, i64> = schedules.into_iter().map(|name| (name, now)).collect();
            let mut new = last.clone();
            let forget = "DELETE FROM schedule WHERE instance = ?1 AND schedule = ?2";
            for (name, decided) in known {
                new.remove(&name);
                match last.get_mut(&name) {
                    Some(last) => *last = decided,
                    None => drop(db.execute(forget, values![instance, name])?),
                }
            }
            let begin = "INSERT INTO schedule (instance, schedule, decided) VALUES (?1, ?2, ?3)";
            for name in new.keys() {
                db.execute(begin, values![instance, name, now])?;
            }
            Ok(last)
        })
        .await
    }

    /// Stores what was decided about several schedules: what fires goes to the inbox, the reasons of the rest to the
    /// ledger. A time that was decided before is left alone, so that each is decided once whoever asks.
    pub(crate) async fn decide(&self, all: Vec<Decisions>, at: i64) -> Result<Vec<Settled>, StateError> {
        let ledger = self.ledger;
        self.call(move |db| {
            all.into_iter()
                .map(|decisions| settle(db, ledger, decisions, at))
                .collect()
        })
        .await
    }
}

fn settle(db: &Db, ledger: Ledger, decisions: Decisions, at: i64) -> Result<Settled, DbError> {
    let Decisions {
        instance,
        schedule,
        busy,
        times,
        mut entries,
        decided,
    } = decisions;
    let before = decided_until(db, &instance, &schedule)?;
    let mut settled = Settled::default();
    for time in times {
        if before.is_some_and(|before| time.due <= before) {
            continue;
        }
        let skipped = match time.outcome {
            Ok(input) => {
                let waiting = waiting(db, &instance, &schedule)?;
                if waiting <= busy.limit() {
                    inbox::accept(db, ledger, &input, at)?;
                    settled.fired.push(time.due);
                    continue;
                }
                Skipped::Busy { busy, waiting }
            }
            Err(skipped) => skipped,
        };
        let entry = NewEntry::new(&*instance, time.cause, LedgerStatus::Skipped);
        entries.push(entry.detail(skipped.to_string()));
        settled.skipped.push((time.due, skipped));
    }
    ledger.record(db, &entries, at)?;
    db.execute(
        "INSERT INTO schedule (instance, schedule, decided) VALUES (?1, ?2, ?3)
             ON CONFLICT (instance, schedule) DO UPDATE SET decided =
               CASE WHEN schedule.decided > excluded.decided THEN schedule.decided ELSE excluded.decided END",
        values![instance, schedule, decided],
    )?;
    Ok(settled)
}

fn decided_until(db: &Db, instance: &str, schedule: &str) -> Result<Option<i64>, DbError> {
    db.first(
        "SELECT decided FROM schedule WHERE instance = ?1 AND schedule = ?2",
        values![instance, schedule],
        |row| row.get(0),
    )
}

/// How many fires of a schedule wait for their handler, or have posts that wait to be delivered.
fn waiting(db: &Db, instance: &str, schedule: &str) -> Result<u32, DbError> {
    // A cause is `schedule:NAME:` and a time of 25 characters; the length keeps `a` apart from `a:b`.
    let source = format!("schedule:{schedule}");
    let (first, last) = (format!("{source}:"), format!("{source};"));
    let length = i32::try_from(source.chars().count() + 26).unwrap_or(i32::MAX);
    let waiting = db.count(
        "SELECT count(*) FROM (
           SELECT cause FROM inbox WHERE instance = ?1 AND source = ?2
           UNION
           SELECT cause FROM outbox WHERE instance = ?1 AND status = 'waiting'
             AND cause > ?3 AND cause < ?4 AND length(cause) = ?5) AS waiting",
        values![instance, source, first, last, length],
    )?;
    Ok(u32::try_from(waiting).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests;
