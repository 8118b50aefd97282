//! What every task of a host stands on: state, time, announcements, the status board and the limits.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use parlor_client::Backoff;
use tokio_util::sync::CancellationToken;

use crate::board::Board;
use crate::clock::Clock;
use crate::config::Tuning;
use crate::events::{Announcer, HostEvent};
use crate::fault::Faults;
use crate::state::{State, StateError};

/// The first wait of whoever tries again to reach something outside: a server, a room, a disk.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// Shared by all tasks of a host; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Ground {
    pub(crate) state: State,
    pub(crate) clock: Clock,
    pub(crate) announcer: Announcer,
    pub(crate) faults: Faults,
    pub(crate) tuning: Arc<Tuning>,
    pub(crate) board: Arc<Board>,
}

impl Ground {
    /// Waits between attempts to reach something outside.
    pub(crate) fn backoff(&self) -> Backoff {
        Backoff::new(FIRST_WAIT, self.tuning.reconnect_cap, fastrand::u64(..))
    }

    /// Repeats a call on the state until it succeeds: a full disk is waited for, not answered with lost work.
    /// `None` when the state is closed, when another host has taken over, or when `stop` is cancelled and the call still fails.
    pub(crate) async fn insist<T, C>(
        &self,
        stop: &CancellationToken,
        mut call: impl FnMut() -> C,
    ) -> Option<T>
    where
        C: Future<Output = Result<T, StateError>>,
    {
        let mut backoff = self.backoff();
        loop {
            match call().await {
                Ok(value) => return Some(value),
                Err(StateError::Closed | StateError::Fenced) => return None,
                Err(error) => {
                    let reason = reason(&error);
                    tracing::error!(%reason, "the state file refused a change");
                    self.announcer.tell(HostEvent::StateFailed { reason });
                    if !pause(stop, backoff.wait()).await {
                        return None;
                    }
                }
            }
        }
    }
}

/// Waits; `false` when `stop` was cancelled before the time was over.
pub(crate) async fn pause(stop: &CancellationToken, wait: Duration) -> bool {
    tokio::select! {
        biased;
        () = stop.cancelled() => false,
        () = tokio::time::sleep(wait) => true,
    }
}

/// An error with its causes on one line, for people.
pub(crate) fn reason(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        // Transparent wrappers say the same again.
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}
