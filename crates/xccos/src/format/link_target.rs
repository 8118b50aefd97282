//! Where a link may lead.

use std::fmt;
use std::str::FromStr;

use crate::ids::serde_as_text;
use crate::{RoomUri, SipUri};

/// Schemes that run nothing on the reader's machine. `file:` is not among them: on Windows it starts programs and sends
/// credentials to strange servers.
const SCHEMES: [&str; 7] = ["http", "https", "mailto", "sip", "sips", "ma-chan", "ma-filelink"];

/// A URI that a link may lead to: of a safe scheme, without characters that end an attribute.
///
/// Spaces, quotes, angle brackets, backslashes and controls are percent-encoded; other characters stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LinkTarget(String);

/// Why a text cannot be a link target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkTargetError {
    /// No scheme, or one that is not allowed.
    #[error("scheme is not one of http, https, mailto, sip, sips, ma-chan, ma-filelink")]
    Scheme,
    /// Nothing after the scheme, or no host where the scheme needs one.
    #[error("address is missing after the scheme")]
    Address,
    /// More than [`LinkTarget::MAX_LEN`] bytes.
    #[error("longer than 2048 bytes")]
    TooLong,
}

impl LinkTarget {
    /// What browsers and mail programs take without trouble.
    pub const MAX_LEN: usize = 2048;

    /// The link to a user.
    pub fn user(user: &SipUri) -> Self {
        Self(user.as_str().to_owned())
    }

    /// The link to a room.
    pub fn room(room: &RoomUri) -> Self {
        Self(room.to_string())
    }

    /// The URI.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The scheme, lower case.
    pub fn scheme(&self) -> &str {
        self.0.split(':').next().unwrap_or_default()
    }
}

impl FromStr for LinkTarget {
    type Err = LinkTargetError;

    fn from_str(text: &str) -> Result<Self, LinkTargetError> {
        let text = text.trim();
        if text.len() > Self::MAX_LEN {
            return Err(LinkTargetError::TooLong);
        }
        let (scheme, rest) = text.split_once(':').ok_or(LinkTargetError::Scheme)?;
        let scheme = SCHEMES
            .into_iter()
            .find(|safe| scheme.eq_ignore_ascii_case(safe))
            .ok_or(LinkTargetError::Scheme)?;
        let address = match scheme {
            "mailto" | "sip" | "sips" => rest,
            _ => rest.strip_prefix("//").ok_or(LinkTargetError::Address)?,
        };
        if address.is_empty() || address.starts_with(['/', '?', '#']) {
            return Err(LinkTargetError::Address);
        }
        let mut uri = String::with_capacity(text.len());
        uri.push_str(scheme);
        uri.push(':');
        for character in rest.chars() {
            if character.is_control()
                || character.is_whitespace()
                || matches!(character, '"' | '\'' | '<' | '>' | '\\')
            {
                let mut bytes = [0; 4];
                for byte in character.encode_utf8(&mut bytes).bytes() {
                    uri.push('%');
                    uri.extend([byte >> 4, byte & 15].map(|digit| HEX[usize::from(digit)]));
                }
            } else {
                uri.push(character);
            }
        }
        if uri.len() > Self::MAX_LEN {
            return Err(LinkTargetError::TooLong);
        }
        Ok(Self(uri))
    }
}

const HEX: [char; 16] = [
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
];

impl fmt::Display for LinkTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

serde_as_text!(LinkTarget);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn safe_targets_are_taken_and_made_harmless() {
        for (text, uri) in [
            (
                "HTTPS://Example.com/a b?q=\"1\"",
                "https://Example.com/a%20b?q=%221%22",
            ),
            (" mailto:a@b.c ", "mailto:a@b.c"),
            ("http://ä.example/<x>\\y\n", "http://ä.example/%3Cx%3E%5Cy"),
            ("https://e.x/\u{2028}", "https://e.x/"),
            ("https://e.x/a\u{85}b", "https://e.x/a%C2%85b"),
        ] {
            assert_eq!(text.parse::<LinkTarget>().unwrap().as_str(), uri);
            assert_eq!(uri.parse::<LinkTarget>().unwrap().as_str(), uri);
        }
    }

    #[test]
    fn other_targets_are_refused() {
        let error = |text: &str| text.parse::<LinkTarget>().unwrap_err();
        for text in [
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "example.com",
            "",
            "java\nscript:x",
        ] {
            assert_eq!(error(text), LinkTargetError::Scheme, "{text}");
        }
        for text in [
            "http:",
            "http://",
            "https:/x",
            "https:///x",
            "mailto:",
            "http://?q",
        ] {
            assert_eq!(error(text), LinkTargetError::Address, "{text}");
        }
        assert_eq!(
            error(&format!("http://{}", "x".repeat(2048))),
            LinkTargetError::TooLong
        );
        assert_eq!(
            error(&format!("http://x/{}", " ".repeat(1000) + "x")),
            LinkTargetError::TooLong
        );
        assert_eq!(
            LinkTargetError::Address.to_string(),
            "address is missing after the scheme"
        );
    }
}
