//! Waits that end, by a clock that the tests turn.

use std::time::Duration;

use parlor_net::{CloseCause, Connection, ConnectionSettings, Event, KeepAlivePolicy, Limits};
use tokio::time::{Instant, timeout};

use crate::connection::still_open;
use crate::support::{in_memory, in_memory_of, read, request, write};

const SECOND: Duration = Duration::from_secs(1);

/// How a connection ends, and after how long.
async fn end(connection: &mut Connection) -> (String, Duration) {
    let start = Instant::now();
    loop {
        match connection.next().await {
            Event::Closed(cause) => return (cause.to_string(), start.elapsed()),
            Event::Sip(_) => {}
            event => panic!("{event:?}"),
        }
    }
}

/// Without the moments a timer is late.
fn about(duration: Duration) -> u128 {
    (duration.as_millis() + 500) / 1_000
}

/// Without time for goodbyes, which the peers of these tests never say.
fn settings() -> ConnectionSettings {
    let limits = Limits {
        close: Duration::ZERO,
        ..Limits::default()
    };
    ConnectionSettings {
        limits,
        ..crate::support::settings()
    }
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_is_closed_after_a_minute() {
    let (mut connection, mut peer) = in_memory(settings());
    write(&mut peer, "\r\n\r\n").await;
    let (cause, after) = end(&mut connection).await;
    assert_eq!((cause.as_str(), about(after)), ("no SIP message within 60 s", 60));
}

#[tokio::test(start_paused = true)]
async fn who_goes_silent_is_closed_after_a_quarter_of_an_hour() {
    let (mut connection, mut peer) = in_memory(settings());
    write(&mut peer, &request("REGISTER", 1)).await;
    assert!(matches!(connection.next().await, Event::Sip(_)));
    for _ in 0..10 {
        assert!(
            timeout(800 * SECOND, connection.next()).await.is_err(),
            "a ping every 800 s is enough"
        );
        write(&mut peer, "\r\n\r\n").await;
    }
    let (cause, after) = end(&mut connection).await;
    assert_eq!((cause.as_str(), about(after)), ("idle for 900 s", 900));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_the_agent_answers_by_itself_is_a_first_message() {
    let (mut connection, mut peer) = in_memory(settings());
    write(&mut peer, &request("OPTIONS", 1)).await;
    assert!(timeout(100 * SECOND, connection.next()).await.is_err());
    assert!(read(&mut peer).await.starts_with("SIP/2.0 200 OK\r\n"));
}

fn pinging(answer_within: Option<Duration>) -> ConnectionSettings {
    ConnectionSettings {
        keep_alive: KeepAlivePolicy::Ping {
            after: 30 * SECOND,
            answer_within,
        },
        ..settings()
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_pings_when_it_is_quiet() {
    let mut settings = pinging(Some(10 * SECOND));
    settings.limits = Limits {
        first_message: None,
        idle: None,
        ..Limits::default()
    };
    let (mut connection, mut peer) = in_memory(settings);
    for _ in 0..3 {
        assert!(timeout(30 * SECOND, connection.next()).await.is_err());
        still_open(&mut connection).await;
        assert_eq!(read(&mut peer).await, "\r\n\r\n");
        write(&mut peer, "\r\n").await;
        still_open(&mut connection).await;
    }
    let (cause, after) = end(&mut connection).await;
    assert_eq!(
        (cause.as_str(), about(after)),
        ("keep-alive not answered within 10 s", 40)
    );
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_pinged_for_ever() {
    let mut settings = pinging(None);
    settings.limits = Limits {
        first_message: None,
        idle: None,
        ..Limits::default()
    };
    let (mut connection, mut peer) = in_memory(settings);
    assert!(timeout(95 * SECOND, connection.next()).await.is_err());
    assert_eq!(read(&mut peer).await, "\r\n\r\n".repeat(3));
}

#[tokio::test(start_paused = true)]
async fn who_does_not_read_is_closed() {
    let (mut connection, mut peer) = in_memory_of(settings(), 4096);
    let flood = async {
        for cseq in 1.. {
            let request = request("OPTIONS", cseq);
            if tokio::io::AsyncWriteExt::write_all(&mut peer, request.as_bytes())
                .await
                .is_err()
            {
                return cseq;
            }
        }
        unreachable!()
    };
    let ((cause, after), sent) = tokio::join!(end(&mut connection), flood);
    assert_eq!(about(after), 30);
    assert!(cause.starts_with("peer took nothing for 30 s with "), "{cause}");
    // 64 KB of answers of some 250 bytes, and what was on the way.
    assert!(
        sent < 600,
        "listened to {sent} requests of a peer that does not read"
    );
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_is_not_a_dead_one() {
    let (mut connection, mut peer) = in_memory_of(settings(), 1024);
    let requests: String = (1..=40).map(|cseq| request("OPTIONS", cseq)).collect();
    let (mut reader, mut writer) = tokio::io::split(&mut peer);
    let read_slowly = async {
        let mut answers = String::new();
        let mut buffer = [0; 512];
        while answers.matches("SIP/2.0 200 OK").count() < 40 {
            tokio::time::sleep(20 * SECOND).await;
            let count = tokio::io::AsyncReadExt::read(&mut reader, &mut buffer)
                .await
                .unwrap();
            answers.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
        }
    };
    let ask = async {
        tokio::io::AsyncWriteExt::write_all(&mut writer, requests.as_bytes())
            .await
            .unwrap()
    };
    tokio::select! {
        event = connection.next() => panic!("{event:?}"),
        ((), ()) = async { tokio::join!(read_slowly, ask) } => {}
    }
}

#[tokio::test(start_paused = true)]
async fn a_goodbye_that_nobody_takes_ends_too() {
    let (mut connection, _peer) = in_memory_of(crate::support::settings(), 16);
    let now = connection.now();
    let uri: parlor_sip::Uri = "sip:a@example.com".parse().unwrap();
    let draft = parlor_sip::RequestDraft::new(parlor_sip::Method::MESSAGE);
    connection
        .agent()
        .request(now, &parlor_sip::Target::new(uri.clone(), uri), draft);
    let start = Instant::now();
    connection.close(CloseCause::Shutdown).await;
    assert_eq!(about(start.elapsed()), 3);
}
