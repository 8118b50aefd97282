//! What an instance decides about a feed: what the first look brings, what an item is known by, what an edit leads to.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::settings::Span;

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

impl Serialize for FirstRun {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
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

/// A part of an item that may tell it from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum IdentityField {
    /// The feed's own id of the item.
    Guid,
    /// Where it leads, without tracking parameters.
    Link,
    /// Its title.
    Title,
    /// When it was published.
    Published,
    /// Who wrote it.
    Author,
    /// Its summary.
    Summary,
}

impl IdentityField {
    /// As settings spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Guid => "guid",
            Self::Link => "link",
            Self::Title => "title",
            Self::Published => "published",
            Self::Author => "author",
            Self::Summary => "summary",
        }
    }
}

/// What happens with an item that was handed over and then changed its title, text or link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnEdit {
    /// Nothing.
    #[default]
    Ignore,
    /// It is posted again.
    Post,
    /// A short note says what changed.
    Note,
}
