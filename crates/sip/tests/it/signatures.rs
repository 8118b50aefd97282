//! Signed connections: what goes out carries a signature, what comes in without one is not acted on.

use parlor_sip::{
    AgentSettings, Event, Guard, Message, Method, Name, RequestDraft, SignedParts, Target, Transport, Uri,
    UserAgent, Verdict,
};

use crate::pair::start;

/// Signs with the number of the message and lets pass what names a password.
#[derive(Debug, Default)]
struct Numbering(u32);

impl Guard for Numbering {
    fn sign(&mut self, parts: &SignedParts<'_>) -> String {
        self.0 += 1;
        format!("TEST n=\"{}\", of=\"{} {}\"", self.0, parts.cseq, parts.method)
    }

    fn check(&mut self, message: &Message, _: &SignedParts<'_>) -> Verdict {
        match message.headers().get(Name::Authorization) {
            Some("TEST good") => Verdict::Pass,
            _ => Verdict::Refuse,
        }
    }
}

fn agent(seed: u64) -> UserAgent {
    UserAgent::new(
        AgentSettings::new("192.0.2.1:5061", Transport::Tls, "Test/1"),
        seed,
    )
}

fn output(agent: &mut UserAgent) -> String {
    let mut pieces: Vec<bytes::Bytes> = Vec::new();
    agent.take_output(&mut pieces);
    String::from_utf8(pieces.concat()).unwrap()
}

fn target() -> Target {
    Target::new(
        "sip:alice@example.com".parse::<Uri>().unwrap(),
        "sip:chat@example.com".parse::<Uri>().unwrap(),
    )
}

#[test]
fn everything_that_goes_out_is_signed_once() {
    let now = start();
    let mut server = agent(1);
    server.secure(Box::new(Numbering::default()));
    server.request(
        now,
        &target(),
        RequestDraft::new(Method::MESSAGE).body("text/plain", "hello"),
    );
    let said = output(&mut server);
    assert!(
        said.contains("Authentication-Info: TEST n=\"1\", of=\"1 MESSAGE\"\r\nContent-Length: 5\r\n"),
        "{said}"
    );
    assert_eq!(said.matches("Authentication-Info").count(), 1);
}

#[test]
fn a_request_without_a_valid_signature_is_refused_and_not_seen() {
    let now = start();
    let (mut client, mut server) = (agent(1), agent(2));
    server.secure(Box::new(Numbering::default()));
    client.request(now, &target(), RequestDraft::new(Method::MESSAGE));
    server
        .read_buffer()
        .extend_from_slice(output(&mut client).as_bytes());
    assert!(server.poll_event(now).unwrap().is_none());
    let answer = output(&mut server);
    assert!(
        answer.starts_with("SIP/2.0 403 Invalid Message Signature\r\n"),
        "{answer}"
    );
    assert!(answer.contains("Authentication-Info: TEST"));

    let signed = RequestDraft::new(Method::MESSAGE).header(Name::Authorization, "TEST good");
    client.request(now, &target(), signed);
    server
        .read_buffer()
        .extend_from_slice(output(&mut client).as_bytes());
    assert!(matches!(
        server.poll_event(now).unwrap(),
        Some(Event::Request { .. })
    ));
}

#[test]
fn a_response_without_a_valid_signature_is_dropped() {
    let now = start();
    let (mut client, mut server) = (agent(1), agent(2));
    server.secure(Box::new(Numbering::default()));
    server.request(now, &target(), RequestDraft::new(Method::MESSAGE));
    client
        .read_buffer()
        .extend_from_slice(output(&mut server).as_bytes());
    let Some(Event::Request {
        transaction: Some(transaction),
        ..
    }) = client.poll_event(now).unwrap()
    else {
        panic!("a MESSAGE has an answer")
    };
    client.respond(transaction, parlor_sip::StatusCode::OK).unwrap();
    server
        .read_buffer()
        .extend_from_slice(output(&mut client).as_bytes());
    assert!(server.poll_event(now).unwrap().is_none());
    assert_eq!(output(&mut server), "");
}
