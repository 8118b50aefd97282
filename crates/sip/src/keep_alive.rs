//! Counts the keep-alives of a peer, so that empty lines cannot keep a connection busy.

use crate::Limits;
use std::time::Instant;

/// Keep-alives in the current window.
#[derive(Debug, Default)]
pub(crate) struct KeepAliveMeter {
    window_start: Option<Instant>,
    count: u32,
}

impl KeepAliveMeter {
    /// Counts one keep-alive; false when it is one too many.
    pub(crate) fn allow(&mut self, now: Instant, most: u32) -> bool {
        let stale = |start: Instant| now.saturating_duration_since(start) >= Limits::KEEP_ALIVE_WINDOW;
        if self.window_start.is_none_or(stale) {
            self.window_start = Some(now);
            self.count = 0;
        }
        self.count = self.count.saturating_add(1);
        self.count <= most
    }
}
