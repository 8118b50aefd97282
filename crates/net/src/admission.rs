//! Counts the open connections, refuses those above the limits, and closes all of them at the end.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::{CloseCause, Limits, Outbox};

/// The doorkeeper shared by the listeners of one server; clones are the same doorkeeper.
#[derive(Clone, Debug)]
pub struct Admission {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    most: usize,
    most_per_peer: usize,
    refused: AtomicU64,
    state: Mutex<State>,
    emptied: Notify,
}

/// Lock order: this one before an outbox's.
#[derive(Debug, Default)]
struct State {
    closing: bool,
    next: u64,
    /// Every admitted connection; the outbox once its handshake is done.
    open: HashMap<u64, Option<Outbox>>,
    per_peer: HashMap<IpAddr, usize>,
}

/// The right to one connection, given back when dropped.
#[derive(Debug)]
pub(crate) struct Admitted {
    shared: Arc<Shared>,
    number: u64,
    peer: IpAddr,
}

impl Admission {
    /// A doorkeeper for the numbers in `limits`.
    pub fn new(limits: &Limits) -> Self {
        Self {
            shared: Arc::new(Shared {
                most: limits.connections,
                most_per_peer: limits.connections_per_peer,
                refused: AtomicU64::new(0),
                state: Mutex::default(),
                emptied: Notify::new(),
            }),
        }
    }

    /// Connections that are open now, handshakes included.
    pub fn open(&self) -> usize {
        self.shared.lock().open.len()
    }

    /// Connections turned away since the start.
    pub fn refused(&self) -> u64 {
        self.shared.refused.load(Ordering::Relaxed)
    }

    /// Admits nobody any more and asks every open connection to close with [`CloseCause::Shutdown`].
    pub fn close_all(&self) {
        let mut state = self.shared.lock();
        state.closing = true;
        state
            .open
            .values()
            .flatten()
            .for_each(|outbox| outbox.close(CloseCause::Shutdown));
    }

    /// Waits until no connection is open.
    pub async fn emptied(&self) {
        loop {
            let emptied = self.shared.emptied.notified();
            tokio::pin!(emptied);
            // Listens before it looks, so that nothing is missed in between.
            emptied.as_mut().enable();
            if self.open() == 0 {
                return;
            }
            emptied.await;
        }
    }

    /// One more connection from `peer`, or `None` when that is one too many.
    pub(crate) fn admit(&self, peer: IpAddr) -> Option<Admitted> {
        let peer = network(peer);
        let mut state = self.shared.lock();
        let from_peer = state.per_peer.get(&peer).copied().unwrap_or_default();
        if state.closing || state.open.len() >= self.shared.most || from_peer >= self.shared.most_per_peer {
            drop(state);
            self.shared.refuse(peer);
            return None;
        }
        let number = state.next;
        state.next += 1;
        state.open.insert(number, None);
        state.per_peer.insert(peer, from_peer + 1);
        Some(Admitted {
            shared: self.shared.clone(),
            number,
            peer,
        })
    }
}

impl Admitted {
    /// Lets [`Admission::close_all`] reach the connection, which may be at once.
    pub(crate) fn reachable_by(&self, outbox: Outbox) {
        let mut state = self.shared.lock();
        if state.closing {
            outbox.close(CloseCause::Shutdown);
        }
        state.open.insert(self.number, Some(outbox));
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.open.remove(&self.number);
        if let Some(count) = state.per_peer.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                state.per_peer.remove(&self.peer);
            }
        }
        if state.open.is_empty() {
            self.shared.emptied.notify_waiters();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Logs at doubling distances: whoever floods the door must not flood the log.
    fn refuse(&self, peer: IpAddr) {
        let refused = self.refused.fetch_add(1, Ordering::Relaxed) + 1;
        if refused.is_power_of_two() {
            tracing::warn!(%peer, refused, "connection refused: too many, in all or from this peer");
        }
    }
}

/// One subscriber has one IPv4 address, or a whole IPv6 /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(connections: usize, connections_per_peer: usize) -> Admission {
        Admission::new(&Limits {
            connections,
            connections_per_peer,
            ..Limits::default()
        })
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_peer_gets_its_share_and_gets_it_back() {
        let admission = admission(3, 2);
        let first = admission.admit(ip("192.0.2.1")).unwrap();
        let _second = admission.admit(ip("::ffff:192.0.2.1")).unwrap();
        assert!(
            admission.admit(ip("192.0.2.1")).is_none(),
            "mapped addresses are the same peer"
        );
        drop(first);
        let _third = admission.admit(ip("192.0.2.1")).unwrap();
        assert_eq!((admission.open(), admission.refused()), (2, 1));
    }

    #[test]
    fn an_ipv6_network_is_one_peer() {
        let admission = admission(9, 1);
        let _first = admission.admit(ip("2001:db8::1")).unwrap();
        assert!(admission.admit(ip("2001:db8::2")).is_none());
        assert!(admission.admit(ip("2001:db8:0:1::2")).is_some());
    }

    #[test]
    fn the_whole_is_bounded() {
        let admission = admission(2, 2);
        let _first = admission.admit(ip("192.0.2.1")).unwrap();
        let _second = admission.admit(ip("192.0.2.2")).unwrap();
        assert!(admission.admit(ip("192.0.2.3")).is_none());
    }

    #[tokio::test]
    async fn closing_reaches_everybody_and_waits_for_them() {
        let admission = admission(9, 9);
        let early = admission.admit(ip("192.0.2.1")).unwrap();
        let late = admission.admit(ip("192.0.2.1")).unwrap();
        let (first, second) = (Outbox::new(&Limits::default()), Outbox::new(&Limits::default()));
        early.reachable_by(first.clone());
        admission.close_all();
        assert!(first.is_closed());
        late.reachable_by(second.clone());
        assert!(
            second.is_closed(),
            "a handshake that ends during the shutdown is closed too"
        );
        assert!(admission.admit(ip("192.0.2.1")).is_none());
        let waiting = tokio::spawn({
            let admission = admission.clone();
            async move { admission.emptied().await }
        });
        drop((early, late));
        waiting.await.unwrap();
    }
}
