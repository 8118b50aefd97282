//! Feeds as a bot sees them: what it subscribes to, and an item.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use url::Url;

use crate::settings::Span;

/// A feed that an instance wants the items of. The host polls it, once however many instances want it.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedSpec {
    /// Its name inside the instance. What was seen is remembered under this name: keep it when the address changes.
    pub id: String,
    /// Where it is.
    pub url: FeedUrl,
    /// How often to look.
    pub every: Duration,
    /// What to do with the items that are there when the instance looks for the first time.
    pub first_run: FirstRun,
    /// The most new items to hand over from one look; the newest ones. The others count as seen.
    pub per_poll: usize,
    /// Whether the address may lead into private networks (loopback, 10/8, 192.168/16, link-local, ...).
    pub allow_private: bool,
}

impl FeedSpec {
    /// Every fifteen minutes; silent about the items that are there at first; at most twenty items a time; public
    /// addresses only. The id is the address.
    pub fn new(url: FeedUrl) -> Self {
        Self {
            id: url.to_string(),
            url,
            every: Duration::from_secs(15 * 60),
            first_run: FirstRun::default(),
            per_poll: 20,
            allow_private: false,
        }
    }
}

/// What happens with the items that a feed holds when an instance looks for the first time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FirstRun {
    /// They count as seen.
    #[default]
    None,
    /// The newest so many are handed over.
    Last(usize),
    /// Those published since that long ago are handed over.
    Since(Duration),
}

impl FromStr for FirstRun {
    type Err = FirstRunError;

    /// Reads `none`, `last(5)` or `since(2d)`.
    fn from_str(text: &str) -> Result<Self, FirstRunError> {
        let text = text.trim();
        if text == "none" {
            return Ok(Self::None);
        }
        let argument = |name: &str| {
            text.strip_prefix(name)?
                .trim()
                .strip_prefix('(')?
                .strip_suffix(')')
        };
        if let Some(count) = argument("last") {
            return count.trim().parse().map(Self::Last).map_err(|_| FirstRunError);
        }
        if let Some(span) = argument("since") {
            return span
                .trim()
                .parse::<Span>()
                .map(|span| Self::Since(span.0))
                .map_err(|_| FirstRunError);
        }
        Err(FirstRunError)
    }
}

impl fmt::Display for FirstRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Last(count) => write!(f, "last({count})"),
            Self::Since(span) => write!(f, "since({})", Span(*span)),
        }
    }
}

impl<'de> Deserialize<'de> for FirstRun {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|problem| de::Error::custom(format_args!("`{text}`: {problem}")))
    }
}

/// The text is not a first-run policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a first-run policy; write \"none\", \"last(5)\" or \"since(2d)\"")]
pub struct FirstRunError;

/// Where a feed is: an `http:` or `https:` address, or a file.
///
/// In settings a file is `file:news.xml` or `file:///var/lib/news.xml`; relative ones start at the configuration's
/// folder, see [`FeedUrl::relative_to`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FeedUrl {
    /// On a web server. Without fragment.
    Web(Url),
    /// On this machine.
    File(PathBuf),
}

/// Why a text is not the address of a feed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FeedUrlError {
    /// Not a URL.
    #[error("not an address ({0}); write for example \"https://example.com/feed.xml\" or \"file:news.xml\"")]
    Form(url::ParseError),
    /// Another scheme.
    #[error("`{scheme}:` addresses are not read; http:, https: and file: are")]
    Scheme {
        /// The scheme.
        scheme: String,
    },
    /// `file:` without a path, or with a host.
    #[error("not a file's path; write for example \"file:news.xml\" or \"file:///var/lib/news.xml\"")]
    File,
    /// User name or password in the address: it would end up in logs and in posts.
    #[error("a user name or password in the address")]
    Credentials,
}

impl FeedUrl {
    /// With a relative file's path starting at `folder`.
    #[must_use]
    pub fn relative_to(self, folder: &Path) -> Self {
        match self {
            Self::File(path) => Self::File(folder.join(path)),
            web @ Self::Web(_) => web,
        }
    }
}

impl FromStr for FeedUrl {
    type Err = FeedUrlError;

    fn from_str(text: &str) -> Result<Self, FeedUrlError> {
        let text = text.trim();
        if let Some(rest) = text.strip_prefix("file:") {
            let path = match rest.strip_prefix("//") {
                Some(path) if path.starts_with('/') => path,
                Some(_) => return Err(FeedUrlError::File),
                None => rest,
            };
            return if path.is_empty() || path.contains('\0') {
                Err(FeedUrlError::File)
            } else {
                Ok(Self::File(path.into()))
            };
        }
        let mut url = Url::parse(text).map_err(FeedUrlError::Form)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(FeedUrlError::Scheme {
                scheme: url.scheme().to_owned(),
            });
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(FeedUrlError::Credentials);
        }
        url.set_fragment(None);
        Ok(Self::Web(url))
    }
}

impl fmt::Display for FeedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Web(url) => url.fmt(f),
            Self::File(path) if path.is_absolute() => write!(f, "file://{}", path.display()),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

impl Serialize for FeedUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FeedUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|problem| match problem {
            // The password need not stand in logs as well.
            FeedUrlError::Credentials => de::Error::custom(problem),
            _ => de::Error::custom(format_args!("`{text}`: {problem}")),
        })
    }
}

/// An item of a feed. Texts are plain: entities decoded, markup removed, white space tidied.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FeedItem {
    /// The id of the [`FeedSpec`].
    pub feed: String,
    /// The feed's own title.
    pub feed_title: Option<String>,
    /// What identifies the item inside the feed: its id, else its link, else a hash of its title.
    pub id: String,
    /// Its title; when the feed gives none, the beginning of the summary.
    pub title: String,
    /// Where it leads; http or https.
    pub link: Option<String>,
    /// Who wrote it.
    pub author: Option<String>,
    /// When it was published, or else changed.
    pub published: Option<DateTime<Utc>>,
    /// Its categories.
    pub categories: Vec<String>,
    /// The summary (or else the content) as text.
    pub summary: String,
    /// The same as harmless HTML, when the feed gives HTML.
    pub summary_html: Option<String>,
}
