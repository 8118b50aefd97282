//! What sessions, rooms and administration share; each part is owned by its own module.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use parlor_metrics::Histogram;
use parlor_rooms::{Change, Store, StoreError};
use parlor_xccos::{RoomUri, Timestamp};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Config;
use crate::accounts::Accounts;
use crate::config::TrustedPool;
use crate::control::{ListenerStatus, StoreStatus};
use crate::directory::SharedDirectory;
use crate::lanes::Lanes;
use crate::presence::Presence;
use crate::queries::Queries;
use crate::refusals::Refusals;
use crate::registrar::{Registrar, Why};
use crate::registry::Registry;
use crate::sessions::Sessions;
use crate::throttle::Throttle;
use crate::wire::Wire;

#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) config: Config,
    /// Whom new connections may be; replaced by a reload.
    pub(crate) pools: RwLock<Arc<[Arc<TrustedPool>]>>,
    /// Any room address of this server; others are made from it.
    pub(crate) base: RoomUri,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) directory: SharedDirectory,
    pub(crate) accounts: Accounts,
    pub(crate) throttle: Throttle,
    pub(crate) rooms: Registry,
    pub(crate) sessions: Sessions,
    pub(crate) registrar: Registrar,
    pub(crate) presence: Presence,
    /// Where changes of what users keep are made.
    pub(crate) keeping: Lanes,
    pub(crate) queries: Queries,
    pub(crate) wire: Arc<Wire>,
    pub(crate) counters: Counters,
    pub(crate) listeners: Vec<ListenerStatus>,
    /// Every task of the server, to be waited for at the end.
    pub(crate) tasks: TaskTracker,
    /// Tells listeners and the control socket to stop.
    pub(crate) stopping: CancellationToken,
}

impl Service {
    /// The trusted pools as they are now.
    pub(crate) fn pools(&self) -> Arc<[Arc<TrustedPool>]> {
        Arc::clone(&self.pools.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes live rooms and sessions act on what changed in the directory.
    pub(crate) fn announce(&self, changes: &[Change]) {
        for change in changes {
            if let Change::UserRemoved(user) = change {
                self.accounts.forget(user);
                self.presence.forget(user);
            }
            match (change.room(), change) {
                (Some(room), _) => self.rooms.room_changed(room),
                (None, Change::UserPut(_) | Change::UserRemoved(_)) => {
                    self.rooms.all_changed();
                    self.bar_the_gone(change);
                    self.sessions.recheck_users();
                }
                (None, _) => self.rooms.all_changed(),
            }
        }
    }

    /// Who was disabled or removed is not signed in any more, also where the connection is lost for the moment.
    fn bar_the_gone(&self, change: &Change) {
        let user = match change {
            Change::UserPut(user) if user.disabled => &user.uri,
            Change::UserRemoved(user) => user,
            _ => return,
        };
        self.sign_off_everywhere(user, Why::Barred);
    }
}

/// What happened since the start, in numbers.
#[derive(Debug)]
pub(crate) struct Counters {
    pub(crate) started: Timestamp,
    pub(crate) began: Instant,
    pub(crate) posts: AtomicU64,
    pub(crate) deliveries: AtomicU64,
    /// Posts whose key was there already.
    pub(crate) repeated: AtomicU64,
    pub(crate) refusals: Refusals,
    /// Connections per post.
    pub(crate) fan_out: Histogram,
    /// How long rooms wait for the store.
    pub(crate) append_seconds: Histogram,
    store: Mutex<StoreStatus>,
    store_failing: std::sync::atomic::AtomicBool,
}

impl Counters {
    pub(crate) fn new() -> Self {
        Self {
            started: now(),
            began: Instant::now(),
            posts: AtomicU64::new(0),
            deliveries: AtomicU64::new(0),
            repeated: AtomicU64::new(0),
            refusals: Refusals::default(),
            fan_out: Histogram::new(Histogram::COUNTS),
            append_seconds: Histogram::new(Histogram::SECONDS),
            store: Mutex::new(StoreStatus {
                healthy: true,
                ..StoreStatus::default()
            }),
            store_failing: std::sync::atomic::AtomicBool::new(false),
        }
    }

    pub(crate) fn store_failed(&self, error: &StoreError) {
        self.store_failing.store(true, Ordering::Relaxed);
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        store.healthy = false;
        store.full = matches!(error, StoreError::Full);
        store.failures += 1;
        store.last_error = Some(chain(error));
    }

    /// Called after every append, so the common case takes no lock.
    pub(crate) fn store_worked(&self) {
        if self.store_failing.swap(false, Ordering::Relaxed) {
            let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
            (store.healthy, store.full) = (true, false);
        }
    }

    pub(crate) fn store(&self) -> StoreStatus {
        self.store.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// The wall clock; what it says about the order of posts is corrected by the room.
pub(crate) fn now() -> Timestamp {
    let millis = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis());
    Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}
