//! What is known of each feed address, and which items each subscription has dealt with.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, params};

use super::inbox::{self, NewInput};
use super::ledger::{Ledger, NewEntry};
use super::{State, StateError};

/// One instance's subscription to one feed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Subscription {
    pub(crate) instance: String,
    pub(crate) feed: String,
}

/// What one fetch brought for one subscription.
#[derive(Debug, Clone)]
pub(crate) struct FeedRecord {
    pub(crate) subscription: Subscription,
    /// Identities of all items listed now, accepted or passed over.
    pub(crate) listed: Vec<String>,
    /// The items to be handled, oldest first.
    pub(crate) accepted: Vec<NewInput>,
    /// What the ledger tells beside what was accepted: new items that were passed over, with the reason.
    pub(crate) entries: Vec<NewEntry>,
}

impl State {
    /// The stored validators of an address, JSON.
    pub(crate) async fn validators(&self, url: String) -> Result<Option<String>, StateError> {
        self.call(move |connection| {
            connection
                .prepare_cached("SELECT validators FROM feed WHERE url = ?1")?
                .query_row([&url], |row| row.get(0))
                .optional()
        })
        .await
    }

    /// Whether the subscription has been served what the stored validators of this address stand for. When not, the
    /// address must be read whole.
    pub(crate) async fn is_served(
        &self,
        subscription: Subscription,
        url: String,
    ) -> Result<bool, StateError> {
        self.call(move |connection| {
            connection
                .prepare_cached(
                    "SELECT 1 FROM feed_subscription JOIN feed USING (url, validators)
                     WHERE instance = ?1 AND feed = ?2 AND url = ?3",
                )?
                .exists(params![subscription.instance, subscription.feed, url])
        })
        .await
    }

    /// Which of `items` the subscription has seen, or `None` when it never had its first run.
    pub(crate) async fn seen(
        &self,
        subscription: Subscription,
        items: Vec<String>,
    ) -> Result<Option<HashSet<String>>, StateError> {
        self.call(move |connection| {
            let Subscription { instance, feed } = &subscription;
            let ran = connection
                .prepare_cached("SELECT 1 FROM feed_subscription WHERE instance = ?1 AND feed = ?2")?
                .exists(params![instance, feed])?;
            if !ran {
                return Ok(None);
            }
            let mut known = connection
                .prepare_cached("SELECT 1 FROM feed_seen WHERE instance = ?1 AND feed = ?2 AND item = ?3")?;
            let mut seen = HashSet::new();
            for item in items {
                if known.exists(params![instance, feed, item])? {
                    seen.insert(item);
                }
            }
            Ok(Some(seen))
        })
        .await
    }

    /// Keeps one fetch in one transaction: validators, accepted items, and everything listed as seen.
    pub(crate) async fn record_fetch(
        &self,
        url: String,
        validators: String,
        records: Vec<FeedRecord>,
        at: i64,
    ) -> Result<(), StateError> {
        let ledger = self.ledger;
        self.call(move |connection| {
            for record in &records {
                keep(connection, ledger, &url, &validators, record, at)?;
            }
            connection
                .prepare_cached(
                    "INSERT INTO feed (url, validators) VALUES (?1, ?2)
                     ON CONFLICT (url) DO UPDATE SET validators = excluded.validators",
                )?
                .execute(params![url, validators])?;
            Ok(())
        })
        .await
    }

    /// Forgets items that were not listed since `before`, and not by the last fetch that brought a list either: a
    /// feed that does not change for months still lists what it lists.
    pub(crate) async fn forget_unlisted(&self, before: i64) -> Result<usize, StateError> {
        self.call(move |connection| {
            connection
                .prepare_cached(
                    "DELETE FROM feed_seen WHERE listed < ?1 AND listed <
                       (SELECT max(listed) FROM feed_seen AS other
                        WHERE other.instance = feed_seen.instance AND other.feed = feed_seen.feed)",
                )?
                .execute([before])
        })
        .await
    }
}

fn keep(
    connection: &Connection,
    ledger: Ledger,
    url: &str,
    validators: &str,
    record: &FeedRecord,
    at: i64,
) -> Result<(), rusqlite::Error> {
    let Subscription { instance, feed } = &record.subscription;
    for input in &record.accepted {
        inbox::accept(connection, ledger, input, at)?;
    }
    ledger.record(connection, &record.entries, at)?;
    let mut seen = connection.prepare_cached(
        "INSERT INTO feed_seen (instance, feed, item, listed) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (instance, feed, item) DO UPDATE SET listed = excluded.listed",
    )?;
    for item in &record.listed {
        seen.execute(params![instance, feed, item, at])?;
    }
    connection
        .prepare_cached(
            "INSERT INTO feed_subscription (instance, feed, url, validators) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (instance, feed)
             DO UPDATE SET url = excluded.url, validators = excluded.validators",
        )?
        .execute(params![instance, feed, url, validators])?;
    Ok(())
}
