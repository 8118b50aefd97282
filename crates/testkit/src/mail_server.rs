//! A mail server on loopback that keeps what it is given, and refuses or dies where a test says so.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine as _;
use parlor_net::certificates::{DevelopmentAuthority, Subject};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
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

/// What follows a conversation in clear.
enum End<S> {
    Closed,
    Encrypt(S),
}

/// Who a mail is from and for.
#[derive(Default)]
struct Envelope {
    from: String,
    to: Vec<String>,
}

impl Shared {
    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    async fn talk(&self, stream: TcpStream) -> std::io::Result<()> {
        let connection = {
            let mut script = self.script();
            script.connections += 1;
            script.connections
        };
        if self.protection == Protection::Implicit {
            let stream = self.acceptor.accept(stream).await?;
            self.converse(BufReader::new(stream), true, true, connection)
                .await?;
            return Ok(());
        }
        if let End::Encrypt(stream) = self
            .converse(BufReader::new(stream), true, false, connection)
            .await?
        {
            let stream = self.acceptor.accept(stream.into_inner()).await?;
            self.converse(BufReader::new(stream), false, true, connection)
                .await?;
        }
        Ok(())
    }

    async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut stream: BufReader<S>,
        greets: bool,
        encrypted: bool,
        connection: u32,
    ) -> std::io::Result<End<BufReader<S>>> {
        if greets {
            let greeting = self.refusal("CONNECT");
            let greeting = greeting.unwrap_or_else(|| "220 mail.example.com ready".to_owned());
            say(&mut stream, &greeting).await?;
        }
        let (mut envelope, mut signed_in) = (Envelope::default(), self.account.is_none());
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(End::Closed);
            }
            let line = line.trim_end();
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
            let told = if verb == "AUTH" { "AUTH" } else { line };
            self.script().commands.push(told.to_owned());
            if let Some(refusal) = self.refusal(&verb) {
                say(&mut stream, &refusal).await?;
                continue;
            }
            let lacks_tls = self.protection == Protection::StartTls && !encrypted;
            let answer = match verb.as_str() {
                "EHLO" if lacks_tls => "250-mail.example.com\r\n250 STARTTLS",
                "EHLO" if self.account.is_some() => "250-mail.example.com\r\n250 AUTH PLAIN",
                "EHLO" => "250 mail.example.com",
                "STARTTLS" => {
                    say(&mut stream, "220 go ahead").await?;
                    return Ok(End::Encrypt(stream));
                }
                "QUIT" => {
                    say(&mut stream, "221 bye").await?;
                    return Ok(End::Closed);
                }
                "AUTH" if lacks_tls => "530 5.7.0 STARTTLS first",
                "AUTH" => {
                    signed_in = self.account.as_deref() == line.strip_prefix("AUTH PLAIN ");
                    if signed_in {
                        "235 2.7.0 welcome"
                    } else {
                        "535 5.7.8 wrong password"
                    }
                }
                "MAIL" if lacks_tls || !signed_in => "530 5.7.0 sign in first",
                "MAIL" => {
                    envelope = Envelope {
                        from: address(line),
                        ..Envelope::default()
                    };
                    "250 2.1.0 sender ok"
                }
                "RCPT" => {
                    envelope.to.push(address(line));
                    "250 2.1.5 recipient ok"
                }
                "RSET" => "250 2.0.0 reset",
                "DATA" => {
                    say(&mut stream, "354 go on").await?;
                    let mail = ReceivedMail {
                        from: std::mem::take(&mut envelope.from),
                        to: std::mem::take(&mut envelope.to),
                        text: read_mail(&mut stream).await?,
                        connection,
                    };
                    let Some(answer) = self.take_in(mail).await else {
                        return Ok(End::Closed);
                    };
                    say(&mut stream, &answer).await?;
                    continue;
                }
                _ => "500 5.5.1 what?",
            };
            say(&mut stream, answer).await?;
        }
    }

    /// Keeps a mail, unless it is refused; `None` when the server dies over it.
    async fn take_in(&self, mail: ReceivedMail) -> Option<String> {
        if let Some(refusal) = self.refusal(".") {
            return Some(refusal);
        }
        self.received.send_modify(|mails| mails.push(mail));
        let dies = {
            let mut script = self.script();
            let dies = script.deaths > 0;
            script.deaths = script.deaths.saturating_sub(1);
            dies
        };
        if dies {
            return None;
        }
        let _ = self.held.subscribe().wait_for(|held| !held).await;
        Some(format!("250 2.0.0 queued as {}", self.received.borrow().len()))
    }

    fn refusal(&self, verb: &str) -> Option<String> {
        let refusals = &mut self.script().refusals;
        let at = refusals.iter().position(|(of, _)| of == verb)?;
        refusals.remove(at).map(|(_, reply)| reply)
    }
}

async fn say<S: AsyncWrite + Unpin>(stream: &mut S, line: &str) -> std::io::Result<()> {
    stream.write_all(format!("{line}\r\n").as_bytes()).await?;
    stream.flush().await
}

/// Reads until the line with a single dot; the dot before others is doubled (RFC 5321, section 4.5.2).
async fn read_mail<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> std::io::Result<String> {
    let mut text = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end_matches("\r\n");
        if line == "." {
            return Ok(text);
        }
        text.push_str(line.strip_prefix('.').unwrap_or(line));
        text.push('\n');
    }
}

/// `MAIL FROM:<ann@example.com> SIZE=1` → `ann@example.com`.
fn address(line: &str) -> String {
    let inner = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inner.map(|(address, _)| address.to_owned()).unwrap_or_default()
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
