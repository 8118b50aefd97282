//! One look at one feed for all of its subscribers: fetched, sorted out, stored.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use parlor_bot::{FeedDigest, FeedItem, FeedUrl, IdentityField};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::Subscriber;
use crate::fault::Point;
use crate::feeds::{
    Advice, Feed, FeedError, Fetched, Fetcher, Passed, Past, Selection, Validators, known_by, select,
};
use crate::ground::Ground;
use crate::ledger::LedgerStatus;
use crate::state::{FeedRecord, FeedRow, NewEntry, NewInput, Subscription, SubscriptionRow};
use crate::worker::Accepted;

/// One look, as a task of its own.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) ground: Ground,
    pub(super) fetcher: Fetcher,
    pub(super) stop: CancellationToken,
    pub(super) url: FeedUrl,
    pub(super) subscribers: Arc<[Subscriber]>,
}

/// What a look came to.
#[derive(Debug)]
pub(super) struct Looked {
    pub(super) url: FeedUrl,
    /// What was known of the address before.
    pub(super) row: FeedRow,
    /// What is known of each subscription now; `None` where there has been no first look yet.
    pub(super) subscriptions: Vec<Option<SubscriptionRow>>,
    pub(super) result: Result<Answer, FeedError>,
}

/// What a look brought.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// Events for all subscribers together.
    pub(super) new: usize,
    pub(super) advice: Advice,
    /// How often the feed changes, it says.
    pub(super) period: Option<std::time::Duration>,
}

impl Look {
    /// Looks; `None` when the host stops.
    pub(super) async fn run(self) -> Option<Looked> {
        let state = &self.ground.state;
        let all: Vec<_> = self.subscribers.iter().map(Subscriber::subscription).collect();
        let known = || state.feed(self.url.to_string(), all.clone());
        let (row, mut subscriptions) = self.ground.insist(&self.stop, known).await?;
        let is_served = |known: &Option<SubscriptionRow>| known.as_ref().is_some_and(|known| known.served);
        // What an older version wrote and this one cannot read is only a question asked without validators.
        let validators = if subscriptions.iter().all(is_served) {
            serde_json::from_str(&row.validators).unwrap_or_default()
        } else {
            Validators::default()
        };
        let allow_private = self.subscribers.iter().any(|one| one.spec.allow_private);
        let place = self.place(&row);
        let result = match self.fetcher.fetch(&place, &validators, allow_private).await {
            Ok(Fetched::NotModified { advice }) => Ok(Answer {
                advice,
                ..Answer::default()
            }),
            Ok(Fetched::Changed {
                validators,
                feed,
                advice,
            }) => Ok(Answer {
                new: self.store(&validators, &feed, &mut subscriptions).await?,
                advice,
                period: feed.period,
            }),
            Err(error) => Err(error),
        };
        Some(Looked {
            url: self.url,
            row,
            subscriptions,
            result,
        })
    }

    /// Where to look: where it has moved to, if it has.
    fn place(&self, row: &FeedRow) -> FeedUrl {
        let moved = row.moved.as_deref().and_then(|moved| Url::parse(moved).ok());
        match (&self.url, moved) {
            (FeedUrl::Web(_), Some(moved)) => FeedUrl::Web(moved),
            _ => self.url.clone(),
        }
    }

    /// Stores what the feed brought and wakes who gets something; how many events that are.
    async fn store(
        &self,
        validators: &Validators,
        feed: &Feed,
        known: &mut [Option<SubscriptionRow>],
    ) -> Option<usize> {
        let url = self.url.to_string();
        self.ground.faults.pass(Point::Fetched, &url).await;
        for repair in &feed.repairs {
            tracing::debug!(%url, %repair, "feed repaired");
        }
        let now = self.ground.clock.now();
        let mut records = Vec::new();
        for (one, known) in self.subscribers.iter().zip(&*known) {
            records.push(self.record(one, known.as_ref(), feed, now).await?);
        }
        let validators = serde_json::to_string(validators).unwrap_or_default();
        let state = &self.ground.state;
        let store = || {
            state.record_fetch(
                url.clone(),
                validators.clone(),
                records.clone(),
                now.timestamp_millis(),
            )
        };
        self.ground.insist(&self.stop, store).await?;
        self.ground.faults.pass(Point::Accepted, &url).await;
        for (known, record) in known.iter_mut().zip(&records) {
            let known = known.get_or_insert_default();
            known.news = record.news.or(known.news);
        }
        for (one, record) in self.subscribers.iter().zip(&records) {
            if !record.accepted.is_empty() {
                one.bell.ring_for_inbox();
            }
        }
        Some(records.iter().map(|record| record.accepted.len()).sum())
    }

    async fn record(
        &self,
        one: &Subscriber,
        known: Option<&SubscriptionRow>,
        feed: &Feed,
        now: DateTime<Utc>,
    ) -> Option<FeedRecord> {
        let past = match known {
            Some(known) => Some(self.past(one, known, feed).await?),
            None => None,
        };
        let selection = select(&one.spec, feed, past.as_ref(), now);
        let news = if past.is_some() {
            is_news(&selection).then_some(now)
        } else {
            // A feed that has been silent for long when it is met has been silent for long.
            let newest = feed.items.iter().filter_map(|item| item.published).max();
            Some(newest.map_or(now, |newest| newest.min(now)))
        };
        Some(FeedRecord {
            subscription: one.subscription(),
            identity: serde_json::to_string(&one.spec.identity).unwrap_or_default(),
            entries: one.entries(&selection),
            news: news.map(|news| news.timestamp_millis()),
            listed: selection
                .listed
                .iter()
                .map(|item| (item.id.clone(), item.version.clone()))
                .collect(),
            accepted: one.inputs(selection),
        })
    }

    /// What is stored of the items that the feed lists.
    async fn past(&self, one: &Subscriber, known: &SubscriptionRow, feed: &Feed) -> Option<Past> {
        let identity: Vec<IdentityField> = serde_json::from_str(&known.identity).unwrap_or_default();
        let mut ids = known_by(feed, &one.spec.identity);
        if identity != one.spec.identity {
            ids.extend(known_by(feed, &identity));
        }
        let state = &self.ground.state;
        let seen = || state.seen(one.subscription(), ids.clone());
        let seen = self.ground.insist(&self.stop, seen).await?;
        Some(Past { identity, seen })
    }
}

/// Whether there is something that was not there before; an edit is not.
fn is_news(selection: &Selection) -> bool {
    let is_new = |(item, why): &(FeedItem, Passed)| *why == Passed::TooMany && item.edit.is_none();
    !selection.fresh.is_empty() || selection.digest.is_some() || selection.passed.iter().any(is_new)
}

impl Subscriber {
    pub(super) fn subscription(&self) -> Subscription {
        Subscription {
            instance: self.instance.clone(),
            feed: self.spec.id.clone(),
        }
    }

    /// The name of an item in inbox, outbox and ledger.
    fn cause(&self, item: &str) -> String {
        format!("feed:{}:{item}", self.spec.id)
    }

    /// A digest is the same one when it is of the same items.
    fn digest_cause(&self, digest: &FeedDigest) -> String {
        let ids = digest.items.iter().map(|item| item.id.as_str());
        self.cause(&format!("digest:{}", crate::feeds::hash(ids)))
    }

    /// What the ledger tells beside the events.
    fn entries(&self, selection: &Selection) -> Vec<NewEntry> {
        let entry = |item: &FeedItem, status| {
            NewEntry::new(&*self.instance, self.cause(&item.id), status).link(item.link.clone())
        };
        let passed = selection
            .passed
            .iter()
            .map(|(item, why)| entry(item, LedgerStatus::Filtered).detail(why.reason()));
        let mut entries: Vec<_> = passed.collect();
        if let Some(digest) = &selection.digest {
            let cause = self.digest_cause(digest);
            entries.extend(
                digest.items.iter().map(|item| {
                    entry(item, LedgerStatus::Seen).detail(format!("in {cause}: {}", item.title))
                }),
            );
        }
        entries
    }

    /// Events, oldest first: what is new, then what has changed.
    fn inputs(&self, selection: Selection) -> Vec<NewInput> {
        let mut inputs = Vec::new();
        if let Some(digest) = selection.digest {
            let cause = self.digest_cause(&digest);
            let title = format!("{} new items", digest.items.len() + digest.more);
            inputs.extend(self.input(cause, Some(title), None, &Accepted::Digest(digest)));
        }
        for item in selection.fresh {
            let (cause, title, link) = (self.cause(&item.id), item.title.clone(), item.link.clone());
            inputs.extend(self.input(cause, Some(title), link, &Accepted::Feed(item)));
        }
        for (item, version) in selection.edited {
            let cause = format!("{}#{version}", self.cause(&item.id));
            let (title, link) = (format!("changed: {}", item.title), item.link.clone());
            inputs.extend(self.input(cause, Some(title), link, &Accepted::Feed(item)));
        }
        inputs
    }

    fn input(
        &self,
        cause: String,
        title: Option<String>,
        link: Option<String>,
        event: &Accepted,
    ) -> Option<NewInput> {
        Some(NewInput {
            instance: self.instance.clone(),
            source: format!("feed:{}", self.spec.id),
            cause,
            title,
            link,
            event: serde_json::to_string(event).ok()?,
        })
    }
}
