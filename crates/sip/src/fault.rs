//! Why a connection must be closed: the peer broke the framing or a limit.

use bytes::Bytes;

/// A reason to close the connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The bytes can no longer be split into messages.
    #[error("unreadable message")]
    Framing {
        /// What was wrong.
        #[source]
        error: FramingError,
        /// A last answer, when enough of the message could be read to answer it.
        response: Option<Bytes>,
    },
    /// More keep-alives than a connection may send.
    #[error("keep-alive flood")]
    KeepAliveFlood,
    /// The peer left too many requests unanswered.
    #[error("{unanswered} requests left unanswered")]
    TooManyUnanswered {
        /// How many.
        unanswered: usize,
    },
}

impl Fault {
    /// What to write before closing, if anything.
    pub fn response_bytes(&self) -> Option<&Bytes> {
        match self {
            Self::Framing { response, .. } => response.as_ref(),
            _ => None,
        }
    }
}

/// Why the bytes are not a SIP message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FramingError {
    /// The head is longer than the limit.
    #[error("head is longer than {limit} bytes")]
    HeadTooLong {
        /// The limit.
        limit: u16,
    },
    /// More header lines than the limit.
    #[error("more than {limit} header lines")]
    TooManyHeaders {
        /// The limit.
        limit: usize,
    },
    /// The body is longer than the limit.
    #[error("body is longer than {limit} bytes")]
    BodyTooLong {
        /// The limit.
        limit: usize,
    },
    /// Neither a request line nor a status line.
    #[error("start line is neither a request nor a status line")]
    StartLine,
    /// Another protocol version.
    #[error("protocol version is not SIP/2.0")]
    Version,
    /// A line without a name and a colon.
    #[error("header line {line} has no name")]
    HeaderLine {
        /// Its number, the start line being 0.
        line: usize,
    },
    /// A bare CR, bare LF or NUL in the head.
    #[error("control character in header line {line}")]
    ControlCharacter {
        /// Its number, the start line being 0.
        line: usize,
    },
    /// The head is not UTF-8.
    #[error("head is not utf-8")]
    NotUtf8,
    /// A stream message without Content-Length (RFC 3261 section 18.3).
    #[error("content-length is missing")]
    LengthMissing,
    /// Content-Length is not a number.
    #[error("content-length is not a number")]
    LengthMalformed,
    /// Two Content-Length lines that differ.
    #[error("content-length lines contradict each other")]
    LengthConflict,
}
