//! One SIP connection driven by one task: bytes, deadlines, keep-alive and the outbox around a user agent; what the
//! messages mean is its owner's.

mod closing;
mod deadlines;
mod driver;
mod output;

use std::future::poll_fn;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use parlor_sip::{AgentSettings, UserAgent};

use self::driver::Driver;
use crate::admission::Admitted;
use crate::certificates::PeerIdentity;
use crate::{CertificateFault, CloseCause, HandshakeError, Limits, Outbox, Stream, TlsError};

/// One SIP connection; its owner calls [`Connection::next`] in a loop and nothing else that waits.
#[derive(Debug)]
pub struct Connection {
    /// On the heap, so that the futures that hold a connection are small.
    driver: Box<Driver>,
}

/// How a connection behaves.
#[derive(Clone, Debug)]
pub struct ConnectionSettings {
    /// The user agent on it. An empty `sent_by` becomes the local socket address; the transport is that of the stream.
    pub agent: AgentSettings,
    /// Deadlines and the bounds of the outbox.
    pub limits: Limits,
    /// What is done with CRLF keep-alives.
    pub keep_alive: KeepAlivePolicy,
}

/// CRLF keep-alive (RFC 5626 section 3.5.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeepAlivePolicy {
    /// Sends no bare CRLF, not even as an answer: a real client stalls on one in front of a message
    /// (facts, real-client section 2). For listeners, until a client has shown that it knows better.
    #[default]
    Silent,
    /// Answers each ping (CRLF CRLF) with a pong (CRLF).
    Answer,
    /// Sends a ping after a time without a byte from the peer; for the side that connects.
    Ping {
        /// The time.
        after: Duration,
        /// Time after a ping within which something must come; `None` leaves a vanished peer to TCP, which notices
        /// within a minute that nothing is acknowledged.
        answer_within: Option<Duration>,
    },
}

/// What happened on a connection.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The user agent has something for its owner; keep-alives are dealt with here.
    Sip(parlor_sip::Event),
    /// Another task pushed [`crate::Outbound::Signal`].
    Signal(u64),
    /// The connection is over; every later call says the same.
    Closed(CloseCause),
}

impl Connection {
    /// A connection over a stream made elsewhere, as in tests; [`crate::connect`] and [`crate::Incoming::establish`] are
    /// the usual ways to one.
    pub fn new(stream: impl Into<Stream>, settings: ConnectionSettings) -> Self {
        Self {
            driver: Box::new(Driver::new(stream.into(), settings, None, None)),
        }
    }

    /// A connection to a server, which has no reason to speak first or at all: who connects keeps a connection for as
    /// long as it wants it, and notices by keep-alive that it is gone.
    pub(crate) fn open(stream: Stream, mut settings: ConnectionSettings) -> Result<Self, HandshakeError> {
        let peer = peer(&stream)?;
        settings.limits.first_message = None;
        settings.limits.idle = None;
        Ok(Self {
            driver: Box::new(Driver::new(stream, settings, peer, None)),
        })
    }

    /// A connection from a client.
    pub(crate) fn admitted(
        stream: Stream,
        settings: ConnectionSettings,
        admitted: Admitted,
    ) -> Result<Self, HandshakeError> {
        let peer = peer(&stream)?;
        Ok(Self {
            driver: Box::new(Driver::new(stream, settings, peer, Some(admitted))),
        })
    }

    /// The next event. Cancel safe: a dropped future loses nothing.
    pub async fn next(&mut self) -> Event {
        poll_fn(|cx| self.driver.poll_next(cx)).await
    }

    /// The user agent; what it queues is sent by the next call of [`Connection::next`], in one write.
    pub fn agent(&mut self) -> &mut UserAgent {
        self.driver.agent()
    }

    /// The time to pass to the user agent: the runtime's, so that tests can turn the clock.
    pub fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    /// The number under which the log knows this connection; never used twice in a process.
    pub fn number(&self) -> u64 {
        self.driver.number()
    }

    /// Who the peer is according to its certificate; `None` when it gave none.
    pub fn peer(&self) -> Option<&PeerIdentity> {
        self.driver.peer()
    }

    /// The peer's socket address; an unspecified one for streams in memory.
    pub fn peer_addr(&self) -> SocketAddr {
        self.driver.ends().peer
    }

    /// Our socket address; an unspecified one for streams in memory.
    pub fn local_addr(&self) -> SocketAddr {
        self.driver.ends().local
    }

    /// A handle through which other tasks reach this connection.
    pub fn outbox(&self) -> Outbox {
        self.driver.outbox().clone()
    }

    /// Bytes on their way to the peer that its side has not taken; what the agent queued is among them.
    pub fn waiting(&mut self) -> usize {
        self.driver.waiting()
    }

    /// Changes the keep-alive behaviour, as when the peer has said what it understands.
    pub fn set_keep_alive(&mut self, keep_alive: KeepAlivePolicy) {
        self.driver.set_keep_alive(keep_alive);
    }

    /// Starts closing: queued output is still sent, then [`Event::Closed`] with `cause` comes out of `next`.
    pub fn begin_close(&mut self, cause: CloseCause) {
        self.driver.begin_close(cause);
    }

    /// Sends what is queued, says goodbye (TLS close_notify) and waits for both at most `Limits::close`.
    pub async fn close(mut self, cause: CloseCause) {
        self.begin_close(cause);
        while !matches!(self.next().await, Event::Closed(_)) {}
    }
}

/// The handshake has verified the certificate; x509-parser must be able to read it too.
fn peer(stream: &Stream) -> Result<Option<PeerIdentity>, HandshakeError> {
    stream
        .peer_certificate()
        .map(|der| PeerIdentity::from_der(der))
        .transpose()
        .map_err(|_| TlsError::Certificate(CertificateFault::Unreadable).into())
}
