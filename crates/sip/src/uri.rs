//! SIP, SIPS and other URIs, lossless, with the parameters a GRUU uses.

use crate::params::{find_param, split_params};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

/// A URI (RFC 3261 section 19.1); displays exactly as it was parsed and compares by that text.
#[derive(Clone)]
pub struct Uri {
    text: Arc<str>,
    scheme: Scheme,
    port: Option<u16>,
    /// Where the user part ends; the user part starts after the scheme. `None` without `@`.
    user_end: Option<u16>,
    host: (u16, u16),
    params: (u16, u16),
}

/// The scheme of a URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `sip:`
    Sip,
    /// `sips:`
    Sips,
    /// `tel:`
    Tel,
    /// Any other; see [`Uri::as_str`].
    Other,
}

/// Longest URI; Contact URIs with `ms-opaque` stay far below.
const MAX_LENGTH: usize = 4096;

impl Uri {
    /// `sip:user@host`.
    ///
    /// # Errors
    /// When user or host hold characters that would change the meaning of the URI.
    pub fn sip(user: &str, host: &str) -> Result<Self, UriError> {
        if user.is_empty() || user.contains(['@', ':', ';', '?']) {
            return Err(UriError::Character);
        }
        let uri: Self = format!("sip:{user}@{host}").parse()?;
        if uri.host() == host {
            Ok(uri)
        } else {
            Err(UriError::Character)
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The scheme.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The part before `@` as written, without a password.
    pub fn user(&self) -> Option<&str> {
        let user = &self.text[self.scheme_end()..usize::from(self.user_end?)];
        Some(user.split_once(':').map_or(user, |(user, _password)| user))
    }

    /// The host, IPv6 addresses with their brackets; the number of a `tel:` URI, the rest of any other URI.
    pub fn host(&self) -> &str {
        &self.text[usize::from(self.host.0)..usize::from(self.host.1)]
    }

    /// The port.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The value of a parameter; `Some("")` when it has none.
    pub fn param(&self, name: &str) -> Option<&str> {
        find_param(self.params_text(), name)
    }

    /// The parameters in their order.
    pub fn params(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        split_params(self.params_text())
    }

    /// The text after `?`.
    pub fn headers(&self) -> Option<&str> {
        self.text[usize::from(self.params.1)..].strip_prefix('?')
    }

    /// The same URI with one more parameter, or with another value for it.
    ///
    /// # Errors
    /// When name or value hold characters that would change the meaning of the URI.
    pub fn with_param(&self, name: &str, value: Option<&str>) -> Result<Self, UriError> {
        let illegal = |text: &str| text.contains([';', '?', '=', '"', '@']);
        if name.is_empty() || illegal(name) || value.is_some_and(|value| value.is_empty() || illegal(value)) {
            return Err(UriError::Character);
        }
        let mut text = self.text[..usize::from(self.params.0)].to_owned();
        let kept = self
            .params()
            .filter(|(other, _)| !other.eq_ignore_ascii_case(name));
        for (name, value) in kept.chain([(name, value)]) {
            text.push(';');
            text.push_str(name);
            if let Some(value) = value {
                text.push('=');
                text.push_str(value);
            }
        }
        text.push_str(&self.text[usize::from(self.params.1)..]);
        text.parse()
    }

    /// The address of record: lower-cased `sip:user@host` (`sip:` for `sips:` too) without port and parameters.
    pub fn aor(&self) -> String {
        let scheme = match self.scheme {
            Scheme::Sip | Scheme::Sips => "sip:",
            Scheme::Tel | Scheme::Other => &self.text[..self.scheme_end()],
        };
        let user = self.user().map(|user| format!("{user}@")).unwrap_or_default();
        format!("{scheme}{user}{}", self.host()).to_lowercase()
    }

    /// Whether it carries the `gruu` parameter (RFC 5627).
    pub fn is_gruu(&self) -> bool {
        self.param("gruu").is_some()
    }

    /// The `opaque` parameter (`srvr:app:id`, `user:epid:id`), whole.
    pub fn opaque(&self) -> Option<&str> {
        self.param("opaque")
    }

    fn scheme_end(&self) -> usize {
        self.text.find(':').map_or(0, |colon| colon + 1)
    }

    fn params_text(&self) -> &str {
        &self.text[usize::from(self.params.0)..usize::from(self.params.1)]
    }
}

impl FromStr for Uri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        if text.len() > MAX_LENGTH {
            return Err(UriError::TooLong);
        }
        if text.contains(|c: char| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>' | '"')) {
            return Err(UriError::Character);
        }
        let (scheme_text, rest) = text.split_once(':').ok_or(UriError::Scheme)?;
        let scheme = parse_scheme(scheme_text)?;
        let start = scheme_text.len() + 1;
        match scheme {
            Scheme::Sip | Scheme::Sips => parse_sip(text, scheme, start),
            Scheme::Tel | Scheme::Other => {
                let params = rest.find([';', '?']).map_or(text.len(), |at| start + at);
                if params == start {
                    return Err(UriError::Host);
                }
                Ok(assemble(text, scheme, None, None, (start, params), params))
            }
        }
    }
}

fn parse_scheme(text: &str) -> Result<Scheme, UriError> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    if !text.starts_with(|c: char| c.is_ascii_alphabetic()) || !text.bytes().all(legal) {
        return Err(UriError::Scheme);
    }
    Ok(match text {
        _ if text.eq_ignore_ascii_case("sip") => Scheme::Sip,
        _ if text.eq_ignore_ascii_case("sips") => Scheme::Sips,
        _ if text.eq_ignore_ascii_case("tel") => Scheme::Tel,
        _ => Scheme::Other,
    })
}

/// `[user@]host[:port][;params][?headers]`. `;` and `?` are legal in a user part, `@` nowhere but after it.
fn parse_sip(text: &str, scheme: Scheme, start: usize) -> Result<Uri, UriError> {
    let at = text[start..].find('@').map(|at| start + at);
    let host_start = at.map_or(start, |at| at + 1);
    if at == Some(start) || text[host_start..].contains('@') {
        return Err(UriError::Character);
    }
    let host_port_end = text[host_start..]
        .find([';', '?'])
        .map_or(text.len(), |end| host_start + end);
    let (host, port) = split_port(&text[host_start..host_port_end])?;
    Ok(assemble(
        text,
        scheme,
        port,
        at,
        (host_start, host_start + host.len()),
        host_port_end,
    ))
}

fn split_port(text: &str) -> Result<(&str, Option<u16>), UriError> {
    let host_end = if text.starts_with('[') {
        text.find(']').ok_or(UriError::Host)? + 1
    } else {
        text.find(':').unwrap_or(text.len())
    };
    let (host, rest) = text.split_at(host_end);
    let legal = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_' | '~' | '%');
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let legal_host = if bare.len() == host.len() {
        host.chars().all(legal)
    } else {
        bare.chars()
            .all(|c| c.is_ascii_hexdigit() || matches!(c, ':' | '.'))
    };
    if bare.is_empty() || !legal_host {
        return Err(UriError::Host);
    }
    if rest.is_empty() {
        return Ok((host, None));
    }
    let port = rest
        .strip_prefix(':')
        .filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    let port = port.and_then(|port| port.parse().ok()).ok_or(UriError::Port)?;
    Ok((host, Some(port)))
}

fn assemble(
    text: &str,
    scheme: Scheme,
    port: Option<u16>,
    user_end: Option<usize>,
    host: (usize, usize),
    params: usize,
) -> Uri {
    let params_end = text[params..].find('?').map_or(text.len(), |at| params + at);
    Uri {
        text: text.into(),
        scheme,
        port,
        user_end: user_end.map(|end| end as u16),
        host: (host.0 as u16, host.1 as u16),
        params: (params as u16, params_end as u16),
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uri({:?})", self.as_str())
    }
}

impl PartialEq for Uri {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Uri {}

impl Hash for Uri {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

/// Why a text is not a URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UriError {
    /// No scheme.
    #[error("uri has no scheme")]
    Scheme,
    /// No host, or one that is neither a name nor an address.
    #[error("uri has no valid host")]
    Host,
    /// A port that is no number below 65536.
    #[error("uri has an invalid port")]
    Port,
    /// White space, control characters or delimiters where they may not stand.
    #[error("uri holds a character that may not stand there")]
    Character,
    /// Longer than 4096 bytes.
    #[error("uri is too long")]
    TooLong,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        let uri: Uri = text.parse().unwrap();
        assert_eq!(uri.to_string(), text);
        uri
    }

    #[test]
    fn a_gruu_keeps_the_colons_of_its_opaque_value() {
        let uri = uri("sip:bot.example.com@example.com;gruu;opaque=srvr:parlor:yDUhQWqi81WfJXFUvMAwtwAA");
        assert!(uri.is_gruu());
        assert_eq!(uri.opaque(), Some("srvr:parlor:yDUhQWqi81WfJXFUvMAwtwAA"));
        assert_eq!(uri.aor(), "sip:bot.example.com@example.com");
    }

    #[test]
    fn every_part_of_a_uri_is_found() {
        let uri = uri("SIPS:Alice;x=1:secret@[2001:DB8::1]:5061;transport=tls;lr?Subject=a%20b");
        assert_eq!(uri.scheme(), Scheme::Sips);
        assert_eq!(uri.user(), Some("Alice;x=1"));
        assert_eq!((uri.host(), uri.port()), ("[2001:DB8::1]", Some(5061)));
        assert_eq!(
            uri.params().collect::<Vec<_>>(),
            [("transport", Some("tls")), ("lr", None)]
        );
        assert_eq!(uri.headers(), Some("Subject=a%20b"));
        assert_eq!(uri.aor(), "sip:alice;x=1@[2001:db8::1]");
    }

    #[test]
    fn a_host_may_stand_alone() {
        let uri = uri("sip:example.com");
        assert_eq!((uri.user(), uri.host(), uri.port()), (None, "example.com", None));
        assert_eq!(uri.aor(), "sip:example.com");
    }

    #[test]
    fn other_schemes_are_kept() {
        assert_eq!(uri("tel:+1-555;phone-context=x").host(), "+1-555");
        assert_eq!(uri("urn:application:parlor").host(), "application:parlor");
        assert_eq!(uri("urn:uuid:1").scheme(), Scheme::Other);
    }

    #[test]
    fn texts_that_are_no_uri_say_why() {
        for (text, error) in [
            ("example.com", UriError::Scheme),
            ("1sip:a@b", UriError::Scheme),
            ("sip:", UriError::Host),
            ("sip:a@", UriError::Host),
            ("sip:a@b/c", UriError::Host),
            ("sip:a@[::1", UriError::Host),
            ("sip:a@b:x", UriError::Port),
            ("sip:a@b:65536", UriError::Port),
            ("sip:a@b@c", UriError::Character),
            ("sip:@b", UriError::Character),
            ("sip:a b@c", UriError::Character),
            ("sip:a@b\r\nEvil: 1", UriError::Character),
            ("sip:a@b>;x=<", UriError::Character),
        ] {
            assert_eq!(text.parse::<Uri>(), Err(error), "{text:?}");
        }
        assert_eq!(
            format!("sip:{}@b", "a".repeat(5000)).parse::<Uri>(),
            Err(UriError::TooLong)
        );
    }

    #[test]
    fn parts_cannot_smuggle_other_parts() {
        assert!(Uri::sip("alice", "example.com;gruu").is_err());
        assert!(Uri::sip("alice@evil", "example.com").is_err());
        let uri = Uri::sip("alice", "example.com").unwrap();
        assert!(uri.with_param("a;b", None).is_err());
        assert!(uri.with_param("a", Some("b?c")).is_err());
        assert_eq!(
            uri.with_param("a", Some("x:y")).unwrap().as_str(),
            "sip:alice@example.com;a=x:y"
        );
    }

    #[test]
    fn a_parameter_is_replaced_and_headers_stay_behind() {
        let changed = uri("sip:a@b;x=1;lr?h=v").with_param("X", Some("2")).unwrap();
        assert_eq!(changed.as_str(), "sip:a@b;lr;X=2?h=v");
    }
}
