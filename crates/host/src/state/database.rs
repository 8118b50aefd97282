//! Where a state in PostgreSQL is, and how it is reached.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ::postgres::config::{Host, SslMode, TargetSessionAttrs};
use ::postgres::{Client, Config, Error};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;
use tokio_postgres_rustls::MakeRustlsConnect;

/// What a connection may take to come about; shorter than a probe waits for an answer.
const CONNECT: Duration = Duration::from_secs(3);
/// A database that does not answer for so long is tried anew: less than most leases.
const SILENT: Duration = Duration::from_secs(5);
/// A host that stops in the middle of a transaction may hold up the others for so long.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(2);
/// How long one statement may take, waiting for its turn included.
const STATEMENT: Duration = Duration::from_secs(15);
/// Probes of a connection that says nothing, and the wait between them.
const PROBES: u32 = 3;
const PROBE: Duration = Duration::from_secs(1);

/// A database of PostgreSQL, with everything that signing in takes.
#[derive(Clone)]
pub struct Database {
    config: Arc<Config>,
    tls: Arc<ClientConfig>,
}

/// Why a database cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// The address cannot be read.
    #[error("not the address of a database, which is like postgresql://NAME@HOST/DATABASE")]
    Address(#[source] Error),
    /// The address names no computer and no folder of a socket.
    #[error("the address of the database names no host")]
    Nowhere,
    /// An address with a password in it, which would be in the configuration for all to read.
    #[error("the address of the database holds a password; name a file that holds it")]
    Password,
    /// The authorities cannot be used.
    #[error("the authorities of the database cannot be used: {0}")]
    Authorities(String),
}

impl Database {
    /// Reads an address, as PostgreSQL's own programs take it. Over a network the connection is encrypted and the server's
    /// certificate is checked, against `authorities` in PEM, else against the system's; `sslmode=disable` in the address
    /// goes without.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn new(
        address: &str,
        password: Option<&str>,
        authorities: Option<&[u8]>,
    ) -> Result<Self, DatabaseError> {
        let mut config: Config = address.parse().map_err(DatabaseError::Address)?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(DatabaseError::Nowhere);
        }
        if config.get_password().is_some() {
            return Err(DatabaseError::Password);
        }
        if let Some(password) = password {
            config.password(password);
        }
        if config.get_ssl_mode() == SslMode::Prefer {
            let remote = config.get_hosts().iter().any(is_remote)
                || config
                    .get_hostaddrs()
                    .iter()
                    .any(|address| !address.is_loopback());
            // On this machine a certificate proves nothing, and Debian's servers offer one that nobody vouches for.
            config.ssl_mode(if remote {
                SslMode::Require
            } else {
                SslMode::Disable
            });
        }
        // Of several servers the one that takes writes.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        config.connect_timeout(CONNECT);
        config.tcp_user_timeout(SILENT).keepalives_idle(SILENT);
        config.keepalives_interval(PROBE).keepalives_retries(PROBES);
        if config.get_application_name().is_none() {
            config.application_name("parlor");
        }
        Ok(Self {
            config: Arc::new(config),
            tls: Arc::new(tls(authorities)?),
        })
    }

    pub(super) fn connect(&self) -> Result<Client, Error> {
        let mut client = self
            .config
            .connect(MakeRustlsConnect::new(ClientConfig::clone(&self.tls)))?;
        client.batch_execute(&format!(
            "SET idle_in_transaction_session_timeout = {}; SET statement_timeout = {}; \
             SET client_min_messages = warning; SET synchronous_commit = on",
            IDLE_IN_TRANSACTION.as_millis(),
            STATEMENT.as_millis()
        ))?;
        Ok(client)
    }
}

/// Without the password, for messages.
impl fmt::Display for Database {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the database ")?;
        formatter.write_str(self.config.get_dbname().unwrap_or("of the user"))?;
        for (at, host) in self.config.get_hosts().iter().enumerate() {
            formatter.write_str(if at == 0 { " on " } else { " or " })?;
            match host {
                Host::Tcp(name) => formatter.write_str(name)?,
                Host::Unix(folder) => write!(formatter, "{}", folder.display())?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("Database")
            .field(&self.to_string())
            .finish()
    }
}

/// Whether what is said to it passes a network.
fn is_remote(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name != "localhost" && !name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        Host::Unix(_) => false,
    }
}

fn tls(authorities: Option<&[u8]>) -> Result<ClientConfig, DatabaseError> {
    let unusable = |error: &dyn fmt::Display| DatabaseError::Authorities(error.to_string());
    let mut roots = RootCertStore::empty();
    if let Some(pem) = authorities {
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| unusable(&error))?;
            roots.add(certificate).map_err(|error| unusable(&error))?;
        }
        if roots.is_empty() {
            return Err(unusable(&"no certificate in it"));
        }
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&error))?;
    let builder = if authorities.is_some() {
        builder.with_root_certificates(roots)
    } else {
        use rustls_platform_verifier::BuilderVerifierExt as _;
        builder
            .with_platform_verifier()
            .map_err(|error| unusable(&error))?
    };
    Ok(builder.with_no_client_auth())
}
