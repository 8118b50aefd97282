//! Instances that want to listen in a room, until the room's task takes them in.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::Listening;

/// Who came. At most one of each instance waits here: whoever has ended in the meantime is let go.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    waiting: Mutex<Vec<Listening>>,
    came: Notify,
    /// Told when a lane of the room has space again.
    drained: Arc<Notify>,
}

impl Arrivals {
    pub(crate) fn add(&self, listening: Listening) {
        let mut waiting = self.lock();
        waiting.retain(|one| !one.lane.is_closed());
        waiting.push(listening);
        drop(waiting);
        self.came.notify_one();
    }

    pub(crate) fn drained(&self) -> Arc<Notify> {
        self.drained.clone()
    }

    /// Returns when somebody came since the last time.
    pub(super) async fn came(&self) {
        self.came.notified().await;
    }

    pub(super) fn take(&self) -> Vec<Listening> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Listening>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
