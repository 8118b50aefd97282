//! The one transaction that ends a handler: its posts, its values and its input's progress, all or nothing.

use super::db::{Db, DbError, values};
use super::ledger::{Ledger, NewEntry};
use super::outbox::NewPost;
use super::{State, StateError};

/// A value a handler set or, with `None`, removed; the value is JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StateChange {
    pub(crate) name: String,
    pub(crate) value: Option<String>,
}

/// Everything one handled (or given up) event leaves behind.
#[derive(Debug, Clone, Default)]
pub(crate) struct Handled {
    pub(crate) instance: String,
    /// Rooms and the last message dealt with in each.
    pub(crate) cursors: Vec<(String, i64)>,
    /// The inbox row that is done.
    pub(crate) inbox: Option<i64>,
    pub(crate) posts: Vec<NewPost>,
    pub(crate) values: Vec<StateChange>,
    /// Set when the event was given up instead of handled.
    pub(crate) quarantine: Option<Quarantined>,
    /// What the ledger tells of it, apart from its posts, which tell of themselves.
    pub(crate) entries: Vec<NewEntry>,
    /// Milliseconds since the Unix epoch.
    pub(crate) at: i64,
}

/// An event that made its handler fail too often.
#[derive(Debug, Clone)]
pub(crate) struct Quarantined {
    pub(crate) source: String,
    pub(crate) cause: String,
    /// The event as JSON, so that it can be looked at and tried again.
    pub(crate) event: String,
    pub(crate) reason: String,
    pub(crate) attempts: u32,
}

impl State {
    /// Commits what a handler did.
    pub(crate) async fn commit(&self, handled: Handled) -> Result<(), StateError> {
        let ledger = self.ledger;
        self.call(move |db| commit(db, ledger, &handled)).await
    }

    /// All values an instance keeps, by name.
    pub(crate) async fn values(&self, instance: String) -> Result<Vec<(String, String)>, StateError> {
        self.call(move |db| {
            db.query(
                "SELECT name, value FROM bot_value WHERE instance = ?1",
                values![instance],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
        })
        .await
    }

    /// How many events of an instance are in quarantine.
    pub(crate) async fn quarantined(&self, instance: String) -> Result<u64, StateError> {
        self.call(move |db| {
            db.count(
                "SELECT count(*) FROM quarantine WHERE instance = ?1",
                values![instance],
            )
        })
        .await
    }
}

fn commit(db: &Db, ledger: Ledger, handled: &Handled) -> Result<(), DbError> {
    ledger.record(db, &handled.entries, handled.at)?;
    for (room, message) in &handled.cursors {
        super::cursors::advance(db, &handled.instance, room, *message)?;
    }
    if let Some(seq) = handled.inbox {
        db.execute("DELETE FROM inbox WHERE seq = ?1", values![seq])?;
    }
    for post in &handled.posts {
        super::outbox::add(db, ledger, &handled.instance, post, handled.at)?;
    }
    for change in &handled.values {
        change_value(db, &handled.instance, change)?;
    }
    if let Some(quarantined) = &handled.quarantine {
        quarantine(db, &handled.instance, quarantined, handled.at)?;
    }
    Ok(())
}

fn change_value(db: &Db, instance: &str, change: &StateChange) -> Result<(), DbError> {
    match &change.value {
        Some(value) => db.execute(
            "INSERT INTO bot_value (instance, name, value) VALUES (?1, ?2, ?3)
                 ON CONFLICT (instance, name) DO UPDATE SET value = excluded.value",
            values![instance, change.name, value],
        )?,
        None => db.execute(
            "DELETE FROM bot_value WHERE instance = ?1 AND name = ?2",
            values![instance, change.name],
        )?,
    };
    Ok(())
}

fn quarantine(db: &Db, instance: &str, event: &Quarantined, at: i64) -> Result<(), DbError> {
    db.execute(
        "INSERT INTO quarantine (instance, source, cause, event, reason, attempts, at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        values![
            instance,
            event.source,
            event.cause,
            event.event,
            event.reason,
            i64::from(event.attempts),
            at
        ],
    )?;
    Ok(())
}
