//! Giving what was given up another chance: dead posts go back to the outbox, quarantined events to the inbox.

use super::db::{Db, DbError, values};
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
        self.call(move |db| revive(db, ledger, &retry, at)).await
    }
}

fn revive(db: &Db, ledger: Ledger, retry: &Retry, at: i64) -> Result<Revived, DbError> {
    let mut revived = Revived::default();
    let (item, instance, posts, events) = match retry {
        Retry::Item(item) => (Some(item.clone()), None, true, true),
        Retry::Entry(number) => match entry(db, *number)? {
            Some((instance, item)) => (Some(item), Some(instance), true, true),
            None => return Ok(revived),
        },
        Retry::Dead(instance) => (None, instance.clone(), true, false),
        Retry::Quarantined(instance) => (None, instance.clone(), false, true),
    };
    if posts {
        revive_posts(db, ledger, item.as_deref(), instance.as_deref(), at, &mut revived)?;
    }
    if events {
        revive_events(db, ledger, item.as_deref(), instance.as_deref(), at, &mut revived)?;
    }
    Ok(revived)
}

fn entry(db: &Db, number: i64) -> Result<Option<(String, String)>, DbError> {
    db.first(
        "SELECT instance, item FROM ledger WHERE seq = ?1",
        values![number],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// A dead post waits again at its old place: before what was asked for after it and has not been sent.
fn revive_posts(
    db: &Db,
    ledger: Ledger,
    item: Option<&str>,
    instance: Option<&str>,
    at: i64,
    revived: &mut Revived,
) -> Result<(), DbError> {
    type Dead = (i64, String, String, String, String);
    let dead: Vec<Dead> = db.query(
        "SELECT seq, instance, endpoint, room, cause FROM outbox
             WHERE status = 'dead'
               AND (CAST(?1 AS TEXT) IS NULL OR cause = ?1)
               AND (CAST(?2 AS TEXT) IS NULL OR instance = ?2) ORDER BY seq",
        values![item, instance],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)),
    )?;
    for (seq, instance, user, room, cause) in dead {
        db.execute(
            "UPDATE outbox SET status = 'waiting', attempts = 0, finished = NULL, reason = NULL,
                   attempted = NULL, created = ?2 WHERE seq = ?1",
            values![seq, at],
        )?;
        let entry = NewEntry::new(instance, cause, LedgerStatus::Retried).in_room(&*room);
        ledger.record(db, &[entry], at)?;
        revived.posts.push((user, room));
    }
    Ok(())
}

/// A quarantined event goes through the inbox, whatever way it came the first time; its posts have the same keys.
fn revive_events(
    db: &Db,
    ledger: Ledger,
    item: Option<&str>,
    instance: Option<&str>,
    at: i64,
    revived: &mut Revived,
) -> Result<(), DbError> {
    type Kept = (i64, String, String, String, String);
    let kept: Vec<Kept> = db.query(
        "SELECT seq, instance, source, cause, event FROM quarantine
             WHERE (CAST(?1 AS TEXT) IS NULL OR cause = ?1)
               AND (CAST(?2 AS TEXT) IS NULL OR instance = ?2) ORDER BY seq",
        values![item, instance],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)),
    )?;
    for (seq, instance, source, cause, event) in kept {
        if serde_json::from_str::<crate::worker::Accepted>(&event).is_err() {
            revived.kept_back += 1;
            continue;
        }
        db.execute(
            "INSERT INTO inbox (instance, source, cause, event, created) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (instance, cause) DO NOTHING",
            values![instance, source, cause, event, at],
        )?;
        db.execute("DELETE FROM quarantine WHERE seq = ?1", values![seq])?;
        let entry = NewEntry::new(&*instance, cause, LedgerStatus::Retried);
        ledger.record(db, &[entry], at)?;
        revived.events.push(instance);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
