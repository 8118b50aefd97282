//! TLS of listeners: our certificate, whose client certificates are believed, and reloading both.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::server::NoServerSessionStorage;
use rustls::sign::SingleCertAndKey;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::reload::{Refreshing, Reloaded, Reloading};
use super::verify::ClientVerifier;
use super::{HandshakeError, crypto_provider, handshake};
use crate::certificates::trust::{Purpose, Trust};
use crate::certificates::{CertificateError, Identity, IdentityFiles};

/// The files and choices behind a listener's TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerTlsSettings {
    /// Our certificate and key.
    pub identity: IdentityFiles,
    /// What is asked of clients.
    pub client_certificate: ClientCertificate,
    /// Roots that client certificates must chain to; `None` only with [`ClientCertificate::Ignored`].
    pub client_roots: Option<PathBuf>,
    /// Revoked client certificates.
    pub crl: Option<PathBuf>,
    /// Accepts client certificates made for servers only, as those of Lync trusted applications commonly are.
    pub accept_server_auth_only: bool,
}

/// What is asked of clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientCertificate {
    /// None is asked for.
    Ignored,
    /// A client may give one; a wrong one is refused.
    #[default]
    Optional,
    /// No connection without one.
    Required,
}

/// TLS of a listener; clones share the files and their reloads.
#[derive(Clone, Debug)]
pub struct ServerTls {
    settings: Arc<ServerTlsSettings>,
    config: Arc<Reloading<ServerConfig>>,
}

impl ServerTls {
    /// Loads and checks the files.
    pub fn load(settings: ServerTlsSettings) -> Result<Self, CertificateError> {
        let paths = settings.paths();
        let config = Reloading::new(paths, || settings.build())?;
        Ok(Self {
            settings: Arc::new(settings),
            config: Arc::new(config),
        })
    }

    /// Loads the files again, for new handshakes; when one is bad the old ones stay in use.
    pub fn reload(&self) -> Result<(), CertificateError> {
        self.config.reload(|| self.settings.build())
    }

    /// Loads the files again if one has changed since the last look; a bad one is complained about once.
    pub fn refresh(&self) -> Result<Reloaded, CertificateError> {
        self.config.refresh(|| self.settings.build())
    }

    /// Calls [`Self::refresh`] every `period` until the result is dropped, and logs what it found.
    pub fn keep_fresh(&self, period: Duration) -> Refreshing {
        let tls = self.clone();
        Refreshing::start("listener", period, move || tls.refresh())
    }

    /// Shakes hands with a client of another protocol than SIP, which then has the stream.
    ///
    /// # Errors
    /// [`HandshakeError`]; the client was told why, as far as TLS has words for it.
    pub async fn accept(
        &self,
        stream: TcpStream,
        within: Duration,
    ) -> Result<impl AsyncRead + AsyncWrite + Unpin + Send + use<>, HandshakeError> {
        handshake::accept(self, stream, within).await
    }

    /// The configuration for one handshake.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        self.config.current()
    }
}

impl ServerTlsSettings {
    fn paths(&self) -> Vec<PathBuf> {
        let identity = [&self.identity.certificates, &self.identity.key];
        identity
            .into_iter()
            .chain(&self.client_roots)
            .chain(&self.crl)
            .cloned()
            .collect()
    }

    fn build(&self) -> Result<ServerConfig, CertificateError> {
        let identity = Identity::load(&self.identity)?;
        let builder = ServerConfig::builder_with_provider(crypto_provider())
            .with_safe_default_protocol_versions()
            .map_err(CertificateError::Tls)?;
        let builder = match self.client_verifier()? {
            Some(verifier) => builder.with_client_cert_verifier(Arc::new(verifier)),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(identity.certified())));
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(config)
    }

    fn client_verifier(&self) -> Result<Option<ClientVerifier>, CertificateError> {
        let required = match self.client_certificate {
            ClientCertificate::Ignored => return Ok(None),
            ClientCertificate::Optional => false,
            ClientCertificate::Required => true,
        };
        let roots = self
            .client_roots
            .as_deref()
            .ok_or(CertificateError::NoClientRoots)?;
        let trust = Trust::load(roots, self.crl.as_deref())?;
        let purpose = if self.accept_server_auth_only {
            Purpose::Either
        } else {
            Purpose::Client
        };
        Ok(Some(ClientVerifier {
            trust,
            purpose,
            required,
        }))
    }
}
