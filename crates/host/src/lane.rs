//! The way from a room to one instance: a bounded queue per room and instance, and the bell that wakes the worker.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parlor_bot::Event;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

/// What comes down a lane, in the room's order.
#[derive(Debug)]
pub(crate) enum Input {
    /// A message to be handled.
    Message {
        event: Arc<Event>,
        /// The room's address, under which the cursor is kept.
        room: Arc<str>,
        /// Its number; a server that gives none cannot be caught up with.
        id: Option<i64>,
    },
    /// A message that is not for this instance; only its number counts.
    Passed { room: Arc<str>, id: i64 },
    /// Somebody came or went.
    Presence { event: Arc<Event>, cause: String },
}

/// Wakes a worker.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    notify: Notify,
    inbox: AtomicBool,
}

impl Bell {
    /// Something is in a lane.
    fn ring(&self) {
        self.notify.notify_one();
    }

    /// Something is in the instance's inbox.
    pub(crate) fn ring_for_inbox(&self) {
        self.inbox.store(true, Ordering::Release);
        self.notify.notify_one();
    }

    /// Whether the inbox was rung for since the last time this was asked.
    pub(crate) fn inbox_rang(&self) -> bool {
        self.inbox.swap(false, Ordering::AcqRel)
    }

    /// Returns when the bell is, or was since the last time, rung.
    pub(crate) async fn wait(&self) {
        self.notify.notified().await;
    }
}

/// The room's end of a lane.
#[derive(Debug)]
pub(crate) struct LaneSender {
    queue: mpsc::Sender<(Instant, Input)>,
    bell: Arc<Bell>,
}

/// Why an input did not get into a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LaneError {
    /// The worker is slow; it says when there is space again.
    Full,
    /// The worker has ended.
    Closed,
}

/// The worker's end of a lane.
#[derive(Debug)]
pub(crate) struct LaneReceiver {
    queue: mpsc::Receiver<(Instant, Input)>,
    drained: Arc<Notify>,
}

/// A lane for `capacity` inputs whose worker wakes by `bell`; `drained` is told when at least half of it is free.
pub(crate) fn lane(capacity: usize, bell: Arc<Bell>, drained: Arc<Notify>) -> (LaneSender, LaneReceiver) {
    let (sender, receiver) = mpsc::channel(capacity.max(1));
    (
        LaneSender { queue: sender, bell },
        LaneReceiver {
            queue: receiver,
            drained,
        },
    )
}

impl LaneSender {
    pub(crate) fn push(&self, input: Input) -> Result<(), LaneError> {
        self.queue
            .try_send((Instant::now(), input))
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => LaneError::Full,
                mpsc::error::TrySendError::Closed(_) => LaneError::Closed,
            })?;
        self.bell.ring();
        Ok(())
    }

    /// How many inputs fit now, when that is enough to be worth a question to the server.
    pub(crate) fn space(&self) -> Option<usize> {
        let free = self.queue.capacity();
        (free >= self.queue.max_capacity().div_ceil(2)).then_some(free)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.queue.is_closed()
    }
}

impl LaneReceiver {
    /// The next input, if one is there, and when it came.
    pub(crate) fn take(&mut self) -> Option<(Instant, Input)> {
        let input = self.queue.try_recv().ok()?;
        if self.queue.capacity() >= self.queue.max_capacity().div_ceil(2) {
            self.drained.notify_one();
        }
        Some(input)
    }
}
