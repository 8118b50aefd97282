//! The open sessions, so that the server can count them and reach all of them. What they do is their own.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use parlor_net::{Outbound, Outbox};
use parlor_rooms::EndpointId;

/// Wakes a session to look whether its users may still be here.
pub(crate) const RECHECK_USERS: u64 = 1;
/// Wakes a session to end its dialogs and close.
pub(crate) const END: u64 = 2;
/// Wakes a session to let go of seats that their rooms took away.
pub(crate) const SWEEP_SEATS: u64 = 3;
/// Wakes a session to read its mail.
pub(crate) const MAIL: u64 = 4;

/// Every open session.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    open: Arc<Mutex<HashMap<u64, Outbox>>>,
    next: AtomicU64,
    endpoints: AtomicU64,
    dialogs: Arc<AtomicUsize>,
}

impl Sessions {
    /// Enters a session; it leaves when the guard is dropped.
    pub(crate) fn enter(&self, outbox: Outbox) -> Entered {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, outbox);
        Entered {
            id,
            open: Arc::clone(&self.open),
        }
    }

    /// A number for a dialog that no other dialog of this server has.
    pub(crate) fn endpoint(&self) -> EndpointId {
        EndpointId(self.endpoints.fetch_add(1, Ordering::Relaxed))
    }

    /// Counts a chat dialog until the guard is dropped.
    pub(crate) fn count_dialog(&self) -> CountedDialog {
        self.dialogs.fetch_add(1, Ordering::Relaxed);
        CountedDialog(Arc::clone(&self.dialogs))
    }

    /// Open connections.
    pub(crate) fn connections(&self) -> usize {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Established chat dialogs.
    pub(crate) fn dialogs(&self) -> usize {
        self.dialogs.load(Ordering::Relaxed)
    }

    /// A user changed: every session looks at its own.
    pub(crate) fn recheck_users(&self) {
        self.signal(RECHECK_USERS);
    }

    /// Every session says goodbye.
    pub(crate) fn end(&self) {
        self.signal(END);
    }

    fn signal(&self, signal: u64) {
        for outbox in self.open.lock().unwrap_or_else(PoisonError::into_inner).values() {
            // A full outbox is closing its connection, which ends the session as well.
            let _ = outbox.try_push(Outbound::Signal(signal));
        }
    }
}

/// A session is open.
#[derive(Debug)]
pub(crate) struct Entered {
    id: u64,
    open: Arc<Mutex<HashMap<u64, Outbox>>>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.id);
    }
}

/// A chat dialog is established.
#[derive(Debug)]
pub(crate) struct CountedDialog(Arc<AtomicUsize>);

impl Drop for CountedDialog {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
