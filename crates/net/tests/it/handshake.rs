//! Handshakes: who is believed, and what each side says when it is not.

use std::io::{Read, Write};
use std::time::SystemTime;

use parlor_net::{
    ClientCertificate, ClientTls, ClientTlsSettings, CloseCause, ConnectError, Connection, Event,
    HandshakeError, ServerTls, ServerTlsSettings, connect,
};

use crate::support::{Authority, DAY, SERVER, chain, listen, server_only, shake, to};

/// What a client says, and a server, of a handshake that ought to fail.
async fn failures(server: ServerTlsSettings, client: ClientTlsSettings) -> (String, String) {
    let (server, client) = (ServerTls::load(server).unwrap(), ClientTls::load(client).unwrap());
    let (served, connected) = shake(&server, &client).await;
    let server = chain(&served.expect_err("the server should refuse"));
    let client = match connected {
        Err(error @ ConnectError::Handshake { .. }) => chain(std::error::Error::source(&error).unwrap()),
        Err(error) => panic!("{error}"),
        Ok(connection) => chain(&closed(connection).await),
    };
    (server, client)
}

/// TLS 1.3 lets a client know only after its handshake that it was refused.
async fn closed(mut connection: Connection) -> CloseCause {
    match connection.next().await {
        Event::Closed(cause) => cause,
        event => panic!("{event:?}"),
    }
}

#[tokio::test]
async fn both_sides_know_each_other() {
    let authority = Authority::new("A");
    let server = ServerTls::load(authority.server_tls()).unwrap();
    let client = ClientTls::load(authority.client_tls(Some(authority.application()))).unwrap();
    let (served, connected) = shake(&server, &client).await;
    let (served, connected) = (served.unwrap(), connected.unwrap());
    let application = served.peer().unwrap();
    assert_eq!(application.common_name.as_deref(), Some("bots.example.com"));
    assert_eq!(application.dns_names, ["bots.example.com", "bot1.example.com"]);
    assert_eq!(
        application.hosts().collect::<Vec<_>>(),
        ["bots.example.com", "bot1.example.com"]
    );
    assert!(application.has_host("BOT1.example.com") && !application.has_host("bot2.example.com"));
    assert!(application.has_sip_uri("sip:News@example.com"));
    assert_eq!(connected.peer().unwrap().dns_names, [SERVER]);
    assert_eq!(connected.peer_addr(), served.local_addr());
}

#[tokio::test]
async fn a_client_without_a_certificate() {
    let authority = Authority::new("A");
    let (server, client) = failures(authority.server_tls(), authority.client_tls(None)).await;
    assert_eq!(server, "peer gave no client certificate");
    assert_eq!(
        client,
        "TLS failed: peer refused: it requires a client certificate"
    );

    let settings = ServerTlsSettings {
        client_certificate: ClientCertificate::Optional,
        ..authority.server_tls()
    };
    let client = ClientTls::load(authority.client_tls(None)).unwrap();
    let (served, connected) = shake(&ServerTls::load(settings).unwrap(), &client).await;
    assert_eq!(served.unwrap().peer(), None);
    connected.unwrap();
}

#[tokio::test]
async fn a_server_of_another_name() {
    let authority = Authority::new("A");
    let client = ClientTlsSettings {
        server_name: Some("other.example.com".into()),
        ..authority.client_tls(None)
    };
    let (server, client) = failures(authority.server_tls(), client).await;
    assert_eq!(
        client,
        "peer certificate refused: not valid for other.example.com, only for pool.example.com"
    );
    assert_eq!(server, "peer refused: it does not accept our certificate");
}

#[tokio::test]
async fn a_server_whose_certificate_is_out_of_date() {
    let authority = Authority::new("A");
    let past = SystemTime::UNIX_EPOCH + 19_000 * DAY;
    let future = SystemTime::UNIX_EPOCH + 40_000 * DAY;
    let issue = |from: SystemTime, to: SystemTime| ServerTlsSettings {
        identity: authority.issue("dated", &[SERVER], |params| {
            params.not_before = from.into();
            params.not_after = to.into();
        }),
        ..authority.server_tls()
    };
    let (server, client) = failures(issue(past, past + DAY), authority.client_tls(None)).await;
    assert_eq!(client, "peer certificate refused: expired on 2022-01-09");
    assert_eq!(
        server,
        "peer refused: our certificate is expired or not valid yet"
    );
    let (_, client) = failures(issue(future, future + DAY), authority.client_tls(None)).await;
    assert_eq!(client, "peer certificate refused: not valid before 2079-07-08");
}

#[tokio::test]
async fn an_issuer_that_nobody_knows() {
    let (authority, other, namesake) = (Authority::new("A"), Authority::new("B"), Authority::new("A"));
    let stranger = authority.client_tls(Some(other.application()));
    let (server, client) = failures(authority.server_tls(), stranger).await;
    assert_eq!(server, "peer certificate refused: issuer is not trusted");
    assert_eq!(
        client,
        "TLS failed: peer refused: it does not trust the issuer of our certificate"
    );

    let impostor = authority.client_tls(Some(namesake.application()));
    let (server, _) = failures(authority.server_tls(), impostor).await;
    assert_eq!(
        server,
        "peer certificate refused: signature is not that of the trusted issuer of this name"
    );

    let (server, client) = failures(authority.server_tls(), other.client_tls(None)).await;
    assert_eq!(client, "peer certificate refused: issuer is not trusted");
    assert_eq!(
        server,
        "peer refused: it does not trust the issuer of our certificate"
    );
}

#[tokio::test]
async fn a_revoked_client() {
    let authority = Authority::new("A");
    let crl = authority.revoke(&[4711], SystemTime::now() + DAY);
    let settings = ServerTlsSettings {
        crl: Some(crl.clone()),
        ..authority.server_tls()
    };
    let (server, client) = failures(
        settings.clone(),
        authority.client_tls(Some(authority.application())),
    )
    .await;
    assert_eq!(server, "peer certificate refused: revoked");
    assert_eq!(client, "TLS failed: peer refused: our certificate is revoked");

    let other = authority.issue("other", &["bots.example.com"], |_| {});
    let client = ClientTls::load(authority.client_tls(Some(other))).unwrap();
    let (served, _connected) = shake(&ServerTls::load(settings).unwrap(), &client).await;
    served.expect("another certificate of the same issuer");
}

#[tokio::test]
async fn a_revoked_server() {
    let authority = Authority::new("A");
    let identity = authority.issue("withdrawn", &[SERVER], |params| {
        params.serial_number = Some(12.into())
    });
    let crl = authority.revoke(&[12], SystemTime::now() + DAY);
    let client = ClientTlsSettings {
        crl: Some(crl),
        ..authority.client_tls(None)
    };
    let (_, client) = failures(
        ServerTlsSettings {
            identity,
            ..authority.server_tls()
        },
        client,
    )
    .await;
    assert_eq!(client, "peer certificate refused: revoked");
}

#[tokio::test]
async fn a_client_certificate_made_for_servers() {
    let authority = Authority::new("A");
    let identity = authority.issue("lync", &["bots.example.com"], server_only);
    let client = authority.client_tls(Some(identity));
    let (server, alert) = failures(authority.server_tls(), client.clone()).await;
    assert_eq!(
        server,
        "peer certificate refused: not made for this use (extended key usage)"
    );
    assert_eq!(
        alert,
        "TLS failed: peer refused: our certificate is not made for this use (extended key usage)"
    );

    let settings = ServerTlsSettings {
        accept_server_auth_only: true,
        ..authority.server_tls()
    };
    let client = ClientTls::load(client).unwrap();
    let (served, _connected) = shake(&ServerTls::load(settings).unwrap(), &client).await;
    assert!(served.unwrap().peer().unwrap().has_host("bots.example.com"));
}

#[tokio::test]
async fn the_switch_accepts_no_other_purpose() {
    let authority = Authority::new("A");
    let identity = authority.issue("mail", &["bots.example.com"], |params| {
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::EmailProtection];
    });
    let settings = ServerTlsSettings {
        accept_server_auth_only: true,
        ..authority.server_tls()
    };
    let (server, _) = failures(settings, authority.client_tls(Some(identity))).await;
    assert_eq!(
        server,
        "peer certificate refused: not made for this use (extended key usage)"
    );
}

/// What a TLS listener says of a peer that starts like this.
async fn greeted_with(greeting: &'static [u8]) -> HandshakeError {
    let authority = Authority::new("A");
    let listener = listen(Some(ServerTls::load(authority.server_tls()).unwrap())).await;
    let mut peer = std::net::TcpStream::connect(listener.local_addr()).unwrap();
    peer.write_all(greeting).unwrap();
    peer.shutdown(std::net::Shutdown::Write).unwrap();
    listener.accept().await.unwrap().establish().await.unwrap_err()
}

#[tokio::test]
async fn a_client_that_speaks_no_tls() {
    let plain = "peer speaks plain SIP where TLS is expected";
    assert_eq!(
        greeted_with(b"REGISTER sip:example.com SIP/2.0\r\n")
            .await
            .to_string(),
        plain
    );
    assert_eq!(greeted_with(b"\r\n\r\n\r\n\r\n").await.to_string(), plain);
    assert_eq!(
        greeted_with(b"GET / HTTP/1.1\r\n\r\n").await.to_string(),
        "peer does not speak TLS"
    );
    assert_eq!(
        greeted_with(b"").await.to_string(),
        "peer closed the connection during the handshake"
    );
}

#[tokio::test]
async fn a_server_that_speaks_no_tls() {
    let authority = Authority::new("A");
    let client = ClientTls::load(authority.client_tls(None)).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream
            .write_all(b"SIP/2.0 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            .unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let error = connect(to(address, Some(client))).await.unwrap_err();
    assert_eq!(
        chain(&error),
        format!("no TLS with {address}: peer speaks plain SIP where TLS is expected")
    );
    server.join().unwrap();
}

#[tokio::test]
async fn a_client_that_speaks_tls_to_a_plain_listener() {
    let authority = Authority::new("A");
    let client = ClientTls::load(authority.client_tls(None)).unwrap();
    let listener = listen(None).await;
    let serve = async { closed(listener.accept().await.unwrap().establish().await.unwrap()).await };
    let (cause, connected) = tokio::join!(serve, connect(to(listener.local_addr(), Some(client))));
    assert_eq!(cause.to_string(), "peer speaks TLS where plain SIP is expected");
    connected.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn a_client_that_says_nothing() {
    let authority = Authority::new("A");
    let listener = listen(Some(ServerTls::load(authority.server_tls()).unwrap())).await;
    let _peer = std::net::TcpStream::connect(listener.local_addr()).unwrap();
    let error = listener.accept().await.unwrap().establish().await.unwrap_err();
    assert_eq!(error.to_string(), "handshake not finished within 10 s");
}

#[tokio::test]
async fn nobody_there() {
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let error = connect(to(free, None)).await.unwrap_err();
    assert_eq!(
        chain(&error),
        format!("cannot connect to {free}: Connection refused (os error 111)")
    );

    let mut nowhere = to(free, None);
    nowhere.host = "host.invalid".into();
    assert_eq!(
        connect(nowhere).await.unwrap_err().to_string(),
        "cannot resolve host.invalid"
    );
}

#[tokio::test]
async fn a_name_that_is_none() {
    let authority = Authority::new("A");
    let listener = listen(Some(ServerTls::load(authority.server_tls()).unwrap())).await;
    let settings = ClientTlsSettings {
        server_name: Some("not a name".into()),
        ..authority.client_tls(None)
    };
    let tls = ClientTls::load(settings).unwrap();
    let error = connect(to(listener.local_addr(), Some(tls))).await.unwrap_err();
    assert!(chain(&error).ends_with("\"not a name\" is neither a DNS name nor an address"));
}
