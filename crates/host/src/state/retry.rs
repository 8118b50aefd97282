//! Giving what was given up another chance: dead posts go back to the outbox, quarantined events to the inbox.

use rusqlite::{Connection, OptionalExtension, params};

use super::ledger::{Ledger, NewEntry};
use super::{State, StateError};
use crate::ledger::{LedgerStatus, Retry};

/// What was given another chance, and who is to be told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Revived {
    /// User and room of each post.
    pub(crate) posts: Vec<(String, String)>,
    /// Instance of each event.
    pub(crate) events: Vec<String>,
    /// Events of a kind that is not kept for another try.
    pub(crate) kept_back: u64,
}

impl State {
    /// Gives what `retry` names another chance, and notes that in the ledger.
    pub(crate) async fn retry(&self, retry: Retry, at: i64) -> Result<Revived, StateError> {
        let ledger = self.ledger;
        self.call(move |connection| revive(connection, ledger, &retry, at))
            .await
    }
}

fn revive(
    connection: &Connection,
    ledger: Ledger,
    retry: &Retry,
    at: i64,
) -> Result<Revived, rusqlite::Error> {
    let mut revived = Revived::default();
    let (item, instance, posts, events) = match retry {
        Retry::Item(item) => (Some(item.clone()), None, true, true),
        Retry::Entry(number) => match entry(connection, *number)? {
            Some((instance, item)) => (Some(item), Some(instance), true, true),
            None => return Ok(revived),
        },
        Retry::Dead(instance) => (None, instance.clone(), true, false),
        Retry::Quarantined(instance) => (None, instance.clone(), false, true),
    };
    if posts {
        revive_posts(
            connection,
            ledger,
            item.as_deref(),
            instance.as_deref(),
            at,
            &mut revived,
        )?;
    }
    if events {
        revive_events(
            connection,
            ledger,
            item.as_deref(),
            instance.as_deref(),
            at,
            &mut revived,
        )?;
    }
    Ok(revived)
}

fn entry(connection: &Connection, number: i64) -> Result<Option<(String, String)>, rusqlite::Error> {
    connection
        .prepare_cached("SELECT instance, item FROM ledger WHERE seq = ?1")?
        .query_row([number], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
}

/// A dead post waits again at its old place: before what was asked for after it and has not been sent.
fn revive_posts(
    connection: &Connection,
    ledger: Ledger,
    item: Option<&str>,
    instance: Option<&str>,
    at: i64,
    revived: &mut Revived,
) -> Result<(), rusqlite::Error> {
    type Dead = (i64, String, String, String, String);
    let dead: Vec<Dead> = connection
        .prepare_cached(
            "SELECT seq, instance, user, room, cause FROM outbox
             WHERE status <> 'waiting' AND status = 'dead'
               AND (?1 IS NULL OR cause = ?1) AND (?2 IS NULL OR instance = ?2) ORDER BY seq",
        )?
        .query_map(params![item, instance], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
        })?
        .collect::<Result<_, _>>()?;
    for (seq, instance, user, room, cause) in dead {
        connection
            .prepare_cached(
                "UPDATE outbox SET status = 'waiting', attempts = 0, finished = NULL, reason = NULL,
                   attempted = NULL, created = ?2 WHERE seq = ?1",
            )?
            .execute([seq, at])?;
        let entry = NewEntry::new(instance, cause, LedgerStatus::Retried).in_room(&*room);
        ledger.record(connection, &[entry], at)?;
        revived.posts.push((user, room));
    }
    Ok(())
}

/// A quarantined event goes through the inbox, whatever way it came the first time; its posts have the same keys.
fn revive_events(
    connection: &Connection,
    ledger: Ledger,
    item: Option<&str>,
    instance: Option<&str>,
    at: i64,
    revived: &mut Revived,
) -> Result<(), rusqlite::Error> {
    type Kept = (i64, String, String, String, String);
    let kept: Vec<Kept> = connection
        .prepare_cached(
            "SELECT seq, instance, source, cause, event FROM quarantine
             WHERE (?1 IS NULL OR cause = ?1) AND (?2 IS NULL OR instance = ?2) ORDER BY seq",
        )?
        .query_map(params![item, instance], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
        })?
        .collect::<Result<_, _>>()?;
    for (seq, instance, source, cause, event) in kept {
        if serde_json::from_str::<crate::worker::Accepted>(&event).is_err() {
            revived.kept_back += 1;
            continue;
        }
        connection
            .prepare_cached(
                "INSERT INTO inbox (instance, source, cause, event, created) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (instance, cause) DO NOTHING",
            )?
            .execute(params![instance, source, cause, event, at])?;
        connection
            .prepare_cached("DELETE FROM quarantine WHERE seq = ?1")?
            .execute([seq])?;
        let entry = NewEntry::new(&*instance, cause, LedgerStatus::Retried);
        ledger.record(connection, &[entry], at)?;
        revived.events.push(instance);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
