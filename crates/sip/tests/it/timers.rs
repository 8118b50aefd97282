//! What happens when time passes: answers that never come, sessions that are refreshed or not.

use crate::pair::{Pair, ended, feed, register, request_of, response_of, uri, written_text};
use bytes::Bytes;
use parlor_sip::{DialogEnd, Event, Method, Name, RequestDraft, StatusCode, Target, TransactionGone};
use std::time::Duration;

#[test]
fn a_request_without_an_answer_times_out_after_32_seconds() {
    let mut pair = Pair::new();
    let (target, draft) = register();
    let sent = pair.alice.request(pair.now, &target, draft);
    written_text(&mut pair.alice);
    assert_eq!(
        pair.alice.next_deadline(),
        Some(pair.now + Duration::from_secs(32))
    );
    pair.sleep(31);
    assert!(pair.alice.poll_event(pair.now).unwrap().is_none());
    pair.sleep(1);
    let event = pair.alice.poll_event(pair.now).unwrap().unwrap();
    assert!(matches!(event, Event::TimedOut { transaction, dialog: None } if transaction == sent));
}

#[test]
fn a_dialog_whose_peer_is_silent_ends() {
    let mut pair = Pair::new();
    let (at_alice, _) = pair.call();
    pair.alice
        .info(pair.now, at_alice, "text/plain", Bytes::from_static(b"anyone?"))
        .unwrap();
    written_text(&mut pair.alice);
    pair.sleep(32);
    let events = feed(&mut pair.alice, pair.now, "");
    assert!(
        matches!(&events[..], [Event::TimedOut { .. }, Event::DialogEnded { .. }]),
        "{events:?}"
    );
    assert_eq!(ended(&events[1]), Some((at_alice, DialogEnd::NoAnswer)));
}

#[test]
fn an_answer_that_is_here_already_beats_its_timeout() {
    let mut pair = Pair::new();
    let (target, draft) = register();
    pair.alice.request(pair.now, &target, draft);
    let (transaction, _) = request_of(pair.run_for_chat());
    pair.chat.respond(transaction, StatusCode::OK).unwrap();
    let answer = written_text(&mut pair.chat);
    pair.sleep(40);
    let events = feed(&mut pair.alice, pair.now, &answer);
    assert!(matches!(&events[..], [Event::Response { .. }]), "{events:?}");
}

#[test]
fn an_invite_that_rings_may_take_three_minutes() {
    let mut pair = Pair::new();
    let target = Target::new(uri("sip:alice@example.com"), uri("sip:chat@example.com"));
    let (dialog, _) = pair
        .alice
        .invite(pair.now, &target, RequestDraft::new(Method::INVITE));
    let (transaction, _) = request_of(pair.run_for_chat());
    pair.chat.respond(transaction, StatusCode::RINGING).unwrap();
    assert_eq!(response_of(pair.run_for_alice()).status(), StatusCode::RINGING);
    pair.sleep(180);
    assert!(pair.alice.poll_event(pair.now).unwrap().is_none());
    pair.sleep(1);
    let event = pair.alice.poll_event(pair.now).unwrap();
    assert!(matches!(event, Some(Event::TimedOut { dialog: Some(id), .. }) if id == dialog));
    assert!(pair.alice.dialog(dialog).is_none());
    assert!(
        pair.alice.poll_event(pair.now).unwrap().is_none(),
        "a dialog that never was does not end"
    );
}

#[test]
fn a_forgotten_request_is_answered_in_the_end() {
    let mut pair = Pair::new();
    let (at_alice, _) = pair.call();
    pair.alice
        .info(pair.now, at_alice, "text/plain", Bytes::from_static(b"x"))
        .unwrap();
    let (transaction, _) = request_of(pair.run_for_chat());
    pair.sleep(32);
    assert!(feed(&mut pair.chat, pair.now, "").is_empty());
    let answer = written_text(&mut pair.chat);
    assert!(answer.starts_with("SIP/2.0 504 Server Time-out\r\n"), "{answer}");
    assert_eq!(
        pair.chat.respond(transaction, StatusCode::OK),
        Err(TransactionGone)
    );
}

#[test]
fn a_200_that_is_never_acknowledged_ends_the_dialog() {
    let mut pair = Pair::new();
    let target = Target::new(uri("sip:alice@example.com"), uri("sip:chat@example.com"));
    pair.alice
        .invite(pair.now, &target, RequestDraft::new(Method::INVITE));
    let (transaction, _) = request_of(pair.run_for_chat());
    let dialog = pair
        .chat
        .accept(pair.now, transaction, StatusCode::OK, &uri("sip:chat@h"))
        .unwrap();
    written_text(&mut pair.chat);
    pair.sleep(32);
    let events = feed(&mut pair.chat, pair.now, "");
    assert_eq!(
        events.iter().map(ended).collect::<Vec<_>>(),
        [Some((dialog, DialogEnd::NoAck))]
    );
    assert!(written_text(&mut pair.chat).starts_with("BYE sip:alice@example.com SIP/2.0\r\n"));
}

#[test]
fn the_side_that_called_refreshes_the_session_at_half_time() {
    let mut pair = Pair::with(|settings| settings.session_expires = Some(Duration::from_secs(600)));
    let (at_alice, at_chat) = pair.call();
    for _ in 0..5 {
        assert_eq!(
            pair.alice.next_deadline(),
            Some(pair.now + Duration::from_secs(300))
        );
        pair.sleep(300);
        let (alice, chat) = pair.run();
        assert!(alice.is_empty() && chat.is_empty(), "the owners need not know");
    }
    assert!(pair.alice.dialog(at_alice).is_some() && pair.chat.dialog(at_chat).is_some());
    assert_eq!(pair.wire.matches("> UPDATE").count(), 5);
    assert_eq!(pair.wire.matches("< SIP/2.0 200 OK").count(), 5);
}

#[test]
fn a_session_nobody_refreshes_ends_with_a_bye() {
    let mut pair = Pair::with(|settings| settings.session_expires = Some(Duration::from_secs(600)));
    let (_, at_chat) = pair.call();
    pair.sleep(600 + 31);
    assert!(
        feed(&mut pair.chat, pair.now, "").is_empty(),
        "a late refresh still counts"
    );
    pair.sleep(1);
    let events = feed(&mut pair.chat, pair.now, "");
    assert_eq!(
        events.iter().map(ended).collect::<Vec<_>>(),
        [Some((at_chat, DialogEnd::SessionExpired))]
    );
    assert!(written_text(&mut pair.chat).starts_with("BYE "));
    pair.sleep(32);
    assert!(
        feed(&mut pair.chat, pair.now, "").is_empty(),
        "nobody waits for the answer to that BYE"
    );
}

#[test]
fn a_refresh_for_a_dialog_the_server_lost_ends_it() {
    let mut pair = Pair::with(|settings| settings.session_expires = Some(Duration::from_secs(600)));
    let (at_alice, at_chat) = pair.call();
    pair.chat.bye(pair.now, at_chat).unwrap();
    written_text(&mut pair.chat); // The BYE is lost with the server's memory.
    pair.sleep(300);
    let (alice, _) = pair.run();
    assert_eq!(
        alice.iter().map(ended).collect::<Vec<_>>(),
        [Some((at_alice, DialogEnd::Gone(481)))]
    );
}

#[test]
fn a_session_interval_below_the_minimum_is_refused() {
    let mut pair = Pair::with(|settings| settings.session_expires = Some(Duration::from_secs(30)));
    let target = Target::new(uri("sip:alice@example.com"), uri("sip:chat@example.com"));
    pair.alice
        .invite(pair.now, &target, RequestDraft::new(Method::INVITE));
    let response = response_of(pair.run_for_alice());
    assert_eq!(response.status(), StatusCode::SESSION_INTERVAL_TOO_SMALL);
    assert_eq!(response.headers().get(Name::MinSe), Some("90"));
}

#[test]
fn answers_that_mean_the_dialog_is_gone_end_it() {
    for status in [
        StatusCode::CALL_DOES_NOT_EXIST,
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::REQUEST_TERMINATED,
    ] {
        let mut pair = Pair::new();
        let (_, at_chat) = pair.call();
        pair.chat
            .info(pair.now, at_chat, "text/plain", Bytes::from_static(b"x"))
            .unwrap();
        let (transaction, _) = request_of(pair.run_for_alice());
        pair.alice.respond(transaction, status).unwrap();
        let (_, events) = pair.run();
        assert!(
            matches!(&events[..], [Event::Response { .. }, Event::DialogEnded { .. }]),
            "{events:?}"
        );
        assert_eq!(ended(&events[1]), Some((at_chat, DialogEnd::Gone(status.code()))));
        assert!(
            pair.chat
                .info(pair.now, at_chat, "text/plain", Bytes::new())
                .is_err()
        );
    }
    let mut pair = Pair::new();
    let (_, at_chat) = pair.call();
    pair.chat
        .info(pair.now, at_chat, "text/plain", Bytes::from_static(b"x"))
        .unwrap();
    let (transaction, _) = request_of(pair.run_for_alice());
    pair.alice
        .respond(transaction, StatusCode::SERVICE_UNAVAILABLE)
        .unwrap();
    response_of(pair.run_for_chat());
    assert!(
        pair.chat.dialog(at_chat).is_some(),
        "other refusals do not end it"
    );
}

#[test]
fn a_peer_that_does_not_know_update_is_refreshed_by_re_invite() {
    let mut pair = Pair::with(|settings| settings.session_expires = Some(Duration::from_secs(600)));
    let (at_alice, at_chat) = pair.call();
    pair.sleep(300);
    assert!(pair.alice.poll_event(pair.now).unwrap().is_none());
    let update = written_text(&mut pair.alice);
    let line = |name: &str| {
        update
            .split("\r\n")
            .find(|line| line.starts_with(name))
            .unwrap()
            .to_owned()
    };
    let refusal = format!(
        "SIP/2.0 501 Not Implemented\r\n{}\r\n{}\r\n{}\r\n{}\r\n{}\r\nContent-Length: 0\r\n\r\n",
        line("Via: "),
        line("From: "),
        line("To: "),
        line("Call-ID: "),
        line("CSeq: ")
    );
    assert!(feed(&mut pair.alice, pair.now, &refusal).is_empty());
    pair.run();
    insta::assert_snapshot!(pair.wire, @r"
    > INVITE sip:chat@chat.example.com:5061;transport=tls SIP/2.0
    < SIP/2.0 200 OK
    > ACK sip:chat@chat.example.com:5061;transport=tls SIP/2.0
    ");
    pair.sleep(300);
    pair.run();
    assert_eq!(pair.wire.matches("> INVITE").count(), 2, "and it remembers");
    assert!(pair.alice.dialog(at_alice).is_some() && pair.chat.dialog(at_chat).is_some());
}

#[test]
fn a_refresh_refused_for_a_passing_reason_is_tried_again() {
    let mut pair = Pair::with(|settings| settings.session_expires = Some(Duration::from_secs(600)));
    let (at_alice, _) = pair.call();
    for _ in 0..3 {
        let due = pair.alice.next_deadline().unwrap();
        pair.now = due;
        assert!(pair.alice.poll_event(pair.now).unwrap().is_none());
        let update = written_text(&mut pair.alice);
        assert!(update.starts_with("UPDATE "), "{update}");
        let echo = update
            .split("\r\n")
            .filter(|line| line.starts_with(['V', 'F', 'T', 'C']) && !line.starts_with("Contact"));
        let echo: Vec<_> = echo.filter(|line| !line.starts_with("Content")).collect();
        let refusal = format!(
            "SIP/2.0 503 Busy\r\n{}\r\nContent-Length: 0\r\n\r\n",
            echo.join("\r\n")
        );
        assert!(feed(&mut pair.alice, pair.now, &refusal).is_empty());
        assert_eq!(pair.alice.next_deadline(), Some(due + Duration::from_secs(10)));
    }
    assert!(pair.alice.dialog(at_alice).is_some());
}
