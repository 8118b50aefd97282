//! Feeds as a bot sees them: what it subscribes to, and what it is handed.

mod policy;
mod url;

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use policy::{FirstRun, FirstRunError, IdentityField, OnEdit};
pub use url::{FeedUrl, FeedUrlError};

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
    /// What an item is known by, in this order; empty for its id, else its link, else its title. Of items that agree in
    /// all of these one is seen. Tracking parameters of links do not count.
    pub identity: Vec<IdentityField>,
    /// What an item that was handed over and then changed leads to.
    pub on_edit: OnEdit,
    /// More new items than this in one look are handed over together, as one [`FeedDigest`]; then `per_poll` does not
    /// count.
    pub digest_over: Option<usize>,
    /// When nothing new comes for this long, operators are told.
    pub expect_every: Option<Duration>,
}

impl FeedSpec {
    /// Every fifteen minutes; silent about the items that are there at first; at most twenty items a time, one by one;
    /// public addresses only; edits are not told. The id is the address.
    pub fn new(url: FeedUrl) -> Self {
        Self {
            id: url.to_string(),
            url,
            every: Duration::from_secs(15 * 60),
            first_run: FirstRun::default(),
            per_poll: 20,
            allow_private: false,
            identity: Vec::new(),
            on_edit: OnEdit::default(),
            digest_over: None,
            expect_every: None,
        }
    }
}

/// An item of a feed. Texts are plain: entities decoded, markup removed, white space tidied.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FeedItem {
    /// The id of the [`FeedSpec`].
    pub feed: String,
    /// The feed's own title.
    pub feed_title: Option<String>,
    /// What identifies the item inside the feed: what [`FeedSpec::identity`] names.
    pub id: String,
    /// What the feed itself gives as the item's id: RSS `guid`, Atom and JSON `id`.
    #[serde(default)]
    pub guid: Option<String>,
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
    /// Set when the item was handed over before and says something else now; see [`OnEdit`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edit: Option<FeedEdit>,
}

/// What changed in an item that was handed over before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedEdit {
    /// The title it had, when it has another one now.
    pub title: Option<String>,
    /// Whether its text is another.
    pub text: bool,
    /// Whether it leads elsewhere.
    pub link: bool,
}

/// Many new items of one look, together; see [`FeedSpec::digest_over`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FeedDigest {
    /// The id of the [`FeedSpec`].
    pub feed: String,
    /// The feed's own title.
    pub feed_title: Option<String>,
    /// The items, oldest first, at most [`FeedDigest::MAX_ITEMS`]; without their HTML.
    pub items: Vec<FeedItem>,
    /// How many older new items there were beyond these.
    pub more: usize,
}

impl FeedDigest {
    /// The most items of a digest. More lines than this nobody reads.
    pub const MAX_ITEMS: usize = 100;
}
