//! Operators who watch a room: told like participants, but never waited for.

use std::sync::atomic::{AtomicU64, Ordering};

use parlor_xccos::{Post, SipUri};
use tokio::sync::mpsc;

use super::RoomTask;
use crate::control::{LiveEvent, PostView};

/// One who watches.
#[derive(Debug)]
pub(crate) struct Watcher {
    events: mpsc::Sender<LiveEvent>,
    missed: AtomicU64,
}

impl Watcher {
    pub(crate) fn new(events: mpsc::Sender<LiveEvent>) -> Self {
        Self {
            events,
            missed: AtomicU64::new(0),
        }
    }

    pub(super) fn is_open(&self) -> bool {
        !self.events.is_closed()
    }

    fn tell(&self, event: LiveEvent) {
        let missed = self.missed.load(Ordering::Relaxed);
        if missed > 0 {
            if self
                .events
                .try_send(LiveEvent::Missed { events: missed })
                .is_err()
            {
                self.missed.fetch_add(1, Ordering::Relaxed);
                return;
            }
            self.missed.store(0, Ordering::Relaxed);
        }
        if self.events.try_send(event).is_err() {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl RoomTask {
    pub(super) fn watch_post(&self, post: Post) {
        if self.watchers.is_empty() {
            return;
        }
        if let Some(view) = PostView::of(post) {
            self.watch(&LiveEvent::Post(view));
        }
    }

    pub(super) fn watch_join(&self, user: &SipUri) {
        if !self.watchers.is_empty() {
            self.watch(&LiveEvent::Joined { user: user.clone() });
        }
    }

    pub(super) fn watch_part(&self, user: &SipUri) {
        if !self.watchers.is_empty() {
            self.watch(&LiveEvent::Parted { user: user.clone() });
        }
    }

    fn watch(&self, event: &LiveEvent) {
        for watcher in &self.watchers {
            watcher.tell(event.clone());
        }
    }
}
