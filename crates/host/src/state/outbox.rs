//! Posts on their way into rooms: added by a handler's commit, delivered in order per user and room.

use super::db::{Db, DbError, Row, Value, values};
use super::ledger::{Ledger, NewEntry};
use super::{State, StateError};
use crate::ledger::LedgerStatus;
use crate::remover::is_removal;

/// A post as a handler's commit adds it.
#[derive(Debug, Clone)]
pub(crate) struct NewPost {
    pub(crate) key: String,
    pub(crate) user: String,
    pub(crate) room: String,
    pub(crate) cause: String,
    pub(crate) ordinal: u32,
    /// The encoded message.
    pub(crate) body: String,
    /// The room as configured, and the first characters, for the ledger.
    pub(crate) shown: String,
    pub(crate) excerpt: String,
}

/// A post that waits to be delivered.
#[derive(Debug, Clone)]
pub(crate) struct OutboxRow {
    pub(crate) seq: i64,
    pub(crate) key: String,
    pub(crate) instance: String,
    pub(crate) cause: String,
    pub(crate) body: String,
    pub(crate) attempts: u32,
    /// Why the last attempt failed.
    pub(crate) reason: Option<String>,
    /// When it was added, milliseconds since the Unix epoch.
    pub(crate) created: i64,
    /// When the first attempt was begun, where that was noted.
    pub(crate) attempted: Option<i64>,
}

/// How much waits, for how long, and how much was given up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct OutboxDepth {
    pub(crate) waiting: u64,
    pub(crate) dead: u64,
    /// When the oldest waiting row was added, milliseconds since the Unix epoch.
    pub(crate) oldest: Option<i64>,
}

impl State {
    /// The oldest waiting posts of `user` into `room`, in order, without those of some instances.
    pub(crate) async fn waiting(
        &self,
        user: String,
        room: String,
        except: Vec<String>,
        limit: u32,
    ) -> Result<Vec<OutboxRow>, StateError> {
        self.call(move |db| {
            let held: String = (4..4 + except.len())
                .map(|number| format!(" AND instance <> ?{number}"))
                .collect();
            let sql = format!(
                "SELECT seq, post_key, instance, cause, body, attempts, reason, created, attempted FROM outbox
                 WHERE endpoint = ?1 AND room = ?2 AND status = 'waiting'{held} ORDER BY seq LIMIT ?3"
            );
            let limit = i64::from(limit);
            let first: [&dyn Value; 3] = [&user, &room, &limit];
            let held = except.iter().map(|instance| instance as &dyn Value);
            let values: Vec<_> = first.into_iter().chain(held).collect();
            db.query(&sql, &values, row)
        })
        .await
    }

    /// People for whom answers of `user` wait, whoever has waited longest first.
    pub(crate) async fn people_waited_for(&self, user: String) -> Result<Vec<String>, StateError> {
        self.call(move |db| {
            // `;` is the character after `:`.
            db.query(
                "SELECT room FROM outbox
                 WHERE endpoint = ?1 AND room >= 'sip:' AND room < 'sip;' AND status = 'waiting'
                 GROUP BY room ORDER BY min(seq)",
                values![user],
                |row| row.get(0),
            )
        })
        .await
    }

    /// Users and addresses for which mails wait, the one that has waited longest first.
    pub(crate) async fn mails_waited_for(&self) -> Result<Vec<(String, String)>, StateError> {
        self.call(|db| {
            // `;` is the character after `:`.
            db.query(
                "SELECT endpoint, room FROM outbox
                 WHERE room >= 'mailto:' AND room < 'mailto;' AND status = 'waiting'
                 GROUP BY endpoint, room ORDER BY min(seq)",
                values![],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
        })
        .await
    }

    /// An attempt is begun: from now on the post may be in the room.
    pub(crate) async fn attempted(
        &self,
        seq: i64,
        entries: Vec<NewEntry>,
        at: i64,
    ) -> Result<(), StateError> {
        let ledger = self.ledger;
        self.call(move |db| {
            db.execute(
                "UPDATE outbox SET attempted = coalesce(attempted, ?2) WHERE seq = ?1",
                values![seq, at],
            )?;
            ledger.record(db, &entries, at)
        })
        .await
    }

    /// Whether a message in a room is known to be another post of `user`.
    pub(crate) async fn is_claimed(
        &self,
        user: String,
        room: String,
        message: i64,
    ) -> Result<bool, StateError> {
        self.call(move |db| {
            db.exists(
                "SELECT 1 FROM outbox WHERE endpoint = ?1 AND room = ?2 AND message = ?3",
                values![user, room, message],
            )
        })
        .await
    }

    /// Users and rooms that have posts waiting, so that a room no instance names any more is still served.
    pub(crate) async fn rooms_with_waiting_posts(&self) -> Result<Vec<(String, String)>, StateError> {
        self.call(|db| {
            db.query(
                "SELECT DISTINCT endpoint, room FROM outbox WHERE status = 'waiting'",
                values![],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
        })
        .await
    }

    /// The server confirmed the post under `message`.
    pub(crate) async fn delivered(
        &self,
        seq: i64,
        message: Option<i64>,
        entries: Vec<NewEntry>,
        at: i64,
    ) -> Result<(), StateError> {
        let ledger = self.ledger;
        self.call(move |db| {
            db.execute(
                "UPDATE outbox SET status = 'delivered', message = ?2, finished = ?3, reason = NULL
                     WHERE seq = ?1",
                values![seq, message, at],
            )?;
            ledger.record(db, &entries, at)
        })
        .await
    }

    /// The post will be tried again; `reason` is why it was not delivered now.
    pub(crate) async fn postponed(
        &self,
        seq: i64,
        reason: String,
        entries: Vec<NewEntry>,
        at: i64,
    ) -> Result<(), StateError> {
        let ledger = self.ledger;
        self.call(move |db| {
            db.execute(
                "UPDATE outbox SET attempts = attempts + 1, reason = ?2 WHERE seq = ?1",
                values![seq, reason],
            )?;
            ledger.record(db, &entries, at)
        })
        .await
    }

    /// The server refused the post for good; it stays with its reason and no longer holds up its room.
    pub(crate) async fn dead(
        &self,
        seq: i64,
        reason: String,
        entries: Vec<NewEntry>,
        at: i64,
    ) -> Result<(), StateError> {
        let ledger = self.ledger;
        self.call(move |db| {
            db.execute(
                "UPDATE outbox SET status = 'dead', attempts = attempts + 1, reason = ?2, finished = ?3
                     WHERE seq = ?1",
                values![seq, reason, at],
            )?;
            ledger.record(db, &entries, at)
        })
        .await
    }

    /// How much is on its way and how much was given up.
    pub(crate) async fn outbox_depth(&self) -> Result<OutboxDepth, StateError> {
        self.call(|db| {
            let waiting = db.first(
                "SELECT count(*), min(created) FROM outbox WHERE status = 'waiting'",
                values![],
                |row| Ok((row.get::<i64>(0)?.unsigned_abs(), row.get(1)?)),
            )?;
            let (waiting, oldest) = waiting.unwrap_or_default();
            let dead = db.count("SELECT count(*) FROM outbox WHERE status = 'dead'", values![])?;
            Ok(OutboxDepth {
                waiting,
                dead,
                oldest,
            })
        })
        .await
    }

    /// Forgets delivered posts that finished before `before`; dead ones stay until somebody decides.
    pub(crate) async fn forget_delivered(&self, before: i64) -> Result<usize, StateError> {
        self.call(move |db| {
            db.execute(
                "DELETE FROM outbox WHERE status <> 'waiting' AND status = 'delivered' AND finished < ?1",
                values![before],
            )
        })
        .await
    }
}

fn row(row: &Row<'_>) -> Result<OutboxRow, DbError> {
    Ok(OutboxRow {
        seq: row.get(0)?,
        key: row.get(1)?,
        instance: row.get(2)?,
        cause: row.get(3)?,
        body: row.get(4)?,
        attempts: u32::try_from(row.get::<i64>(5)?).unwrap_or(u32::MAX),
        reason: row.get(6)?,
        created: row.get(7)?,
        attempted: row.get(8)?,
    })
}

/// Adds a post and notes it as queued; one with the same key in the same room is the same post and is left alone.
pub(super) fn add(db: &Db, ledger: Ledger, instance: &str, post: &NewPost, at: i64) -> Result<(), DbError> {
    let added = db.execute(
        "INSERT INTO outbox (post_key, instance, endpoint, room, cause, ordinal, body, created)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (endpoint, room, post_key) DO NOTHING",
        values![
            post.key,
            instance,
            post.user,
            post.room,
            post.cause,
            i64::from(post.ordinal),
            post.body,
            at
        ],
    )?;
    let (status, detail) = if added == 0 {
        (LedgerStatus::Skipped, "this very post was made before")
    } else {
        let waits = if is_removal(&post.room) {
            LedgerStatus::Removing
        } else {
            LedgerStatus::Queued
        };
        (waits, post.excerpt.as_str())
    };
    let entry = NewEntry::new(instance, &*post.cause, status)
        .in_room(&*post.shown)
        .detail(detail);
    ledger.record(db, &[entry], at)
}
