//! Feeds over TLS, from a server whose certificate a local authority has issued.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use parlor_bot::FeedUrl;
use parlor_net::certificates::{DevelopmentAuthority, Subject};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::web::Web;
use super::{Feed, FeedError, Fetched, Fetcher, Roots, Validators};

const RSS: &str = include_str!("testdata/news.rss");

/// Serves the feed over TLS with a certificate for 127.0.0.1, and the authority that issued it.
async fn serve() -> (SocketAddr, TempDir, Roots) {
    let folder = tempfile::tempdir().unwrap();
    let authority = DevelopmentAuthority::open(folder.path()).unwrap();
    let subject = Subject::Server {
        names: vec!["feeds.example.com".to_owned()],
        addresses: vec![IpAddr::from([127, 0, 0, 1])],
    };
    let identity = authority.issue("feeds", &subject).unwrap();
    let chain = CertificateDer::pem_file_iter(identity.certificates).unwrap();
    let key = PrivateKeyDer::from_pem_file(identity.key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.map(Result::unwrap).collect(), key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A client that does not believe the certificate hangs up here.
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{RSS}", RSS.len());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    let roots = Roots::from_pem(&std::fs::read(authority.roots()).unwrap()).unwrap();
    (address, folder, roots)
}

async fn fetch(roots: Roots, url: &str) -> Result<Feed, FeedError> {
    let web = Web::direct("parlor-test/1", Duration::from_secs(20), |_| false).trusting(roots);
    let url: FeedUrl = url.parse().unwrap();
    match Fetcher::over(web)
        .fetch(&url, &Validators::default(), false)
        .await?
    {
        Fetched::Changed { feed, .. } => Ok(feed),
        Fetched::NotModified { .. } => panic!("not modified"),
    }
}

#[tokio::test]
async fn a_feed_of_a_company_is_read_when_its_authority_is_believed() {
    let (address, _folder, roots) = serve().await;
    let feed = fetch(roots, &format!("https://{address}/")).await.unwrap();
    assert_eq!(feed.items.len(), 3);
}

#[tokio::test]
async fn a_server_that_cannot_prove_itself_is_refused_and_the_network_not_blamed() {
    let (address, _folder, roots) = serve().await;
    let unknown = fetch(Roots::default(), &format!("https://{address}/"))
        .await
        .unwrap_err();
    assert!(
        matches!(unknown, FeedError::Insecure(_)) && !unknown.is_network(),
        "{unknown:?}"
    );
    // The certificate is for 127.0.0.1 and one name, and this is another.
    let other = fetch(roots, &format!("https://localhost:{}/", address.port()))
        .await
        .unwrap_err();
    assert!(matches!(other, FeedError::Insecure(_)), "{other:?}");
}
