//! Posts from other tasks.

use bytes::Bytes;
use parlor_net::{CloseCause, Connection, ConnectionSettings, Event, Limits, Outbound, PushError};
use parlor_sip::{DialogId, Event as Sip, ResponseDraft, StatusCode};
use tokio::io::DuplexStream;

use crate::connection::still_open;
use crate::support::{in_memory_of, read, request, settings, write};

/// A connection with one dialog, as a joined client has it, to a peer that takes `capacity` bytes.
async fn in_dialog(limits: Limits, capacity: usize) -> (Connection, DuplexStream, DialogId) {
    let (mut connection, mut peer) = in_memory_of(ConnectionSettings { limits, ..settings() }, capacity);
    write(
        &mut peer,
        &request("INVITE", 1).replace("To: <sip:example.com>", "To: <sip:chat@example.com>"),
    )
    .await;
    let Event::Sip(Sip::Request {
        transaction: Some(transaction),
        ..
    }) = connection.next().await
    else {
        panic!("an INVITE is expected");
    };
    let (now, contact) = (connection.now(), "sip:chat@example.com".parse().unwrap());
    let dialog = connection
        .agent()
        .accept(now, transaction, ResponseDraft::new(StatusCode::OK), &contact)
        .unwrap();
    still_open(&mut connection).await;
    let answer = read(&mut peer).await;
    let to = answer.lines().find(|line| line.starts_with("To:")).unwrap();
    let ack = request("ACK", 1).replace("To: <sip:example.com>", to);
    write(&mut peer, &ack).await;
    still_open_or_ack(&mut connection).await;
    (connection, peer, dialog)
}

/// The agent may tell of an ACK or keep it to itself.
async fn still_open_or_ack(connection: &mut Connection) {
    let _ = tokio::time::timeout(std::time::Duration::from_millis(1), connection.next()).await;
}

fn post(dialog: DialogId, body: &'static str) -> Outbound {
    Outbound::Info {
        dialog,
        body: Bytes::from_static(body.as_bytes()),
    }
}

#[tokio::test(start_paused = true)]
async fn posts_of_other_tasks_leave_in_order() {
    let (mut connection, mut peer, dialog) = in_dialog(Limits::default(), 1 << 20).await;
    let outbox = connection.outbox();
    let pushing = tokio::spawn(async move {
        for body in ["<one/>", "<two/>", "<three/>"] {
            outbox.try_push(post(dialog, body)).unwrap();
        }
    });
    still_open(&mut connection).await;
    pushing.await.unwrap();
    still_open(&mut connection).await;
    let sent = read(&mut peer).await;
    let bodies: Vec<&str> = sent
        .split("\r\n\r\n")
        .filter_map(|part| part.split("/>").next())
        .collect();
    assert_eq!(
        sent.matches("INFO sip:192.0.2.7:38128;transport=tls SIP/2.0\r\n")
            .count(),
        3,
        "{sent}"
    );
    assert_eq!(sent.matches("Content-Type: text/plain\r\n").count(), 3);
    assert_eq!(
        (&bodies[1][..4], &bodies[2][..4], &bodies[3][..6]),
        ("<one", "<two", "<three")
    );
}

#[tokio::test(start_paused = true)]
async fn a_post_for_a_dialog_that_is_gone_harms_nobody() {
    let (mut connection, mut peer, dialog) = in_dialog(Limits::default(), 1 << 20).await;
    let now = connection.now();
    connection.agent().bye(now, dialog).unwrap();
    connection.outbox().try_push(post(dialog, "<late/>")).unwrap();
    still_open(&mut connection).await;
    let sent = read(&mut peer).await;
    assert!(sent.starts_with("BYE ") && !sent.contains("<late/>"), "{sent}");
}

#[tokio::test(start_paused = true)]
async fn signals_wake_the_owner() {
    let (mut connection, _peer) = in_memory_of(settings(), 1 << 20);
    let outbox = connection.outbox();
    outbox.try_push(Outbound::Signal(7)).unwrap();
    tokio::spawn(async move { outbox.try_push(Outbound::Signal(8)).unwrap() });
    assert!(matches!(connection.next().await, Event::Signal(7)));
    assert!(matches!(connection.next().await, Event::Signal(8)));
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_is_too_slow_is_closed_with_the_numbers() {
    let limits = Limits {
        outbox_frames: 100,
        ..Limits::default()
    };
    let (mut connection, _peer, dialog) = in_dialog(limits, 2048).await;
    let outbox = connection.outbox();
    let mut taken = 0;
    let full = loop {
        match outbox.try_push(post(dialog, "0123456789")) {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
        if taken % 50 == 0 {
            still_open(&mut connection).await;
        }
        assert!(taken < 10_000, "the outbox never fills");
    };
    assert_eq!(full, PushError::Full);
    let Event::Closed(cause) = connection.next().await else {
        panic!("it should be closed")
    };
    assert!(
        matches!(
            cause,
            CloseCause::OutboxFull {
                frames: 100,
                bytes: 1000
            }
        ),
        "{cause}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_burst_larger_than_one_write_arrives_whole() {
    let (mut connection, mut peer, dialog) = in_dialog(Limits::default(), 1 << 20).await;
    for _ in 0..1_000 {
        connection.outbox().try_push(post(dialog, "0123456789")).unwrap();
    }
    still_open(&mut connection).await;
    let mut sent = read(&mut peer).await;
    while sent.matches("0123456789").count() < 1_000 {
        sent.push_str(&read(&mut peer).await);
    }
    assert_eq!(sent.matches("\r\n\r\n0123456789").count(), 1_000);
}

#[tokio::test(start_paused = true)]
async fn posts_pushed_while_the_peer_was_slow_follow_without_a_push_more() {
    // What is left when the peer reads again is sent in one turn or in several.
    for before in (200..600).step_by(20) {
        let (mut connection, mut peer, dialog) = in_dialog(Limits::default(), 100 << 10).await;
        for _ in 0..before {
            connection.outbox().try_push(post(dialog, "0123456789")).unwrap();
        }
        still_open(&mut connection).await;
        connection.outbox().try_push(post(dialog, "the last")).unwrap();
        // In a task of its own: nothing but the connection's own wakers may run the connection.
        let reading = tokio::spawn(async move {
            let mut sent = String::new();
            while !sent.ends_with("the last") {
                sent.push_str(&read(&mut peer).await);
            }
            sent.matches("0123456789").count()
        });
        let start = tokio::time::Instant::now();
        let event = connection.next().await;
        assert!(
            matches!(event, Event::Closed(CloseCause::PeerClosed)),
            "{event:?}"
        );
        assert_eq!(reading.await.unwrap(), before);
        assert_eq!(
            start.elapsed().as_secs(),
            0,
            "it waited for some timer, after {before}"
        );
    }
}
