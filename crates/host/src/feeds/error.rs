//! Why a look at a feed brought nothing, and who is to blame.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::ParseError;
use super::fetch::MAX_BYTES;
use super::web::MAX_REDIRECTS;

/// Why a look brought nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FeedError {
    /// The HTTP client cannot be made, for example because the system has no certificate store.
    #[error("the HTTP client cannot be made")]
    Client(#[source] Arc<reqwest::Error>),
    /// The address leads into a private network.
    #[error("{host} is in a private network, which only `allow_private = true` permits")]
    Private {
        /// The host, as named by the address or by a redirect.
        host: String,
    },
    /// No connection: a name that does not resolve, nobody listens, the own network is down.
    #[error("not reachable")]
    Unreachable(#[source] reqwest::Error),
    /// Somebody answers, but cannot prove to be the server.
    #[error("no secure connection")]
    Insecure(#[source] rustls::Error),
    /// The whole answer did not come in time.
    #[error("no complete answer in time")]
    Late,
    /// More redirects than five, or to something that is not http or https.
    #[error("the redirects lead nowhere")]
    Redirects(#[from] BadRedirect),
    /// The feed is gone for good, the server says (410).
    #[error("the server says that the feed is gone for good (410)")]
    Gone,
    /// The server answered with an error.
    #[error("the server answered {status}")]
    Status {
        /// The HTTP status.
        status: u16,
        /// Not before this time has passed, the server asks.
        retry_after: Option<Duration>,
    },
    /// The answer broke off or cannot be decompressed.
    #[error("the answer broke off")]
    Broken(#[source] reqwest::Error),
    /// More than 8 MiB.
    #[error("more than {MAX_BYTES} bytes")]
    Large,
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It came but cannot be read.
    #[error("not a readable feed")]
    Parse(#[from] ParseError),
}

impl FeedError {
    /// Whether nobody answered, so that the network between may be to blame, rather than the feed. When many hosts fail
    /// like this, it is the own network, and nobody else should be suspected.
    pub const fn is_network(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Late)
    }

    /// How long the server asks to be left alone.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// A redirect that is not followed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadRedirect {
    /// One too many.
    #[error("more than {MAX_REDIRECTS} redirects")]
    Many,
    /// To something that is not on the web.
    #[error("a redirect to a `{0}:` address")]
    Scheme(String),
    /// Without an address, or with one that cannot be read.
    #[error("a redirect without a place to go to")]
    Place,
}
