//! Posts on their way into rooms: added by a handler's commit, delivered in order per user and room.

use rusqlite::{Connection, Row, ToSql, params};

use super::ledger::{Ledger, NewEntry};
use super::{State, StateError, count};
use crate::ledger::LedgerStatus;

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
        self.call(move |connection| {
            let held: String = (4..4 + except.len())
                .map(|number| format!(" AND instance <> ?{number}"))
                .collect();
            let mut statement = connection.prepare_cached(&format!(
                "SELECT seq, post_key, instance, cause, body, attempts, reason, created, attempted FROM outbox
                 WHERE user = ?1 AND room = ?2 AND status = 'waiting'{held} ORDER BY seq LIMIT ?3"
            ))?;
            let first: [&dyn ToSql; 3] = [&user, &room, &limit];
            let held = except.iter().map(|instance| instance as &dyn ToSql);
            let values: Vec<_> = first.into_iter().chain(held).collect();
            let rows = statement.query_map(&*values, row)?;
            rows.collect()
        })
        .await
    }

    /// People for whom answers of `user` wait, whoever has waited longest first.
    pub(crate) async fn people_waited_for(&self, user: String) -> Result<Vec<String>, StateError> {
        self.call(move |connection| {
            // `;` is the character after `:`.
            let mut statement = connection.prepare_cached(
                "SELECT room FROM outbox WHERE user = ?1 AND room >= 'sip:' AND room < 'sip;' AND status = 'waiting'
                 GROUP BY room ORDER BY min(seq)",
            )?;
            let rows = statement.query_map([&user], |row| row.get(0))?;
            rows.collect()
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
        self.call(move |connection| {
            connection
                .prepare_cached("UPDATE outbox SET attempted = coalesce(attempted, ?2) WHERE seq = ?1")?
                .execute(params![seq, at])?;
            ledger.record(connection, &entries, at)
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
        self.call(move |connection| {
            connection
                .prepare_cached("SELECT 1 FROM outbox WHERE user = ?1 AND room = ?2 AND message = ?3")?
                .exists(params![user, room, message])
        })
        .await
    }

    /// Users and rooms that have posts waiting, so that a room no instance names any more is still served.
    pub(crate) async fn rooms_with_waiting_posts(&self) -> Result<Vec<(String, String)>, StateError> {
        self.call(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT DISTINCT user, room FROM outbox WHERE status = 'waiting'")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
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
        self.call(move |connection| {
            connection
                .prepare_cached(
                    "UPDATE outbox SET status = 'delivered', message = ?2, finished = ?3, reason = NULL
                     WHERE seq = ?1",
                )?
                .execute(params![seq, message, at])?;
            ledger.record(connection, &entries, at)
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
        self.call(move |connection| {
            connection
                .prepare_cached("UPDATE outbox SET attempts = attempts + 1, reason = ?2 WHERE seq = ?1")?
                .execute(params![seq, reason])?;
            ledger.record(connection, &entries, at)
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
        self.call(move |connection| {
            connection
                .prepare_cached(
                    "UPDATE outbox SET status = 'dead', attempts = attempts + 1, reason = ?2, finished = ?3
                     WHERE seq = ?1",
                )?
                .execute(params![seq, reason, at])?;
            ledger.record(connection, &entries, at)
        })
        .await
    }

    /// How much is on its way and how much was given up.
    pub(crate) async fn outbox_depth(&self) -> Result<OutboxDepth, StateError> {
        self.call(|connection| {
            let (waiting, oldest) = connection
                .prepare_cached("SELECT count(*), min(created) FROM outbox WHERE status = 'waiting'")?
                .query_row([], |row| Ok((count(row)?, row.get(1)?)))?;
            let dead = connection
                .prepare_cached(
                    "SELECT count(*) FROM outbox INDEXED BY outbox_finished
                     WHERE status <> 'waiting' AND status = 'dead'",
                )?
                .query_row([], count)?;
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
        self.call(move |connection| {
            connection
                .prepare_cached(
                    "DELETE FROM outbox WHERE status <> 'waiting' AND status = 'delivered' AND finished < ?1",
                )?
                .execute([before])
        })
        .await
    }
}

fn row(row: &Row<'_>) -> Result<OutboxRow, rusqlite::Error> {
    Ok(OutboxRow {
        seq: row.get(0)?,
        key: row.get(1)?,
        instance: row.get(2)?,
        cause: row.get(3)?,
        body: row.get(4)?,
        attempts: row.get(5)?,
        reason: row.get(6)?,
        created: row.get(7)?,
        attempted: row.get(8)?,
    })
}

/// Adds a post and notes it as queued; one with the same key in the same room is the same post and is left alone.
pub(super) fn add(
    connection: &Connection,
    ledger: Ledger,
    instance: &str,
    post: &NewPost,
    at: i64,
) -> Result<(), rusqlite::Error> {
    let added = connection
        .prepare_cached(
            "INSERT INTO outbox (post_key, instance, user, room, cause, ordinal, body, created)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (user, room, post_key) DO NOTHING",
        )?
        .execute(params![
            post.key,
            instance,
            post.user,
            post.room,
            post.cause,
            post.ordinal,
            post.body,
            at
        ])?;
    let (status, detail) = if added == 0 {
        (LedgerStatus::Skipped, "this very post was made before")
    } else {
        (LedgerStatus::Queued, post.excerpt.as_str())
    };
    let entry = NewEntry::new(instance, &*post.cause, status)
        .in_room(&*post.shown)
        .detail(detail);
    ledger.record(connection, &[entry], at)
}
