//! TLS of connectors: whose server certificates are believed, our certificate if any, and reloading both.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::pki_types::ServerName;
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, RootCertStore};

use super::reload::{Refreshing, Reloaded, Reloading};
use super::{TlsError, crypto_provider};
use crate::certificates::{CertificateError, Identity, IdentityFiles, pem};

/// The files and choices behind a connector's TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientTlsSettings {
    /// Roots that the server's certificate must chain to.
    pub roots: PathBuf,
    /// Our certificate and key, for mutual TLS.
    pub identity: Option<IdentityFiles>,
    /// The name the server's certificate must hold when it is not the host that is connected to.
    pub server_name: Option<String>,
    /// Revoked server certificates.
    pub crl: Option<PathBuf>,
}

/// TLS of a connector; clones share the files and their reloads.
#[derive(Clone, Debug)]
pub struct ClientTls {
    settings: Arc<ClientTlsSettings>,
    config: Arc<Reloading<ClientConfig>>,
}

impl ClientTls {
    /// Loads and checks the files.
    pub fn load(settings: ClientTlsSettings) -> Result<Self, CertificateError> {
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
        Refreshing::start("connector", period, move || tls.refresh())
    }

    /// The configuration for one handshake.
    pub(crate) fn config(&self) -> Arc<ClientConfig> {
        self.config.current()
    }

    /// The name that the certificate of `host` must hold.
    pub(crate) fn server_name(&self, host: &str) -> Result<ServerName<'static>, TlsError> {
        let name = self.settings.server_name.as_deref().unwrap_or(host);
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        ServerName::try_from(bare.to_owned()).map_err(|_| TlsError::ServerName(name.to_owned()))
    }
}

impl ClientTlsSettings {
    fn paths(&self) -> Vec<PathBuf> {
        let identity = self
            .identity
            .iter()
            .flat_map(|identity| [&identity.certificates, &identity.key]);
        std::iter::once(&self.roots)
            .chain(identity)
            .chain(&self.crl)
            .cloned()
            .collect()
    }

    fn build(&self) -> Result<ClientConfig, CertificateError> {
        let builder = ClientConfig::builder_with_provider(crypto_provider())
            .with_safe_default_protocol_versions()
            .map_err(CertificateError::Tls)?
            .with_webpki_verifier(self.server_verifier()?);
        let mut config = match &self.identity {
            Some(files) => {
                let identity = Identity::load(files)?;
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity.certified())))
            }
            None => builder.with_no_client_auth(),
        };
        config.resumption = Resumption::disabled();
        Ok(config)
    }

    fn server_verifier(&self) -> Result<Arc<WebPkiServerVerifier>, CertificateError> {
        let mut roots = RootCertStore::empty();
        for der in pem::certificates(&self.roots)? {
            roots.add(der).map_err(|_| CertificateError::Unreadable {
                path: self.roots.clone(),
            })?;
        }
        let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), crypto_provider());
        let builder = match &self.crl {
            Some(path) => builder
                .with_crls(pem::revocation_lists(path)?)
                .allow_unknown_revocation_status(),
            None => builder,
        };
        builder.build().map_err(|error| match (error, &self.crl) {
            (rustls::client::VerifierBuilderError::InvalidCrl(_), Some(path)) => {
                CertificateError::RevocationListUnreadable { path: path.clone() }
            }
            _ => CertificateError::NoCertificate {
                path: self.roots.clone(),
            },
        })
    }
}
