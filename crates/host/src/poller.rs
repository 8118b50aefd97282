//! Looks at feeds, once per address however many instances subscribe, and puts new items into their inboxes.
//!
//! Validators, what was seen and what is to be handled are stored in one step: an item is accepted once, and what was
//! accepted is not fetched again. Fetching, reading and choosing are done by [`crate::feeds`].

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use parlor_bot::{FeedItem, FeedSpec, FeedUrl};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::events::HostEvent;
use crate::fault::Point;
use crate::feeds::{Feed, Fetched, Fetcher, Pace, Validators, next_poll, select};
use crate::ground::{Ground, reason};
use crate::lane::Bell;
use crate::ledger::LedgerStatus;
use crate::state::{FeedRecord, NewEntry, NewInput, Subscription};
use crate::status::FeedStatus;
use crate::worker::Accepted;

/// One instance's subscription.
#[derive(Debug, Clone)]
pub(crate) struct Subscriber {
    pub(crate) instance: String,
    pub(crate) spec: FeedSpec,
    pub(crate) bell: Arc<Bell>,
}

/// Looks at feeds.
#[derive(Debug)]
pub(crate) struct Poller {
    ground: Ground,
    fetcher: Fetcher,
    stop: CancellationToken,
    feeds: HashMap<FeedUrl, Watched>,
    queue: BinaryHeap<Reverse<(DateTime<Utc>, FeedUrl)>>,
}

/// One address.
#[derive(Debug)]
struct Watched {
    subscribers: Arc<[Subscriber]>,
    failures: u32,
}

/// One look, as a task of its own.
#[derive(Debug)]
struct Look {
    ground: Ground,
    fetcher: Fetcher,
    stop: CancellationToken,
    url: FeedUrl,
    subscribers: Arc<[Subscriber]>,
}

/// What a look came to.
#[derive(Debug)]
struct Looked {
    url: FeedUrl,
    retry_after: Option<std::time::Duration>,
    /// New items for all subscribers together, or why there are none.
    result: Result<usize, String>,
}

impl Poller {
    pub(crate) fn new(
        ground: Ground,
        fetcher: Fetcher,
        stop: CancellationToken,
        subscribers: Vec<Subscriber>,
    ) -> Self {
        let mut by_address: BTreeMap<FeedUrl, Vec<Subscriber>> = BTreeMap::new();
        for subscriber in subscribers {
            by_address
                .entry(subscriber.spec.url.clone())
                .or_default()
                .push(subscriber);
        }
        let now = ground.clock.now();
        let queue = by_address.keys().map(|url| Reverse((now, url.clone()))).collect();
        let feeds = by_address.into_iter().map(|(url, subscribers)| {
            ground.board.add_feed(FeedStatus {
                url: url.to_string(),
                subscriptions: subscribers.len(),
                last_fetched: None,
                next_fetch: Some(now),
                failures: 0,
                last_error: None,
            });
            (
                url,
                Watched {
                    subscribers: subscribers.into(),
                    failures: 0,
                },
            )
        });
        let feeds = feeds.collect();
        Self {
            ground,
            fetcher,
            stop,
            feeds,
            queue,
        }
    }

    /// Looks at each feed when it is time, some at once, until told to stop.
    pub(crate) async fn run(mut self) {
        let mut looks = JoinSet::new();
        loop {
            self.start_due(&mut looks);
            let next = self.queue.peek().map(|Reverse((at, _))| *at);
            let next = next.filter(|_| looks.len() < self.ground.tuning.fetches.max(1));
            let wait = async {
                match next {
                    Some(at) => self.ground.clock.wait_towards(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                Some(looked) = looks.join_next() => match looked {
                    Ok(Some(looked)) => self.note(looked),
                    // The state is gone, or a look was cancelled: the host stops.
                    Ok(None) => return,
                    Err(error) => tracing::error!(%error, "a look at a feed failed"),
                },
                () = wait => {}
            }
        }
    }

    fn start_due(&mut self, looks: &mut JoinSet<Option<Looked>>) {
        let now = self.ground.clock.now();
        while looks.len() < self.ground.tuning.fetches.max(1) {
            let Some(Reverse((at, _))) = self.queue.peek() else {
                return;
            };
            if *at > now {
                return;
            }
            let Some(Reverse((_, url))) = self.queue.pop() else {
                return;
            };
            let Some(watched) = self.feeds.get(&url) else {
                continue;
            };
            let look = Look {
                ground: self.ground.clone(),
                fetcher: self.fetcher.clone(),
                stop: self.stop.clone(),
                subscribers: watched.subscribers.clone(),
                url,
            };
            looks.spawn(look.run());
        }
    }

    /// Notes how a look went and when the next one is.
    fn note(&mut self, looked: Looked) {
        let Some(watched) = self.feeds.get_mut(&looked.url) else {
            return;
        };
        watched.failures = if looked.result.is_ok() {
            0
        } else {
            watched.failures.saturating_add(1)
        };
        let every = watched
            .subscribers
            .iter()
            .map(|one| one.spec.every)
            .min()
            .unwrap_or_default();
        let pace = Pace {
            failures: watched.failures,
            retry_after: looked.retry_after,
        };
        let now = self.ground.clock.now();
        let next = next_poll(now, every, pace, fastrand::f64());
        let url = looked.url.to_string();
        self.ground.board.feed(&url, |line| {
            line.next_fetch = Some(next);
            line.failures = watched.failures;
            line.last_error = looked.result.as_ref().err().cloned();
            if looked.result.is_ok() {
                line.last_fetched = Some(now);
            }
        });
        self.ground.announcer.tell(match looked.result {
            Ok(new) => HostEvent::FeedFetched { url, new },
            Err(reason) => HostEvent::FeedFailed { url, reason, next },
        });
        self.queue.push(Reverse((next, looked.url)));
    }
}

impl Look {
    /// One look; `None` when the host stops.
    async fn run(self) -> Option<Looked> {
        let validators = self.validators().await?;
        let allow_private = self.subscribers.iter().any(|one| one.spec.allow_private);
        let (retry_after, result) = match self.fetcher.fetch(&self.url, &validators, allow_private).await {
            Ok(Fetched::NotModified { retry_after }) => (retry_after, Ok(0)),
            Ok(Fetched::Changed {
                validators,
                feed,
                retry_after,
            }) => (retry_after, Ok(self.store(&validators, &feed).await?)),
            Err(error) => (error.retry_after(), Err(reason(&error))),
        };
        Some(Looked {
            url: self.url,
            retry_after,
            result,
        })
    }

    /// What to ask with. A subscriber that has not been served what the validators stand for needs the whole feed.
    async fn validators(&self) -> Option<Validators> {
        let state = &self.ground.state;
        let url = self.url.to_string();
        for one in &*self.subscribers {
            let served = || state.is_served(one.subscription(), url.clone());
            if !self.ground.insist(&self.stop, served).await? {
                return Some(Validators::default());
            }
        }
        let stored = self
            .ground
            .insist(&self.stop, || state.validators(url.clone()))
            .await?;
        // What an older version wrote and this one cannot read is only a question asked without validators.
        Some(
            stored
                .and_then(|json| serde_json::from_str(&json).ok())
                .unwrap_or_default(),
        )
    }

    /// Stores what the feed brought and wakes who gets something; how many items that are.
    async fn store(&self, validators: &Validators, feed: &Feed) -> Option<usize> {
        let url = self.url.to_string();
        self.ground.faults.pass(Point::Fetched, &url).await;
        let now = self.ground.clock.now();
        let mut records = Vec::new();
        for one in &*self.subscribers {
            records.push(self.record(one, feed, now).await?);
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
        for (one, record) in self.subscribers.iter().zip(&records) {
            if !record.accepted.is_empty() {
                one.bell.ring_for_inbox();
            }
        }
        Some(records.iter().map(|record| record.accepted.len()).sum())
    }

    async fn record(&self, one: &Subscriber, feed: &Feed, now: DateTime<Utc>) -> Option<FeedRecord> {
        let listed: Vec<_> = feed.items.iter().map(|item| item.id.clone()).collect();
        let state = &self.ground.state;
        let seen = self
            .ground
            .insist(&self.stop, || state.seen(one.subscription(), listed.clone()))
            .await?;
        let first = seen.is_none();
        let seen = seen.unwrap_or_default();
        let selection = select(&one.spec, feed, first, now, |id| seen.contains(id));
        let passed = selection.passed.iter().map(|(item, why)| {
            NewEntry::new(&*one.instance, one.cause(item), LedgerStatus::Filtered)
                .link(link_of(feed, item))
                .detail(why.reason())
        });
        let entries = passed.collect();
        let accepted = selection
            .fresh
            .into_iter()
            .filter_map(|item| one.input(item))
            .collect();
        Some(FeedRecord {
            subscription: one.subscription(),
            listed,
            accepted,
            entries,
        })
    }
}

impl Subscriber {
    fn subscription(&self) -> Subscription {
        Subscription {
            instance: self.instance.clone(),
            feed: self.spec.id.clone(),
        }
    }

    /// The name of an item in inbox, outbox and ledger.
    fn cause(&self, item: &str) -> String {
        format!("feed:{}:{item}", self.spec.id)
    }

    fn input(&self, item: FeedItem) -> Option<NewInput> {
        Some(NewInput {
            instance: self.instance.clone(),
            source: format!("feed:{}", self.spec.id),
            cause: self.cause(&item.id),
            title: Some(item.title.clone()),
            link: item.link.clone(),
            event: serde_json::to_string(&Accepted::Feed(item)).ok()?,
        })
    }
}

/// The address of an item that is in the feed.
fn link_of(feed: &Feed, id: &str) -> Option<String> {
    feed.items.iter().find(|item| item.id == id)?.link.clone()
}
