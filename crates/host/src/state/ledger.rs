//! What became of every item, written in the transactions of what it tells, so that it cannot tell anything else.

use chrono::DateTime;

use super::db::{Db, DbError, Row, values};
use super::{State, StateError};
use crate::ledger::{LedgerEntry, LedgerQuery, LedgerStatus};

/// Longest reason or title that is kept, in characters: enough to understand, no copy of a story.
const DETAIL: usize = 300;
/// Entries given at once; a reader that wants more asks again after the last.
const PAGE: i64 = 1000;
/// Entries looked through for an item named by a part of its name, newest first: a second's work on a slow disk.
const SEARCHED: i64 = 200_000;

/// An entry to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewEntry {
    instance: String,
    room: Option<String>,
    item: String,
    status: LedgerStatus,
    message: Option<i64>,
    link: Option<String>,
    detail: Option<String>,
    at: Option<i64>,
}

impl NewEntry {
    /// `item` is the cause of what happens, as the inbox and the outbox name it.
    pub(crate) fn new(instance: impl Into<String>, item: impl Into<String>, status: LedgerStatus) -> Self {
        Self {
            instance: instance.into(),
            room: None,
            item: item.into(),
            status,
            message: None,
            link: None,
            detail: None,
            at: None,
        }
    }

    /// The room that it is about, as configured.
    pub(crate) fn in_room(mut self, room: impl Into<String>) -> Self {
        self.room = Some(room.into());
        self
    }

    /// The id of the message in the room, once it is known.
    pub(crate) fn message(mut self, id: Option<i64>) -> Self {
        self.message = id;
        self
    }

    /// The address of the item.
    pub(crate) fn link(mut self, link: Option<String>) -> Self {
        self.link = link;
        self
    }

    /// When it happened, when that was before it is written; milliseconds since the Unix epoch.
    pub(crate) fn at(mut self, at: i64) -> Self {
        self.at = Some(at);
        self
    }

    /// A reason or a title; cut to a few hundred characters on one line.
    pub(crate) fn detail(mut self, detail: impl AsRef<str>) -> Self {
        let line = detail.as_ref().split_whitespace().collect::<Vec<_>>().join(" ");
        self.detail = (!line.is_empty()).then(|| line.chars().take(DETAIL).collect());
        self
    }
}

/// Whether the ledger is written; a copy goes into every transaction that has something to tell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ledger {
    pub(super) on: bool,
}

impl Ledger {
    /// Writes entries inside the caller's transaction.
    pub(super) fn record(self, db: &Db, entries: &[NewEntry], at: i64) -> Result<(), DbError> {
        if !self.on || entries.is_empty() {
            return Ok(());
        }
        for entry in entries {
            db.execute(
                "INSERT INTO ledger (at, instance, room, item, status, message, link, detail)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                values![
                    entry.at.unwrap_or(at),
                    entry.instance,
                    entry.room,
                    entry.item,
                    entry.status.as_str(),
                    entry.message,
                    entry.link,
                    entry.detail,
                ],
            )?;
        }
        Ok(())
    }
}

impl State {
    /// Writes entries in a transaction of their own: for what leaves no other trace in the state.
    pub(crate) async fn note(&self, entries: Vec<NewEntry>, at: i64) -> Result<(), StateError> {
        let ledger = self.ledger;
        self.call(move |db| ledger.record(db, &entries, at)).await
    }

    /// Entries by what they are about, oldest first.
    pub(crate) async fn ledger(&self, query: LedgerQuery) -> Result<Vec<LedgerEntry>, StateError> {
        self.call(move |db| list(db, &query)).await
    }

    /// Everything about one item, message or address, oldest first.
    pub(crate) async fn ledger_about(&self, what: String) -> Result<Vec<LedgerEntry>, StateError> {
        self.call(move |db| about(db, &what)).await
    }

    /// Forgets what was written before `before`, and all but the newest `count` entries. What is dead or in quarantine
    /// is listed as long as it can be retried.
    pub(crate) async fn forget_ledger(&self, before: i64, count: u64) -> Result<usize, StateError> {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.call(move |db| {
            // Numbers grow with time, so that only what is forgotten has to be looked at.
            db.execute(
                "DELETE FROM ledger
                     WHERE (seq < coalesce((SELECT seq FROM ledger WHERE at >= ?1 ORDER BY seq LIMIT 1),
                                           (SELECT max(seq) + 1 FROM ledger))
                            OR seq <= (SELECT max(seq) FROM ledger) - ?2)
                       AND NOT (status = 'dead' AND EXISTS
                                (SELECT 1 FROM outbox WHERE outbox.status = 'dead'
                                   AND outbox.cause = ledger.item
                                   AND outbox.instance = ledger.instance))
                       AND NOT (status = 'quarantined' AND EXISTS
                                (SELECT 1 FROM quarantine WHERE quarantine.cause = ledger.item
                                   AND quarantine.instance = ledger.instance))",
                values![before, count],
            )
        })
        .await
    }
}

const COLUMNS: &str = "seq, at, instance, room, item, status, message, link, detail";

/// The newest entries that fit `query`, or those after its number, oldest first.
pub(crate) fn list(db: &Db, query: &LedgerQuery) -> Result<Vec<LedgerEntry>, DbError> {
    let order = if query.after.is_some() { "ASC" } else { "DESC" };
    let sql = format!(
        "SELECT {COLUMNS} FROM ledger
         WHERE seq > ?1 AND (CAST(?2 AS TEXT) IS NULL OR instance = ?2)
           AND (CAST(?3 AS TEXT) IS NULL OR room = ?3 OR lower(room) = ?4)
           AND (CAST(?5 AS TEXT) IS NULL OR status = ?5)
           AND (CAST(?6 AS BIGINT) IS NULL OR at >= ?6)
         ORDER BY seq {order} LIMIT ?7"
    );
    let limit = query.limit.map_or(PAGE, |limit| i64::from(limit).min(PAGE));
    let mut entries = db.query(
        &sql,
        values![
            query.after.unwrap_or(0),
            query.instance,
            query.room,
            query.room.as_ref().map(|room| room.to_lowercase()),
            query.status.map(LedgerStatus::as_str),
            query.since.map(|since| since.timestamp_millis()),
            limit,
        ],
        entry,
    )?;
    if query.after.is_none() {
        entries.reverse();
    }
    Ok(entries)
}

/// Everything about an item: named in full, by its address, by the id of a message in a room, or by the end of its
/// name.
pub(crate) fn about(db: &Db, what: &str) -> Result<Vec<LedgerEntry>, DbError> {
    let items = match named(db, what)? {
        items if items.is_empty() => ending(db, what)?,
        items => items,
    };
    let sql = format!("SELECT {COLUMNS} FROM ledger WHERE item = ?1 ORDER BY seq LIMIT ?2");
    let mut entries = Vec::new();
    for item in items {
        entries.extend(db.query(&sql, values![item, PAGE], entry)?);
    }
    Ok(entries)
}

fn named(db: &Db, what: &str) -> Result<Vec<String>, DbError> {
    db.query(
        "SELECT item FROM ledger WHERE item = ?1
         UNION SELECT item FROM ledger WHERE link = ?1
         UNION SELECT item FROM ledger WHERE message = ?2 LIMIT ?3",
        values![what, what.parse::<i64>().ok(), PAGE],
        |row| row.get(0),
    )
}

fn ending(db: &Db, what: &str) -> Result<Vec<String>, DbError> {
    let newest: Option<i64> = db
        .first("SELECT max(seq) FROM ledger", values![], |row| row.get(0))?
        .flatten();
    let end = format!(":{what}");
    let characters = i32::try_from(end.chars().count()).unwrap_or(i32::MAX);
    db.query(
        "SELECT DISTINCT item FROM ledger
         WHERE seq > ?1 AND length(item) >= ?2 AND substr(item, length(item) - ?2 + 1) = ?3 LIMIT ?4",
        values![newest.unwrap_or(0) - SEARCHED, characters, end, PAGE],
        |row| row.get(0),
    )
}

fn entry(row: &Row<'_>) -> Result<LedgerEntry, DbError> {
    let status: String = row.get(5)?;
    Ok(LedgerEntry {
        number: row.get(0)?,
        at: DateTime::from_timestamp_millis(row.get(1)?).unwrap_or_default(),
        instance: row.get(2)?,
        room: row.get(3)?,
        item: row.get(4)?,
        status: status.parse().map_err(DbError::column)?,
        message: row.get(6)?,
        link: row.get(7)?,
        detail: row.get(8)?,
    })
}

#[cfg(test)]
mod tests;
