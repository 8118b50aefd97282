//! The `[host.mail]` table: the mail server, how it is signed in to, and whom bots may write to.

use std::net::IpAddr;
use std::time::Duration;

use parlor_bot::MailAddress;
use parlor_host::feeds::Roots;
use parlor_host::{Account, Allowed, MailConfig, Security};
use toml::de::DeValue;

use super::document::{Form, Section};
use super::form::HostPort;
use super::host::RateForm;
use super::password::{self, Named};
use crate::failure::chain;

/// The port of TLS from the first byte (RFC 8314, section 7.3).
const IMPLICIT_TLS: u16 = 465;
/// Shorter steps would end before a server far away has answered.
const SHORTEST_STEP: Duration = Duration::from_secs(1);
/// A smaller limit would refuse a mail for its headers.
const SMALLEST: u32 = 4096;

/// `fqdn` is this host's name, with which it greets the server.
pub(super) fn read(section: &Section<'_, '_>, fqdn: Option<&str>) -> Option<MailConfig> {
    let table = section.section("mail")?;
    let server = table.required_located::<HostPort>("server");
    let from: Option<MailAddress> = table.required("from");
    let tls = table.located::<SecurityForm>("tls");
    let account = account(&table);
    let roots = roots(&table);
    let allow: Vec<AllowedForm> = table.or("allow", Vec::new());
    let timeout = table.or("timeout", MailConfig::TIMEOUT);
    if timeout < SHORTEST_STEP {
        table.problem("timeout", "must be at least 1s", None);
    }
    let max_size = table.optional::<u32>("max_size");
    if max_size.is_some_and(|bytes| bytes < SMALLEST) {
        table.problem("max_size", format!("must be at least {SMALLEST}"), None);
    }
    let rate = table.optional::<RateForm>("rate");
    table.finish();
    let (server, from) = (server?.value, from?);
    let security = match &tls {
        None if server.port == IMPLICIT_TLS => Security::Implicit,
        None => Security::StartTls,
        Some(tls) => tls.value.0,
    };
    if tls.is_some_and(|tls| tls.value == SecurityForm(Security::None, Protected::Here))
        && !is_here(&server.host)
    {
        let help = "write \"unprotected\" if everybody on the way may read mails and password".to_owned();
        let message = format!(
            "`none` is for a server on this machine, and {} is not",
            server.host
        );
        table.problem("tls", message, Some(help));
    }
    let mut mail = MailConfig::new(server.host, server.port, security, from);
    if let Some(fqdn) = fqdn {
        fqdn.clone_into(&mut mail.hello);
    }
    mail.account = account;
    mail.roots = roots;
    mail.allow = allow.into_iter().map(|allowed| allowed.0).collect();
    mail.timeout = timeout;
    mail.rate = rate.map_or(mail.rate, |rate| rate.0);
    mail.max_bytes = max_size.map_or(mail.max_bytes, |bytes| bytes as usize);
    Some(mail)
}

fn is_here(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn account(table: &Section<'_, '_>) -> Option<Account> {
    let Some(user) = table.optional("user") else {
        for key in ["password_file", "password_env"] {
            if table.has(key) {
                // Its value is not looked at, but known.
                let _unused: Option<String> = table.optional(key);
                table.problem(key, "a password needs its `user`", None);
            }
        }
        return None;
    };
    match password::read(table) {
        Named::It(password) => Some(Account { user, password }),
        Named::Wrong => None,
        Named::Not => {
            let help = Some("add `password_file` or `password_env`".to_owned());
            table.problem("user", "a user needs a password", help);
            None
        }
    }
}

fn roots(table: &Section<'_, '_>) -> Option<Vec<u8>> {
    let path = table.path("roots")?;
    let pem = match std::fs::read(&path) {
        Ok(pem) => pem,
        Err(error) => {
            table.problem("roots", format!("cannot read {}: {error}", path.display()), None);
            return None;
        }
    };
    if let Err(error) = Roots::from_pem(&pem) {
        table.problem(
            "roots",
            format!("cannot use {}: {}", path.display(), chain(&error)),
            None,
        );
    }
    Some(pem)
}

/// How a connection without TLS is excused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protected {
    /// It leads to this machine.
    Here,
    /// It is protected otherwise, or meant to be not.
    Somehow,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct SecurityForm(Security, Protected);

impl Form for SecurityForm {
    const ACCEPTED: &'static str =
        "\"starttls\", \"implicit\", \"none\" (to this machine) or \"unprotected\" (to any)";

    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let text = String::read(value)?;
        match text.as_str() {
            "starttls" => Ok(Self(Security::StartTls, Protected::Somehow)),
            "implicit" => Ok(Self(Security::Implicit, Protected::Somehow)),
            "none" => Ok(Self(Security::None, Protected::Here)),
            "unprotected" => Ok(Self(Security::None, Protected::Somehow)),
            _ => Err(format!("`{text}` is no way to protect a connection")),
        }
    }
}

/// An address, or a domain.
struct AllowedForm(Allowed);

impl Form for AllowedForm {
    const ACCEPTED: &'static str = "addresses and domains: [\"ann@example.org\", \"example.com\"]";

    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let text = String::read(value)?;
        if text.contains('@') {
            let address = text.parse().map_err(|error| format!("`{text}` is {error}"))?;
            return Ok(Self(Allowed::Address(address)));
        }
        // A domain is what an address may have after its `@`.
        let probe: Result<MailAddress, _> = format!("postmaster@{text}").parse();
        match probe {
            Ok(probe) if text.contains('.') => Ok(Self(Allowed::Domain(probe.domain().to_owned()))),
            _ => Err(format!("`{text}` is neither an address nor a domain")),
        }
    }
}

impl Form for MailAddress {
    const ACCEPTED: &'static str = "a mail address, \"ann@example.com\" or \"Ann Example <ann@example.com>\"";

    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let text = String::read(value)?;
        text.parse().map_err(|error| format!("`{text}` is {error}"))
    }
}
