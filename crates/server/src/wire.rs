//! Outgoing XCCOS documents: envelope numbers and the way to a dialog. What is said is left to the callers.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use parlor_net::{Outbound, Outbox};
use parlor_sip::DialogId;
use parlor_xccos::{EncodeOptions, EnvelopeId, Notice, Post, Reply, encode};

use crate::sessions::SWEEP_SEATS;

/// XCCOS travels as plain text in both directions (facts A5).
pub(crate) const CONTENT_TYPE: &str = "text/plain";

/// Numbers and encodes what this server sends.
#[derive(Debug)]
pub(crate) struct Wire {
    next: AtomicU64,
    options: EncodeOptions,
}

impl Wire {
    /// `first` should differ between runs, so that an old reply is not taken for a new one.
    pub(crate) fn new(first: u64, options: EncodeOptions) -> Self {
        Self {
            next: AtomicU64::new(first),
            options,
        }
    }

    pub(crate) fn reply(&self, reply: &Reply) -> Bytes {
        encode::reply(self.number(), reply, self.options)
    }

    pub(crate) fn notice(&self, notice: &Notice) -> Bytes {
        encode::notices(self.number(), std::slice::from_ref(notice), self.options)
    }

    pub(crate) fn post(&self, post: &Post) -> Bytes {
        encode::post(self.number(), post)
    }

    fn number(&self) -> EnvelopeId {
        self.next.fetch_add(1, Ordering::Relaxed).into()
    }
}

/// One chat dialog, as tasks other than its own reach it.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) outbox: Outbox,
    pub(crate) dialog: DialogId,
}

impl Endpoint {
    /// Queues a document as an INFO. A refused one is not an error here: a full outbox closes its connection, and a
    /// closed connection leaves its rooms by itself.
    pub(crate) fn deliver(&self, body: Bytes) -> bool {
        self.outbox
            .try_push(Outbound::Info {
                dialog: self.dialog,
                body,
            })
            .is_ok()
    }

    /// The room took the seat away: its session lets go of it, so that the room's task can end.
    pub(crate) fn sweep_seats(&self) {
        // A session that cannot be woken is ending, which lets go of every seat.
        let _ = self.outbox.try_push(Outbound::Signal(SWEEP_SEATS));
    }
}
