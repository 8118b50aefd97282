//! What is known of each feed address, and which items each subscription has dealt with.

use std::collections::HashMap;

use super::db::{Db, DbError, Row, values};
use super::inbox::{self, NewInput};
use super::ledger::{Ledger, NewEntry};
use super::outbox::{self, NewPost};
use super::{State, StateError};

/// One instance's subscription to one feed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Subscription {
    pub(crate) instance: String,
    pub(crate) feed: String,
}

/// What is known of an address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FeedRow {
    /// What the next request is made with, JSON; empty before the first list.
    pub(crate) validators: String,
    /// Where a permanent redirect has led.
    pub(crate) moved: Option<String>,
    /// What operators were told and what lasts.
    pub(crate) trouble: Option<Trouble>,
    /// A server's wish not to be asked before this time, milliseconds since the Unix epoch.
    pub(crate) not_before: Option<i64>,
}

/// What is wrong with a feed, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// Whether the publisher says that it is gone for good; else it fails.
    pub(crate) gone: bool,
    /// Milliseconds since the Unix epoch.
    pub(crate) since: i64,
}

/// What is known of a subscription that has had its first look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SubscriptionRow {
    /// What items were known by at the last look, JSON.
    pub(crate) identity: String,
    /// Whether it was served what the stored validators of this address stand for. When not, the address must be read
    /// whole.
    pub(crate) served: bool,
    /// When something new was listed last, milliseconds since the Unix epoch.
    pub(crate) news: Option<i64>,
    /// Since when operators know that nothing new comes.
    pub(crate) silent: Option<i64>,
}

/// What one fetch brought for one subscription.
#[derive(Debug, Clone, Default)]
pub(crate) struct FeedRecord {
    pub(crate) subscription: Subscription,
    /// What items are known by, JSON.
    pub(crate) identity: String,
    /// All items listed now, accepted or passed over, by what they are known by, with what they say where that counts.
    pub(crate) listed: Vec<(String, Option<String>)>,
    /// The events to be handled, oldest first.
    pub(crate) accepted: Vec<NewInput>,
    /// When the last new item was listed, milliseconds since the Unix epoch.
    pub(crate) news: Option<i64>,
    /// What the ledger tells beside what was accepted: new items that were passed over, with the reason, and the items
    /// of a digest.
    pub(crate) entries: Vec<NewEntry>,
}

/// What is to be remembered of a look beside what it brought, with what operators are told about it.
#[derive(Debug, Clone, Default)]
pub(crate) struct FeedTurn {
    pub(crate) url: String,
    /// All but the validators, which stay.
    pub(crate) row: FeedRow,
    /// Since when subscriptions are silent, where that changed.
    pub(crate) silent: Vec<(Subscription, Option<i64>)>,
    /// Posts for operators, each with the instance in whose name it is made.
    pub(crate) notices: Vec<(String, NewPost)>,
}

impl State {
    /// What is known of an address and of its subscriptions, in their order; `None` for one that never had its first
    /// look.
    pub(crate) async fn feed(
        &self,
        url: String,
        subscriptions: Vec<Subscription>,
    ) -> Result<(FeedRow, Vec<Option<SubscriptionRow>>), StateError> {
        self.call(move |db| {
            let row = db
                .first(
                    "SELECT validators, moved, trouble, since, not_before FROM feed WHERE url = ?1",
                    values![url],
                    feed_row,
                )?
                .unwrap_or_default();
            let known = "SELECT identity, url = ?3 AND validators = ?4, news, silent FROM feed_subscription
                         WHERE instance = ?1 AND feed = ?2";
            let mut rows = Vec::new();
            for Subscription { instance, feed } in &subscriptions {
                let values = values![instance, feed, url, row.validators];
                rows.push(db.first(known, values, subscription_row)?);
            }
            Ok((row, rows))
        })
        .await
    }

    /// Which of `items` the subscription has seen, with what they said then.
    pub(crate) async fn seen(
        &self,
        subscription: Subscription,
        items: Vec<String>,
    ) -> Result<HashMap<String, Option<String>>, StateError> {
        self.call(move |db| {
            let Subscription { instance, feed } = &subscription;
            let known = "SELECT version FROM feed_seen WHERE instance = ?1 AND feed = ?2 AND item = ?3";
            let mut seen = HashMap::new();
            for item in items {
                let found = db.first(known, values![instance, feed, item], |row| row.get(0))?;
                if let Some(version) = found {
                    seen.insert(item, version);
                }
            }
            Ok(seen)
        })
        .await
    }

    /// Until when servers want not to be asked, by address, milliseconds since the Unix epoch.
    pub(crate) async fn feeds_not_before(&self) -> Result<HashMap<String, i64>, StateError> {
        self.call(|db| {
            let asked = "SELECT url, not_before FROM feed WHERE not_before IS NOT NULL";
            let rows = db.query(asked, values![], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.into_iter().collect())
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
        self.call(move |db| {
            for record in &records {
                keep(db, ledger, &url, &validators, record, at)?;
            }
            db.execute(
                "INSERT INTO feed (url, validators) VALUES (?1, ?2)
                     ON CONFLICT (url) DO UPDATE SET validators = excluded.validators",
                values![url, validators],
            )?;
            Ok(())
        })
        .await
    }

    /// Keeps how a look went, and tells operators, in one transaction.
    pub(crate) async fn record_turn(&self, turn: FeedTurn, at: i64) -> Result<(), StateError> {
        let ledger = self.ledger;
        self.call(move |db| {
            let FeedRow {
                moved,
                trouble,
                not_before,
                ..
            } = &turn.row;
            let word = trouble
                .as_ref()
                .map(|trouble| if trouble.gone { "gone" } else { "failing" });
            db.execute(
                "INSERT INTO feed (url, validators, moved, trouble, since, not_before)
                     VALUES (?1, '', ?2, ?3, ?4, ?5)
                     ON CONFLICT (url) DO UPDATE SET moved = excluded.moved, trouble = excluded.trouble,
                       since = excluded.since, not_before = excluded.not_before",
                values![
                    turn.url,
                    moved,
                    word,
                    trouble.as_ref().map(|trouble| trouble.since),
                    not_before
                ],
            )?;
            let silence = "UPDATE feed_subscription SET silent = ?3 WHERE instance = ?1 AND feed = ?2";
            for (Subscription { instance, feed }, silent) in &turn.silent {
                db.execute(silence, values![instance, feed, silent])?;
            }
            for (instance, post) in &turn.notices {
                outbox::add(db, ledger, instance, post, at)?;
            }
            Ok(())
        })
        .await
    }

    /// Forgets items that were not listed since `before`, and not by the last fetch that brought a list either: a
    /// feed that does not change for months still lists what it lists.
    pub(crate) async fn forget_unlisted(&self, before: i64) -> Result<usize, StateError> {
        self.call(move |db| {
            db.execute(
                "DELETE FROM feed_seen WHERE listed < ?1 AND listed <
                       (SELECT max(listed) FROM feed_seen AS other
                        WHERE other.instance = feed_seen.instance AND other.feed = feed_seen.feed)",
                values![before],
            )
        })
        .await
    }
}

fn feed_row(row: &Row<'_>) -> Result<FeedRow, DbError> {
    let (word, since): (Option<String>, Option<i64>) = (row.get(2)?, row.get(3)?);
    let trouble = word.map(|word| Trouble {
        gone: word == "gone",
        since: since.unwrap_or_default(),
    });
    Ok(FeedRow {
        validators: row.get(0)?,
        moved: row.get(1)?,
        trouble,
        not_before: row.get(4)?,
    })
}

fn subscription_row(row: &Row<'_>) -> Result<SubscriptionRow, DbError> {
    Ok(SubscriptionRow {
        identity: row.get(0)?,
        served: row.get(1)?,
        news: row.get(2)?,
        silent: row.get(3)?,
    })
}

fn keep(
    db: &Db,
    ledger: Ledger,
    url: &str,
    validators: &str,
    record: &FeedRecord,
    at: i64,
) -> Result<(), DbError> {
    let Subscription { instance, feed } = &record.subscription;
    for input in &record.accepted {
        inbox::accept(db, ledger, input, at)?;
    }
    ledger.record(db, &record.entries, at)?;
    let seen = "INSERT INTO feed_seen (instance, feed, item, listed, version) VALUES (?1, ?2, ?3, ?4, ?5)
                ON CONFLICT (instance, feed, item) DO UPDATE
                SET listed = excluded.listed, version = coalesce(excluded.version, feed_seen.version)";
    for (item, version) in &record.listed {
        db.execute(seen, values![instance, feed, item, at, version])?;
    }
    db.execute(
        "INSERT INTO feed_subscription (instance, feed, url, validators, identity, news)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (instance, feed) DO UPDATE SET url = excluded.url, validators = excluded.validators,
               identity = excluded.identity, news = coalesce(excluded.news, feed_subscription.news)",
        values![instance, feed, url, validators, record.identity, record.news],
    )?;
    Ok(())
}
