//! The event stream of a room: bounded, in order, and never silently incomplete.

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

use parlor_xccos::{MessageId, Participant, Post, RoomInfo, SipUri};
use tokio::sync::mpsc;

use crate::command::Handle;
use crate::error::ChatRefusal;
use crate::room::RoomGuard;

/// Something that happened in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RoomEvent {
    /// A message, the reader's own included; each exactly once and in order of its number.
    Post(Post),
    /// Somebody came in.
    Joined(Participant),
    /// Somebody left.
    Parted(SipUri),
    /// Somebody may do more or less than before.
    RightsChanged(Participant),
    /// Name, description or properties changed.
    Changed(RoomInfo),
    /// The reader was slower than the room. The messages that did not fit follow, fetched from history; who came and
    /// went meanwhile is in [`crate::RoomSession::participants`].
    Lagged,
    /// The connection is lost; the endpoint is recovering.
    Disconnected,
    /// The room is joined again and every missed message has been delivered; who takes part now is in
    /// [`crate::RoomSession::participants`].
    Recovered {
        /// How many messages were fetched.
        missed: usize,
    },
    /// Messages after this number could not be fetched completely: the server keeps no history or cannot page it.
    Gap {
        /// The last message delivered before the gap; `None` when the server numbers no messages.
        after: Option<MessageId>,
    },
    /// The membership ended; the last event of the stream.
    Closed(RoomClosed),
}

/// Why a room's event stream ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RoomClosed {
    /// By [`crate::RoomSession::leave`].
    Left,
    /// The server removed the user from the room.
    Kicked,
    /// After a reconnect the server did not let the user in again.
    Refused(Option<ChatRefusal>),
    /// The endpoint or its chat session was terminated.
    Terminated,
}

/// The receiving end of a room's events.
///
/// ```no_run
/// # async fn listen(mut events: parlor_client::RoomEvents) {
/// use parlor_client::RoomEvent;
/// while let Some(event) = events.next().await {
///     if let RoomEvent::Post(post) = event {
///         tracing::info!(author = %post.author, "{}", post.chat);
///     }
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct RoomEvents {
    queue: mpsc::Receiver<RoomEvent>,
    room: Arc<RoomGuard>,
    finished: bool,
    /// Keeps the endpoint running while somebody listens.
    _handle: Handle,
}

impl RoomEvents {
    pub(crate) fn new(handle: Handle, room: &Arc<RoomGuard>, queue: mpsc::Receiver<RoomEvent>) -> Self {
        Self {
            queue,
            room: Arc::clone(room),
            finished: false,
            _handle: handle,
        }
    }

    /// The next event; `None` after [`RoomEvent::Closed`]. Cancel safe.
    pub async fn next(&mut self) -> Option<RoomEvent> {
        if self.finished {
            return None;
        }
        let event = self.queue.recv().await;
        let shared = &self.room.shared;
        // Pairs with the one in the task's `await_reader`.
        fence(Ordering::SeqCst);
        if shared.lagging.load(Ordering::Relaxed) && self.queue.len() <= self.queue.max_capacity() / 2 {
            shared.wake.notify_one();
        }
        event.or_else(|| {
            self.finished = true;
            let closed = shared.view(|view| view.closed.clone());
            Some(RoomEvent::Closed(closed.unwrap_or(RoomClosed::Terminated)))
        })
    }
}
