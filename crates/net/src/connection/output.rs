//! What waits to be written: pieces of messages, sent many at a time.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};

use crate::Stream;
use crate::outbox::release;

/// Pieces of one write: some thirty messages with head and body; Linux takes up to 1024.
const PIECES: usize = 64;

/// Pieces in the order in which they are to be written.
#[derive(Debug, Default)]
pub(super) struct Output {
    pieces: VecDeque<Bytes>,
    bytes: usize,
    /// TLS may hold records back when the socket takes no more.
    unflushed: bool,
}

impl Output {
    /// Bytes that the stream has not taken.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The last pieces, for the trace.
    pub(super) fn pieces_from(&self, start: usize) -> impl Iterator<Item = &Bytes> {
        self.pieces.range(start..)
    }

    pub(super) fn pieces(&self) -> usize {
        self.pieces.len()
    }

    /// Writes until all is written or the peer takes no more.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>, stream: &mut Stream) -> Poll<io::Result<()>> {
        while !self.pieces.is_empty() {
            let mut slices = [IoSlice::new(&[]); PIECES];
            let count = self.gather(&mut slices);
            let written = ready!(stream.poll_write(cx, &slices[..count]))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.unflushed = true;
            self.advance(written);
        }
        release(&mut self.pieces);
        if self.unflushed {
            ready!(stream.poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    fn gather<'a>(&'a self, slices: &mut [IoSlice<'a>; PIECES]) -> usize {
        let pieces = self.pieces.iter().take(PIECES);
        let count = pieces.len();
        slices
            .iter_mut()
            .zip(pieces)
            .for_each(|(slice, piece)| *slice = IoSlice::new(piece));
        count
    }

    fn advance(&mut self, mut written: usize) {
        self.bytes -= written;
        while let Some(first) = self.pieces.front_mut() {
            if written < first.len() {
                first.advance(written);
                return;
            }
            written -= first.len();
            self.pieces.pop_front();
        }
    }
}

impl Extend<Bytes> for Output {
    fn extend<T: IntoIterator<Item = Bytes>>(&mut self, pieces: T) {
        for piece in pieces {
            // An empty piece could be the only one of a write, whose 0 would look like an error.
            if !piece.is_empty() {
                self.bytes += piece.len();
                self.pieces.push_back(piece);
            }
        }
    }
}
