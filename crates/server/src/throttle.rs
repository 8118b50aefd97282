//! Wrong passwords, counted per account and per peer address, and how long the next try has to wait.
//!
//! Whoever guesses pays with time. An account never waits longer than a minute, so that a stranger cannot lock its user
//! out for long; an address, which may be a whole office, gets more free tries and longer waits.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Wrong passwords of one account before the next try has to wait: what a person needs who mistypes.
const ACCOUNT_FREE: u32 = 5;
/// The longest wait of an account.
const ACCOUNT_WAIT: Duration = Duration::from_secs(60);
/// Wrong passwords from one address before the next try has to wait: an office behind one address.
const PEER_FREE: u32 = 20;
/// The longest wait of an address.
const PEER_WAIT: Duration = Duration::from_secs(600);
/// A count is forgotten when nothing went wrong for so long.
const MEMORY: Duration = Duration::from_secs(3600);
/// Counts that are kept; when there are more, the oldest are forgotten.
const MAX_COUNTS: usize = 20_000;

/// The counts of a server.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    counts: Mutex<HashMap<Key, Count>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Account(String),
    Peer(IpAddr),
}

#[derive(Debug)]
struct Count {
    wrong: u32,
    last: Instant,
}

impl Throttle {
    /// How long somebody at `peer` who types `account` has to wait; the password is not to be looked at before.
    pub(crate) fn wait(&self, now: Instant, account: &str, peer: IpAddr) -> Option<Duration> {
        let counts = self.lock();
        let wait = |key: &Key| {
            let count = counts.get(key)?;
            let until = count.last + key.wait_after(count.wrong);
            until.checked_duration_since(now).filter(|wait| !wait.is_zero())
        };
        keys(account, peer).iter().filter_map(wait).max()
    }

    /// A password was wrong.
    pub(crate) fn wrong(&self, now: Instant, account: &str, peer: IpAddr) {
        let mut counts = self.lock();
        for key in keys(account, peer) {
            if counts.len() >= MAX_COUNTS && !counts.contains_key(&key) {
                make_room(&mut counts, now);
            }
            let count = counts.entry(key).or_insert(Count { wrong: 0, last: now });
            if now.saturating_duration_since(count.last) > MEMORY {
                count.wrong = 0;
            }
            count.wrong = count.wrong.saturating_add(1);
            count.last = now;
        }
    }

    /// A password was right. The address keeps its count: somebody may have one account and guess at others.
    pub(crate) fn right(&self, account: &str) {
        self.lock().remove(&Key::Account(account.to_lowercase()));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Count>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Key {
    /// A second after the free tries, then twice as long each time.
    fn wait_after(&self, wrong: u32) -> Duration {
        let (free, longest) = match self {
            Self::Account(_) => (ACCOUNT_FREE, ACCOUNT_WAIT),
            Self::Peer(_) => (PEER_FREE, PEER_WAIT),
        };
        match wrong.checked_sub(free) {
            None => Duration::ZERO,
            Some(over) => Duration::from_secs(1 << over.min(20)).min(longest),
        }
    }
}

fn keys(account: &str, peer: IpAddr) -> [Key; 2] {
    [Key::Account(account.to_lowercase()), Key::Peer(network(peer))]
}

/// A host with IPv6 has a whole /64 to choose its addresses from.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

fn make_room(counts: &mut HashMap<Key, Count>, now: Instant) {
    counts.retain(|_, count| now.saturating_duration_since(count.last) <= MEMORY);
    if counts.len() < MAX_COUNTS {
        return;
    }
    let mut times: Vec<Instant> = counts.values().map(|count| count.last).collect();
    times.sort_unstable();
    let middle = times[times.len() / 2];
    counts.retain(|_, count| count.last > middle);
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    #[test]
    fn a_person_may_mistype_and_a_guesser_waits() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for _ in 0..4 {
            throttle.wrong(now, "alice", PEER);
        }
        assert_eq!(throttle.wait(now, "alice", PEER), None);
        throttle.wrong(now, "Alice", PEER);
        assert_eq!(throttle.wait(now, "ALICE", PEER), Some(Duration::from_secs(1)));
        throttle.wrong(now, "alice", PEER);
        assert_eq!(throttle.wait(now, "alice", PEER), Some(Duration::from_secs(2)));
        assert_eq!(throttle.wait(now + Duration::from_secs(2), "alice", PEER), None);
        assert_eq!(throttle.wait(now, "bob", PEER), None);
    }

    #[test]
    fn an_account_never_waits_longer_than_a_minute() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for host in 0..=255 {
            throttle.wrong(now, "alice", IpAddr::from([192, 0, 2, host]));
        }
        assert_eq!(
            throttle.wait(now, "alice", IpAddr::from([198, 51, 100, 1])),
            Some(ACCOUNT_WAIT)
        );
        throttle.right("alice");
        assert_eq!(throttle.wait(now, "alice", IpAddr::from([198, 51, 100, 1])), None);
    }

    #[test]
    fn an_address_that_tries_many_accounts_waits_too() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for number in 0..20 {
            throttle.wrong(now, &format!("user{number}"), "2001:db8::1".parse().unwrap());
        }
        let neighbour = "2001:db8::abcd:1".parse().unwrap();
        assert_eq!(
            throttle.wait(now, "another", neighbour),
            Some(Duration::from_secs(1))
        );
    }

    #[test]
    fn the_memory_is_bounded() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for number in 0..MAX_COUNTS as u64 + 10 {
            throttle.wrong(now + Duration::from_millis(number), &number.to_string(), PEER);
        }
        assert!(throttle.lock().len() <= MAX_COUNTS);
    }
}
