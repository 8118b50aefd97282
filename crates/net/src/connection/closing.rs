//! A graceful end in stages: what is queued, our goodbye, the peer's.

use std::task::{Context, Poll, ready};

use bytes::BytesMut;

use super::driver::{Driver, Phase, now};

/// What a peer may send between our goodbye and its own before it is left.
const LINGER_BYTES: usize = 256 << 10;

/// How far a graceful end has come.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stage {
    /// Sending what is queued.
    Flush,
    /// Saying goodbye.
    Shutdown,
    /// Waiting for the peer's, since a socket that is closed with unread bytes resets the connection, and takes our last
    /// bytes with it.
    Linger { discarded: usize },
}

impl Driver {
    /// Goes through the stages of a graceful end. Ready when it is over or needs another turn.
    pub(super) fn poll_closing(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Phase::Closing { cause, until, stage } = &self.phase else {
            return Poll::Ready(());
        };
        let (cause, until, stage) = (cause.clone(), *until, *stage);
        let over = match stage {
            Stage::Flush => self.poll_flush_all(cx).map(|()| self.enter(Stage::Shutdown)),
            Stage::Shutdown => self.poll_shutdown(cx),
            Stage::Linger { discarded } => self.poll_linger(cx, discarded),
        };
        let now = now();
        if over.is_pending() && now >= until {
            self.finish(cause);
            return Poll::Ready(());
        }
        if over.is_pending() {
            self.timer.poll(cx, until)
        } else {
            over
        }
    }

    fn poll_flush_all(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let now = now();
        loop {
            if self.infos.is_empty() {
                // Signals have nobody to go to any more.
                self.outbox.drain(cx, Some(&mut self.infos), &mut self.signals);
                self.signals.clear();
            }
            self.send_infos(now);
            if self.poll_output(cx, now).is_pending() {
                return Poll::Pending;
            }
            if self.infos.is_empty() {
                return Poll::Ready(());
            }
        }
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(transport) = &mut self.transport else {
            return Poll::Ready(());
        };
        match ready!(transport.stream.poll_shutdown(cx)) {
            Ok(()) => self.enter(Stage::Linger { discarded: 0 }),
            Err(_) => self.finish_closing(),
        }
        Poll::Ready(())
    }

    fn poll_linger(&mut self, cx: &mut Context<'_>, discarded: usize) -> Poll<()> {
        let Some(transport) = &mut self.transport else {
            return Poll::Ready(());
        };
        let mut rest = BytesMut::new();
        match ready!(transport.stream.poll_read(cx, &mut rest)) {
            Ok(count @ 1..) if discarded + count <= LINGER_BYTES => {
                self.enter(Stage::Linger {
                    discarded: discarded + count,
                });
            }
            _ => self.finish_closing(),
        }
        Poll::Ready(())
    }

    fn enter(&mut self, next: Stage) {
        if let Phase::Closing { stage, .. } = &mut self.phase {
            *stage = next;
        }
    }

    fn finish_closing(&mut self) {
        if let Phase::Closing { cause, .. } = &self.phase {
            self.finish(cause.clone());
        }
    }
}
