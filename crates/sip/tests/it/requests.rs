//! Requests outside of calls, and how an agent stands up to a bad peer.

use crate::pair::{Pair, feed, register, request_of, response_of, uri, written_text};
use bytes::Bytes;
use parlor_sip::{
    AcceptError, Event, KeepAlive, Limits, Method, Name, RequestDraft, ResponseDraft, StatusCode, Target,
    TransactionGone,
};

#[test]
fn alice_signs_in() {
    let mut pair = Pair::new();
    let (target, draft) = register();
    pair.alice.request(pair.now, &target, draft);
    let (transaction, request) = request_of(pair.run_for_chat());
    assert_eq!(request.event().unwrap().package, "registration");
    assert_eq!(request.to().unwrap().uri.aor(), "sip:alice@example.com");
    pair.chat
        .respond(
            transaction,
            ResponseDraft::new(StatusCode::OK).header(Name::Expires, "600"),
        )
        .unwrap();
    let response = response_of(pair.run_for_alice());
    assert_eq!(
        (response.status(), response.expires()),
        (StatusCode::OK, Ok(Some(600)))
    );
    assert_eq!(pair.alice.next_deadline(), None, "nothing is left to wait for");
    assert_eq!(pair.chat.next_deadline(), None);
}

#[test]
fn a_request_is_answered_finally_once() {
    let mut pair = Pair::new();
    let (target, draft) = register();
    pair.alice.request(pair.now, &target, draft);
    let (transaction, _) = request_of(pair.run_for_chat());
    pair.chat.respond(transaction, StatusCode::TRYING).unwrap();
    pair.chat.respond(transaction, StatusCode::FORBIDDEN).unwrap();
    assert_eq!(
        pair.chat.respond(transaction, StatusCode::OK),
        Err(TransactionGone)
    );
    let response = response_of(pair.run_for_alice());
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
}

#[test]
fn the_to_tag_of_an_answer_is_known_before_it_is_sent() {
    let mut pair = Pair::new();
    let target = Target::new(uri("sip:alice@example.com"), uri("sip:alice@example.com"));
    pair.alice
        .request(pair.now, &target, RequestDraft::new(Method::SUBSCRIBE));
    let (transaction, request) = request_of(pair.run_for_chat());
    let tag = pair.chat.to_tag(transaction).unwrap();
    pair.chat.respond(transaction, StatusCode::OK).unwrap();
    assert_eq!(response_of(pair.run_for_alice()).to().unwrap().tag(), Some(&*tag));

    let notify = Target {
        call_id: Some(request.call_id().unwrap().to_owned()),
        ..Target::new(
            request.to().unwrap().with_param("tag", Some(&tag)),
            request.from().unwrap(),
        )
    };
    pair.chat.request(
        pair.now,
        &notify,
        RequestDraft::new(Method::BENOTIFY).body("text/xml", "<x/>"),
    );
    let event = pair.run_for_alice();
    let Event::Request {
        transaction: None,
        dialog: None,
        request,
    } = event
    else {
        panic!("{event:?}")
    };
    assert_eq!(*request.method(), Method::BENOTIFY);
    assert_eq!(request.from().unwrap().tag(), Some(&*tag));
    assert_eq!(pair.chat.next_deadline(), None, "a BENOTIFY has no answer");
}

#[test]
fn requests_in_unknown_dialogs_get_481() {
    for method in ["BYE", "INFO", "UPDATE", "INVITE", "PRACK"] {
        let mut pair = Pair::new();
        let text = format!(
            "{method} sip:chat@example.com SIP/2.0\r\nVia: SIP/2.0/tls 127.0.0.1:1\r\nFrom: <sip:a@b>;tag=1\r\n\
             To: <sip:chat@example.com>;tag=gone\r\nCSeq: 4 {method}\r\nCall-ID: x\r\nContent-Length: 0\r\n\r\n"
        );
        assert!(feed(&mut pair.chat, pair.now, &text).is_empty());
        let answer = written_text(&mut pair.chat);
        assert!(
            answer.starts_with("SIP/2.0 481 Call/Transaction Does Not Exist\r\n"),
            "{method}: {answer}"
        );
        assert!(
            answer.contains("\r\nTo: <sip:chat@example.com>;tag=gone\r\n"),
            "{answer}"
        );
    }
}

#[test]
fn an_ack_for_an_unknown_dialog_is_ignored() {
    let mut pair = Pair::new();
    let text = "ACK sip:chat@example.com SIP/2.0\r\nVia: SIP/2.0/tls 127.0.0.1:1\r\nFrom: <sip:a@b>;tag=1\r\n\
                To: <sip:chat@example.com>;tag=gone\r\nCSeq: 4 ACK\r\nCall-ID: x\r\nContent-Length: 0\r\n\r\n";
    assert!(feed(&mut pair.chat, pair.now, text).is_empty());
    assert!(!pair.chat.has_output());
}

#[test]
fn requests_with_a_malformed_header_get_400_and_the_connection_goes_on() {
    let mut pair = Pair::new();
    let text = "INFO sip:chat@example.com SIP/2.0\r\nVia: SIP/2.0/tls 127.0.0.1:1\r\nFrom: <sip:a@b;tag=1\r\n\
                To: <sip:chat@example.com>\r\nCSeq: 4 INFO\r\nCall-ID: x\r\nContent-Length: 0\r\n\r\n";
    assert!(feed(&mut pair.chat, pair.now, text).is_empty());
    let answer = written_text(&mut pair.chat);
    assert!(
        answer.starts_with("SIP/2.0 400 Bad Request: From is malformed\r\n"),
        "{answer}"
    );
    pair.call();
}

/// Found by fuzzing: without a Contact the From address becomes a Request-URI of ours.
#[test]
fn an_address_that_could_not_stand_in_a_request_line_is_malformed() {
    let mut pair = Pair::new();
    let text = "INVITE sip:chat@example.com SIP/2.0\r\nVia: SIP/2.0/tls 127.0.0.1:1\r\nFrom: <sip:a\u{b}@b>;tag=1\r\n\
                To: <sip:chat@example.com>\r\nCSeq: 4 INVITE\r\nCall-ID: x\r\nContent-Length: 0\r\n\r\n";
    assert!(feed(&mut pair.chat, pair.now, text).is_empty());
    assert!(written_text(&mut pair.chat).starts_with("SIP/2.0 400 Bad Request: From is malformed\r\n"));
}

#[test]
fn requests_that_go_back_in_sequence_are_refused() {
    let mut pair = Pair::new();
    let (at_alice, _) = pair.call();
    pair.alice
        .info(pair.now, at_alice, "text/plain", Bytes::from_static(b"2"))
        .unwrap();
    let older = written_text(&mut pair.alice);
    pair.alice
        .info(pair.now, at_alice, "text/plain", Bytes::from_static(b"3"))
        .unwrap();
    request_of(pair.run_for_chat());
    assert!(feed(&mut pair.chat, pair.now, &older).is_empty());
    assert!(written_text(&mut pair.chat).starts_with("SIP/2.0 500 CSeq Out Of Order\r\n"));
}

#[test]
fn options_is_answered_by_the_agent() {
    let mut pair = Pair::new();
    let target = Target::new(uri("sip:alice@example.com"), uri("sip:chat@example.com"));
    pair.alice
        .request(pair.now, &target, RequestDraft::new(Method::OPTIONS));
    let response = response_of(pair.run_for_alice());
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.supports("timer"));
    assert!(response.headers().get(Name::Allow).unwrap().contains("INFO"));
}

#[test]
fn a_peer_that_sends_too_many_requests_at_once_is_told_to_wait() {
    let mut pair = Pair::with(|settings| settings.limits.server_transactions = 2);
    let (at_alice, _) = pair.call();
    for _ in 0..3 {
        pair.alice
            .info(pair.now, at_alice, "text/plain", Bytes::from_static(b"x"))
            .unwrap();
    }
    let (alice, chat) = pair.run();
    assert_eq!(chat.len(), 2);
    let response = response_of(alice.into_iter().next().unwrap());
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers().get(Name::RetryAfter), Some("5"));
}

#[test]
fn a_connection_has_so_many_dialogs_and_no_more() {
    let mut pair = Pair::with(|settings| settings.limits.dialogs = 1);
    pair.call();
    let target = Target::new(uri("sip:alice@example.com"), uri("sip:chat@example.com"));
    pair.alice
        .invite(pair.now, &target, RequestDraft::new(Method::INVITE));
    let (transaction, _) = request_of(pair.run_for_chat());
    let refused = pair
        .chat
        .accept(pair.now, transaction, StatusCode::OK, &uri("sip:chat@h"));
    assert_eq!(refused, Err(AcceptError::TooManyDialogs));
    assert_eq!(response_of(pair.run_for_alice()).status(), StatusCode::BUSY_HERE);
}

#[test]
fn a_peer_that_answers_nothing_is_cut_off() {
    let mut pair = Pair::with(|settings| settings.limits.client_transactions = 2);
    let (_, at_chat) = pair.call();
    for _ in 0..3 {
        pair.chat
            .info(pair.now, at_chat, "text/plain", Bytes::from_static(b"x"))
            .unwrap();
    }
    let fault = pair.chat.poll_event(pair.now).unwrap_err();
    assert_eq!(fault.to_string(), "3 requests left unanswered");
}

#[test]
fn keep_alives_are_told_and_answered_only_on_demand() {
    let mut pair = Pair::new();
    pair.alice.send_keep_alive(KeepAlive::Ping);
    assert!(matches!(pair.run_for_chat(), Event::KeepAlive(KeepAlive::Ping)));
    pair.chat.send_keep_alive(KeepAlive::Pong);
    assert!(matches!(pair.run_for_alice(), Event::KeepAlive(KeepAlive::Pong)));
}

#[test]
fn a_flood_of_keep_alives_is_a_fault() {
    let mut pair = Pair::new();
    let pings = "\r\n\r\n".repeat(Limits::MAX_KEEP_ALIVES as usize);
    assert_eq!(
        feed(&mut pair.chat, pair.now, &pings).len(),
        Limits::MAX_KEEP_ALIVES as usize
    );
    pair.chat.read_buffer().extend_from_slice(b"\r\n\r\n");
    assert_eq!(
        pair.chat.poll_event(pair.now).unwrap_err().to_string(),
        "keep-alive flood"
    );
    pair.sleep(60);
    pair.chat.read_buffer().extend_from_slice(b"\r\n\r\n");
    assert!(
        pair.chat.poll_event(pair.now).is_ok(),
        "a minute later it counts from zero"
    );
}

#[test]
fn a_body_over_the_limit_is_refused_with_a_last_answer() {
    let mut pair = Pair::new();
    let text = "MESSAGE sip:chat@example.com SIP/2.0\r\nVia: SIP/2.0/tls 127.0.0.1:1\r\nFrom: <sip:a@b>;tag=1\r\n\
                To: <sip:chat@example.com>\r\nCSeq: 4 MESSAGE\r\nCall-ID: x\r\nContent-Length: 70000\r\n\r\n";
    pair.chat.read_buffer().extend_from_slice(text.as_bytes());
    let fault = pair.chat.poll_event(pair.now).unwrap_err();
    let answer = String::from_utf8(fault.response_bytes().unwrap().to_vec()).unwrap();
    assert!(answer.starts_with("SIP/2.0 413 Request Entity Too Large\r\nVia: SIP/2.0/tls 127.0.0.1:1\r\n"));
    assert!(answer.ends_with("Content-Length: 0\r\n\r\n"));
    assert!(
        pair.chat.poll_event(pair.now).is_err(),
        "a broken stream stays broken"
    );
}

#[test]
fn a_message_with_an_unknown_method_reaches_the_owner() {
    let mut pair = Pair::new();
    let target = Target::new(uri("sip:alice@example.com"), uri("sip:chat@example.com"));
    let method = Method::from_token("INFORM").unwrap();
    pair.alice.request(pair.now, &target, RequestDraft::new(method));
    let (transaction, request) = request_of(pair.run_for_chat());
    assert_eq!(request.method().as_str(), "INFORM");
    pair.chat
        .respond(transaction, StatusCode::NOT_IMPLEMENTED)
        .unwrap();
    assert_eq!(
        response_of(pair.run_for_alice()).status(),
        StatusCode::NOT_IMPLEMENTED
    );
}

#[test]
fn an_agent_without_dialogs_is_small() {
    // 25 KB per idle member are promised for everything, TLS included.
    assert!(
        size_of::<parlor_sip::UserAgent>() < 1024,
        "{}",
        size_of::<parlor_sip::UserAgent>()
    );
}
