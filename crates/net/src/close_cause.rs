//! Why connections end.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use parlor_sip::Fault;

use crate::TlsError;

/// Why a connection ended.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CloseCause {
    /// The peer closed it.
    #[error("closed by the peer")]
    PeerClosed,
    /// The transport failed.
    #[error("connection lost")]
    Lost(#[source] Arc<io::Error>),
    /// TLS failed, for instance because the peer does not accept our certificate (TLS 1.3 says so after the handshake).
    #[error("TLS failed")]
    Tls(#[source] TlsError),
    /// The peer began a TLS handshake on a connection without TLS.
    #[error("peer speaks TLS where plain SIP is expected")]
    UnexpectedTls,
    /// The peer sent what is not SIP.
    #[error("not acceptable as SIP")]
    Fault(#[source] Fault),
    /// No SIP message came after the connection was made.
    #[error("no SIP message within {} s", after.as_secs())]
    NoFirstMessage {
        /// The deadline.
        after: Duration,
    },
    /// Nothing came for too long.
    #[error("idle for {} s", after.as_secs())]
    Idle {
        /// The deadline.
        after: Duration,
    },
    /// A keep-alive was not answered.
    #[error("keep-alive not answered within {} s", after.as_secs())]
    NoKeepAlive {
        /// The deadline.
        after: Duration,
    },
    /// The peer does not read.
    #[error("peer took nothing for {} s with {bytes} bytes waiting", after.as_secs())]
    WriteStalled {
        /// The deadline.
        after: Duration,
        /// Bytes that waited.
        bytes: usize,
    },
    /// The peer did not take what it had subscribed to.
    #[error("{bytes} bytes of news wait for the peer")]
    NewsUnread {
        /// Bytes that waited.
        bytes: usize,
    },
    /// More was queued than the peer took.
    #[error("outbox full with {frames} frames of {bytes} bytes")]
    OutboxFull {
        /// Frames that waited.
        frames: usize,
        /// Bytes of their bodies.
        bytes: usize,
    },
    /// The server is stopping.
    #[error("shutting down")]
    Shutdown,
    /// Our side decided so.
    #[error("closed here: {0}")]
    Local(&'static str),
}

impl CloseCause {
    /// What an error of the stream means.
    pub(crate) fn from_io(error: io::Error) -> Self {
        match TlsError::within(&error) {
            Some(error) => Self::Tls(error),
            // TLS without a close_notify: many programs just exit.
            None if error.kind() == io::ErrorKind::UnexpectedEof => Self::PeerClosed,
            None => Self::Lost(Arc::new(error)),
        }
    }

    /// True when the peer is there and reads, so that it can be told goodbye.
    pub(crate) fn is_graceful(&self) -> bool {
        match self {
            Self::Fault(_)
            | Self::NoFirstMessage { .. }
            | Self::Idle { .. }
            | Self::Shutdown
            | Self::Local(_) => true,
            Self::PeerClosed
            | Self::Lost(_)
            | Self::Tls(_)
            | Self::UnexpectedTls
            | Self::NoKeepAlive { .. }
            | Self::WriteStalled { .. }
            | Self::NewsUnread { .. }
            | Self::OutboxFull { .. } => false,
        }
    }
}
