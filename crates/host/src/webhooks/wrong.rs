//! Those who send what proves nothing: counted by address for each webhook, and after a few not listened to there for a
//! while. So nobody can guess at length, nor have this host check signatures all day.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Wrong requests of one address before it is not listened to: a sender that is set up wrongly is told why some times.
const FREE: u32 = 20;
/// In this time, from the first of them; and for the rest of it nobody listens.
const WINDOW: Duration = Duration::from_secs(60);
/// Addresses that are counted. When more are wrong within a minute, those that come then are counted together.
const ADDRESSES: usize = 10_000;

/// Wrong requests to one webhook, by address.
#[derive(Debug, Default)]
pub(super) struct Wrong {
    counts: Mutex<HashMap<IpAddr, Count>>,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    wrong: u32,
    since: Instant,
}

impl Wrong {
    /// How long requests from an address are not looked at.
    pub(super) fn shut(&self, from: IpAddr, now: Instant) -> Option<Duration> {
        let counts = self.lock();
        let count = counts.get(&subject(from)).or_else(|| counts.get(&OTHERS))?;
        let left = (count.since + WINDOW).checked_duration_since(now)?;
        (count.wrong >= FREE && !left.is_zero()).then_some(left)
    }

    /// Counts a wrong request.
    pub(super) fn count(&self, from: IpAddr, now: Instant) {
        let mut counts = self.lock();
        let mut subject = subject(from);
        if counts.len() >= ADDRESSES && !counts.contains_key(&subject) {
            counts.retain(|_, count| now.saturating_duration_since(count.since) < WINDOW);
            if counts.len() >= ADDRESSES {
                subject = OTHERS;
            }
        }
        let count = counts.entry(subject).or_insert(Count { wrong: 0, since: now });
        if now.saturating_duration_since(count.since) >= WINDOW {
            *count = Count { wrong: 0, since: now };
        }
        count.wrong = count.wrong.saturating_add(1);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Count>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nobody's address, for those who are counted together.
const OTHERS: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED);

/// Who is meant by an address: of IPv6 the network, of which one machine has as many addresses as it likes.
fn subject(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 1))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u32) -> IpAddr {
        IpAddr::V4(number.into())
    }

    #[tokio::test(start_paused = true)]
    async fn after_some_wrong_requests_nobody_listens_for_a_while() {
        let (wrong, now) = (Wrong::default(), Instant::now());
        for _ in 1..FREE {
            wrong.count(address(1), now);
        }
        assert_eq!(wrong.shut(address(1), now), None);
        wrong.count(address(1), now + Duration::from_secs(10));
        assert_eq!(
            wrong.shut(address(1), now + Duration::from_secs(10)),
            Some(Duration::from_secs(50))
        );
        assert_eq!(wrong.shut(address(2), now), None, "others are heard");
        assert_eq!(wrong.shut(address(1), now + WINDOW), None);
        wrong.count(address(1), now + WINDOW);
        assert_eq!(
            wrong.shut(address(1), now + WINDOW),
            None,
            "it counts from the beginning"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn neither_a_large_network_nor_many_addresses_get_around_it() {
        let (wrong, now) = (Wrong::default(), Instant::now());
        for last in 0..FREE as u16 {
            wrong.count(IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 7, 0, 0, 0, last)), now);
        }
        let neighbour = "2001:db8:0:7:1::".parse().unwrap();
        assert!(wrong.shut(neighbour, now).is_some());
        for number in 0..ADDRESSES as u32 + FREE {
            wrong.count(address(number), now);
        }
        assert!(wrong.lock().len() <= ADDRESSES + 1);
        assert!(
            wrong.shut(address(u32::MAX), now).is_some(),
            "those that are not known are one"
        );
        let later = now + WINDOW;
        wrong.count(address(u32::MAX), later);
        assert_eq!(wrong.lock().len(), 1, "old counts make room");
    }
}
