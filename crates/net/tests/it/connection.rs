//! Messages through a connection.

use std::time::Duration;

use parlor_net::{ClientTls, CloseCause, Connection, Event, KeepAlivePolicy, ServerTls};
use parlor_sip::{Event as Sip, Method, RequestDraft, ResponseDraft, StatusCode, Target, Uri};
use tokio::time::timeout;

use crate::support::{Authority, in_memory, in_memory_of, read, request, settings, shake, write};

#[tokio::test(start_paused = true)]
async fn a_request_is_answered_by_the_owner() {
    let (mut connection, mut peer) = in_memory(settings());
    write(&mut peer, &request("REGISTER", 1)).await;
    let Event::Sip(Sip::Request {
        transaction: Some(transaction),
        request,
        ..
    }) = connection.next().await
    else {
        panic!("a request is expected");
    };
    assert_eq!(*request.method(), Method::REGISTER);
    connection
        .agent()
        .respond(transaction, ResponseDraft::new(StatusCode::OK))
        .unwrap();
    still_open(&mut connection).await;
    let answer = read(&mut peer).await;
    assert!(
        answer.starts_with("SIP/2.0 200 OK\r\n") && answer.contains("CSeq: 1 REGISTER\r\n"),
        "{answer}"
    );
}

/// Lets a connection do what it has to, and sees that it says nothing.
pub(crate) async fn still_open(connection: &mut Connection) {
    let silence = timeout(Duration::from_millis(1), connection.next()).await;
    assert!(silence.is_err(), "{silence:?}");
}

#[tokio::test(start_paused = true)]
async fn a_message_in_pieces_survives_impatience() {
    let (mut connection, mut peer) = in_memory(settings());
    let request = request("REGISTER", 1);
    for piece in request
        .as_bytes()
        .chunks(7)
        .map(|piece| std::str::from_utf8(piece).unwrap())
    {
        write(&mut peer, piece).await;
        if timeout(Duration::from_millis(1), connection.next()).await.is_ok() {
            return assert!(
                request.ends_with(piece),
                "the message is whole with its last piece"
            );
        }
    }
    panic!("the message never arrived");
}

#[tokio::test(start_paused = true)]
async fn pipelined_requests_come_one_by_one_and_their_answers_leave_together() {
    let (mut connection, mut peer) = in_memory(settings());
    let requests: String = (1..=20).map(|cseq| request("SERVICE", cseq)).collect();
    write(&mut peer, &requests).await;
    for cseq in 1..=20 {
        let Event::Sip(Sip::Request {
            transaction: Some(transaction),
            request,
            ..
        }) = connection.next().await
        else {
            panic!("a request is expected");
        };
        assert_eq!(
            request.headers().get(parlor_sip::Name::CSeq),
            Some(format!("{cseq} SERVICE").as_str())
        );
        connection
            .agent()
            .respond(transaction, ResponseDraft::new(StatusCode::OK))
            .unwrap();
    }
    still_open(&mut connection).await;
    assert_eq!(read(&mut peer).await.matches("SIP/2.0 200 OK\r\n").count(), 20);
}

#[tokio::test(start_paused = true)]
async fn answers_that_nobody_reads_hold_back_the_requests_behind_them() {
    let (mut connection, mut peer) = in_memory_of(settings(), 16 << 10);
    let requests: String = (1..=40).map(|cseq| request("SERVICE", cseq)).collect();
    write(&mut peer, &requests).await;
    let mut answered = 0;
    while let Ok(event) = timeout(Duration::from_secs(1), connection.next()).await {
        answer_at_length(&mut connection, event);
        answered += 1;
    }
    assert!(answered <= 3, "{answered} requests answered that nobody reads");
    let mut reader = tokio::spawn(async move {
        read_until(&mut peer, 40).await;
        peer
    });
    while answered < 40 {
        let event = connection.next().await;
        answer_at_length(&mut connection, event);
        answered += 1;
    }
    tokio::select! {
        event = connection.next() => panic!("{event:?}"),
        peer = &mut reader => drop(peer.unwrap()),
    }
}

fn answer_at_length(connection: &mut Connection, event: Event) {
    let Event::Sip(Sip::Request {
        transaction: Some(transaction),
        ..
    }) = event
    else {
        panic!("a request is expected: {event:?}");
    };
    let draft = ResponseDraft::new(StatusCode::OK).body("text/plain", vec![b'x'; 60_000]);
    connection.agent().respond(transaction, draft).unwrap();
}

async fn read_until(peer: &mut tokio::io::DuplexStream, answers: usize) {
    let mut seen = String::new();
    while seen.matches("SIP/2.0 200 OK").count() < answers {
        seen.push_str(&read(peer).await);
    }
}

#[tokio::test]
async fn two_connections_talk_over_tls() {
    let authority = Authority::new("A");
    let server = ServerTls::load(authority.server_tls()).unwrap();
    let client = ClientTls::load(authority.client_tls(Some(authority.application()))).unwrap();
    let (served, connected) = shake(&server, &client).await;
    let (mut served, mut connected) = (served.unwrap(), connected.unwrap());
    // Longer than a TLS record, and than one read.
    let body = "0123456789".repeat(4_000);
    let bot: Uri = "sip:news@example.com".parse().unwrap();
    let now = connected.now();
    let draft = RequestDraft::new(Method::MESSAGE).body("text/plain", body.clone());
    let sent = connected
        .agent()
        .request(now, &Target::new(bot.clone(), bot), draft);
    let serve = async {
        let Event::Sip(Sip::Request {
            transaction: Some(transaction),
            request,
            ..
        }) = served.next().await
        else {
            panic!("a request is expected");
        };
        assert_eq!(request.body(), body.as_bytes());
        assert!(
            request
                .headers()
                .get(parlor_sip::Name::Via)
                .unwrap()
                .contains("TLS 127.0.0.1:")
        );
        served
            .agent()
            .respond(transaction, ResponseDraft::new(StatusCode::OK))
            .unwrap();
        served.next().await
    };
    let ask = async {
        let Event::Sip(Sip::Response {
            transaction,
            response,
            ..
        }) = connected.next().await
        else {
            panic!("a response is expected");
        };
        assert_eq!((transaction, response.status()), (sent, StatusCode::OK));
        connected.close(CloseCause::Local("done")).await;
    };
    let (last, ()) = tokio::join!(serve, ask);
    assert!(matches!(last, Event::Closed(CloseCause::PeerClosed)), "{last:?}");
    let again = served.next().await;
    assert!(
        matches!(again, Event::Closed(CloseCause::PeerClosed)),
        "a closed connection says so again: {again:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn pings_are_answered_only_when_told_to() {
    let (mut connection, mut peer) = in_memory(settings());
    write(&mut peer, "\r\n\r\n").await;
    still_open(&mut connection).await;
    connection.set_keep_alive(KeepAlivePolicy::Answer);
    write(&mut peer, "\r\n\r\n").await;
    still_open(&mut connection).await;
    assert_eq!(read(&mut peer).await, "\r\n");
    connection.close(CloseCause::Local("end")).await;
    assert_eq!(
        crate::support::read_to_end(&mut peer).await,
        "",
        "the first ping has no answer"
    );
}
