//! Signed messages (MS-SIPAE): which parts of a message a signature covers, and the place where whoever holds the keys
//! signs what goes out and checks what comes in. The keys and the text that is signed are left to that side.

use crate::name_addr::Parts;
use crate::params::find_param;
use crate::text::split_list;
use crate::{Message, Name, Request, Response};
use std::fmt;

/// Signs and checks the messages of one connection; see [`UserAgent::secure`](crate::UserAgent::secure).
pub trait Guard: fmt::Debug + Send {
    /// The value of the Authentication-Info line of an outgoing message.
    fn sign(&mut self, parts: &SignedParts<'_>) -> String;

    /// Judges an incoming message before anything acts on it.
    fn check(&mut self, message: &Message, parts: &SignedParts<'_>) -> Verdict;
}

/// What becomes of an incoming message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is acted on.
    Pass,
    /// A request is answered 403, everything else is dropped.
    Refuse,
}

/// The parts of a message that a signature covers; what is missing is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignedParts<'a> {
    /// Call-ID.
    pub call_id: &'a str,
    /// The sequence number as it was written.
    pub cseq: u32,
    /// The method in CSeq.
    pub method: &'a str,
    /// What stands between the angle brackets of From.
    pub from_uri: &'a str,
    /// The tag of From.
    pub from_tag: &'a str,
    /// What stands between the angle brackets of To.
    pub to_uri: &'a str,
    /// The tag of To.
    pub to_tag: &'a str,
    /// The `sip:` address of P-Asserted-Identity.
    pub asserted_sip: &'a str,
    /// The `tel:` address of P-Asserted-Identity.
    pub asserted_tel: &'a str,
    /// Expires.
    pub expires: &'a str,
    /// The status code of a response.
    pub status: Option<u16>,
}

impl<'a> SignedParts<'a> {
    /// The parts of a request.
    pub fn of_request(request: &'a Request) -> Self {
        Self::collect(None, |name| request.headers().get(name))
    }

    /// The parts of a response.
    pub fn of_response(response: &'a Response) -> Self {
        Self::collect(Some(response.status().code()), |name| {
            response.headers().get(name)
        })
    }

    /// The parts of any message.
    pub fn of(message: &'a Message) -> Self {
        match message {
            Message::Request(request) => Self::of_request(request),
            Message::Response(response) => Self::of_response(response),
        }
    }

    /// The parts of a head that this crate wrote: known names are spelled as [`Name::as_str`] spells them.
    pub(crate) fn of_head(head: &'a str) -> Self {
        let status = head
            .strip_prefix("SIP/2.0 ")
            .and_then(|rest| rest.get(..3))
            .and_then(|code| code.parse().ok());
        Self::collect(status, |name| {
            let line = head.lines().skip(1).find(|line| {
                line.strip_prefix(name.as_str())
                    .is_some_and(|rest| rest.starts_with(':'))
            })?;
            Some(line[name.as_str().len() + 1..].trim())
        })
    }

    fn collect(status: Option<u16>, get: impl Fn(Name) -> Option<&'a str>) -> Self {
        let (from_uri, from_tag) = get(Name::From).map_or(("", ""), uri_and_tag);
        let (to_uri, to_tag) = get(Name::To).map_or(("", ""), uri_and_tag);
        let (cseq, method) = get(Name::CSeq).map_or((0, ""), number_and_method);
        let mut parts = Self {
            call_id: get(Name::CallId).unwrap_or_default().trim(),
            cseq,
            method,
            from_uri,
            from_tag,
            to_uri,
            to_tag,
            expires: get(Name::Expires).unwrap_or_default().trim(),
            status,
            ..Self::default()
        };
        for address in get(Name::PAssertedIdentity).into_iter().flat_map(split_list) {
            let (uri, _) = uri_and_tag(address);
            let scheme = uri.split(':').next().unwrap_or_default();
            if scheme.eq_ignore_ascii_case("tel") {
                parts.asserted_tel = uri;
            } else {
                parts.asserted_sip = uri;
            }
        }
        parts
    }
}

fn uri_and_tag(address: &str) -> (&str, &str) {
    let Ok(parts) = Parts::split(address) else {
        return ("", "");
    };
    (parts.uri, find_param(parts.params, "tag").unwrap_or_default())
}

fn number_and_method(value: &str) -> (u32, &str) {
    let (number, method) = value.trim().split_once([' ', '\t']).unwrap_or((value, ""));
    (number.parse().unwrap_or_default(), method.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_head_of_ours_are_found() {
        let head = "SIP/2.0 200 OK\r\nVia: SIP/2.0/tls 127.0.0.1:38128\r\n\
                    From: \"Alice\" <sip:alice@example.com>;tag=1724421186;epid=cf0b98dadeb9\r\n\
                    To: <sip:alice@example.com>;tag=ours\r\nCall-ID: FE0Cx\r\nCSeq: 3 REGISTER\r\nExpires: 600\r\n";
        let parts = SignedParts::of_head(head);
        assert_eq!(
            parts,
            SignedParts {
                call_id: "FE0Cx",
                cseq: 3,
                method: "REGISTER",
                from_uri: "sip:alice@example.com",
                from_tag: "1724421186",
                to_uri: "sip:alice@example.com",
                to_tag: "ours",
                expires: "600",
                status: Some(200),
                ..SignedParts::default()
            }
        );
    }

    #[test]
    fn asserted_addresses_are_told_apart() {
        let head =
            "INFO sip:a@b SIP/2.0\r\nP-Asserted-Identity: \"A\" <sip:a@example.com>, <tel:+491234>\r\n";
        let parts = SignedParts::of_head(head);
        assert_eq!(
            (parts.asserted_sip, parts.asserted_tel),
            ("sip:a@example.com", "tel:+491234")
        );
        assert_eq!(parts.status, None);
    }
}
