//! One look at one feed: where it is decides how, and what came is read away from the async threads.

use std::sync::Arc;
use std::time::Duration;

use parlor_bot::FeedUrl;
use serde::{Deserialize, Serialize};
use url::Url;

use super::error::FeedError;
use super::roots::Roots;
use super::web::Web;
use super::{Feed, ParseError, file, parse};

/// The most that a feed may have, in bytes, after decompression. The largest feeds in the wild (podcasts with their whole
/// archive) have about five million.
pub(super) const MAX_BYTES: usize = 8 << 20;

/// What a server said about the version that was fetched, to be sent with the next request. Stored by the host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    /// `ETag`, as received.
    pub etag: Option<String>,
    /// `Last-Modified`, as received; for a file its time of change and length.
    pub last_modified: Option<String>,
}

/// What a server says about the looks to come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Advice {
    /// Not before this time has passed: `Retry-After`.
    pub retry_after: Option<Duration>,
    /// Nothing will change for so long: `Cache-Control` or `Expires`.
    pub fresh_for: Option<Duration>,
    /// Where it is from now on: the end of a chain of permanent redirects.
    pub moved_to: Option<Url>,
}

/// What a look brought.
#[derive(Clone, Debug, PartialEq)]
pub enum Fetched {
    /// The same as the validators stand for.
    NotModified {
        /// About the looks to come.
        advice: Advice,
    },
    /// Another version.
    Changed {
        /// For the next look; store them together with what was taken from `feed`.
        validators: Validators,
        /// What was read; items oldest first.
        feed: Feed,
        /// About the looks to come.
        advice: Advice,
    },
}

/// Fetches feeds. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct Fetcher {
    web: Arc<Web>,
}

/// What was fetched, before it is read.
pub(super) enum Raw {
    NotModified {
        advice: Advice,
    },
    Changed {
        validators: Validators,
        bytes: Vec<u8>,
        base: Option<String>,
        /// The encoding that HTTP names.
        charset: Option<String>,
        advice: Advice,
    },
}

impl Fetcher {
    /// A fetcher that names itself `user_agent` to web servers, and believes these authorities beside the system's.
    pub fn new(user_agent: &str, roots: &Roots) -> Self {
        Self::over(Web::new(user_agent, roots))
    }

    pub(super) fn over(web: Web) -> Self {
        Self { web: Arc::new(web) }
    }

    /// Looks at `url`, once. A web server has 30 seconds for all of its answer, may redirect five times and send 8 MiB.
    /// Private addresses are refused unless `allow_private`, after name resolution and after each redirect; where a
    /// proxy is configured by `HTTPS_PROXY` and its like, the proxy resolves names, and must see to that.
    ///
    /// Cancel safe: dropped, it has changed nothing.
    ///
    /// # Errors
    /// [`FeedError`], which tells whether the feed, the server or the own network is to blame.
    pub async fn fetch(
        &self,
        url: &FeedUrl,
        validators: &Validators,
        allow_private: bool,
    ) -> Result<Fetched, FeedError> {
        let raw = match url {
            FeedUrl::Web(url) => self.web.get(url, validators, allow_private).await?,
            FeedUrl::File(path) => {
                let (path, validators) = (path.clone(), validators.clone());
                blocking(move || file::read(&path, &validators)).await??
            }
        };
        match raw {
            Raw::NotModified { advice } => Ok(Fetched::NotModified { advice }),
            Raw::Changed {
                validators,
                bytes,
                base,
                charset,
                advice,
            } => {
                let read = move || parse::parse(&bytes, base.as_deref(), charset.as_deref());
                let feed = blocking(read).await??;
                // Half a feed is asked for again.
                let validators = if feed.is_whole() {
                    validators
                } else {
                    Validators::default()
                };
                Ok(Fetched::Changed {
                    validators,
                    feed,
                    advice,
                })
            }
        }
    }
}

/// Runs `work` where it may take its time: reading 8 MiB of XML takes a tenth of a second. A panic of one of the parsers
/// is that feed's error.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ParseError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| ParseError::Crashed)
}
