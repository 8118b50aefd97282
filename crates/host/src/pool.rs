//! The part of a host that keeps its place in a pool: it joins, says in time that it is there, and has its shift follow
//! what it leads.
//!
//! A clean stop resigns, so that others take over with their next renewal. A host that dies, or that cannot reach the
//! database, is struck out by the others when its lease is over. One that comes to itself after that is told by the
//! database, ends at once all that it still does, and joins as a new member: nothing that it tries in between is kept, and
//! a post that it still sends carries the key under which the other host sends it too.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::desk::Bells;
use crate::events::HostEvent;
use crate::ground::{Ground, pause, reason};
use crate::shift::Shift;
use crate::state::{Standing, StateError, fair_share};
use crate::status::{PoolEndpoint, PoolStatus};

/// Renewals within one lease: two may fail before others take over.
const RENEWALS: u32 = 4;

/// A host among others that share its state.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) ground: Ground,
    pub(crate) shift: Arc<Mutex<Shift>>,
    pub(crate) bells: Bells,
    /// How this host is called beside the others.
    pub(crate) name: String,
    /// How long a host that is not heard of keeps what it leads.
    pub(crate) lease: Duration,
    /// The endpoints that this host can lead; none of them when it is about to stop.
    pub(crate) wanted: watch::Receiver<BTreeSet<String>>,
    /// Cancelled when it is to leave the pool.
    pub(crate) stop: CancellationToken,
}

/// A host's place in its pool, as the host holds it.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) wanted: watch::Sender<BTreeSet<String>>,
    pub(crate) stop: CancellationToken,
    pub(crate) task: JoinHandle<()>,
}

impl Place {
    /// Leaves the pool, and what it led to the others.
    pub(crate) async fn leave(self) {
        self.stop.cancel();
        if self.task.await.is_err() {
            tracing::error!("the task of the pool has failed");
        }
    }
}

/// What a renewal has brought.
#[derive(Debug, Clone, Default)]
struct Told {
    standing: Standing,
    /// What was taken whatever the share, because nobody else did; until a host comes or goes.
    nobodys: BTreeSet<String>,
    /// Endpoints whose posts wait.
    waiting: BTreeSet<String>,
}

/// The tokens of the members, and what this host leads.
type News = (Vec<i64>, BTreeSet<String>);

/// Why a membership ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// Others have taken over.
    Fenced,
    /// The host stops.
    Stopped,
}

impl Pool {
    /// Stays a member until told to stop.
    pub(crate) async fn run(self) {
        loop {
            let (state, lease) = (&self.ground.state, self.lease);
            let join = || state.join(self.name.clone(), lease);
            let Some(token) = self.ground.insist(&self.stop, join).await else {
                return;
            };
            let (told, standing) = watch::channel(Told::default());
            let ended = tokio::select! {
                ended = self.stay(token, &told) => ended,
                ended = self.follow(token, standing) => ended,
            };
            if ended == Ended::Stopped {
                return;
            }
            tracing::warn!("other hosts of the pool have taken over; joining anew");
            // Before the new token is asked for: what ran under the old one may not write under the new one.
            self.shift.lock().await.lose().await;
            self.ground.board.set_pool(PoolStatus::default());
            self.ground.announcer.tell(HostEvent::TakenOver);
        }
    }

    /// Renews in time, and tells how things stand.
    async fn stay(&self, token: i64, told: &watch::Sender<Told>) -> Ended {
        let (mut free_since, mut hosts) = (BTreeMap::new(), Vec::new());
        let mut nobodys = BTreeSet::new();
        loop {
            let wanted = self.wanted.borrow().clone();
            let overdue = overdue(&mut free_since, &told.borrow().standing, &wanted, self.lease);
            let renewed = self
                .ground
                .state
                .renew(token, self.lease, wanted, overdue.clone());
            match renewed.await {
                Ok(standing) => {
                    let members: Vec<_> = standing.members.keys().copied().collect();
                    if members != hosts {
                        // Whoever came may want what nobody wanted.
                        (hosts, nobodys) = (members, BTreeSet::new());
                    }
                    nobodys.extend(overdue);
                    told.send_replace(Told {
                        standing,
                        nobodys: nobodys.clone(),
                        waiting: self.wake().await,
                    });
                }
                Err(StateError::Fenced) => return Ended::Fenced,
                Err(StateError::Closed) => return Ended::Stopped,
                // As long as the database is away nothing can be committed, and so nothing is done.
                Err(error) => self.failed(&error),
            }
            if !pause(&self.stop, self.lease / RENEWALS).await {
                if let Err(error) = self.ground.state.resign(token).await {
                    tracing::warn!(reason = %reason(&error), "the pool could not be left; others take over when the lease ends");
                }
                return Ended::Stopped;
            }
        }
    }

    /// Has the shift lead what this host holds, and gives up what is more than its share.
    async fn follow(&self, token: i64, mut told: watch::Receiver<Told>) -> Ended {
        let mut announced = None;
        loop {
            let now = told.borrow_and_update().clone();
            if now.standing.members.contains_key(&token) && !self.stop.is_cancelled() {
                let news = match self.take_up(token, &now).await {
                    Ok(news) => news,
                    Err(StateError::Fenced) => return Ended::Fenced,
                    // With the next renewal it is tried again. What was not ended is not given up either.
                    Err(error) => {
                        self.failed(&error);
                        None
                    }
                };
                if news.is_some() && news != announced {
                    self.announce(&now.standing, news.as_ref());
                    announced = news;
                }
            }
            if told.changed().await.is_err() {
                return Ended::Stopped;
            }
        }
    }

    /// The members, and what this one leads from now on.
    async fn take_up(&self, token: i64, now: &Told) -> Result<Option<News>, StateError> {
        let surplus = surplus(token, now, &self.wanted.borrow());
        let led: BTreeSet<String> = now
            .standing
            .led_by(token)
            .into_iter()
            .map(str::to_owned)
            .collect();
        let kept: BTreeSet<String> = led.difference(&surplus).cloned().collect();
        self.board(&now.standing, token, &kept);
        self.shift
            .lock()
            .await
            .begin_and_lead(kept.clone(), self.lease)
            .await?;
        if !surplus.is_empty() {
            let surplus = surplus.into_iter().collect();
            self.ground.state.release(token, surplus).await?;
        }
        Ok(Some((now.standing.members.keys().copied().collect(), kept)))
    }

    fn announce(&self, standing: &Standing, news: Option<&News>) {
        let Some((_, endpoints)) = news else { return };
        self.ground.announcer.tell(HostEvent::PoolChanged {
            hosts: standing.members.values().cloned().collect(),
            endpoints: endpoints.iter().filter_map(|user| user.parse().ok()).collect(),
        });
    }

    fn failed(&self, error: &StateError) {
        let reason = reason(error);
        tracing::error!(%reason, "the state refused a change");
        self.ground.announcer.tell(HostEvent::StateFailed { reason });
    }

    /// Wakes whoever has something waiting: another host may have put it there. Returns the endpoints with posts.
    async fn wake(&self) -> BTreeSet<String> {
        let Ok(waiting) = self.ground.state.who_waits().await else {
            return BTreeSet::new();
        };
        for place in &waiting.posts {
            self.bells.ring_sender(place);
        }
        for instance in &waiting.events {
            self.bells.ring_worker(instance);
        }
        waiting.posts.into_iter().map(|(endpoint, _)| endpoint).collect()
    }

    fn board(&self, standing: &Standing, token: i64, led: &BTreeSet<String>) {
        let endpoint = |user: &String| {
            let leader = standing.leases.get(user);
            Some(PoolEndpoint {
                user: user.parse().ok()?,
                host: leader.and_then(|leader| standing.members.get(leader)).cloned(),
                here: leader == Some(&token) && led.contains(user),
            })
        };
        self.ground.board.set_pool(PoolStatus {
            member: true,
            hosts: standing.members.values().cloned().collect(),
            endpoints: self.wanted.borrow().iter().filter_map(endpoint).collect(),
        });
    }
}

/// What other members should lead instead, or nobody from this host's configuration once its posts are delivered. What was
/// free for long, though others could have taken it, stays.
fn surplus(token: i64, now: &Told, wanted: &BTreeSet<String>) -> BTreeSet<String> {
    if wanted.is_empty() {
        // About to stop: all of it goes at the end.
        return BTreeSet::new();
    }
    let led = now.standing.led_by(token);
    let (own, strange): (Vec<&str>, Vec<&str>) = led.iter().partition(|endpoint| wanted.contains(**endpoint));
    let share = fair_share(wanted.len(), now.standing.members.len());
    let more = own.len().saturating_sub(share);
    let movable = own
        .into_iter()
        .rev()
        .filter(|endpoint| !now.nobodys.contains(*endpoint));
    let idle = strange
        .into_iter()
        .filter(|endpoint| !now.waiting.contains(*endpoint));
    movable.take(more).chain(idle).map(str::to_owned).collect()
}

/// What has been free for longer than a lease, though everybody could have taken it: it is nobody else's to lead.
fn overdue(
    free_since: &mut BTreeMap<String, Instant>,
    standing: &Standing,
    wanted: &BTreeSet<String>,
    lease: Duration,
) -> BTreeSet<String> {
    let now = Instant::now();
    free_since.retain(|endpoint, _| wanted.contains(endpoint) && !standing.leases.contains_key(endpoint));
    for endpoint in wanted {
        if !standing.leases.contains_key(endpoint) {
            free_since.entry(endpoint.clone()).or_insert(now);
        }
    }
    let overdue = free_since.iter().filter(|(_, since)| now - **since > lease);
    overdue.map(|(endpoint, _)| endpoint.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    fn standing(members: &[i64], leases: &[(&str, i64)]) -> Standing {
        Standing {
            members: members.iter().map(|&token| (token, token.to_string())).collect(),
            leases: leases
                .iter()
                .map(|&(endpoint, token)| (endpoint.to_owned(), token))
                .collect(),
        }
    }

    fn told(members: &[i64], leases: &[(&str, i64)]) -> Told {
        Told {
            standing: standing(members, leases),
            ..Told::default()
        }
    }

    #[test]
    fn what_is_more_than_the_share_goes_to_the_others() {
        let all = [("a", 1), ("b", 1), ("c", 1)];
        let (wanted, none) = (set(&["a", "b", "c"]), BTreeSet::new());
        assert_eq!(surplus(1, &told(&[1], &all), &wanted), none);
        let mut two = told(&[1, 2], &all);
        assert_eq!(surplus(1, &two, &wanted), set(&["c"]));
        two.nobodys = set(&["c"]);
        assert_eq!(surplus(1, &two, &wanted), set(&["b"]), "nobody wanted c");
        assert_eq!(surplus(1, &two, &none), none, "about to stop");
    }

    #[test]
    fn what_is_not_configured_any_more_goes_when_its_posts_are_delivered() {
        let mut one = told(&[1], &[("a", 1), ("b", 1), ("c", 1)]);
        one.waiting = set(&["a", "c"]);
        assert_eq!(surplus(1, &one, &set(&["a", "b"])), BTreeSet::new());
        one.waiting = set(&["a"]);
        assert_eq!(surplus(1, &one, &set(&["a", "b"])), set(&["c"]));
    }

    #[tokio::test(start_paused = true)]
    async fn what_stays_free_for_longer_than_a_lease_is_overdue() {
        let lease = Duration::from_secs(10);
        let mut free_since = BTreeMap::new();
        let wanted = set(&["a", "b"]);
        let free_b = standing(&[1], &[("a", 1)]);
        assert!(overdue(&mut free_since, &free_b, &wanted, lease).is_empty());
        tokio::time::advance(lease * 2).await;
        assert_eq!(overdue(&mut free_since, &free_b, &wanted, lease), set(&["b"]));
        let led = standing(&[1, 2], &[("a", 1), ("b", 2)]);
        assert!(overdue(&mut free_since, &led, &wanted, lease).is_empty());
        assert!(
            overdue(&mut free_since, &free_b, &wanted, lease).is_empty(),
            "it counts anew"
        );
    }
}
