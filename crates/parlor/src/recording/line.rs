//! The lines of a recording.

use std::net::SocketAddr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The first line: by it a recording is recognised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) format: String,
    pub(crate) version: u32,
    /// Which program wrote it.
    pub(crate) program: String,
    pub(crate) started: DateTime<Utc>,
}

/// A line after the first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Line {
    Record(Record),
    /// So many records could not be written in time.
    Lost {
        lost: u64,
    },
}

/// What happened on a connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) time: DateTime<Utc>,
    /// Never used twice in a process.
    pub(crate) connection: u64,
    /// `tls` or `tcp`.
    pub(crate) transport: String,
    /// The peer connected to us.
    pub(crate) accepted: bool,
    pub(crate) local: SocketAddr,
    pub(crate) peer: SocketAddr,
    #[serde(flatten)]
    pub(crate) what: What,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub(crate) enum What {
    Opened,
    /// A whole SIP message, masked.
    Received {
        message: String,
    },
    Sent {
        message: String,
    },
    Closed {
        cause: String,
    },
}

impl Head {
    const FORMAT: &str = "parlor-sip-trace";
    /// Goes up when an older `parlor trace` would misread a file.
    const VERSION: u32 = 1;

    pub(crate) fn new(started: DateTime<Utc>) -> Self {
        Self {
            format: Self::FORMAT.to_owned(),
            version: Self::VERSION,
            program: format!("parlor {}", env!("CARGO_PKG_VERSION")),
            started,
        }
    }

    /// Reads the first line of a file; `None` when it is no recording.
    pub(crate) fn read(line: &str) -> Option<Self> {
        serde_json::from_str(line)
            .ok()
            .filter(|head: &Self| head.format == Self::FORMAT)
    }

    pub(crate) fn is_readable(&self) -> bool {
        self.version == Self::VERSION
    }
}
