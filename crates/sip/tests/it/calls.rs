//! Calls: opened, talked in, refused, cancelled, hung up, routed.

use crate::pair::{Pair, ended, feed, request_of, response_of, uri, written_text};
use bytes::Bytes;
use parlor_sip::{
    AcceptError, DialogEnd, DialogGone, DialogState, Event, Method, Name, RequestDraft, ResponseDraft,
    StatusCode, Target,
};

#[test]
fn alice_calls_talks_both_ways_and_hangs_up() {
    let mut pair = Pair::new();
    let (at_alice, at_chat) = pair.call();
    assert_eq!(
        pair.alice.dialog(at_alice).unwrap().state(),
        DialogState::Confirmed
    );
    assert_eq!(pair.chat.dialog(at_chat).unwrap().state(), DialogState::Confirmed);
    let remote_target = pair.alice.dialog(at_alice).unwrap().remote_target();
    assert_eq!(remote_target, "sip:chat@chat.example.com:5061;transport=tls");

    pair.alice
        .info(pair.now, at_alice, "text/plain", Bytes::from_static(b"<xccos/>"))
        .unwrap();
    let (transaction, request) = request_of(pair.run_for_chat());
    assert_eq!(&request.body()[..], b"<xccos/>");
    assert!(request.content_type().unwrap().is("text/plain"));
    pair.chat.respond(transaction, StatusCode::OK).unwrap();
    pair.chat
        .info(pair.now, at_chat, "text/plain", Bytes::from_static(b"<rpl/>"))
        .unwrap();
    let (at_client, _) = pair.run();
    let [
        Event::Response { response, .. },
        Event::Request {
            transaction: Some(info),
            ..
        },
    ] = &at_client[..]
    else {
        panic!("{at_client:?}")
    };
    assert_eq!(response.status(), StatusCode::OK);
    pair.alice.respond(*info, StatusCode::OK).unwrap();
    pair.run();

    pair.alice.bye(pair.now, at_alice).unwrap();
    let (client, server) = pair.run();
    assert_eq!(server.iter().find_map(ended), Some((at_chat, DialogEnd::Bye)));
    assert_eq!(
        response_of(client.into_iter().next().unwrap()).status(),
        StatusCode::OK
    );
    assert_eq!(pair.alice.dialogs().count() + pair.chat.dialogs().count(), 0);
    insta::assert_snapshot!(pair.wire, @r"
    > INFO sip:chat@chat.example.com:5061;transport=tls SIP/2.0
    < SIP/2.0 200 OK
    < INFO sip:alice@192.0.2.1:40000;transport=tls SIP/2.0
    > SIP/2.0 200 OK
    > BYE sip:chat@chat.example.com:5061;transport=tls SIP/2.0
    < SIP/2.0 200 OK
    ");
}

#[test]
fn the_body_of_an_info_is_shared_not_copied() {
    let mut pair = Pair::new();
    let (_, at_chat) = pair.call();
    let body = Bytes::from(vec![b'x'; 600]);
    pair.chat
        .info(pair.now, at_chat, "text/plain", body.clone())
        .unwrap();
    pair.chat
        .info(pair.now, at_chat, "text/plain", body.clone())
        .unwrap();
    let mut pieces: Vec<Bytes> = Vec::new();
    pair.chat.take_output(&mut pieces);
    assert_eq!(pieces.len(), 4);
    assert_eq!(pieces[1].as_ptr(), body.as_ptr());
    assert_eq!(pieces[3].as_ptr(), body.as_ptr());
    assert!(!pair.chat.has_output());
}

#[test]
fn a_quiet_agent_hears_of_refused_infos_only() {
    let mut pair = Pair::with(|settings| settings.quiet_info_success = true);
    let (_, at_chat) = pair.call();
    for status in [StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE] {
        pair.chat
            .info(pair.now, at_chat, "text/plain", Bytes::from_static(b"x"))
            .unwrap();
        let (transaction, _) = request_of(pair.run_for_alice());
        pair.alice.respond(transaction, status).unwrap();
    }
    assert_eq!(
        response_of(pair.run_for_chat()).status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
}

#[test]
fn requests_may_flow_before_the_ack() {
    let mut pair = Pair::new();
    let target = Target::new(uri("sip:alice@example.com"), uri("sip:chat@example.com"));
    pair.alice
        .invite(pair.now, &target, RequestDraft::new(Method::INVITE));
    let (transaction, _) = request_of(pair.run_for_chat());
    let dialog = pair
        .chat
        .accept(pair.now, transaction, StatusCode::OK, &uri("sip:chat@h"))
        .unwrap();
    assert_eq!(
        pair.chat.dialog(dialog).unwrap().state(),
        DialogState::AwaitingAck
    );
    pair.chat
        .info(pair.now, dialog, "text/plain", Bytes::from_static(b"early"))
        .unwrap();
    let (alice, chat) = pair.run();
    assert!(
        matches!(&alice[..], [Event::Response { .. }, Event::Request { .. }]),
        "{alice:?}"
    );
    assert!(
        matches!(
            &chat[..],
            [Event::Request {
                transaction: None,
                ..
            }]
        ),
        "{chat:?}"
    );
}

#[test]
fn pipelined_requests_are_answered_in_any_order() {
    let mut pair = Pair::new();
    let (at_alice, _) = pair.call();
    let sent: Vec<_> = (0..5)
        .map(|n| {
            pair.alice
                .info(pair.now, at_alice, "text/plain", Bytes::from(n.to_string()))
                .unwrap()
        })
        .collect();
    let (_, requests) = pair.run();
    for event in requests.into_iter().rev() {
        let (transaction, request) = request_of(event);
        let draft = ResponseDraft::new(StatusCode::OK).body("text/plain", request.body().clone());
        pair.chat.respond(transaction, draft).unwrap();
    }
    let (answers, _) = pair.run();
    let answered: Vec<_> = answers
        .iter()
        .map(|event| match event {
            Event::Response {
                transaction,
                response,
                ..
            } => (*transaction, response.body().clone()),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected: Vec<_> = sent
        .into_iter()
        .enumerate()
        .map(|(n, id)| (id, Bytes::from(n.to_string())))
        .rev()
        .collect();
    assert_eq!(answered, expected);
}

#[test]
fn an_invite_may_be_refused() {
    let mut pair = Pair::new();
    let target = Target::new(uri("sip:bot@example.com"), uri("sip:chat@example.com"));
    let (dialog, _) = pair
        .alice
        .invite(pair.now, &target, RequestDraft::new(Method::INVITE));
    let (transaction, _) = request_of(pair.run_for_chat());
    let draft =
        ResponseDraft::new(StatusCode::FORBIDDEN).header("ms-diagnostics", "27000;reason=\"no user\"");
    pair.chat.respond(transaction, draft).unwrap();
    let (alice, chat) = pair.run();
    assert!(
        chat.is_empty(),
        "the ACK to a refusal is nobody's business: {chat:?}"
    );
    assert_eq!(alice.len(), 1);
    assert!(pair.alice.dialog(dialog).is_none());
    assert_eq!(pair.alice.bye(pair.now, dialog), Err(DialogGone));
    insta::assert_snapshot!(pair.wire, @r"
    > INVITE sip:chat@example.com SIP/2.0
    < SIP/2.0 403 Forbidden
    > ACK sip:chat@example.com SIP/2.0
    ");
}

#[test]
fn alice_gives_up_before_the_invite_is_answered() {
    let mut pair = Pair::new();
    let target = Target::new(uri("sip:alice@example.com"), uri("sip:chat@example.com"));
    let (dialog, invite) = pair
        .alice
        .invite(pair.now, &target, RequestDraft::new(Method::INVITE));
    let (transaction, _) = request_of(pair.run_for_chat());
    pair.alice.bye(pair.now, dialog).unwrap();
    let (alice, chat) = pair.run();
    assert!(matches!(&chat[..], [Event::Cancelled { transaction: gone }] if *gone == transaction));
    let refused = alice.iter().find_map(|event| match event {
        Event::Response {
            transaction,
            response,
            ..
        } if *transaction == invite => Some(response.status()),
        _ => None,
    });
    assert_eq!(refused, Some(StatusCode::REQUEST_TERMINATED));
    let late = pair
        .chat
        .accept(pair.now, transaction, StatusCode::OK, &uri("sip:chat@h"));
    assert_eq!(late, Err(AcceptError::Gone));
}

#[test]
fn a_200_that_crosses_the_cancel_is_hung_up_on() {
    let mut pair = Pair::new();
    let target = Target::new(uri("sip:alice@example.com"), uri("sip:chat@example.com"));
    let (dialog, _) = pair
        .alice
        .invite(pair.now, &target, RequestDraft::new(Method::INVITE));
    let (transaction, _) = request_of(pair.run_for_chat());
    pair.alice.bye(pair.now, dialog).unwrap();
    let accepted = pair
        .chat
        .accept(pair.now, transaction, StatusCode::OK, &uri("sip:chat@h"))
        .unwrap();
    let (_, chat) = pair.run();
    assert_eq!(chat.iter().find_map(ended), Some((accepted, DialogEnd::Bye)));
    assert!(pair.alice.dialog(dialog).is_none());
}

#[test]
fn both_sides_may_hang_up_at_once() {
    let mut pair = Pair::new();
    let (at_alice, at_chat) = pair.call();
    pair.alice.bye(pair.now, at_alice).unwrap();
    pair.chat.bye(pair.now, at_chat).unwrap();
    let (alice, chat) = pair.run();
    for events in [alice, chat] {
        assert_eq!(events.len(), 1, "{events:?}");
        let status = response_of(events.into_iter().next().unwrap()).status();
        assert_eq!(status, StatusCode::CALL_DOES_NOT_EXIST);
    }
}

#[test]
fn re_invites_that_cross_are_refused_on_both_sides() {
    let mut pair = Pair::new();
    let (at_alice, at_chat) = pair.call();
    pair.alice
        .request_in_dialog(pair.now, at_alice, RequestDraft::new(Method::INVITE))
        .unwrap();
    pair.chat
        .request_in_dialog(pair.now, at_chat, RequestDraft::new(Method::INVITE))
        .unwrap();
    let (alice, chat) = pair.run();
    for events in [alice, chat] {
        let status = response_of(events.into_iter().next().unwrap()).status();
        assert_eq!(status, StatusCode::REQUEST_PENDING);
    }
    assert_eq!(
        (pair.alice.dialogs().count(), pair.chat.dialogs().count()),
        (1, 1)
    );
}

#[test]
fn a_re_invite_is_answered_with_the_description_given_before() {
    let mut pair = Pair::new();
    let target = Target::new(uri("sip:alice@example.com"), uri("sip:chat@example.com"));
    let (dialog, _) = pair
        .alice
        .invite(pair.now, &target, RequestDraft::new(Method::INVITE));
    let (transaction, _) = request_of(pair.run_for_chat());
    let draft = ResponseDraft::new(StatusCode::OK).body("application/sdp", "v=0\r\nanswer");
    pair.chat
        .accept(pair.now, transaction, draft, &uri("sip:chat@h"))
        .unwrap();
    pair.run();
    let again = RequestDraft::new(Method::INVITE).body("application/sdp", "v=0\r\n");
    pair.alice.request_in_dialog(pair.now, dialog, again).unwrap();
    let (alice, _) = pair.run();
    let response = response_of(alice.into_iter().next().unwrap());
    assert_eq!(
        (response.status(), &response.body()[..]),
        (StatusCode::OK, &b"v=0\r\nanswer"[..])
    );
}

#[test]
fn an_invite_sent_twice_is_shown_once() {
    let mut pair = Pair::new();
    let target = Target::new(uri("sip:alice@example.com"), uri("sip:chat@example.com"));
    pair.alice
        .invite(pair.now, &target, RequestDraft::new(Method::INVITE));
    let text = written_text(&mut pair.alice);
    assert_eq!(feed(&mut pair.chat, pair.now, &text).len(), 1);
    assert_eq!(feed(&mut pair.chat, pair.now, &text).len(), 0);
}

#[test]
fn a_2xx_that_comes_again_is_acknowledged_again() {
    let mut pair = Pair::new();
    let target = Target::new(uri("sip:alice@example.com"), uri("sip:chat@example.com"));
    pair.alice
        .invite(pair.now, &target, RequestDraft::new(Method::INVITE));
    let (transaction, _) = request_of(pair.run_for_chat());
    pair.chat
        .accept(pair.now, transaction, StatusCode::OK, &uri("sip:chat@h"))
        .unwrap();
    let answer = written_text(&mut pair.chat);
    assert_eq!(feed(&mut pair.alice, pair.now, &answer).len(), 1);
    assert!(written_text(&mut pair.alice).starts_with("ACK sip:chat@h SIP/2.0\r\n"));
    assert_eq!(feed(&mut pair.alice, pair.now, &answer).len(), 0);
    assert!(written_text(&mut pair.alice).starts_with("ACK sip:chat@h SIP/2.0\r\n"));
}

#[test]
fn routes_are_recorded_and_followed_in_both_directions() {
    let mut pair = Pair::new();
    let invite = "INVITE sip:chat@example.com SIP/2.0\r\nVia: SIP/2.0/TLS p1\r\nVia: SIP/2.0/TLS p2\r\n\
                  Record-Route: <sip:p1;opaque=state:T;lr>, <sip:p2;lr>\r\nRecord-Route: <sip:p3;lr>\r\n\
                  From: <sip:a@b>;tag=1\r\nTo: <sip:chat@example.com>\r\nContact: <sip:a@b;opaque=user:epid:x;gruu>\r\n\
                  CSeq: 4 INVITE\r\nCall-ID: x\r\nContent-Length: 0\r\n\r\n";
    let event = feed(&mut pair.chat, pair.now, invite).remove(0);
    let (transaction, _) = request_of(event);
    let dialog = pair
        .chat
        .accept(pair.now, transaction, StatusCode::OK, &uri("sip:chat@h"))
        .unwrap();
    let answer = written_text(&mut pair.chat);
    let recorded = "Record-Route: <sip:p1;opaque=state:T;lr>, <sip:p2;lr>\r\nRecord-Route: <sip:p3;lr>\r\n";
    assert!(answer.contains(recorded), "{answer}");
    assert!(
        answer.contains("\r\nVia: SIP/2.0/TLS p1\r\nVia: SIP/2.0/TLS p2\r\n"),
        "{answer}"
    );
    pair.chat
        .info(pair.now, dialog, "text/plain", Bytes::from_static(b"x"))
        .unwrap();
    let info = written_text(&mut pair.chat);
    let routes = "Route: <sip:p1;opaque=state:T;lr>\r\nRoute: <sip:p2;lr>\r\nRoute: <sip:p3;lr>\r\n";
    assert!(
        info.starts_with("INFO sip:a@b;opaque=user:epid:x;gruu SIP/2.0\r\n"),
        "{info}"
    );
    assert!(info.contains(routes), "{info}");
}

#[test]
fn the_caller_follows_the_recorded_routes_from_the_bottom() {
    let mut pair = Pair::new();
    let target = Target::new(uri("sip:alice@example.com"), uri("sip:chat@example.com"));
    let (dialog, _) = pair
        .alice
        .invite(pair.now, &target, RequestDraft::new(Method::INVITE));
    let (transaction, _) = request_of(pair.run_for_chat());
    pair.chat
        .accept(pair.now, transaction, StatusCode::OK, &uri("sip:chat@h"))
        .unwrap();
    let answer = written_text(&mut pair.chat);
    let answer = answer.replacen(
        "\r\nFrom:",
        "\r\nRecord-Route: <sip:p1;lr>,<sip:p2;lr>\r\nFrom:",
        1,
    );
    feed(&mut pair.alice, pair.now, &answer);
    written_text(&mut pair.alice);
    pair.alice
        .info(pair.now, dialog, "text/plain", Bytes::new())
        .unwrap();
    let info = written_text(&mut pair.alice);
    assert!(
        info.contains("\r\nRoute: <sip:p2;lr>\r\nRoute: <sip:p1;lr>\r\n"),
        "{info}"
    );
}

#[test]
fn a_new_contact_in_an_update_moves_the_dialog() {
    let mut pair = Pair::new();
    let (at_alice, at_chat) = pair.call();
    pair.chat
        .info(pair.now, at_chat, "text/plain", Bytes::new())
        .unwrap();
    let update =
        RequestDraft::new(Method::UPDATE).header(Name::Contact, "<sip:alice@198.51.100.7:1;transport=tls>");
    pair.alice.request_in_dialog(pair.now, at_alice, update).unwrap();
    pair.run();
    assert_eq!(
        pair.chat.dialog(at_chat).unwrap().remote_target(),
        "sip:alice@198.51.100.7:1;transport=tls"
    );
    pair.chat
        .info(pair.now, at_chat, "text/plain", Bytes::new())
        .unwrap();
    assert!(
        written_text(&mut pair.chat).starts_with("INFO sip:alice@198.51.100.7:1;transport=tls SIP/2.0\r\n")
    );
}
