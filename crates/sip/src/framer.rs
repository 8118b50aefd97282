//! Splits a byte stream into SIP messages and keep-alives.
//!
//! What a message means is left to `message`, what a keep-alive calls for to the user agent. Every byte is looked at
//! a bounded number of times however it arrives: the search for the end of a head goes on where it stopped, and a head
//! is read once, before its body is there.

use crate::head::Head;
use crate::{FramingError, KeepAlive, Limits, Message};
use bytes::{Buf, BytesMut};

/// Incremental framer of one stream.
#[derive(Debug)]
pub struct Framer {
    limits: Limits,
    buffer: BytesMut,
    state: State,
    /// Pings of ours that were not answered yet: the next bare CRLF answers one.
    pongs_due: u8,
}

#[derive(Debug)]
enum State {
    /// Before the first byte of a message; one CRLF of a ping may have been taken already.
    Between { half_ping: bool },
    /// Inside a head; there is no end of it before this position.
    InHead { searched: usize },
    /// The head is read, the body is not complete.
    InBody(Box<Pending>),
    /// The stream cannot be split any further.
    Broken(FramingError),
}

#[derive(Debug)]
struct Pending {
    head: Head,
    head_length: usize,
    length: usize,
}

/// What the stream held next.
#[derive(Clone, Debug)]
pub enum Frame {
    /// A whole message.
    Message(Message),
    /// A keep-alive between messages.
    KeepAlive(KeepAlive),
}

impl Framer {
    /// A framer with an empty buffer.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            buffer: BytesMut::new(),
            state: State::Between { half_ping: false },
            pongs_due: 0,
        }
    }

    /// Where to append what was read. Its memory is given back whenever all of it was used.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// Tells that a ping was sent, so that a single CRLF is its answer and not half a ping of the peer.
    pub fn expect_pong(&mut self) {
        self.pongs_due = self.pongs_due.saturating_add(1);
    }

    /// The next frame, `None` until more bytes are there.
    ///
    /// # Errors
    /// When the stream cannot be split any further; every later call fails the same way.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FramingError> {
        let frame = self
            .advance()
            .inspect_err(|error| self.state = State::Broken(*error));
        if self.buffer.is_empty() && self.buffer.capacity() > 0 {
            self.buffer = BytesMut::new();
        }
        frame
    }

    /// What was read of a message that was refused: enough to answer it, if its head was complete.
    pub(crate) fn refused_head(&self) -> Option<Message> {
        let end = memchr::memmem::find(&self.buffer, HEAD_END)? + HEAD_END.len();
        let head = self
            .buffer
            .get(..end)
            .filter(|head| head.len() <= usize::from(self.limits.head))?;
        let parsed = Head::parse(head, &self.limits).ok()?;
        Some(Message::new(bytes::Bytes::copy_from_slice(head), end, parsed))
    }

    fn advance(&mut self) -> Result<Option<Frame>, FramingError> {
        if let State::Between { half_ping } = self.state {
            if let Some(keep_alive) = self.skip_line_ends(half_ping) {
                return Ok(Some(Frame::KeepAlive(keep_alive)));
            }
            if matches!(self.buffer[..], [] | [b'\r']) {
                return Ok(None);
            }
            self.state = State::InHead { searched: 0 };
        }
        if let State::InHead { searched } = self.state {
            let Some(pending) = self.read_head(searched)? else {
                return Ok(None);
            };
            if self.buffer.len() >= pending.length {
                return Ok(Some(self.finish(pending)));
            }
            self.state = State::InBody(Box::new(pending));
        }
        match std::mem::replace(&mut self.state, State::Between { half_ping: false }) {
            State::Broken(error) => Err(error),
            State::InBody(pending) if self.buffer.len() >= pending.length => Ok(Some(self.finish(*pending))),
            waiting => {
                self.state = waiting;
                Ok(None)
            }
        }
    }

    fn finish(&mut self, pending: Pending) -> Frame {
        self.state = State::Between { half_ping: false };
        let frame = self.buffer.split_to(pending.length).freeze();
        Frame::Message(Message::new(frame, pending.head_length, pending.head))
    }

    /// Takes CRLFs between messages: our pongs, pings of the peer, and the stray ones of RFC 3261 section 7.5.
    fn skip_line_ends(&mut self, mut half_ping: bool) -> Option<KeepAlive> {
        let mut found = None;
        while found.is_none() && self.buffer.starts_with(b"\r\n") {
            self.buffer.advance(2);
            if self.pongs_due > 0 {
                self.pongs_due -= 1;
                found = Some(KeepAlive::Pong);
            } else if half_ping {
                half_ping = false;
                found = Some(KeepAlive::Ping);
            } else {
                half_ping = true;
            }
        }
        self.state = State::Between { half_ping };
        found
    }

    fn read_head(&mut self, searched: usize) -> Result<Option<Pending>, FramingError> {
        let limit = self.limits.head;
        // The end may have begun in what was searched before.
        let from = searched.saturating_sub(HEAD_END.len() - 1).min(self.buffer.len());
        let end = memchr::memmem::find(&self.buffer[from..], HEAD_END).map(|at| from + at + HEAD_END.len());
        if end.unwrap_or(self.buffer.len()) > usize::from(limit) {
            return Err(FramingError::HeadTooLong { limit });
        }
        let Some(head_length) = end else {
            self.state = State::InHead {
                searched: self.buffer.len(),
            };
            return Ok(None);
        };
        let bytes = &self.buffer[..head_length];
        let head = Head::parse(bytes, &self.limits)?;
        let body = head.content_length(bytes)?;
        if body > self.limits.body {
            return Err(FramingError::BodyTooLong {
                limit: self.limits.body,
            });
        }
        let length = head_length + body;
        Ok(Some(Pending {
            head,
            head_length,
            length,
        }))
    }
}

const HEAD_END: &[u8] = b"\r\n\r\n";
