//! Whole SIP messages in the log, with secrets masked, and when connections begin and end; nothing is done while nobody
//! listens. A wire recording is made of these log events.

mod mask;
mod split;

use bytes::Bytes;
use parlor_sip::Transport;
use tracing::Level;

use self::mask::masked;
use self::split::Splitter;
use crate::CloseCause;
use crate::stream::Ends;

/// The target under which messages are logged, at level TRACE.
pub const TRACE_TARGET: &str = "parlor_net::sip";

/// The log of one connection's messages.
#[derive(Debug)]
pub(crate) struct Trace {
    wire: Wire,
    /// Made when somebody listens.
    splitters: Option<Box<Splitters>>,
}

/// What every event says about its connection.
#[derive(Clone, Copy, Debug)]
struct Wire {
    connection: u64,
    ends: Ends,
    transport: &'static str,
    /// The peer connected to us.
    accepted: bool,
}

#[derive(Debug, Default)]
struct Splitters {
    received: Splitter,
    sent: Splitter,
}

impl Trace {
    /// The log of a connection that has just begun.
    pub(crate) fn new(connection: u64, ends: Ends, transport: Transport, accepted: bool) -> Self {
        let transport = match transport {
            Transport::Tls => "tls",
            _ => "tcp",
        };
        let wire = Wire {
            connection,
            ends,
            transport,
            accepted,
        };
        wire.log("opened", None, None);
        Self {
            wire,
            splitters: None,
        }
    }

    /// The number under which the connection appears in the log.
    pub(crate) fn connection(&self) -> u64 {
        self.wire.connection
    }

    /// Bytes as they came.
    pub(crate) fn received(&mut self, bytes: &[u8]) {
        if is_on() {
            let wire = self.wire;
            self.splitters()
                .received
                .split(bytes, |message| wire.log("received", Some(message), None));
        }
    }

    /// Pieces as they go.
    pub(crate) fn sent<'a>(&mut self, pieces: impl Iterator<Item = &'a Bytes>) {
        if is_on() {
            let wire = self.wire;
            for piece in pieces {
                self.splitters()
                    .sent
                    .split(piece, |message| wire.log("sent", Some(message), None));
            }
        }
    }

    /// The end.
    pub(crate) fn closed(&self, cause: &CloseCause) {
        self.wire.log("closed", None, Some(cause));
    }

    fn splitters(&mut self) -> &mut Splitters {
        self.splitters.get_or_insert_default()
    }
}

fn is_on() -> bool {
    tracing::enabled!(target: TRACE_TARGET, Level::TRACE)
}

impl Wire {
    fn log(&self, direction: &'static str, message: Option<&[u8]>, cause: Option<&CloseCause>) {
        let Self {
            connection,
            ends: Ends { local, peer },
            transport,
            accepted,
        } = *self;
        tracing::trace!(
            target: TRACE_TARGET,
            connection,
            transport,
            accepted,
            %local,
            %peer,
            direction,
            cause = cause.map(tracing::field::display),
            message = message.map(masked)
        );
    }
}
