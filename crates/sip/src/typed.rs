//! Typed values of the headers that this crate and its users act on.

use crate::Method;
use crate::params::find_param;
use crate::text::{is_space, is_token_text, split_list};
use std::fmt;
use std::time::Duration;

/// `CSeq: number METHOD` (RFC 3261 section 20.16).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CSeq {
    /// The sequence number.
    pub number: u32,
    /// The method.
    pub method: Method,
}

impl CSeq {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (number, method) = text.split_once(is_space)?;
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        Some(Self {
            number: number.parse().ok()?,
            method: Method::from_token(method.trim_start_matches(is_space))?,
        })
    }
}

impl fmt::Display for CSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.method)
    }
}

/// One Via value, borrowed from the message (RFC 3261 section 20.42).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Via<'a> {
    /// `TLS` or `TCP`, in the case it was written.
    pub transport: &'a str,
    /// `host[:port]`.
    pub sent_by: &'a str,
    /// The `;name=value` text after it.
    pub params: &'a str,
}

impl<'a> Via<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let text = split_list(text).next()?;
        let (value, params) = text.split_at(text.find(';').unwrap_or(text.len()));
        let (protocol, rest) = value.split_once('/')?;
        let (version, rest) = rest.split_once('/')?;
        let (transport, sent_by) = rest.trim_start_matches(is_space).split_once(is_space)?;
        let sent_by = sent_by.trim_matches(is_space);
        let legal = protocol.trim_matches(is_space).eq_ignore_ascii_case("SIP")
            && version.trim_matches(is_space) == "2.0"
            && is_token_text(transport)
            && !sent_by.is_empty();
        legal.then_some(Self {
            transport,
            sent_by,
            params,
        })
    }

    /// The `branch` parameter; real clients leave it out on most requests.
    pub fn branch(&self) -> Option<&'a str> {
        find_param(self.params, "branch").filter(|branch| !branch.is_empty())
    }
}

/// `Session-Expires: seconds;refresher=uac|uas` (RFC 4028 section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionExpires {
    /// How long the session lives without a refresh.
    pub interval: Duration,
    /// Who refreshes, if it says.
    pub refresher: Option<Refresher>,
}

/// Who refreshes a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresher {
    /// The side that sent the request.
    Uac,
    /// The side that answered it.
    Uas,
}

impl SessionExpires {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (seconds, params) = text.split_at(text.find(';').unwrap_or(text.len()));
        let refresher = match find_param(params, "refresher") {
            Some(value) if value.eq_ignore_ascii_case("uac") => Some(Refresher::Uac),
            Some(value) if value.eq_ignore_ascii_case("uas") => Some(Refresher::Uas),
            _ => None,
        };
        Some(Self {
            interval: parse_seconds(seconds)?,
            refresher,
        })
    }
}

impl fmt::Display for SessionExpires {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.interval.as_secs())?;
        match self.refresher {
            Some(Refresher::Uac) => f.write_str(";refresher=uac"),
            Some(Refresher::Uas) => f.write_str(";refresher=uas"),
            None => Ok(()),
        }
    }
}

/// Delta-seconds of up to ten digits; parameters after them are left to the caller.
pub(crate) fn parse_seconds(text: &str) -> Option<Duration> {
    let text = text.trim_matches(is_space);
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds: u32 = digits.then(|| text.parse().ok())??;
    Some(Duration::from_secs(u64::from(seconds)))
}

/// `Event: package;id=..` (RFC 6665 section 8.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventPackage<'a> {
    /// The package name.
    pub package: &'a str,
    /// The `id` parameter.
    pub id: Option<&'a str>,
}

impl<'a> EventPackage<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (package, params) = text.split_at(text.find(';').unwrap_or(text.len()));
        let package = package.trim_matches(is_space);
        is_token_text(package).then(|| Self {
            package,
            id: find_param(params, "id"),
        })
    }
}

/// `Content-Type: type/subtype;..` (RFC 3261 section 20.15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentType<'a> {
    /// `type/subtype`, as written.
    pub media: &'a str,
    /// The `;name=value` text after it.
    pub params: &'a str,
}

impl<'a> ContentType<'a> {
    /// Reads a value, also one that stands in a part of a multipart body; `None` without `type/subtype`.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (media, params) = text.split_at(text.find(';').unwrap_or(text.len()));
        let media = media.trim_matches(is_space);
        let (kind, subtype) = media.split_once('/')?;
        (is_token_text(kind) && is_token_text(subtype)).then_some(Self { media, params })
    }

    /// Compares `type/subtype` in any case.
    pub fn is(&self, media: &str) -> bool {
        self.media.eq_ignore_ascii_case(media)
    }

    /// A parameter such as `boundary` or `charset`, without its quotes.
    pub fn param(&self, name: &str) -> Option<&'a str> {
        find_param(self.params, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn via_of_a_real_client_has_a_lower_case_transport_and_no_branch() {
        let via = Via::parse("SIP/2.0/tls 127.0.0.1:38128").unwrap();
        assert_eq!(
            (via.transport, via.sent_by, via.branch()),
            ("tls", "127.0.0.1:38128", None)
        );
    }

    #[test]
    fn via_takes_white_space_wherever_the_standard_allows_it() {
        let via = Via::parse("SIP / 2.0 / UDP  first.example.com: 4000;ttl=16 ;branch=z9hG4bKa7c6a8dlze.1")
            .unwrap();
        assert_eq!((via.transport, via.sent_by), ("UDP", "first.example.com: 4000"));
        assert_eq!(via.branch(), Some("z9hG4bKa7c6a8dlze.1"));
    }

    #[test]
    fn of_a_via_list_the_first_counts() {
        let via = Via::parse("SIP/2.0/TCP a;branch=1, SIP/2.0/TLS b;branch=2").unwrap();
        assert_eq!((via.sent_by, via.branch()), ("a", Some("1")));
    }

    #[test]
    fn what_is_no_via_is_refused() {
        for text in [
            "",
            "SIP/2.0/TLS",
            "SIP/2.0 host",
            "SIP/3.0/TLS host",
            "HTTP/2.0/TLS host",
            ",,",
        ] {
            assert_eq!(Via::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn cseq_takes_extension_methods_and_refuses_signs_and_overflow() {
        let cseq = CSeq::parse("17  NEGOTIATE").unwrap();
        assert_eq!((cseq.number, cseq.method.as_str()), (17, "NEGOTIATE"));
        for text in [
            "",
            "1",
            "INFO 1",
            "+1 INFO",
            "-1 INFO",
            "4294967296 INFO",
            "1 IN/FO",
        ] {
            assert_eq!(CSeq::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn session_expires_reads_and_writes_its_refresher() {
        for text in ["1800;refresher=uac", "90;refresher=uas", "600"] {
            assert_eq!(SessionExpires::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(
            SessionExpires::parse("600 ; Refresher=UAS").unwrap().refresher,
            Some(Refresher::Uas)
        );
        assert_eq!(SessionExpires::parse("soon"), None);
    }

    #[test]
    fn content_type_and_event_keep_their_parameters() {
        let media = ContentType::parse(r#"multipart/related; type="a/b"; boundary="x;y""#).unwrap();
        assert!(media.is("Multipart/Related"));
        assert_eq!(media.param("boundary"), Some("x;y"));
        let event = EventPackage::parse("vnd-microsoft-provisioning-v2;id=7").unwrap();
        assert_eq!(
            (event.package, event.id),
            ("vnd-microsoft-provisioning-v2", Some("7"))
        );
    }
}
