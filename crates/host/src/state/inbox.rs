//! Events that were accepted for an instance and wait for its handler: feed items and schedule fires.
//!
//! They are rows before they are handled, because their source does not repeat them: a feed says "not modified"
//! the second time, a due time passes once.

use super::db::{Db, DbError, values};
use super::ledger::{Ledger, NewEntry};
use super::{State, StateError};
use crate::ledger::LedgerStatus;

/// Private messages of one person that wait for one instance; more than a person types while a bot thinks.
const PRIVATE_OF_PERSON: u64 = 32;
/// Private messages that wait for one instance: a few megabytes at most, and hours of work for it.
const PRIVATE_OF_ALL: u64 = 2_000;

/// An event to be accepted.
#[derive(Debug, Clone)]
pub(crate) struct NewInput {
    pub(crate) instance: String,
    /// What must stay in order among itself, such as one feed or one schedule.
    pub(crate) source: String,
    /// What makes the event this one; accepted once per instance.
    pub(crate) cause: String,
    /// The event, JSON.
    pub(crate) event: String,
    /// What the ledger tells of it beside its cause: a title, when it has one.
    pub(crate) title: Option<String>,
    /// Its address, when it has one.
    pub(crate) link: Option<String>,
}

/// An accepted event.
#[derive(Debug, Clone)]
pub(crate) struct InboxRow {
    pub(crate) seq: i64,
    pub(crate) source: String,
    pub(crate) cause: String,
    pub(crate) event: String,
}

impl State {
    /// Accepts one private message for all instances that want it; `false`, and nothing stored, when too many wait.
    pub(crate) async fn accept_private(&self, inputs: Vec<NewInput>, at: i64) -> Result<bool, StateError> {
        let ledger = self.ledger;
        self.call(move |db| {
            for input in &inputs {
                if is_flooded(db, input)? {
                    return Ok(false);
                }
            }
            for input in &inputs {
                accept(db, ledger, input, at)?;
            }
            Ok(true)
        })
        .await
    }

    /// The oldest accepted event of each source of an instance, oldest first, at most `limit`.
    pub(crate) async fn inbox_heads(
        &self,
        instance: String,
        limit: u32,
    ) -> Result<Vec<InboxRow>, StateError> {
        self.call(move |db| {
            db.query(
                "SELECT seq, source, cause, event FROM inbox WHERE seq IN
                   (SELECT min(seq) FROM inbox WHERE instance = ?1 GROUP BY source)
                 ORDER BY seq LIMIT ?2",
                values![instance, i64::from(limit)],
                |row| {
                    Ok(InboxRow {
                        seq: row.get(0)?,
                        source: row.get(1)?,
                        cause: row.get(2)?,
                        event: row.get(3)?,
                    })
                },
            )
        })
        .await
    }
}

/// Whether an instance has enough to do with one person, or with all that write to it.
fn is_flooded(db: &Db, input: &NewInput) -> Result<bool, DbError> {
    let of_person = db.count(
        "SELECT count(*) FROM inbox WHERE instance = ?1 AND source = ?2",
        values![input.instance, input.source],
    )?;
    // `;` is the character after `:`.
    let of_all = db.count(
        "SELECT count(*) FROM inbox WHERE instance = ?1 AND source >= 'private:' AND source < 'private;'",
        values![input.instance],
    )?;
    Ok(of_person >= PRIVATE_OF_PERSON || of_all >= PRIVATE_OF_ALL)
}

/// Accepts an event and notes it as seen; one with the same cause is the same event and is left alone.
pub(super) fn accept(db: &Db, ledger: Ledger, input: &NewInput, at: i64) -> Result<(), DbError> {
    let added = db.execute(
        "INSERT INTO inbox (instance, source, cause, event, created) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (instance, cause) DO NOTHING",
        values![input.instance, input.source, input.cause, input.event, at],
    )?;
    if added == 0 {
        return Ok(());
    }
    let seen = NewEntry::new(&*input.instance, &*input.cause, LedgerStatus::Seen)
        .link(input.link.clone())
        .detail(input.title.as_deref().unwrap_or_default());
    ledger.record(db, &[seen], at)
}
