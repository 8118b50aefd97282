//! Requests of webhooks: accepted once for each key. What was accepted is remembered where items of feeds are, as what
//! an instance has dealt with of one source, and forgotten by the same rule.

use super::db::{Db, DbError, values};
use super::inbox::{self, NewInput};
use super::ledger::NewEntry;
use super::{State, StateError};
use crate::ledger::LedgerStatus;

/// Requests that wait for one instance: hours of work for it, and 256 MB with bodies of the usual limit. Beyond it
/// senders are asked to come again.
pub(crate) const WAITING: u64 = 1_000;

/// What makes a request this one, inside its webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KnownBy {
    pub(crate) text: String,
    /// Whether it is a digest of the body, which may mean another request at another time.
    pub(crate) is_digest: bool,
}

impl KnownBy {
    /// The id of a request that was first accepted at `at`.
    pub(crate) fn id(&self, at: i64) -> String {
        if self.is_digest {
            format!("{}-{at}", self.text)
        } else {
            self.text.clone()
        }
    }

    /// What names it for ever.
    pub(crate) fn cause(&self, hook: &str, at: i64) -> String {
        format!("webhook:{hook}:{}", self.id(at))
    }
}

/// A request to be accepted.
#[derive(Debug, Clone)]
pub(crate) struct NewRequest {
    pub(crate) hook: String,
    pub(crate) known_by: KnownBy,
    /// One that was accepted at this time or later makes this one a repeat; milliseconds since the Unix epoch.
    pub(crate) repeats_since: i64,
    pub(crate) input: NewInput,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    Accepted,
    /// It was accepted before, at this time.
    Repeated {
        first: i64,
    },
    /// Too many wait; nothing was stored.
    Full,
}

impl State {
    /// Accepts a request, unless it repeats another or too many wait. The ledger is told of both kinds.
    pub(crate) async fn accept_request(&self, request: NewRequest, at: i64) -> Result<Taken, StateError> {
        let ledger = self.ledger;
        self.call(move |db| {
            let (input, known_by) = (&request.input, &request.known_by);
            // No feed is called so; both are names inside the instance.
            let source = format!("webhook:{}", request.hook);
            // Hosts of a pool take their turns one after the other, so nobody else finds the key unknown meanwhile.
            let known = accepted_at(db, &input.instance, &source, &known_by.text)?;
            if let Some(first) = known.filter(|first| *first >= request.repeats_since) {
                let cause = known_by.cause(&request.hook, first);
                let entry = NewEntry::new(&*input.instance, cause, LedgerStatus::Filtered);
                ledger.record(db, &[entry.detail("sent again")], at)?;
                return Ok(Taken::Repeated { first });
            }
            if waiting(db, &input.instance)? >= WAITING {
                return Ok(Taken::Full);
            }
            inbox::accept(db, ledger, input, at)?;
            db.execute(
                "INSERT INTO feed_seen (instance, feed, item, listed) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (instance, feed, item) DO UPDATE SET listed = excluded.listed",
                values![input.instance, source, known_by.text, at],
            )?;
            Ok(Taken::Accepted)
        })
        .await
    }
}

/// When a request with this key was accepted last.
fn accepted_at(db: &Db, instance: &str, source: &str, key: &str) -> Result<Option<i64>, DbError> {
    db.first(
        "SELECT listed FROM feed_seen WHERE instance = ?1 AND feed = ?2 AND item = ?3",
        values![instance, source, key],
        |row| row.get(0),
    )
}

fn waiting(db: &Db, instance: &str) -> Result<u64, DbError> {
    // `;` is the character after `:`.
    db.count(
        "SELECT count(*) FROM inbox WHERE instance = ?1 AND source >= 'webhook:' AND source < 'webhook;'",
        values![instance],
    )
}

#[cfg(test)]
mod tests;
