//! Looks at feeds, once per address however many instances subscribe, and puts new items into their inboxes.
//!
//! Validators, what was seen and what is to be handled are stored in one step: an item is accepted once, and what was
//! accepted is not fetched again. Fetching, reading and choosing are done by [`crate::feeds`]. This file owns the order
//! of looks; [`look`] is one of them, [`turn`] what follows from it, [`outage`] who is to blame when nobody answers.

mod look;
mod outage;
#[cfg(test)]
mod tests;
mod turn;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use parlor_bot::{FeedSpec, FeedUrl};
use sha2::{Digest as _, Sha256};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::events::HostEvent;
use crate::feeds::{Fetcher, Pace, next_poll};
use crate::ground::{Ground, reason};
use crate::lane::Bell;
use crate::operators::Operators;
use crate::state::FeedTurn;
use crate::status::{FeedState, FeedStatus};
use look::{Look, Looked};
use outage::{Blame, Outage};
use turn::{Change, Outcome, turn};

/// First looks, and looks after an outage, start so far apart: twenty a second are no burden to anybody.
const APART: TimeDelta = TimeDelta::milliseconds(50);

/// A server's stored wish to be left alone is kept over a restart up to this; a clock may have been wrong.
const LONGEST_WISH: TimeDelta = TimeDelta::days(1);

/// One instance's subscription.
#[derive(Debug, Clone)]
pub(crate) struct Subscriber {
    pub(crate) instance: String,
    pub(crate) spec: FeedSpec,
    pub(crate) bell: Arc<Bell>,
    /// Where trouble is told.
    pub(crate) operators: Option<Operators>,
    /// When the host started: what is not known to have been heard is missed from then on.
    pub(crate) since: DateTime<Utc>,
}

/// Looks at feeds.
#[derive(Debug)]
pub(crate) struct Poller {
    ground: Ground,
    fetcher: Fetcher,
    stop: CancellationToken,
    feeds: HashMap<FeedUrl, Watched>,
    queue: BinaryHeap<Reverse<(DateTime<Utc>, FeedUrl)>>,
    /// The network to public hosts, and to those near that are allowed.
    networks: [Network; 2],
}

/// One address.
#[derive(Debug)]
struct Watched {
    subscribers: Arc<[Subscriber]>,
    failures: u32,
    /// When its next look was to be before a reload.
    planned: Option<DateTime<Utc>>,
}

/// A group of hosts that are reached, or not, together.
#[derive(Debug, Default)]
struct Network {
    outage: Outage,
    /// Feeds that are due and wait for the network.
    held: VecDeque<FeedUrl>,
    /// Whether one look is under way to find out.
    probing: bool,
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
        // After a reload feeds whose subscribers are the same go on as they were.
        let known = ground.board.feeds();
        let feeds = by_address.into_iter().map(|(url, subscribers)| {
            let shown = url.to_string();
            let known = known
                .iter()
                .find(|line| line.url == shown && line.subscriptions == subscribers.len());
            if known.is_none() {
                ground.board.add_feed(line(&url, subscribers.len()));
            }
            let watched = Watched {
                subscribers: subscribers.into(),
                failures: known.map_or(0, |line| line.failures),
                planned: known.and_then(|line| line.next_fetch),
            };
            (url, watched)
        });
        let feeds = feeds.collect();
        Self {
            ground,
            fetcher,
            stop,
            feeds,
            queue: BinaryHeap::new(),
            networks: Default::default(),
        }
    }

    /// Looks at each feed when it is time, some at once, until told to stop.
    pub(crate) async fn run(mut self) {
        if self.plan_first_looks().await.is_none() {
            return;
        }
        let mut looks = JoinSet::new();
        loop {
            self.start_due(&mut looks);
            let next = self.next_start();
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
                    Ok(Some(looked)) => if self.note(looked).await.is_none() {
                        return;
                    },
                    // The state is gone, or a look was cancelled: the host stops.
                    Ok(None) => return,
                    Err(error) => tracing::error!(%error, "a look at a feed failed"),
                },
                () = wait => {}
            }
        }
    }

    /// The first looks follow each other in an order that has nothing to do with hosts, and not before servers want.
    async fn plan_first_looks(&mut self) -> Option<()> {
        let state = &self.ground.state;
        let wishes = self
            .ground
            .insist(&self.stop, || state.feeds_not_before())
            .await?;
        let now = self.ground.clock.now();
        let mut order: Vec<_> = self.feeds.keys().cloned().collect();
        order.sort_by_cached_key(|url| (spread(url).to_bits(), url.clone()));
        for (place, url) in (0..).zip(order) {
            let wish = wishes.get(&url.to_string()).copied();
            let wish = wish.and_then(DateTime::from_timestamp_millis);
            let wish = wish.map_or(now, |wish| wish.min(now + LONGEST_WISH));
            let planned = self.feeds.get(&url).and_then(|watched| watched.planned);
            self.plan(url, planned.unwrap_or(now + APART * place).max(wish));
        }
        Some(())
    }

    fn plan(&mut self, url: FeedUrl, at: DateTime<Utc>) {
        let line = url.to_string();
        self.ground.board.feed(&line, |line| line.next_fetch = Some(at));
        self.queue.push(Reverse((at, url)));
    }

    /// When the next look may be started.
    fn next_start(&self) -> Option<DateTime<Utc>> {
        let queued = self.queue.peek().map(|Reverse((at, _))| *at);
        let probes = self
            .networks
            .iter()
            .filter(|network| !network.held.is_empty() && !network.probing)
            .filter_map(|network| network.outage.probe_at());
        queued.into_iter().chain(probes).min()
    }

    fn start_due(&mut self, looks: &mut JoinSet<Option<Looked>>) {
        let now = self.ground.clock.now();
        for group in 0..self.networks.len() {
            let network = &mut self.networks[group];
            if !network.probing
                && network.outage.probe_at().is_some_and(|at| at <= now)
                && let Some(url) = network.held.pop_front()
            {
                network.probing = true;
                self.look(url, looks);
            }
        }
        while looks.len() < self.ground.tuning.fetches.max(1)
            && self.queue.peek().is_some_and(|Reverse((at, _))| *at <= now)
        {
            let Some(Reverse((_, url))) = self.queue.pop() else {
                return;
            };
            match self.network(&url) {
                Some(network) if network.outage.is_down() => {
                    network.held.push_back(url.clone());
                    let line = url.to_string();
                    self.ground.board.feed(&line, |line| {
                        line.state = FeedState::Waiting;
                        line.next_fetch = None;
                    });
                }
                _ => self.look(url, looks),
            }
        }
    }

    fn look(&self, url: FeedUrl, looks: &mut JoinSet<Option<Looked>>) {
        let Some(watched) = self.feeds.get(&url) else {
            return;
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

    /// The network that leads to the feed; none leads to files.
    fn network(&mut self, url: &FeedUrl) -> Option<&mut Network> {
        let subscribers = &self.feeds.get(url)?.subscribers;
        let near = subscribers.iter().any(|one| one.spec.allow_private);
        matches!(url, FeedUrl::Web(_)).then_some(&mut self.networks[usize::from(near)])
    }

    /// Notes how a look went and when the next one is; `None` when the host stops.
    async fn note(&mut self, looked: Looked) -> Option<()> {
        let now = self.ground.clock.now();
        let (outcome, network) = self.outcome(&looked, now);
        let watched = self.feeds.get(&looked.url)?;
        let (subscribers, failures) = (watched.subscribers.clone(), watched.failures);
        let every = subscribers
            .iter()
            .map(|one| one.spec.every)
            .min()
            .unwrap_or_default();
        let pace = pace(&looked, failures);
        let next = next_poll(now, every, pace, spread(&looked.url));
        let is_wish = pace.retry_after.max(pace.promised).unwrap_or_default() > every;
        let mut turn = turn(&looked, outcome, &subscribers, is_wish.then_some(next), now);
        if let Some(change) = network {
            turn.tell_network(&looked, change, &subscribers, now);
        }
        if let Some(stored) = turn.stored {
            self.store(stored, &subscribers).await?;
        }
        self.show(&looked, outcome, failures, next);
        for event in turn.events {
            self.ground.announcer.tell(event);
        }
        match outcome {
            Outcome::Gone => {}
            Outcome::Unknown => {
                if let Some(network) = self.network(&looked.url) {
                    network.held.push_back(looked.url);
                }
            }
            Outcome::Read | Outcome::Failed(_) => self.plan(looked.url, next),
        }
        Some(())
    }

    /// Finds out who is to blame, and what else follows from that.
    fn outcome(&mut self, looked: &Looked, now: DateTime<Utc>) -> (Outcome, Option<Change>) {
        let (url, mut change) = (&looked.url, None);
        let answered = !matches!(&looked.result, Err(error) if error.is_network());
        if let (Some(network), FeedUrl::Web(web)) = (self.network(url), url) {
            network.probing = false;
            if answered {
                if let Some(since) = network.outage.answered() {
                    let held = std::mem::take(&mut network.held);
                    change = Some(Change::Up { since });
                    for (place, url) in (0..).zip(held) {
                        self.plan(url, now + APART * place);
                    }
                }
            } else {
                let host = web.host_str().unwrap_or_default();
                match network.outage.unanswered(url, host, now) {
                    Blame::Host => {}
                    Blame::Network => return (Outcome::Unknown, None),
                    Blame::NetworkFromNowOn { hosts, acquitted } => {
                        self.acquit(&acquitted);
                        return (Outcome::Unknown, Some(Change::Down { hosts }));
                    }
                }
            }
        }
        let Some(watched) = self.feeds.get_mut(url) else {
            return (Outcome::Unknown, change);
        };
        let outcome = match &looked.result {
            Ok(_) => {
                watched.failures = 0;
                Outcome::Read
            }
            Err(error) if turn::is_gone(error) => Outcome::Gone,
            Err(_) => {
                watched.failures = watched.failures.saturating_add(1);
                Outcome::Failed(watched.failures)
            }
        };
        (outcome, change)
    }

    /// Feeds that were put off for what the network did are looked at when it is back.
    fn acquit(&mut self, acquitted: &[(FeedUrl, u32)]) {
        for (url, times) in acquitted {
            if let Some(watched) = self.feeds.get_mut(url) {
                watched.failures = watched.failures.saturating_sub(*times);
            }
        }
        let now = self.ground.clock.now();
        let is_acquitted = |url: &FeedUrl| acquitted.iter().any(|(other, _)| other == url);
        // The one that was looked at last is not in the queue.
        for entry in std::mem::take(&mut self.queue) {
            let Reverse((at, url)) = entry;
            let at = if is_acquitted(&url) { now } else { at };
            self.queue.push(Reverse((at, url)));
        }
    }

    async fn store(&self, turn: FeedTurn, subscribers: &[Subscriber]) -> Option<()> {
        let (state, at) = (&self.ground.state, self.ground.clock.millis());
        let store = || state.record_turn(turn.clone(), at);
        self.ground.insist(&self.stop, store).await?;
        if !turn.notices.is_empty() {
            subscribers
                .iter()
                .filter_map(|one| one.operators.as_ref())
                .for_each(Operators::wake);
        }
        Some(())
    }

    /// Writes the status line and tells how it went.
    fn show(&self, looked: &Looked, outcome: Outcome, failures: u32, next: DateTime<Utc>) {
        let url = looked.url.to_string();
        let failed = looked.result.as_ref().err().map(|error| reason(error));
        self.ground.board.feed(&url, |line| {
            line.failures = failures;
            line.last_error.clone_from(&failed);
            line.state = match outcome {
                Outcome::Read => FeedState::Fine,
                Outcome::Failed(_) => FeedState::Failing,
                Outcome::Gone => FeedState::Gone,
                Outcome::Unknown => FeedState::Waiting,
            };
            line.next_fetch = None;
            if failed.is_none() {
                line.last_fetched = Some(self.ground.clock.now());
            }
            let news = looked.subscriptions.iter().flatten().filter_map(|one| one.news);
            line.last_new = news.max().and_then(DateTime::from_timestamp_millis);
            if let Ok(answer) = &looked.result {
                let moved = answer.advice.moved_to.as_ref().map(ToString::to_string);
                line.moved_to = moved.or_else(|| looked.row.moved.clone());
            }
        });
        let event = match (&looked.result, outcome) {
            (Ok(answer), _) => HostEvent::FeedFetched { url, new: answer.new },
            (Err(_), Outcome::Gone) => HostEvent::FeedGone { url },
            (Err(error), Outcome::Failed(_)) => HostEvent::FeedFailed {
                url,
                reason: reason(error),
                next,
            },
            (Err(_), _) => return,
        };
        self.ground.announcer.tell(event);
    }
}

fn pace(looked: &Looked, failures: u32) -> Pace {
    match &looked.result {
        Ok(answer) => Pace {
            failures,
            retry_after: answer.advice.retry_after,
            promised: answer.advice.fresh_for.max(answer.period),
        },
        Err(error) => Pace {
            failures,
            retry_after: error.retry_after(),
            promised: None,
        },
    }
}

fn line(url: &FeedUrl, subscriptions: usize) -> FeedStatus {
    FeedStatus {
        url: url.to_string(),
        subscriptions,
        state: FeedState::Fine,
        last_fetched: None,
        last_new: None,
        next_fetch: None,
        moved_to: None,
        failures: 0,
        last_error: None,
    }
}

/// A number in 0..1 that is the same for an address each time, and another for other addresses.
fn spread(url: &FeedUrl) -> f64 {
    let hash = Sha256::digest(url.to_string().as_bytes());
    f64::from(u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]])) / (f64::from(u32::MAX) + 1.0)
}
