//! One conversation with the mail server: greeting, TLS, sign-in, and mails one after the other (RFC 5321).
//!
//! It tells at which step the server refused, because that decides what is to be done: whoever is refused at sign-in has
//! to wait with everything, whoever is refused a recipient gives up that mail.

use std::fmt;
use std::time::Duration;

use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt, Rset};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;
use parlor_bot::MailAddress;
use serde::Serialize;
use tokio::time::{Instant, timeout};

use super::letter::envelope;
use super::{MailConfig, Security};

/// Mails sent over one connection; servers end one after a hundred or so.
const MAILS: u32 = 50;
/// How long saying goodbye may take: the mails are delivered already.
const GOODBYE: Duration = Duration::from_secs(2);
/// The most that is kept of what a server says, in characters.
const WORDS: usize = 300;

/// A step of the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stage {
    /// Reaching the server and greeting it.
    Connect,
    /// Protecting the connection.
    Tls,
    /// Signing in.
    SignIn,
    /// Naming the sender.
    Sender,
    /// Naming the recipient.
    Recipient,
    /// Announcing the mail.
    Data,
    /// Handing it over.
    Message,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::SignIn => "sign-in",
            Self::Sender => "sender",
            Self::Recipient => "recipient",
            Self::Data => "data",
            Self::Message => "message",
        })
    }
}

/// A step that succeeded, and what the server said to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Which.
    pub stage: Stage,
    /// The server's words.
    pub answer: String,
}

/// Why a conversation went no further.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{stage}: {words}")]
#[non_exhaustive]
pub struct Refusal {
    /// At which step.
    pub stage: Stage,
    /// The server's code, when it gave one: 4xx may pass, 5xx will not.
    pub code: Option<u16>,
    /// The server's words, or what happened instead.
    pub words: String,
}

impl Refusal {
    fn new(stage: Stage, error: &SmtpError) -> Self {
        let code = error.status().map(u16::from);
        let said = innermost(error);
        let words = code.map_or_else(|| said.to_string(), |code| format!("{code} {said}"));
        Self {
            // With TLS from the first byte a bad certificate shows while connecting.
            stage: if error.is_tls() || is_about_tls(said) {
                Stage::Tls
            } else {
                stage
            },
            code,
            words: shortened(&words),
        }
    }

    fn late(stage: Stage, wait: Duration) -> Self {
        Self {
            stage,
            code: None,
            words: format!("no answer within {} s", wait.as_secs_f64()),
        }
    }

    /// A mail that could not be written down.
    pub(super) fn of_letter(words: String) -> Self {
        let (stage, code) = (Stage::Message, None);
        Self { stage, code, words }
    }
}

/// What the library's errors are wrapped around: the server's words, or the fault of a connection.
fn innermost(error: &SmtpError) -> &(dyn std::error::Error + 'static) {
    let mut error: &(dyn std::error::Error + 'static) = error;
    while let Some(cause) = error.source() {
        error = cause;
    }
    error
}

fn is_about_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    let within = error.downcast_ref::<std::io::Error>();
    let within = within.and_then(std::io::Error::get_ref);
    within.is_some_and(|error| error.is::<rustls::Error>())
}

/// One line of a few hundred characters: what servers say ends up in terminals.
fn shortened(words: &str) -> String {
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().filter(|c| !c.is_control()).take(WORDS).collect()
}

/// A connection over which mails can be sent.
pub(super) struct Conversation {
    connection: AsyncSmtpConnection,
    sent: u32,
    used: Instant,
    idle: Duration,
}

impl Conversation {
    /// Reaches the server, protects the connection and signs in.
    pub(super) async fn open(config: &MailConfig, steps: &mut Vec<Step>) -> Result<Self, Refusal> {
        let hello = ClientId::Domain(config.hello.clone());
        let tls = match config.security {
            Security::None => None,
            Security::Implicit | Security::StartTls => Some(tls(config)?),
        };
        let from_start = tls.clone().filter(|_| config.security == Security::Implicit);
        let server = (config.host.as_str(), config.port);
        let wait = config.timeout;
        let dialling = AsyncSmtpConnection::connect_tokio1(server, Some(wait), &hello, from_start, None);
        let mut connection = within(Stage::Connect, wait, dialling).await?;
        steps.push(Step {
            stage: Stage::Connect,
            answer: format!(
                "{}:{} is {}",
                server.0,
                server.1,
                shortened(connection.server_info().name())
            ),
        });
        if let Some(tls) = tls {
            if config.security == Security::StartTls {
                within(Stage::Tls, wait, connection.starttls(tls, &hello)).await?;
            }
            let answer = "the connection is encrypted and the server's certificate is right".to_owned();
            steps.push(Step {
                stage: Stage::Tls,
                answer,
            });
        }
        if let Some(account) = &config.account {
            let credentials = Credentials::new(account.user.clone(), account.password.clone());
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            let said = within(Stage::SignIn, wait, connection.auth(&mechanisms, &credentials)).await?;
            steps.push(step(Stage::SignIn, &said));
        }
        Ok(Self {
            connection,
            sent: 0,
            used: Instant::now(),
            idle: config.idle,
        })
    }

    /// Whether one more mail may be sent over it.
    pub(super) fn is_fresh(&self) -> bool {
        self.sent < MAILS && self.used.elapsed() < self.idle && !self.connection.has_broken()
    }

    /// When it has been idle for too long.
    pub(super) fn idle_at(&self) -> Instant {
        self.used + self.idle
    }

    /// Sends one mail. After a refusal with a code the next one may be tried.
    pub(super) async fn send(
        &mut self,
        config: &MailConfig,
        to: &MailAddress,
        letter: &[u8],
        steps: &mut Vec<Step>,
    ) -> Result<(), Refusal> {
        self.used = Instant::now();
        let announced = self.announce(config, to, steps).await;
        if announced.as_ref().is_err_and(|refusal| refusal.code.is_some()) {
            // The server forgets the sender that it was told; one that does not is not used again.
            let _ = within(Stage::Sender, config.timeout, self.connection.command(Rset)).await;
        }
        announced?;
        let handing_over = self.connection.message(letter);
        let said = within(Stage::Message, config.final_timeout, handing_over).await?;
        steps.push(step(Stage::Message, &said));
        self.sent += 1;
        self.used = Instant::now();
        Ok(())
    }

    async fn announce(
        &mut self,
        config: &MailConfig,
        to: &MailAddress,
        steps: &mut Vec<Step>,
    ) -> Result<(), Refusal> {
        let bad = |stage| {
            move |error: lettre::address::AddressError| Refusal {
                stage,
                code: None,
                words: error.to_string(),
            }
        };
        let from = envelope(&config.from).map_err(bad(Stage::Sender))?;
        let to = envelope(to).map_err(bad(Stage::Recipient))?;
        let wait = config.timeout;
        let connection = &mut self.connection;
        let mail = MailFrom::new(Some(from), Vec::new());
        let said = within(Stage::Sender, wait, connection.command(mail)).await?;
        steps.push(step(Stage::Sender, &said));
        let said = within(
            Stage::Recipient,
            wait,
            connection.command(Rcpt::new(to, Vec::new())),
        )
        .await?;
        steps.push(step(Stage::Recipient, &said));
        let said = within(Stage::Data, wait, connection.command(Data)).await?;
        steps.push(step(Stage::Data, &said));
        Ok(())
    }

    /// Says goodbye.
    pub(super) async fn close(mut self, config: &MailConfig) {
        let _ = timeout(GOODBYE.min(config.timeout), self.connection.quit()).await;
    }
}

impl fmt::Debug for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conversation")
            .field("sent", &self.sent)
            .finish_non_exhaustive()
    }
}

fn tls(config: &MailConfig) -> Result<TlsParameters, Refusal> {
    let refused = |error: SmtpError| Refusal::new(Stage::Tls, &error);
    let mut tls = TlsParameters::builder(config.host.clone());
    if let Some(pem) = &config.roots {
        tls = tls.add_root_certificate(Certificate::from_pem(pem).map_err(refused)?);
    }
    tls.build().map_err(refused)
}

fn step(stage: Stage, said: &Response) -> Step {
    let lines: Vec<&str> = said.message().collect();
    let answer = shortened(&format!("{} {}", said.code(), lines.join(" ")));
    Step { stage, answer }
}

async fn within<T>(
    stage: Stage,
    wait: Duration,
    step: impl Future<Output = Result<T, SmtpError>>,
) -> Result<T, Refusal> {
    match timeout(wait, step).await {
        Ok(done) => done.map_err(|error| Refusal::new(stage, &error)),
        Err(_) => Err(Refusal::late(stage, wait)),
    }
}
