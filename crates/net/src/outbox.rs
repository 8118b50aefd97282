//! The bounded queue through which other tasks reach a connection; sending is the connection's.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use bytes::Bytes;
use parlor_sip::DialogId;

use crate::{CloseCause, Limits};

/// The sending side of a connection's queue: cheap to clone, never blocks, usable from any task.
#[derive(Clone)]
pub struct Outbox {
    shared: Arc<Shared>,
}

/// What other tasks can ask of a connection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outbound {
    /// An INFO in a dialog with a `text/plain` body; the body is shared, not copied.
    Info {
        /// The dialog; when it is gone the frame is dropped, as its end has its own event.
        dialog: DialogId,
        /// The body as encoded once for all receivers.
        body: Bytes,
    },
    /// Comes out of [`crate::Connection::next`] as [`crate::Event::Signal`], before any INFO that waits.
    Signal(u64),
    /// Close the connection; what was queued before is still sent.
    Close(CloseCause),
}

/// Why [`Outbox::try_push`] took nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PushError {
    /// The receiver is too slow: the connection is being closed because of it.
    #[error("outbox full")]
    Full,
    /// The connection is closed.
    #[error("connection closed")]
    Closed,
}

/// An INFO to be sent.
#[derive(Debug)]
pub(crate) struct Info {
    pub(crate) dialog: DialogId,
    pub(crate) body: Bytes,
}

struct Shared {
    queue: Mutex<Queue>,
    max_frames: usize,
    max_bytes: usize,
}

/// The lock is held for a few pushes or a swap, never over an await, and no other lock is taken under it.
#[derive(Default)]
struct Queue {
    infos: VecDeque<Info>,
    /// Of the bodies in `infos`.
    bytes: usize,
    signals: VecDeque<u64>,
    close: Option<CloseCause>,
    closed: bool,
    /// The connection's task while it waits; taken by the first push, so that a batch wakes once.
    waker: Option<Waker>,
    /// False while the connection could not write an INFO anyway, so that pushing one need not wake it.
    wants_infos: bool,
}

/// What a connection does not free when its queue is empty: a few posts' worth.
const KEPT_CAPACITY: usize = 16;

impl Outbox {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            shared: Arc::new(Shared {
                queue: Mutex::default(),
                max_frames: limits.outbox_frames,
                max_bytes: limits.outbox_bytes,
            }),
        }
    }

    /// Queues something for the connection and wakes it, once for all that is pushed before it runs.
    ///
    /// A full outbox closes the connection with [`CloseCause::OutboxFull`]: the peer catches up from its last message
    /// when it comes back, which is better than a hole. A body is always taken by an empty outbox.
    pub fn try_push(&self, outbound: Outbound) -> Result<(), PushError> {
        let mut queue = self.shared.lock();
        if queue.closed {
            return Err(PushError::Closed);
        }
        let (result, wake) = match outbound {
            Outbound::Info { dialog, body } => (
                self.shared.push(&mut queue, Info { dialog, body }),
                queue.wants_infos,
            ),
            Outbound::Signal(number) => (self.shared.signal(&mut queue, number), true),
            Outbound::Close(cause) => {
                queue.end(cause);
                (Ok(()), true)
            }
        };
        let waker = if wake || result.is_err() {
            queue.waker.take()
        } else {
            None
        };
        drop(queue);
        if let Some(waker) = waker {
            waker.wake();
        }
        result
    }

    /// Asks the connection to close; nothing happens when it is closed already.
    pub fn close(&self, cause: CloseCause) {
        // The only error is that it is closed.
        let _ = self.try_push(Outbound::Close(cause));
    }

    /// True when nothing can be pushed any more.
    pub fn is_closed(&self) -> bool {
        self.shared.lock().closed
    }

    /// Takes what was pushed, and remembers whom to wake for more.
    ///
    /// `infos` must be `None` or empty; `None` leaves INFOs where they are and is not woken for them.
    pub(crate) fn drain(
        &self,
        cx: &Context<'_>,
        infos: Option<&mut VecDeque<Info>>,
        signals: &mut VecDeque<u64>,
    ) -> Option<CloseCause> {
        let mut queue = self.shared.lock();
        queue.wants_infos = infos.is_some();
        if let Some(infos) = infos
            && !queue.infos.is_empty()
        {
            std::mem::swap(&mut queue.infos, infos);
            queue.bytes = 0;
        }
        signals.extend(queue.signals.drain(..));
        match &mut queue.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        queue.close.take()
    }

    /// Takes no more; what is queued is still sent.
    pub(crate) fn stop(&self) {
        self.shared.lock().closed = true;
    }

    /// Nothing will be taken any more.
    pub(crate) fn shut(&self) {
        let mut queue = self.shared.lock();
        *queue = Queue {
            closed: true,
            ..Queue::default()
        };
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, queue: &mut Queue, info: Info) -> Result<(), PushError> {
        let too_long =
            queue.bytes.saturating_add(info.body.len()) > self.max_bytes && !queue.infos.is_empty();
        if queue.infos.len() >= self.max_frames || too_long {
            return Err(queue.overflow());
        }
        queue.bytes += info.body.len();
        queue.infos.push_back(info);
        Ok(())
    }

    fn signal(&self, queue: &mut Queue, number: u64) -> Result<(), PushError> {
        if queue.signals.len() >= self.max_frames {
            return Err(queue.overflow());
        }
        queue.signals.push_back(number);
        Ok(())
    }
}

impl Queue {
    fn end(&mut self, cause: CloseCause) {
        self.closed = true;
        self.close = Some(cause);
    }

    fn overflow(&mut self) -> PushError {
        let (frames, bytes) = (self.infos.len().max(self.signals.len()), self.bytes);
        self.infos = VecDeque::new();
        self.end(CloseCause::OutboxFull { frames, bytes });
        PushError::Full
    }
}

/// Gives back the memory of a queue that was long once.
pub(crate) fn release<T>(queue: &mut VecDeque<T>) {
    if queue.is_empty() && queue.capacity() > KEPT_CAPACITY {
        *queue = VecDeque::new();
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let queue = self.shared.lock();
        f.debug_struct("Outbox")
            .field("frames", &queue.infos.len())
            .field("bytes", &queue.bytes)
            .field("closed", &queue.closed)
            .finish()
    }
}

#[cfg(test)]
mod tests;
