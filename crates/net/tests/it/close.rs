//! How connections end.

use parlor_net::{ClientTls, CloseCause, Event, Outbound, ServerTls};
use parlor_sip::{Method, RequestDraft, Target, Uri};
use tokio::io::AsyncWriteExt;

use crate::support::{Authority, chain, in_memory, listen, read_to_end, request, settings, shake, to, write};

#[tokio::test(start_paused = true)]
async fn garbage_gets_a_last_answer() {
    let (mut connection, mut peer) = in_memory(settings());
    let broken = request("REGISTER", 1).replace("Content-Length: 0", "Content-Length: many");
    write(&mut peer, &broken).await;
    let (event, rest) = tokio::join!(connection.next(), async {
        let text = read_to_end(&mut peer).await;
        drop(peer);
        text
    });
    let Event::Closed(cause) = event else {
        panic!("{event:?}")
    };
    assert_eq!(
        chain(&cause),
        "not acceptable as SIP: unreadable message: content-length is not a number"
    );
    assert!(rest.starts_with("SIP/2.0 400 "), "{rest}");
}

#[tokio::test(start_paused = true)]
async fn what_came_before_the_end_is_still_told() {
    let (mut connection, mut peer) = in_memory(settings());
    write(&mut peer, &request("REGISTER", 1)).await;
    peer.shutdown().await.unwrap();
    assert!(matches!(connection.next().await, Event::Sip(_)));
    assert!(matches!(
        connection.next().await,
        Event::Closed(CloseCause::PeerClosed)
    ));
}

#[tokio::test(start_paused = true)]
async fn what_was_queued_before_a_close_is_still_sent() {
    let (mut connection, mut peer) = in_memory(settings());
    let now = connection.now();
    let uri: Uri = "sip:a@example.com".parse().unwrap();
    connection.agent().request(
        now,
        &Target::new(uri.clone(), uri),
        RequestDraft::new(Method::MESSAGE),
    );
    connection.outbox().close(CloseCause::Local("test"));
    let reading = tokio::spawn(async move { read_to_end(&mut peer).await });
    let event = connection.next().await;
    assert!(
        matches!(event, Event::Closed(CloseCause::Local("test"))),
        "{event:?}"
    );
    drop(connection);
    assert!(
        reading
            .await
            .unwrap()
            .starts_with("MESSAGE sip:a@example.com SIP/2.0\r\n")
    );
}

#[tokio::test]
async fn an_outbox_outlives_its_connection() {
    let (connection, _peer) = in_memory(settings());
    let outbox = connection.outbox();
    drop(connection);
    assert!(outbox.is_closed());
    assert_eq!(
        outbox.try_push(Outbound::Signal(1)).unwrap_err().to_string(),
        "connection closed"
    );
}

#[tokio::test]
async fn tls_says_goodbye() {
    let authority = Authority::new("A");
    let server = ServerTls::load(authority.server_tls()).unwrap();
    let client = ClientTls::load(authority.client_tls(Some(authority.application()))).unwrap();
    let (served, connected) = shake(&server, &client).await;
    let (served, mut connected) = (served.unwrap(), connected.unwrap());
    let (event, ()) = tokio::join!(connected.next(), served.close(CloseCause::Shutdown));
    assert!(
        matches!(event, Event::Closed(CloseCause::PeerClosed)),
        "{event:?}"
    );
}

#[tokio::test]
async fn a_reset_is_told_from_a_goodbye() {
    let listener = listen(None).await;
    let peer = tokio::net::TcpStream::connect(listener.local_addr())
        .await
        .unwrap();
    let mut connection = listener.accept().await.unwrap().establish().await.unwrap();
    peer.set_zero_linger().unwrap();
    drop(peer);
    let Event::Closed(cause) = connection.next().await else {
        panic!("it should be closed")
    };
    assert_eq!(
        chain(&cause),
        "connection lost: Connection reset by peer (os error 104)"
    );
}

#[tokio::test]
async fn plain_sip_reaches_a_plain_listener() {
    let listener = listen(None).await;
    let (served, connected) = tokio::join!(
        async { listener.accept().await.unwrap().establish().await },
        async { parlor_net::connect(to(listener.local_addr(), None)).await }
    );
    let (mut served, mut connected) = (served.unwrap(), connected.unwrap());
    assert_eq!(served.peer(), None);
    let now = connected.now();
    let uri: Uri = "sip:a@example.com".parse().unwrap();
    connected.agent().request(
        now,
        &Target::new(uri.clone(), uri),
        RequestDraft::new(Method::MESSAGE),
    );
    tokio::select! {
        event = served.next() => assert!(matches!(event, Event::Sip(_)), "{event:?}"),
        event = connected.next() => panic!("{event:?}"),
    }
}
