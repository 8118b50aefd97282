//! Messages as pidgin-sipe 1.25 writes them, and what it needs to see in the answers (facts on the real client).

use crate::pair::{drain, feed, request_of, start, uri, written_text};
use bytes::Bytes;
use parlor_sip::{
    AgentSettings, DialogEnd, DialogState, Event, Method, Name, ResponseDraft, StatusCode, Transport,
    UserAgent,
};
use std::time::Duration;

fn server() -> UserAgent {
    UserAgent::new(
        AgentSettings::new("chat.example.com:5061", Transport::Tls, "RTC/5.0"),
        7,
    )
}

const USER_AGENT: &str = "Purple/2.14.12 Sipe/1.25.0 (linux-x86_64)";
const CALL_ID: &str = "89CDg2597a4D36i940Em40BEt03F0b3F97x09D5x";

fn register() -> String {
    format!(
        "REGISTER sip:example.com SIP/2.0\r\n\
         Via: SIP/2.0/tls 127.0.0.1:38128;branch=z9hG4bK2D96B3B6E7A1B55C7F1B\r\n\
         From: <sip:alice@example.com>;tag=1724421186;epid=cf0b98dadeb9\r\n\
         To: <sip:alice@example.com>\r\n\
         Max-Forwards: 70\r\n\
         CSeq: 1 REGISTER\r\n\
         User-Agent: {USER_AGENT}\r\n\
         Call-ID: {CALL_ID}\r\n\
         Contact: <sip:127.0.0.1:38128;transport=tls;ms-opaque=d3470f2e1d>;methods=\"INVITE, MESSAGE, INFO, SUBSCRIBE, \
         OPTIONS, BYE, CANCEL, NOTIFY, ACK, REFER, BENOTIFY\";proxy=replace;+sip.instance=\"<urn:uuid:5c2c1d6e-7d4b-5b1e-9a62-3f4b8c6d0e1f>\"\r\n\
         Supported: gruu-10, adhoclist, msrtc-event-categories, com.microsoft.msrtc.presence\r\n\
         Event: registration\r\n\
         Allow-Events: presence\r\n\
         ms-keep-alive: UAC;hop-hop=yes\r\n\
         Proxy-Require: ms-benotify\r\n\
         Content-Length: 0\r\n\
         Authorization: NTLM qop=\"auth\", realm=\"SIP Communications Service\", targetname=\"chat.example.com\", \
         gssapi-data=\"\", version=4\r\n\r\n"
    )
}

/// Requests inside a dialog object carry no branch, not even the first INVITE.
fn in_dialog(method: &str, cseq: u32, to_tag: &str, more: &str, body: &str) -> String {
    format!(
        "{method} sip:chat@example.com SIP/2.0\r\n\
         Via: SIP/2.0/tls 127.0.0.1:38128\r\n\
         From: <sip:alice@example.com>;tag=2104528493;epid=cf0b98dadeb9\r\n\
         To: <sip:chat@example.com>{to_tag}\r\n\
         Max-Forwards: 70\r\n\
         CSeq: {cseq} {method}\r\n\
         User-Agent: {USER_AGENT}\r\n\
         Call-ID: {CALL_ID}\r\n\
         {more}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

const SDP: &str = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=session\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
                   m=message 5060 sip null\r\na=accept-types:text/plain text/html image/gif\r\n";

fn invite() -> String {
    let more = "Supported: ms-sender\r\nContact: <sip:alice@example.com;opaque=user:epid:x1y2;gruu>\r\n\
                Content-Type: application/sdp\r\n";
    in_dialog("INVITE", 1, "", more, SDP)
}

/// The INVITE accepted and acknowledged; the To tag of the dialog with its parameter name.
fn establish(agent: &mut UserAgent) -> (parlor_sip::DialogId, String) {
    let now = start();
    let (transaction, _) = request_of(feed(agent, now, &invite()).remove(0));
    let to_tag = format!(";tag={}", agent.to_tag(transaction).unwrap());
    let dialog = agent
        .accept(
            now,
            transaction,
            StatusCode::OK,
            &uri("sip:chat@chat.example.com:5061"),
        )
        .unwrap();
    let ack = in_dialog("ACK", 1, &to_tag, "", "");
    assert!(matches!(
        &feed(agent, now, &ack)[..],
        [Event::Request {
            transaction: None,
            ..
        }]
    ));
    written_text(agent);
    (dialog, to_tag)
}

#[test]
fn its_register_is_read_whole() {
    let mut agent = server();
    let (_, request) = request_of(feed(&mut agent, start(), &register()).remove(0));
    assert_eq!(*request.method(), Method::REGISTER);
    assert_eq!(request.uri_text(), "sip:example.com");
    let contact = request.contact().unwrap().unwrap();
    assert_eq!(
        contact.uri.as_str(),
        "sip:127.0.0.1:38128;transport=tls;ms-opaque=d3470f2e1d"
    );
    assert_eq!(contact.params.get("proxy"), Some("replace"));
    assert_eq!(
        contact.params.get("+sip.instance"),
        Some("<urn:uuid:5c2c1d6e-7d4b-5b1e-9a62-3f4b8c6d0e1f>")
    );
    assert_eq!(request.from().unwrap().epid(), Some("cf0b98dadeb9"));
    assert_eq!(request.event().unwrap().package, "registration");
    assert_eq!(request.expires(), Ok(None));
    assert!(request.supports("adhoclist") && request.supports("com.microsoft.msrtc.presence"));
    assert!(
        request
            .headers()
            .get(Name::Authorization)
            .unwrap()
            .starts_with("NTLM qop=\"auth\"")
    );
    assert_eq!(request.headers().get(Name::ProxyRequire), Some("ms-benotify"));
    assert_eq!(&request.as_bytes()[..], register().as_bytes());
}

#[test]
fn the_answer_to_its_register_has_what_it_looks_for() {
    let mut agent = server();
    let (transaction, _) = request_of(feed(&mut agent, start(), &register()).remove(0));
    let draft = ResponseDraft::new(StatusCode::OK)
        .header(Name::Expires, "600")
        .header(Name::Supported, "msrtc-event-categories")
        .header(
            Name::AllowEvents,
            "vnd-microsoft-provisioning-v2,vnd-microsoft-roaming-self,presence",
        );
    agent.respond(transaction, draft).unwrap();
    insta::assert_snapshot!(written_text(&mut agent).replace("\r\n", "\n"));
}

#[test]
fn every_register_of_one_call_id_is_a_request_of_its_own() {
    let mut agent = server();
    for (cseq, tag) in [("1", "111"), ("2", "222"), ("3", "333")] {
        let text = register()
            .replace("CSeq: 1", &format!("CSeq: {cseq}"))
            .replace("tag=1724421186", &format!("tag={tag}"));
        let (transaction, _) = request_of(feed(&mut agent, start(), &text).remove(0));
        agent.respond(transaction, StatusCode::UNAUTHORIZED).unwrap();
    }
}

#[test]
fn the_same_request_signed_anew_is_shown_again_once_it_was_answered() {
    let mut agent = server();
    for _ in 0..2 {
        let (transaction, _) = request_of(feed(&mut agent, start(), &register()).remove(0));
        agent.respond(transaction, StatusCode::UNAUTHORIZED).unwrap();
    }
}

#[test]
fn the_200_to_its_invite_always_has_a_session_timer_and_untouched_addresses() {
    let mut agent = server();
    let now = start();
    let (transaction, request) = request_of(feed(&mut agent, now, &invite()).remove(0));
    assert_eq!(request.via().unwrap().branch(), None);
    let dialog = agent
        .accept(
            now,
            transaction,
            StatusCode::OK,
            &uri("sip:chat@chat.example.com:5061"),
        )
        .unwrap();
    insta::assert_snapshot!(written_text(&mut agent).replace("\r\n", "\n"));
    let target = agent.dialog(dialog).unwrap().remote_target();
    assert_eq!(target, "sip:alice@example.com;opaque=user:epid:x1y2;gruu");
}

#[test]
fn infos_to_it_carry_the_addresses_it_invited_with() {
    let mut agent = server();
    let (dialog, _) = establish(&mut agent);
    agent
        .info(start(), dialog, "text/plain", Bytes::from_static(b"<xccos/>"))
        .unwrap();
    insta::assert_snapshot!(written_text(&mut agent).replace("\r\n", "\n"));
}

#[test]
fn it_may_leave_out_its_contact() {
    let mut agent = server();
    let now = start();
    let text = invite().replace(
        "Contact: <sip:alice@example.com;opaque=user:epid:x1y2;gruu>\r\n",
        "",
    );
    let (transaction, _) = request_of(feed(&mut agent, now, &text).remove(0));
    let dialog = agent
        .accept(now, transaction, StatusCode::OK, &uri("sip:chat@h"))
        .unwrap();
    assert_eq!(
        agent.dialog(dialog).unwrap().remote_target(),
        "sip:alice@example.com"
    );
}

#[test]
fn it_pipelines_infos_without_branches() {
    let mut agent = server();
    let (dialog, to_tag) = establish(&mut agent);
    let body = "<xccos ver=\"1\" envid=\"1\" xmlns=\"urn:parlano:xml:ns:xccos\"/>";
    let more = "Content-Type: text/plain\r\n";
    let both = in_dialog("INFO", 2, &to_tag, more, body) + &in_dialog("INFO", 3, &to_tag, more, body);
    let events = feed(&mut agent, start(), &both);
    assert_eq!(events.len(), 2);
    for event in events {
        assert!(matches!(&event, Event::Request { dialog: Some(id), .. } if *id == dialog));
        let (transaction, request) = request_of(event);
        assert_eq!(request.body(), body);
        agent.respond(transaction, StatusCode::OK).unwrap();
    }
    let answers = written_text(&mut agent);
    assert_eq!(
        answers
            .matches("SIP/2.0 200 OK\r\nVia: SIP/2.0/tls 127.0.0.1:38128\r\n")
            .count(),
        2
    );
    assert!(answers.contains("CSeq: 2 INFO\r\n") && answers.contains("CSeq: 3 INFO\r\n"));
}

#[test]
fn its_bare_update_refreshes_the_session() {
    let mut agent = server();
    let (dialog, to_tag) = establish(&mut agent);
    let mut now = start();
    for cseq in 2..5 {
        now += Duration::from_secs(1790);
        assert!(feed(&mut agent, now, &in_dialog("UPDATE", cseq, &to_tag, "", "")).is_empty());
        let answer = written_text(&mut agent);
        assert!(answer.starts_with("SIP/2.0 200 OK\r\n"), "{answer}");
        assert!(
            answer.contains("\r\nSession-Expires: 1800;refresher=uac\r\n"),
            "{answer}"
        );
    }
    assert!(agent.dialog(dialog).is_some());
    now += Duration::from_secs(1800 + 32);
    let events = drain(&mut agent, now).unwrap();
    let expired = matches!(
        &events[..],
        [Event::DialogEnded {
            cause: DialogEnd::SessionExpired,
            ..
        }]
    );
    assert!(expired, "{events:?}");
}

#[test]
fn its_bye_for_a_dialog_of_an_earlier_life_gets_481() {
    let mut agent = server();
    assert!(feed(&mut agent, start(), &in_dialog("BYE", 9, ";tag=old", "", "")).is_empty());
    assert!(written_text(&mut agent).starts_with("SIP/2.0 481 "));
}

#[test]
fn its_487_to_an_info_ends_the_dialog() {
    let mut agent = server();
    let (dialog, _) = establish(&mut agent);
    agent
        .info(start(), dialog, "text/plain", Bytes::from_static(b"<xccos/>"))
        .unwrap();
    let info = written_text(&mut agent);
    let line = |name: &str| {
        info.split("\r\n")
            .find(|line| line.starts_with(name))
            .unwrap()
            .to_owned()
    };
    let answer = format!(
        "SIP/2.0 487 Request Terminated\r\n{}\r\n{}\r\n{};epid=cf0b98dadeb9\r\n{}\r\n{}\r\n\
         User-Agent: {USER_AGENT}\r\nContent-Length: 0\r\n\r\n",
        line("Via: "),
        line("From: "),
        line("To: "),
        line("Call-ID: "),
        line("CSeq: ")
    );
    let events = feed(&mut agent, start(), &answer);
    assert!(matches!(
        &events[..],
        [
            Event::Response { .. },
            Event::DialogEnded {
                cause: DialogEnd::Gone(487),
                ..
            }
        ]
    ));
}

#[test]
fn an_answer_whose_via_was_lost_is_matched_by_call_id_and_cseq() {
    let mut agent = server();
    let (dialog, _) = establish(&mut agent);
    agent
        .info(start(), dialog, "text/plain", Bytes::from_static(b"<xccos/>"))
        .unwrap();
    written_text(&mut agent);
    let answer = format!("SIP/2.0 200 OK\r\nCall-ID: {CALL_ID}\r\nCSeq: 1 INFO\r\nContent-Length: 0\r\n\r\n");
    assert!(matches!(
        &feed(&mut agent, start(), &answer)[..],
        [Event::Response { .. }]
    ));
    assert!(feed(&mut agent, start(), &answer).is_empty(), "and only once");
}

#[test]
fn the_dialog_is_confirmed_by_an_ack_without_branch() {
    let mut agent = server();
    let (dialog, _) = establish(&mut agent);
    assert_eq!(agent.dialog(dialog).unwrap().state(), DialogState::Confirmed);
    assert!(
        agent.next_deadline().unwrap() > start() + Duration::from_secs(1000),
        "only the session timer runs"
    );
}

#[test]
fn its_keep_alive_is_not_answered_with_a_line_end() {
    let mut agent = server();
    assert_eq!(feed(&mut agent, start(), "\r\n\r\n").len(), 1);
    assert!(!agent.has_output());
}
