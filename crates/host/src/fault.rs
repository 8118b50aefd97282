//! Named places where a test makes the host stop as a crash would. A real configuration has none.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio_util::sync::CancellationToken;

/// The places, in the order a delivery passes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Point {
    /// A feed was fetched and parsed, nothing of it stored.
    Fetched,
    /// An item is seen: feed items or a schedule fire are stored for their instance, or a message of a room is about to
    /// be handed over; not handled.
    Accepted,
    /// A handler returned, nothing of it is stored.
    Handled,
    /// What a handler did is stored, nothing is sent.
    Committed,
    /// A post was handed to the connection; whether it arrived is not known.
    Sent,
    /// The server confirmed a post, that is not stored.
    Acknowledged,
    /// A delivered post is stored as delivered, with what the ledger tells of it.
    Recorded,
}

impl Point {
    /// All of them, in the order in which a delivery passes them.
    pub const ALL: [Self; 7] = [
        Self::Fetched,
        Self::Accepted,
        Self::Handled,
        Self::Committed,
        Self::Sent,
        Self::Acknowledged,
        Self::Recorded,
    ];
}

/// Asked at every point with what is at hand there; `true` crashes the host.
pub type Switch = dyn Fn(Point, &str) -> bool + Send + Sync;

/// Where a host crashes, if anywhere.
#[derive(Clone, Default)]
pub struct Faults {
    armed: Option<Arc<Armed>>,
}

struct Armed {
    switch: Box<Switch>,
    crashed: AtomicBool,
    told: CancellationToken,
}

impl Faults {
    /// Never crashes.
    pub fn none() -> Self {
        Self::default()
    }

    /// Crashes where `switch` says so. From then on no task of the host passes any point: call
    /// [`crate::Host::kill`] to clear away what is left.
    pub fn when(switch: impl Fn(Point, &str) -> bool + Send + Sync + 'static) -> Self {
        Self {
            armed: Some(Arc::new(Armed {
                switch: Box::new(switch),
                crashed: AtomicBool::new(false),
                told: CancellationToken::new(),
            })),
        }
    }

    /// Returns when the host has crashed; never without faults.
    pub async fn crashed(&self) {
        match &self.armed {
            Some(armed) => armed.told.cancelled().await,
            None => std::future::pending().await,
        }
    }

    /// Passes a point, or never returns.
    pub(crate) async fn pass(&self, point: Point, what: &str) {
        let Some(armed) = &self.armed else { return };
        let crash = armed.crashed.load(Ordering::Acquire) || (armed.switch)(point, what);
        if crash {
            armed.crashed.store(true, Ordering::Release);
            armed.told.cancel();
            std::future::pending::<()>().await;
        }
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Faults")
            .field("armed", &self.armed.is_some())
            .finish()
    }
}
