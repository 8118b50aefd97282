//! A hostile peer against a user agent that has a dialog with it: no panic, everything bounded, all output readable.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use parlor_sip::{
    AgentSettings, DialogId, Event, Frame, Framer, Limits, Method, RequestDraft, ResponseDraft, StatusCode,
    Target, Transport, Uri, UserAgent,
};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

const INVITE: &[u8] = b"INVITE sip:chat@example.com SIP/2.0\r\nVia: SIP/2.0/tls 127.0.0.1:1\r\n\
From: <sip:a@b>;tag=1\r\nTo: <sip:chat@example.com>\r\nContact: <sip:a@b:1>\r\nCSeq: 1 INVITE\r\nCall-ID: x\r\n\
Content-Length: 0\r\n\r\n";

fn start() -> Instant {
    static START: OnceLock<Instant> = OnceLock::new();
    *START.get_or_init(Instant::now)
}

fn uri(text: &str) -> Uri {
    text.parse().expect("a literal URI")
}

fn agent_with_dialog() -> (UserAgent, DialogId) {
    let mut agent = UserAgent::new(AgentSettings::new("h:1", Transport::Tls, "Parlor"), 1);
    agent.read_buffer().extend_from_slice(INVITE);
    let Ok(Some(Event::Request {
        transaction: Some(invite),
        ..
    })) = agent.poll_event(start())
    else {
        unreachable!("the INVITE is well-formed")
    };
    let dialog = agent
        .accept(start(), invite, StatusCode::OK, &uri("sip:chat@h:1"))
        .expect("it is an INVITE");
    (agent, dialog)
}

/// Does what an owner might do, as the input says.
fn act(agent: &mut UserAgent, now: Instant, event: Event, choice: u8) {
    match event {
        Event::Request {
            transaction: Some(transaction),
            ..
        } => match choice % 4 {
            0 => drop(agent.respond(transaction, StatusCode::OK)),
            1 => drop(agent.accept(now, transaction, StatusCode::OK, &uri("sip:chat@h:1"))),
            2 => drop(agent.respond(
                transaction,
                ResponseDraft::new(StatusCode::FORBIDDEN).body("a/b", "x"),
            )),
            _ => {}
        },
        Event::Response { response, .. } if choice % 2 == 0 => drop(response.to()),
        _ => {}
    }
}

/// Everything the agent writes must be readable by its own framer.
fn check_output(agent: &mut UserAgent) {
    let mut pieces: Vec<Bytes> = Vec::new();
    agent.take_output(&mut pieces);
    let mut framer = Framer::new(Limits {
        head: u16::MAX,
        headers: 1000,
        ..Limits::default()
    });
    for piece in pieces {
        framer.buffer().extend_from_slice(&piece);
    }
    while let Some(frame) = framer.next_frame().expect("what we write can be framed") {
        assert!(
            matches!(frame, Frame::Message(_)),
            "no keep-alives were asked for"
        );
    }
    assert!(framer.buffer().is_empty(), "whole messages only");
}

fuzz_target!(|data: &[u8]| {
    let (mut agent, dialog) = agent_with_dialog();
    let to_tag = agent
        .dialog(dialog)
        .and_then(|dialog| dialog.local().split_once("tag="))
        .map(|(_, tag)| tag.to_owned());
    let mut now = start();
    check_output(&mut agent);
    // "\xfe" separates reads; the byte after it says what happens before the next one. "TAG" stands for our tag.
    for piece in data.split(|byte| *byte == 0xfe) {
        let Some((choice, bytes)) = piece.split_first() else {
            continue;
        };
        let text = String::from_utf8_lossy(bytes).replace("TAG", to_tag.as_deref().unwrap_or("gone"));
        agent.read_buffer().extend_from_slice(text.as_bytes());
        loop {
            match agent.poll_event(now) {
                Ok(Some(event)) => act(&mut agent, now, event, *choice),
                Ok(None) => break,
                Err(fault) => {
                    assert!(
                        fault
                            .response_bytes()
                            .is_none_or(|bytes| bytes.ends_with(b"\r\n\r\n"))
                    );
                    return;
                }
            }
        }
        match choice >> 4 {
            0 => now += Duration::from_secs(33),
            1 => now += Duration::from_secs(1800),
            2 => drop(agent.info(now, dialog, "text/plain", Bytes::from_static(b"x"))),
            3 => drop(agent.bye(now, dialog)),
            4 => {
                let target = Target::new(uri("sip:chat@h"), uri("sip:a@b"));
                agent.invite(now, &target, RequestDraft::new(Method::INVITE));
            }
            5 => drop(agent.request_in_dialog(now, dialog, RequestDraft::new(Method::INVITE))),
            _ => {}
        }
        check_output(&mut agent);
        assert!(agent.dialogs().count() <= Limits::MAX_DIALOGS + 1);
    }
});
