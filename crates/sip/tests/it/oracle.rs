//! `rsip` as a second opinion: where it reads a message the two must agree, but for the defects named below.
//!
//! Each test that says `rsip` does something is a reason why rsip is not on the wire path. One that fails after an
//! update of rsip is good news.

use parlor_sip::{Frame, Framer, Limits, Message, Name, Request, Uri};
use proptest::prelude::*;
use rsip::headers::{ToTypedHeader, UntypedHeader};
use rsip::message::HeadersExt;

fn ours(text: &str) -> Message {
    let mut framer = Framer::new(Limits::default());
    framer.buffer().extend_from_slice(text.as_bytes());
    match framer.next_frame() {
        Ok(Some(Frame::Message(message))) => message,
        other => panic!("{other:?}"),
    }
}

fn our_request(text: &str) -> Request {
    match ours(text) {
        Message::Request(request) => request,
        Message::Response(response) => panic!("{response:?}"),
    }
}

fn theirs(text: &str) -> Result<rsip::Request, rsip::Error> {
    rsip::Request::try_from(text)
}

fn request(line: &str, lines: &str) -> String {
    format!("{line}\r\n{lines}Content-Length: 0\r\n\r\n")
}

#[test]
fn rsip_refuses_a_gruu_as_request_uri() {
    let text = request("INFO sip:c@example.com;gruu;opaque=srvr:parlor:AbC SIP/2.0", "");
    assert!(theirs(&text).is_err());
    assert_eq!(
        our_request(&text).uri().unwrap().opaque(),
        Some("srvr:parlor:AbC")
    );
}

#[test]
fn rsip_cuts_the_opaque_value_of_an_address_at_its_first_colon() {
    let text = "<sip:c@example.com;gruu;opaque=srvr:MgcServer:AbC>";
    let to = rsip::headers::To::new(text).typed().unwrap();
    assert!(to.uri.to_string().ends_with(";opaque=srvr"), "{}", to.uri);
    assert_eq!(
        text.parse::<parlor_sip::NameAddr>().unwrap().uri.opaque(),
        Some("srvr:MgcServer:AbC")
    );
}

#[test]
fn rsip_does_not_know_the_methods_of_ms_sip() {
    for method in ["SERVICE", "BENOTIFY", "NEGOTIATE"] {
        let text = request(&format!("{method} sip:a@example.com SIP/2.0"), "");
        assert!(theirs(&text).is_err());
        assert_eq!(our_request(&text).method().as_str(), method);
        assert!(rsip::Request::try_from(&our_request(&text)).is_err());
    }
}

#[test]
fn rsip_refuses_folded_lines() {
    let text = request("INFO sip:a@example.com SIP/2.0", "Subject: a\r\n b\r\n");
    assert!(theirs(&text).is_err());
    assert_eq!(our_request(&text).headers().get(Name::Subject), Some("a   b"));
}

#[test]
fn rsip_does_not_see_compact_names() {
    let text = request("INFO sip:a@example.com SIP/2.0", "i: abc\r\n");
    assert!(theirs(&text).unwrap().call_id_header().is_err());
    assert_eq!(our_request(&text).call_id(), Ok("abc"));
}

#[test]
fn rsip_refuses_white_space_before_the_colon() {
    let text = request("INFO sip:a@example.com SIP/2.0", "Call-ID : abc\r\n");
    assert!(theirs(&text).is_err());
    assert_eq!(our_request(&text).call_id(), Ok("abc"));
}

#[test]
fn rsip_refuses_contacts_with_quoted_parameters() {
    let text = r#"<sip:127.0.0.1:1;transport=tls>;methods="INVITE, INFO";+sip.instance="<urn:uuid:1>""#;
    assert!(rsip::headers::Contact::new(text).typed().is_err());
    let contact: parlor_sip::NameAddr = text.parse().unwrap();
    assert_eq!(contact.params.get("+sip.instance"), Some("<urn:uuid:1>"));
}

#[test]
fn rsip_takes_everything_behind_a_head_for_its_body() {
    let text = "INFO sip:a@example.com SIP/2.0\r\nContent-Length: 2\r\n\r\nabINFO sip:b SIP/2.0\r\n";
    assert_eq!(
        theirs(text).unwrap().body.len(),
        text.len() - text.find("ab").unwrap()
    );
    assert_eq!(&our_request(text).body()[..], b"ab");
}

#[test]
fn rsip_needs_a_reason_phrase() {
    let text = "SIP/2.0 200\r\nContent-Length: 0\r\n\r\n";
    assert!(rsip::Response::try_from(text).is_err());
    assert!(matches!(ours(text), Message::Response(_)));
}

#[test]
fn rsip_rewrites_the_case_of_a_transport() {
    let text = request("INFO sip:a@example.com;transport=tls SIP/2.0", "");
    assert_eq!(
        theirs(&text).unwrap().uri.to_string(),
        "sip:a@example.com;transport=TLS"
    );
    assert_eq!(our_request(&text).uri_text(), "sip:a@example.com;transport=tls");
}

#[test]
fn a_gruu_survives_the_conversion_to_rsip() {
    let uri: Uri = "sip:c@example.com:5061;gruu;opaque=srvr:parlor:AbC"
        .parse()
        .unwrap();
    assert_eq!(rsip::Uri::try_from(&uri).unwrap().to_string(), uri.as_str());
}

/// What both parsers are made for: no folds, long names, plain URIs.
fn plain_request() -> impl Strategy<Value = String> {
    let method = prop::sample::select(vec!["INFO", "INVITE", "REGISTER", "UPDATE", "PRACK", "MESSAGE"]);
    let name = prop::sample::select(vec![
        "Subject",
        "X-Other",
        "Supported",
        "User-Agent",
        "ms-keep-alive",
    ]);
    let line = (
        name,
        "[a-zA-Z0-9=;\",\\.\\-]([a-zA-Z0-9 =;\",\\.\\-]{0,20}[a-z])?",
    );
    let address = "[a-z]{1,8}@[a-z]{1,8}\\.com";
    (method, address, "[a-z0-9]{1,12}", 1..10_000u32, prop::collection::vec(line, 0..6), "[ -~]{0,40}").prop_map(
        |(method, address, tag, cseq, lines, body)| {
            let lines: String = lines.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            format!(
                "{method} sip:{address};transport=TLS SIP/2.0\r\nVia: SIP/2.0/TLS 192.0.2.1:5061;branch=z9hG4bK{tag}\r\n\
                 From: <sip:{address}>;tag={tag}\r\nTo: \"A B\" <sip:{address}>\r\nCall-ID: {tag}\r\n\
                 CSeq: {cseq} {method}\r\n{lines}Content-Length: {}\r\n\r\n{body}",
                body.len()
            )
        },
    )
}

proptest! {
    #[test]
    fn both_read_a_plain_request_the_same_way(text in plain_request()) {
        let (ours, theirs) = (our_request(&text), theirs(&text).unwrap());
        prop_assert_eq!(ours.method().as_str(), theirs.method.to_string());
        prop_assert_eq!(ours.uri_text(), theirs.uri.to_string());
        prop_assert_eq!(&ours.body()[..], &theirs.body[..]);
        let our_lines: Vec<_> = ours.headers().iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let their_lines: Vec<_> = theirs.headers.iter().map(ToString::to_string).collect();
        prop_assert_eq!(our_lines, their_lines);
        let (from, their_from) = (ours.from().unwrap(), theirs.from_header().unwrap().typed().unwrap());
        prop_assert_eq!(from.tag().unwrap(), their_from.tag().unwrap().to_string());
        prop_assert_eq!(from.uri.as_str(), their_from.uri.to_string());
        let (cseq, their_cseq) = (ours.cseq().unwrap(), theirs.cseq_header().unwrap().typed().unwrap());
        prop_assert_eq!(cseq.number, their_cseq.seq);
        let via = theirs.via_header().unwrap().typed().unwrap();
        prop_assert_eq!(ours.via().unwrap().branch().unwrap(), via.branch().unwrap().to_string());
    }

    #[test]
    fn the_conversion_says_what_rsip_would_have_read(text in plain_request()) {
        let converted = rsip::Request::try_from(&our_request(&text)).unwrap();
        prop_assert_eq!(converted.to_string(), theirs(&text).unwrap().to_string());
    }
}
