//! Where a feed is.

use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use url::Url;

/// Where a feed is: an `http:` or `https:` address, or a file.
///
/// In settings a file is `file:news.xml` or `file:///var/lib/news.xml`; relative ones start at the configuration's
/// folder, see [`FeedUrl::relative_to`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FeedUrl {
    /// On a web server. Without fragment, and written in one way: addresses that RFC 3986 section 6.2.2 calls equal are
    /// equal here, so that each is fetched once.
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
            Self::File(path) => Self::File(tidied(&folder.join(path))),
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
                Ok(Self::File(tidied(Path::new(path))))
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
        if url.query() == Some("") {
            url.set_query(None);
        }
        let url = Url::parse(&plain_escapes(url.as_str())).map_err(FeedUrlError::Form)?;
        Ok(Self::Web(url))
    }
}

/// Percent escapes in upper case, and none for letters, digits, `-`, `.`, `_` and `~` (RFC 3986 section 6.2.2).
fn plain_escapes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        plain.push_str(&rest[..at]);
        let escape = rest.get(at + 1..at + 3);
        let byte = escape.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let Some(byte) = byte else {
            plain.push('%');
            rest = &rest[at + 1..];
            continue;
        };
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            plain.push(char::from(byte));
        } else {
            plain.push_str(&format!("%{byte:02X}"));
        }
        rest = &rest[at + 3..];
    }
    plain + rest
}

/// The path without `.` and doubled slashes. `..` stays: behind a link it may lead anywhere.
fn tidied(path: &Path) -> PathBuf {
    path.components()
        .filter(|part| !matches!(part, Component::CurDir))
        .collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_addresses_are_written_in_one_way() {
        for (text, expected) in [
            ("HTTP://Example.COM:80", "http://example.com/"),
            ("https://example.com:443/a/../b?#top", "https://example.com/b"),
            (
                "https://example.com/%7Eann/%c3%a9%2f",
                "https://example.com/~ann/%C3%A9%2F",
            ),
            ("https://example.com/100%", "https://example.com/100%"),
            ("https://example.com/a%2", "https://example.com/a%2"),
            ("file:./a//b.xml", "file:a/b.xml"),
            ("file:///var/./lib/../a.xml", "file:///var/lib/../a.xml"),
        ] {
            let url: FeedUrl = text.parse().unwrap();
            assert_eq!(url.to_string(), expected, "{text}");
            assert_eq!(url, expected.parse().unwrap());
        }
        let file: FeedUrl = "file:./news.xml".parse().unwrap();
        assert_eq!(
            file.relative_to(Path::new("/etc/./parlor")).to_string(),
            "file:///etc/parlor/news.xml"
        );
    }
}
