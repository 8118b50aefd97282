//! Mail that bots send: the server it goes through, whom it may reach, and the way there.
//!
//! What a mail says is asked for by handlers and waits in the outbox, under the recipient's address instead of a room.

mod conversation;
mod courier;
mod letter;
mod outcome;

use std::time::Duration;

use parlor_bot::{Mail, MailAddress};

pub use conversation::{Refusal, Stage, Step};
pub(crate) use courier::MailCourier;

use crate::rate::Rate;
use conversation::Conversation;

/// Under what the outbox keeps mails instead of a room; no room is called so.
pub(crate) const MAILTO: &str = "mailto:";

/// Whether rows of the outbox under this name are mails.
pub(crate) fn is_mail(room: &str) -> bool {
    room.starts_with(MAILTO)
}

/// The mail server, and what is sent through it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailConfig {
    /// The server's name; its certificate must hold it.
    pub host: String,
    /// Its port: usually 587 with STARTTLS, 465 with TLS from the first byte.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
    /// Authorities beside the system's that may vouch for the server: certificates in PEM.
    pub roots: Option<Vec<u8>>,
    /// Whom this host signs in as, when the server wants that.
    pub account: Option<Account>,
    /// Who mails are from; what cannot be delivered comes back to this address.
    pub from: MailAddress,
    /// The name that this host greets with (EHLO).
    pub hello: String,
    /// Who may be written to beside those that stand in the settings of a bot.
    pub allow: Vec<Allowed>,
    /// How long the server may take for each step, apart from [`Self::final_timeout`].
    pub timeout: Duration,
    /// How long it may take to confirm a mail that it has in full. Giving up here may send a mail twice, so RFC 5321,
    /// section 4.5.3.2.6, asks for ten minutes.
    pub final_timeout: Duration,
    /// How long an idle connection is kept.
    pub idle: Duration,
    /// How often mails are sent; `None` as often as the server takes them.
    pub rate: Option<Rate>,
    /// The largest mail, in bytes as it is sent.
    pub max_bytes: usize,
}

/// How a connection to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte (RFC 8314, section 3.3).
    Implicit,
    /// TLS by STARTTLS; a server that does not offer it gets neither password nor mail (RFC 3207).
    StartTls,
    /// None: for a relay on this machine, or one that the operator has named in spite of it.
    None,
}

/// Whom a host signs in as.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// The name.
    pub user: String,
    /// The password.
    pub password: String,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// Somebody who may be written to, or everybody of a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allowed {
    /// One address.
    Address(MailAddress),
    /// All addresses of a domain, in lower case; of its subdomains not.
    Domain(String),
}

impl Allowed {
    fn permits(&self, address: &MailAddress) -> bool {
        match self {
            Self::Address(one) => one == address,
            Self::Domain(domain) => domain == address.domain(),
        }
    }
}

impl MailConfig {
    /// How long the server may take for each step, unless configured: two minutes is what a busy one needs.
    pub const TIMEOUT: Duration = Duration::from_secs(120);
    /// How long it may take for the last one.
    pub const FINAL_TIMEOUT: Duration = Duration::from_secs(600);
    /// How long an idle connection is kept: servers close them after some minutes (RFC 5321, section 4.5.3.2.7: five).
    pub const IDLE: Duration = Duration::from_secs(30);
    /// The largest mail unless configured: what almost every server takes.
    pub const MAX_BYTES: usize = 1024 * 1024;

    /// A server that wants no sign-in, with defaults for the rest.
    pub fn new(host: impl Into<String>, port: u16, security: Security, from: MailAddress) -> Self {
        Self {
            host: host.into(),
            port,
            security,
            roots: None,
            account: None,
            hello: from.domain().to_owned(),
            from,
            allow: Vec::new(),
            timeout: Self::TIMEOUT,
            final_timeout: Self::FINAL_TIMEOUT,
            idle: Self::IDLE,
            // A mailbox that a loop has filled is noticed sooner than emptied.
            rate: Rate::new(30, Duration::from_secs(60)),
            max_bytes: Self::MAX_BYTES,
        }
    }

    /// Whether the configuration lets bots write to somebody.
    pub(crate) fn allows(&self, address: &MailAddress) -> bool {
        self.allow.iter().any(|allowed| allowed.permits(address))
    }
}

/// Sends one mail at once, outside of any outbox, and tells each step: how an operator finds out whether the server can be
/// used.
///
/// # Errors
/// The steps that succeeded, and the refusal that ended it.
pub async fn send_trial(
    config: &MailConfig,
    to: &MailAddress,
    mail: &Mail,
) -> Result<Vec<Step>, (Vec<Step>, Refusal)> {
    let mut steps = Vec::new();
    let now = chrono::Utc::now();
    let key = format!("trial-{}-{:08x}", now.timestamp_millis(), fastrand::u32(..));
    let sent = async {
        let letter = letter::letter(&config.from, to, mail, &key, now)
            .map_err(|error| Refusal::of_letter(error.to_string()))?;
        let mut conversation = Conversation::open(config, &mut steps).await?;
        conversation.send(config, to, &letter, &mut steps).await?;
        conversation.close(config).await;
        Ok(())
    };
    match sent.await {
        Ok(()) => Ok(steps),
        Err(refusal) => Err((steps, refusal)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_written_to_unless_somebody_said_so() {
        let from = "bot@example.com".parse().unwrap();
        let mut config = MailConfig::new("mail.example.com", 587, Security::StartTls, from);
        let allows = |config: &MailConfig, address: &str| config.allows(&address.parse().unwrap());
        assert!(!allows(&config, "bot@example.com"));
        config.allow = vec![
            Allowed::Address("Ann@example.org".parse().unwrap()),
            Allowed::Domain("example.com".to_owned()),
        ];
        assert!(allows(&config, "ann@example.org") && allows(&config, "any@EXAMPLE.com"));
        for other in ["bob@example.org", "any@sub.example.com", "any@badexample.com"] {
            assert!(!allows(&config, other), "{other}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let account = Account {
            user: "bot".to_owned(),
            password: "hunter2".to_owned(),
        };
        assert_eq!(format!("{account:?}"), "Account { user: \"bot\", .. }");
    }
}
