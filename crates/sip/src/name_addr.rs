//! Name-addrs: what From, To, Contact, Route and Record-Route hold.

use crate::params::push_quoted;
use crate::text::{is_space, quoted_end, split_list};
use crate::{Params, Uri, UriError};
use std::fmt;
use std::str::FromStr;

/// `"Display" <uri>;params` (RFC 3261 section 20.10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameAddr {
    /// The display name, without quotes and escapes.
    pub display: Option<String>,
    /// The address.
    pub uri: Uri,
    /// Header parameters such as `tag` and `epid`.
    pub params: Params,
}

impl NameAddr {
    /// An address without display name and parameters.
    pub fn new(uri: Uri) -> Self {
        Self {
            display: None,
            uri,
            params: Params::default(),
        }
    }

    /// The same with a display name.
    #[must_use]
    pub fn with_display(mut self, display: impl Into<String>) -> Self {
        self.display = Some(display.into());
        self
    }

    /// The same with one more header parameter.
    #[must_use]
    pub fn with_param(mut self, name: &str, value: Option<&str>) -> Self {
        self.params = self.params.with(name, value);
        self
    }

    /// The dialog tag.
    pub fn tag(&self) -> Option<&str> {
        self.params.get("tag")
    }

    /// The endpoint id of Microsoft clients.
    pub fn epid(&self) -> Option<&str> {
        self.params.get("epid")
    }

    /// Reads a comma-separated list of addresses.
    ///
    /// # Errors
    /// At the first that is none.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, NameAddrError> {
        split_list(text).map(str::parse).collect()
    }
}

impl From<Uri> for NameAddr {
    fn from(uri: Uri) -> Self {
        Self::new(uri)
    }
}

impl FromStr for NameAddr {
    type Err = NameAddrError;

    fn from_str(text: &str) -> Result<Self, NameAddrError> {
        let parts = Parts::split(text)?;
        let display = parts.display.map(unquote).filter(|display| !display.is_empty());
        let params = Params::parse(parts.params).ok_or(NameAddrError::Params)?;
        Ok(Self {
            display,
            uri: parts.uri.parse()?,
            params,
        })
    }
}

impl fmt::Display for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(display) = &self.display {
            let mut quoted = String::with_capacity(display.len() + 2);
            push_quoted(&mut quoted, display);
            write!(f, "{quoted} ")?;
        }
        write!(f, "<{}>{}", self.uri, self.params)
    }
}

/// A name-addr or addr-spec taken apart without copying; the parts are not checked any further.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'a> {
    pub(crate) display: Option<&'a str>,
    pub(crate) uri: &'a str,
    pub(crate) params: &'a str,
}

impl<'a> Parts<'a> {
    pub(crate) fn split(text: &'a str) -> Result<Self, NameAddrError> {
        let text = text.trim_matches(is_space);
        let after_quotes = if text.starts_with('"') {
            quoted_end(text).ok_or(NameAddrError::Quote)?
        } else {
            0
        };
        let Some(open) = text[after_quotes..].find('<').map(|open| after_quotes + open) else {
            if after_quotes > 0 {
                return Err(NameAddrError::Bracket);
            }
            // Without brackets every parameter belongs to the header, not to the URI (RFC 3261 section 20).
            let (uri, params) = text.split_at(text.find(';').unwrap_or(text.len()));
            return Ok(Self {
                display: None,
                uri: uri.trim_end_matches(is_space),
                params,
            });
        };
        if after_quotes > 0 && !text[after_quotes..open].trim_matches(is_space).is_empty() {
            return Err(NameAddrError::Quote);
        }
        let close = text[open..]
            .find('>')
            .map(|close| open + close)
            .ok_or(NameAddrError::Bracket)?;
        Ok(Self {
            display: Some(&text[..open]),
            uri: &text[open + 1..close],
            params: &text[close + 1..],
        })
    }
}

/// The `tag` of a From or To value, without taking the rest apart.
pub(crate) fn tag_of(text: &str) -> Option<&str> {
    let parts = Parts::split(text).ok()?;
    crate::params::find_param(parts.params, "tag").filter(|tag| !tag.is_empty())
}

fn unquote(text: &str) -> String {
    let text = text.trim_matches(is_space);
    let Some(inner) = text.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')) else {
        return text.to_owned();
    };
    let mut plain = String::with_capacity(inner.len());
    let mut escaped = false;
    for c in inner.chars() {
        if c == '\\' && !escaped {
            escaped = true;
        } else {
            plain.push(c);
            escaped = false;
        }
    }
    plain
}

/// Why a text is not a name-addr.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameAddrError {
    /// A quoted string without end, or text between it and the address.
    #[error("quoted display name is malformed")]
    Quote,
    /// `<` without `>`, or a display name without an address.
    #[error("address is not enclosed in brackets")]
    Bracket,
    /// Text where a parameter should start.
    #[error("parameters are malformed")]
    Params,
    /// The address itself.
    #[error("address is malformed")]
    Uri(#[from] UriError),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> NameAddr {
        text.parse().unwrap()
    }

    #[test]
    fn from_of_a_real_client_gives_its_tag_and_epid() {
        let from = address("<sip:alice@example.com>;tag=1724421186;epid=cf0b98dadeb9");
        assert_eq!(
            (from.tag(), from.epid()),
            (Some("1724421186"), Some("cf0b98dadeb9"))
        );
        assert_eq!(
            tag_of("<sip:alice@example.com;tag=no>;epid=1;tag=yes"),
            Some("yes")
        );
        assert_eq!(tag_of("<sip:alice@example.com>"), None);
    }

    #[test]
    fn display_names_are_unquoted_and_quoted_again() {
        let text = r#""Alice \"A\" <x>, Jr\\." <sip:a@b>;tag=1"#;
        let alice = address(text);
        assert_eq!(alice.display.as_deref(), Some(r#"Alice "A" <x>, Jr\."#));
        assert_eq!(alice.to_string(), text);
        assert_eq!(address("Bob Bee <sip:b@c>").display.as_deref(), Some("Bob Bee"));
    }

    #[test]
    fn without_brackets_parameters_belong_to_the_header() {
        let address = address("sip:a@b ;tag=1");
        assert_eq!((address.uri.as_str(), address.tag()), ("sip:a@b", Some("1")));
    }

    #[test]
    fn a_display_name_cannot_end_the_line() {
        let address = NameAddr::new("sip:a@b".parse().unwrap()).with_display("x\" <sip:evil@e>\r\nEvil: 1");
        assert_eq!(address.to_string(), r#""x\" <sip:evil@e>  Evil: 1" <sip:a@b>"#);
    }

    #[test]
    fn texts_that_are_no_address_say_why() {
        for (text, error) in [
            (r#""Alice <sip:a@b>"#, NameAddrError::Quote),
            (r#""Alice" x <sip:a@b>"#, NameAddrError::Quote),
            (r#""Alice" sip:a@b"#, NameAddrError::Bracket),
            ("<sip:a@b", NameAddrError::Bracket),
            ("<sip:a@b> x", NameAddrError::Params),
            ("<>", NameAddrError::Uri(UriError::Scheme)),
            ("", NameAddrError::Uri(UriError::Scheme)),
        ] {
            assert_eq!(text.parse::<NameAddr>(), Err(error), "{text:?}");
        }
    }

    #[test]
    fn lists_are_split_outside_of_quotes_and_brackets() {
        let list = NameAddr::parse_list(r#"<sip:p1;lr>, "A, B" <sip:p2;opaque=state:T;lr>"#).unwrap();
        assert_eq!(list.len(), 2);
        assert_eq!(list[1].uri.opaque(), Some("state:T"));
        assert_eq!(list[1].uri.param("lr"), Some(""));
    }
}
