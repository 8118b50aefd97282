//! Which due times of a schedule are decided, and how.

use std::collections::HashMap;

use parlor_bot::schedule::{Busy, Skipped};
use rusqlite::{Connection, OptionalExtension, params};

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
        self.call(move |connection| {
            let known: Vec<(String, i64)> = connection
                .prepare_cached("SELECT schedule, decided FROM schedule WHERE instance = ?1")?
                .query_map(params![instance], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?;
            let mut last: HashMap<String, i64> = schedules.into_iter().map(|name| (name, now)).collect();
            let mut new = last.clone();
            let mut forget =
                connection.prepare_cached("DELETE FROM schedule WHERE instance = ?1 AND schedule = ?2")?;
            for (name, decided) in known {
                new.remove(&name);
                match last.get_mut(&name) {
                    Some(last) => *last = decided,
                    None => drop(forget.execute(params![instance, name])?),
                }
            }
            let mut begin = connection
                .prepare_cached("INSERT INTO schedule (instance, schedule, decided) VALUES (?1, ?2, ?3)")?;
            for name in new.keys() {
                begin.execute(params![instance, name, now])?;
            }
            Ok(last)
        })
        .await
    }

    /// Stores what was decided about several schedules: what fires goes to the inbox, the reasons of the rest to the
    /// ledger. A time that was decided before is left alone, so that each is decided once whoever asks.
    pub(crate) async fn decide(&self, all: Vec<Decisions>, at: i64) -> Result<Vec<Settled>, StateError> {
        let ledger = self.ledger;
        self.call(move |connection| {
            all.into_iter()
                .map(|decisions| settle(connection, ledger, decisions, at))
                .collect()
        })
        .await
    }
}

fn settle(
    connection: &Connection,
    ledger: Ledger,
    decisions: Decisions,
    at: i64,
) -> Result<Settled, rusqlite::Error> {
    let Decisions {
        instance,
        schedule,
        busy,
        times,
        mut entries,
        decided,
    } = decisions;
    let before = decided_until(connection, &instance, &schedule)?;
    let mut settled = Settled::default();
    for time in times {
        if before.is_some_and(|before| time.due <= before) {
            continue;
        }
        let skipped = match time.outcome {
            Ok(input) => {
                let waiting = waiting(connection, &instance, &schedule)?;
                if waiting <= busy.limit() {
                    inbox::accept(connection, ledger, &input, at)?;
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
    ledger.record(connection, &entries, at)?;
    connection
        .prepare_cached(
            "INSERT INTO schedule (instance, schedule, decided) VALUES (?1, ?2, ?3)
             ON CONFLICT (instance, schedule) DO UPDATE SET decided = max(decided, excluded.decided)",
        )?
        .execute(params![instance, schedule, decided])?;
    Ok(settled)
}

fn decided_until(
    connection: &Connection,
    instance: &str,
    schedule: &str,
) -> Result<Option<i64>, rusqlite::Error> {
    connection
        .prepare_cached("SELECT decided FROM schedule WHERE instance = ?1 AND schedule = ?2")?
        .query_row(params![instance, schedule], |row| row.get(0))
        .optional()
}

/// How many fires of a schedule wait for their handler, or have posts that wait to be delivered.
fn waiting(connection: &Connection, instance: &str, schedule: &str) -> Result<u32, rusqlite::Error> {
    // A cause is `schedule:NAME:` and a time of 25 characters; the length keeps `a` apart from `a:b`.
    connection
        .prepare_cached(
            "SELECT count(*) FROM (
               SELECT cause FROM inbox WHERE instance = ?1 AND source = ?2
               UNION
               SELECT cause FROM outbox WHERE instance = ?1 AND status = 'waiting'
                 AND cause > ?2 || ':' AND cause < ?2 || ';' AND length(cause) = length(?2) + 26)",
        )?
        .query_row(params![instance, format!("schedule:{schedule}")], |row| {
            row.get(0)
        })
}

#[cfg(test)]
mod tests;
