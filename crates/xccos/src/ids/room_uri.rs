//! `ma-chan://domain/guid` and `ma-cat://domain/guid`: how rooms and categories are addressed.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::{CategoryId, GuidError, RoomId, serde_as_text};

/// Longest domain: a DNS name.
const MAX_DOMAIN: usize = 253;

/// Why a text is not a room or category URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UriError {
    /// Another scheme, or none.
    #[error("scheme is not {expected}")]
    Scheme {
        /// The scheme that was looked for.
        expected: &'static str,
    },
    /// Empty, longer than a DNS name, or with characters that a DNS name cannot hold.
    #[error("domain is not a DNS name")]
    Domain,
    /// What follows the domain is not a GUID.
    #[error(transparent)]
    Id(#[from] GuidError),
}

macro_rules! guid_uri {
    ($(#[$doc:meta])* $name:ident, $id:ident: $Id:ident, $scheme:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name {
            domain: Arc<str>,
            $id: $Id,
        }

        impl $name {
            /// The URI scheme with its separator.
            pub const SCHEME: &'static str = $scheme;

            /// Puts the parts together; the domain is lower-cased.
            ///
            /// # Errors
            /// [`UriError::Domain`] when the domain is not a DNS name.
            pub fn new(domain: &str, $id: $Id) -> Result<Self, UriError> {
                Ok(Self { domain: normal_domain(domain)?, $id })
            }

            /// The SIP domain of the server that owns it, lower case.
            pub fn domain(&self) -> &str {
                &self.domain
            }

            /// The id inside.
            pub const fn $id(&self) -> $Id {
                self.$id
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($scheme, "{}/{}"), self.domain, self.$id)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = UriError;

            fn from_str(text: &str) -> Result<Self, UriError> {
                let (domain, id) = split(text.trim(), $scheme)?;
                Self::new(domain, id.parse()?)
            }
        }

        serde_as_text!($name);
    };
}

guid_uri!(
    /// Address of a room: `ma-chan://<domain>/<GUID>`; compared by domain (lower case) and id.
    RoomUri, room: RoomId, "ma-chan://"
);
guid_uri!(
    /// Address of a category: `ma-cat://<domain>/<GUID>`.
    CategoryUri, category: CategoryId, "ma-cat://"
);

impl RoomUri {
    /// The address of another room of the same server; shares the domain.
    pub fn sibling(&self, room: RoomId) -> Self {
        Self {
            domain: self.domain.clone(),
            room,
        }
    }
}

fn split<'a>(text: &'a str, scheme: &'static str) -> Result<(&'a str, &'a str), UriError> {
    let rest = match text.get(..scheme.len()) {
        Some(prefix) if prefix.eq_ignore_ascii_case(scheme) => &text[scheme.len()..],
        _ => return Err(UriError::Scheme { expected: scheme }),
    };
    rest.split_once('/').ok_or(UriError::Id(GuidError))
}

fn normal_domain(domain: &str) -> Result<Arc<str>, UriError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if domain.is_empty() || domain.len() > MAX_DOMAIN || !domain.bytes().all(fits) {
        return Err(UriError::Domain);
    }
    if domain.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Ok(domain.to_ascii_lowercase().into());
    }
    Ok(domain.into())
}
