//! What comes in by a webhook and was acknowledged appears once, whatever stops in between.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parlor_host::fault::{Faults, Point};
use parlor_host::{Config, HostEvent, LedgerQuery, ProblemKind, ReloadError, StartError, Webhooks};
use parlor_net::certificates::{DevelopmentAuthority, Subject};
use parlor_net::{ClientCertificate, ServerTls, ServerTlsSettings};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::bots::registry;
use crate::deployment::{Deployment, Running, instance};

const SECRET: &str = "a secret of sufficient length";

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A host with the relay, which posts the text of what comes in by `/hooks/ci`.
fn config(deployment: &Deployment) -> Config {
    std::fs::write(deployment.path("ci.secret"), SECRET).unwrap();
    let settings = json!({"hooks": [{"name": "ci", "signature": "bearer", "secret": "file:ci.secret"}]});
    let mut config = deployment.host(vec![instance("relay", settings)]);
    config.webhooks = Some(Webhooks::new(([127, 0, 0, 1], 0).into()));
    config
}

/// Sends a request; the status, or none when there was no answer.
async fn post(address: SocketAddr, secret: &str, key: u32) -> Option<u16> {
    post_on(TcpStream::connect(address).await.unwrap(), secret, key).await
}

async fn post_on(mut stream: impl AsyncRead + AsyncWrite + Unpin, secret: &str, key: u32) -> Option<u16> {
    let body = format!("{{\"text\": \"number {key}\"}}");
    let request = format!(
        "POST /hooks/ci HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {secret}\r\nIdempotency-Key: {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let _reset = stream.read_to_string(&mut answer).await;
    answer.split(' ').nth(1)?.parse().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wherever_the_host_is_killed_what_was_acknowledged_appears_once_and_in_order() {
    for point in Point::ALL {
        if point == Point::Fetched {
            continue;
        }
        let deployment = Deployment::new();
        let mut dying = config(&deployment);
        dying.faults = Faults::when(move |at, what| at == point && what == "webhook:ci:1");
        let faults = dying.faults.clone();
        let host = Running::start(dying, registry()).await;
        let address = host.host.webhooks().unwrap();
        let sent = tokio::spawn(post(address, SECRET, 1));
        let crashed = tokio::time::timeout(PATIENCE, faults.crashed()).await;
        crashed.unwrap_or_else(|_| panic!("{point:?} is not passed"));
        // Killed between the commit and the answer, the sender hears nothing.
        if point == Point::Accepted {
            sent.abort();
        } else {
            assert_eq!(sent.await.unwrap(), Some(202), "{point:?}");
        }
        host.host.kill().await;

        let mut host = Running::start(config(&deployment), registry()).await;
        let address = host.host.webhooks().unwrap();
        assert_eq!(
            post(address, SECRET, 1).await,
            Some(200),
            "{point:?}: it is known"
        );
        assert_eq!(post(address, SECRET, 2).await, Some(202));
        host.until(|event| matches!(event, HostEvent::Posted { excerpt, .. } if excerpt == "number 2"))
            .await;
        host.shutdown().await;
        assert_eq!(deployment.said().await, ["number 1", "number 2"], "{point:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_tells_the_way_of_a_request() {
    let deployment = Deployment::new();
    let mut host = Running::start(config(&deployment), registry()).await;
    let address = host.host.webhooks().unwrap();
    assert_eq!(post(address, SECRET, 7).await, Some(202));
    assert_eq!(post(address, "not the secret, though long", 8).await, Some(401));
    host.posted(1).await;
    let entries = host.host.ledger_about("webhook:ci:7").await.unwrap();
    let told: Vec<_> = entries.iter().map(|entry| entry.status.as_str()).collect();
    assert_eq!(told, ["seen", "handled", "queued", "sent", "acknowledged"]);
    let all = host.host.ledger(LedgerQuery::default()).await.unwrap();
    assert_eq!(all.len(), entries.len(), "of what was refused it tells nothing");
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_template_cannot_say_is_set_aside_and_can_be_retried() {
    let deployment = Deployment::new();
    let mut config = config(&deployment);
    config.instances[0].settings["hooks"][0]["text"] = json!("{{ body.title }}");
    let mut host = Running::start(config.clone(), registry()).await;
    assert_eq!(post(host.host.webhooks().unwrap(), SECRET, 1).await, Some(202));
    let told = host
        .until(|event| matches!(event, HostEvent::Quarantined { .. }))
        .await;
    let HostEvent::Quarantined { reason, .. } = told else {
        unreachable!()
    };
    assert!(reason.contains("there is no variable `body.title`"), "{reason}");

    config.instances[0].settings["hooks"][0]["text"] = json!("{{ body.text }}!");
    host.host
        .reload(&config, &registry(), Duration::from_secs(20))
        .await
        .unwrap();
    let retried = host
        .host
        .retry(parlor_host::Retry::Quarantined(None))
        .await
        .unwrap();
    assert_eq!(retried.events, 1);
    host.posted(1).await;
    host.shutdown().await;
    assert_eq!(deployment.said().await, ["number 1!"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_takes_new_secrets_and_webhooks_up_on_the_same_address() {
    let deployment = Deployment::new();
    let mut config = config(&deployment);
    let mut host = Running::start(config.clone(), registry()).await;
    let address = host.host.webhooks().unwrap();
    assert_eq!(post(address, SECRET, 1).await, Some(202));
    let drain = Duration::from_secs(20);
    std::fs::write(deployment.path("ci.secret"), "quite another secret").unwrap();
    host.host.reload(&config, &registry(), drain).await.unwrap();
    assert_eq!(post(address, SECRET, 2).await, Some(401));
    assert_eq!(post(address, "quite another secret", 2).await, Some(202));

    std::fs::remove_file(deployment.path("ci.secret")).unwrap();
    let refused = host.host.reload(&config, &registry(), drain).await.unwrap_err();
    let ReloadError::Problems(problems) = &refused else {
        panic!("{refused}")
    };
    assert!(
        matches!(problems[0].source, ProblemKind::Secret { .. }),
        "{refused}"
    );
    assert_eq!(
        post(address, "quite another secret", 3).await,
        Some(202),
        "the old one stays"
    );

    config.instances.clear();
    host.host.reload(&config, &registry(), drain).await.unwrap();
    assert_eq!(post(address, "quite another secret", 4).await, Some(404));
    host.shutdown().await;
}

/// The listener's TLS, and a client that believes its certificate.
fn tls(deployment: &Deployment) -> (ServerTls, TlsConnector) {
    let authority = DevelopmentAuthority::open(&deployment.path("hooks")).unwrap();
    let subject = Subject::Server {
        names: vec!["hooks.example.com".to_owned()],
        addresses: Vec::new(),
    };
    let server = ServerTls::load(ServerTlsSettings {
        identity: authority.issue("hooks", &subject).unwrap(),
        client_certificate: ClientCertificate::Ignored,
        client_roots: None,
        crl: None,
        accept_server_auth_only: false,
    });
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_file_iter(authority.roots()).unwrap() {
        roots.add(root.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (server.unwrap(), TlsConnector::from(Arc::new(client)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_with_a_certificate_speaks_tls_and_nothing_else() {
    let deployment = Deployment::new();
    let (server, client) = tls(&deployment);
    let mut config = config(&deployment);
    config.webhooks.as_mut().unwrap().tls = Some(server);
    let mut host = Running::start(config, registry()).await;
    let address = host.host.webhooks().unwrap();
    assert_eq!(post(address, SECRET, 1).await, None, "not in the clear");
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("hooks.example.com").unwrap();
    let stream = client.connect(name, stream).await.unwrap();
    assert_eq!(post_on(stream, SECRET, 2).await, Some(202));
    host.posted(1).await;
    host.shutdown().await;
    assert_eq!(deployment.said().await, ["number 2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_that_cannot_come_in_are_problems() {
    let deployment = Deployment::new();
    let mut config = config(&deployment);
    let mut other = config.instances[0].clone();
    other.id = "other".to_owned();
    config.instances.push(other);
    let problems = parlor_host::validate(&config, &registry());
    assert_eq!(
        problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["other: the webhook `ci` is that of bot `relay` too; their names are part of addresses"]
    );
    config.instances.truncate(1);
    config.webhooks = None;
    let problems = parlor_host::validate(&config, &registry());
    assert!(
        matches!(problems[0].source, ProblemKind::NoListener(_)),
        "{problems:?}"
    );

    let taken = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    config.webhooks = Some(Webhooks::new(taken.local_addr().unwrap()));
    let failed = parlor_host::start(config, registry()).await.unwrap_err();
    assert!(matches!(failed, StartError::Webhooks { .. }), "{failed}");
}
