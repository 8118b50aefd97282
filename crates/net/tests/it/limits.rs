//! How many may come in.

use std::net::SocketAddr;

use parlor_net::{
    Admission, CloseCause, ConnectionSettings, Event, Limits, ListenError, ListenSettings, Listener,
};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::support::{listen, listen_with, settings};

#[tokio::test]
async fn one_peer_gets_its_share_until_it_gives_back() {
    let limits = Limits {
        connections_per_peer: 2,
        ..Limits::default()
    };
    let listener = listen_with(None, ConnectionSettings { limits, ..settings() }).await;
    let address = listener.local_addr();
    let mut peers = Vec::new();
    let mut connections = Vec::new();
    for _ in 0..2 {
        peers.push(TcpStream::connect(address).await.unwrap());
        connections.push(listener.accept().await.unwrap().establish().await.unwrap());
    }
    let mut refused = TcpStream::connect(address).await.unwrap();
    let mut byte = [0];
    tokio::select! {
        _ = listener.accept() => panic!("one too many"),
        end = refused.read(&mut byte) => assert_eq!(end.unwrap_or(0), 0),
    }
    connections.pop();
    let _welcome = TcpStream::connect(address).await.unwrap();
    listener.accept().await.unwrap();
}

#[tokio::test]
async fn a_handshake_counts_until_it_fails() {
    let limits = Limits::default();
    let admission = Admission::new(&limits);
    let address: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let listener = Listener::bind(ListenSettings {
        address,
        tls: None,
        connection: settings(),
        admission: admission.clone(),
    });
    let listener = listener.await.unwrap();
    let _peer = TcpStream::connect(listener.local_addr()).await.unwrap();
    let incoming = listener.accept().await.unwrap();
    assert_eq!(admission.open(), 1);
    drop(incoming);
    assert_eq!(admission.open(), 0);
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let listener = listen(None).await;
    let address = listener.local_addr();
    let admission = Admission::new(&Limits::default());
    let again = Listener::bind(ListenSettings {
        address,
        tls: None,
        connection: settings(),
        admission,
    })
    .await;
    let error = again.unwrap_err();
    assert!(matches!(error, ListenError::InUse { .. }));
    assert_eq!(
        error.to_string(),
        format!("{address} is in use by another process")
    );
}

#[tokio::test]
async fn a_shutdown_closes_everybody_and_waits() {
    let admission = Admission::new(&Limits::default());
    let address: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let settings = ListenSettings {
        address,
        tls: None,
        connection: settings(),
        admission: admission.clone(),
    };
    let listener = Listener::bind(settings).await.unwrap();
    let mut owners = Vec::new();
    let mut peers = Vec::new();
    for _ in 0..3 {
        peers.push(TcpStream::connect(listener.local_addr()).await.unwrap());
        let mut connection = listener.accept().await.unwrap().establish().await.unwrap();
        owners.push(tokio::spawn(async move { connection.next().await }));
    }
    admission.close_all();
    for mut peer in peers {
        assert_eq!(peer.read(&mut [0]).await.unwrap(), 0);
    }
    admission.emptied().await;
    for owner in owners {
        assert!(matches!(
            owner.await.unwrap(),
            Event::Closed(CloseCause::Shutdown)
        ));
    }
}
