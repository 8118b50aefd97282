//! A mail server on loopback that keeps what it is given, and refuses or dies where a test says so.

mod conversation;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use parlor_net::certificates::{DevelopmentAuthority, Subject};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// Longer than anything in a test takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a [`MailServer`] protects its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// Not at all.
    None,
    /// It offers STARTTLS, and takes neither sign-in nor mail without it.
    StartTls,
    /// TLS from the first byte.
    Implicit,
}

/// A mail as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedMail {
    /// The envelope's sender.
    pub from: String,
    /// The envelope's recipients.
    pub to: Vec<String>,
    /// Headers and body, with `\n` at the end of lines.
    pub text: String,
    /// Over which connection it came, counted from 1.
    pub connection: u32,
}

impl ReceivedMail {
    /// The value of a header on one line.
    pub fn header(&self, name: &str) -> Option<&str> {
        let prefix = format!("{name}: ");
        self.text.lines().find_map(|line| line.strip_prefix(&prefix))
    }
}

/// A running server; it ends with the value.
pub struct MailServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

struct Shared {
    script: Mutex<Script>,
    /// What arrived in full, whether it was confirmed or not.
    received: watch::Sender<Vec<ReceivedMail>>,
    /// Connections that have ended.
    closed: watch::Sender<usize>,
    /// Whether a confirmation is held back.
    held: watch::Sender<bool>,
    protection: Protection,
    acceptor: TlsAcceptor,
    account: Option<String>,
}

#[derive(Debug, Default)]
struct Script {
    refusals: VecDeque<(String, String)>,
    deaths: u32,
    commands: Vec<String>,
    connections: u32,
}

impl MailServer {
    /// Starts one with a certificate for 127.0.0.1 by the authority in `folder`. With an account it takes mail only from who
    /// has signed in as it: `(user, password)`.
    pub async fn start(folder: &Path, protection: Protection, account: Option<(&str, &str)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            script: Mutex::default(),
            received: watch::Sender::default(),
            closed: watch::Sender::default(),
            held: watch::Sender::default(),
            protection,
            acceptor: acceptor(folder),
            account: account.map(|(user, password)| plain(user, password)),
        });
        let mut tasks = JoinSet::new();
        let accepting = shared.clone();
        tasks.spawn(async move {
            let mut conversations = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let shared = accepting.clone();
                conversations.spawn(async move {
                    // A client that hangs up, or does not believe the certificate, ends its conversation.
                    let _ = shared.talk(stream).await;
                    shared.closed.send_modify(|closed| *closed += 1);
                });
            }
        });
        Self {
            address,
            shared,
            _tasks: tasks,
        }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Answers the next command that begins with `verb` with `reply`; `DATA` is the announcement, `.` the mail itself,
    /// `CONNECT` the greeting.
    pub fn refuse(&self, verb: &str, reply: &str) {
        let refusal = (verb.to_owned(), reply.to_owned());
        self.shared.script().refusals.push_back(refusal);
    }

    /// Takes the next mail in full and closes the connection instead of confirming it.
    pub fn die_before_confirming(&self) {
        self.shared.script().deaths += 1;
    }

    /// Holds back confirmations, or lets them go.
    pub fn hold(&self, held: bool) {
        self.shared.held.send_replace(held);
    }

    /// Waits until so many mails have arrived; all of them.
    pub async fn received(&self, count: usize) -> Vec<ReceivedMail> {
        let mut received = self.shared.received.subscribe();
        let enough = received.wait_for(|mails| mails.len() >= count);
        match tokio::time::timeout(PATIENCE, enough).await {
            Ok(mails) => mails.unwrap().clone(),
            Err(_) => panic!(
                "{count} mails did not arrive: {:#?}",
                *self.shared.received.borrow()
            ),
        }
    }

    /// Waits until so many connections have ended.
    pub async fn closed(&self, count: usize) {
        let mut closed = self.shared.closed.subscribe();
        let enough = closed.wait_for(|closed| *closed >= count);
        let waited = tokio::time::timeout(PATIENCE, enough).await;
        assert!(waited.is_ok(), "{count} connections did not end");
    }

    /// What was said to it, without mails and passwords.
    pub fn commands(&self) -> Vec<String> {
        self.shared.script().commands.clone()
    }
}

impl std::fmt::Debug for MailServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MailServer")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// What AUTH PLAIN sends (RFC 4616).
fn plain(user: &str, password: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(format!("\0{user}\0{password}"))
}

fn acceptor(folder: &Path) -> TlsAcceptor {
    let authority = DevelopmentAuthority::open(folder).unwrap();
    let subject = Subject::Server {
        names: vec!["mail.example.com".to_owned(), "localhost".to_owned()],
        addresses: vec![[127, 0, 0, 1].into()],
    };
    let identity = authority.issue("mail", &subject).unwrap();
    let chain = CertificateDer::pem_file_iter(identity.certificates).unwrap();
    let key = PrivateKeyDer::from_pem_file(identity.key).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.map(Result::unwrap).collect(), key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}
