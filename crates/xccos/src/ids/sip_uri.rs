//! A user's SIP address in the one form by which users are compared.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::serde_as_text;

/// A user: `sip:user@host` in lower case, without port, parameters and headers.
///
/// Reads any `sip:` URI with a user part and drops what does not name the user.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SipUri(Arc<str>);

/// Why a text is not the SIP URI of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SipUriError {
    /// Another scheme, or none.
    #[error("scheme is not sip:")]
    Scheme,
    /// No `user@`.
    #[error("user part is missing")]
    User,
    /// Host empty or not a DNS name or address.
    #[error("host is not a DNS name or address")]
    Host,
    /// A space, quote, angle bracket, control or non-ASCII character in the user part.
    #[error("user part holds a character that a SIP URI cannot hold")]
    Character,
    /// More than [`SipUri::MAX_LEN`] bytes.
    #[error("longer than 454 bytes")]
    TooLong,
}

impl SipUri {
    /// The longest address of the original's directory (column of 454 characters).
    pub const MAX_LEN: usize = 454;

    /// The whole URI.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before `@`, lower case.
    pub fn user(&self) -> &str {
        self.parts().0
    }

    /// The part after `@`, lower case, without port.
    pub fn host(&self) -> &str {
        self.parts().1
    }

    fn parts(&self) -> (&str, &str) {
        self.0["sip:".len()..].split_once('@').unwrap_or_default()
    }
}

impl FromStr for SipUri {
    type Err = SipUriError;

    fn from_str(text: &str) -> Result<Self, SipUriError> {
        let text = text.trim();
        let rest = match text.get(..4) {
            Some(scheme) if scheme.eq_ignore_ascii_case("sip:") => &text[4..],
            _ => return Err(SipUriError::Scheme),
        };
        let (user, rest) = rest.split_once('@').ok_or(SipUriError::User)?;
        // A password after ':' is not part of who the user is.
        let user = user.split(':').next().unwrap_or_default();
        if user.is_empty() {
            return Err(SipUriError::User);
        }
        let fits = |byte: u8| {
            byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"' | b'\\' | b'`' | b'{' | b'}')
        };
        if !user.bytes().all(fits) {
            return Err(SipUriError::Character);
        }
        let host = host(rest)?;
        if "sip:@".len() + user.len() + host.len() > Self::MAX_LEN {
            return Err(SipUriError::TooLong);
        }
        let len = "sip:@".len() + user.len() + host.len();
        // Nearly all addresses come in normal form: then one copy is enough.
        if text.len() == len && !text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Ok(Self(text.into()));
        }
        let mut uri = String::with_capacity(len);
        uri.push_str("sip:");
        uri.push_str(user);
        uri.push('@');
        uri.push_str(host);
        uri.make_ascii_lowercase();
        Ok(Self(uri.into()))
    }
}

/// The host of what follows `@`: up to port, parameters or headers.
fn host(rest: &str) -> Result<&str, SipUriError> {
    let host = match rest.strip_prefix('[') {
        Some(inner) => &rest[..inner.find(']').ok_or(SipUriError::Host)? + 2],
        None => rest.split([':', ';', '?']).next().unwrap_or_default(),
    };
    let fits =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'[' | b']' | b':');
    if host.is_empty() || !host.bytes().all(fits) {
        return Err(SipUriError::Host);
    }
    Ok(host)
}

impl TryFrom<&str> for SipUri {
    type Error = SipUriError;

    fn try_from(text: &str) -> Result<Self, SipUriError> {
        text.parse()
    }
}

impl AsRef<str> for SipUri {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SipUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for SipUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

serde_as_text!(SipUri);
