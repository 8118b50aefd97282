//! The platform: who this program is towards SIP peers, shared by its endpoints. Opening connections is left to
//! [`Dialer`], signing in to the endpoints.

use std::sync::{Arc, Mutex, PoisonError};

use parlor_net::ClientTls;
use parlor_sip::Uri;

use crate::dial::Dialer;
use crate::error::PlatformError;
use crate::tuning::Tuning;

/// What a trusted application states about itself; the values match the server's trusted-application entry (facts E6).
#[derive(Debug, Clone)]
pub struct ServerPlatformSettings {
    /// Goes into the `User-Agent` header.
    pub user_agent: String,
    /// `urn:application:NAME`.
    pub application_id: String,
    /// The host name the certificate carries.
    pub fqdn: String,
    /// The port registered for the application.
    pub port: u16,
    /// The computer GRUU, `sip:HOST@DOMAIN;gruu;opaque=srvr:NAME:TOKEN`; it is the Contact of every dialog.
    pub gruu: String,
    /// The certificate that proves the host name, and the authorities trusted to name the server.
    pub tls: ClientTls,
}

/// What a client program states about itself.
#[derive(Debug, Clone)]
pub struct ClientPlatformSettings {
    /// Goes into the `User-Agent` header.
    pub user_agent: String,
    /// How to reach the proxy.
    pub transport: ClientTransport,
}

/// How a client platform connects.
#[derive(Debug, Clone)]
pub enum ClientTransport {
    /// TLS; with an identity in it the certificate also proves the user.
    Tls(ClientTls),
    /// Plain TCP, for tests on one machine.
    Tcp,
}

/// One of the two kinds of platform.
#[derive(Debug, Clone)]
pub enum PlatformSettings {
    /// For user endpoints.
    Client(ClientPlatformSettings),
    /// For application endpoints on a trusted computer.
    Server(ServerPlatformSettings),
}

impl From<ClientPlatformSettings> for PlatformSettings {
    fn from(settings: ClientPlatformSettings) -> Self {
        Self::Client(settings)
    }
}

impl From<ServerPlatformSettings> for PlatformSettings {
    fn from(settings: ServerPlatformSettings) -> Self {
        Self::Server(settings)
    }
}

/// The shared ground of endpoints: settings, limits and the way to open connections. Cheap to clone.
///
/// UCMA's server platform also listens on its port; nothing in persistent chat calls an application, so this one
/// only connects out.
///
/// ```no_run
/// use parlor_client::{ClientPlatformSettings, ClientTransport, Platform};
/// use parlor_net::{ClientTls, ClientTlsSettings};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let tls = ClientTls::load(ClientTlsSettings {
///     roots: "certs/ca.pem".into(),
///     identity: None,
///     server_name: None,
///     crl: None,
/// })?;
/// let platform = Platform::new(ClientPlatformSettings {
///     user_agent: "example/1.0".into(),
///     transport: ClientTransport::Tls(tls),
/// })?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Platform {
    pub(crate) shared: Arc<PlatformShared>,
}

#[derive(Debug)]
pub(crate) struct PlatformShared {
    pub(crate) gruu: Option<Uri>,
    /// Whether nobody can listen on its connections.
    pub(crate) encrypted: bool,
    pub(crate) dialer: Dialer,
    pub(crate) tuning: Tuning,
    seeds: Mutex<fastrand::Rng>,
}

impl PlatformShared {
    /// A seed for one endpoint's jitter and identifiers.
    pub(crate) fn seed(&self) -> u64 {
        self.seeds.lock().unwrap_or_else(PoisonError::into_inner).u64(..)
    }
}

impl Platform {
    /// Checks the settings and makes a platform with default limits. Nothing is sent.
    pub fn new(settings: impl Into<PlatformSettings>) -> Result<Self, PlatformError> {
        Self::with_tuning(settings, Tuning::default())
    }

    /// As [`Platform::new`], with limits of the caller's choice.
    pub fn with_tuning(settings: impl Into<PlatformSettings>, tuning: Tuning) -> Result<Self, PlatformError> {
        let settings = settings.into();
        let dialer = Dialer::network(&settings);
        Self::with_dialer(settings, tuning, dialer)
    }

    /// As [`Platform::with_tuning`], with connections opened by `dialer`: for tunnels and tests.
    pub fn with_dialer(
        settings: impl Into<PlatformSettings>,
        tuning: Tuning,
        dialer: Dialer,
    ) -> Result<Self, PlatformError> {
        let (gruu, encrypted) = match settings.into() {
            PlatformSettings::Client(settings) => {
                (None, matches!(settings.transport, ClientTransport::Tls(_)))
            }
            PlatformSettings::Server(settings) => (Some(check_application(&settings)?), true),
        };
        let seed = match tuning.seed {
            Some(seed) => seed,
            None => getrandom::u64().map_err(|_| PlatformError::Randomness)?,
        };
        let seeds = Mutex::new(fastrand::Rng::with_seed(seed));
        Ok(Self {
            shared: Arc::new(PlatformShared {
                gruu,
                encrypted,
                dialer,
                tuning,
                seeds,
            }),
        })
    }

    /// The limits in force.
    pub fn tuning(&self) -> &Tuning {
        &self.shared.tuning
    }
}

fn is_application_id(id: &str) -> bool {
    let name = id.strip_prefix("urn:application:").unwrap_or_default();
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic())
}

fn check_application(settings: &ServerPlatformSettings) -> Result<Uri, PlatformError> {
    if !is_application_id(&settings.application_id) {
        return Err(PlatformError::ApplicationId(settings.application_id.clone()));
    }
    let host_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    if settings.fqdn.is_empty() || !settings.fqdn.bytes().all(host_byte) {
        return Err(PlatformError::Fqdn(settings.fqdn.clone()));
    }
    settings
        .gruu
        .parse::<Uri>()
        .ok()
        .filter(Uri::is_gruu)
        .ok_or_else(|| PlatformError::Gruu(settings.gruu.clone()))
}

#[cfg(test)]
mod tests {
    use super::is_application_id;

    #[test]
    fn an_application_id_is_a_urn_with_a_name() {
        assert!(is_application_id("urn:application:parlor"));
        for wrong in [
            "",
            "parlor",
            "urn:application:",
            "urn:application:a b",
            "urn:other:parlor",
        ] {
            assert!(!is_application_id(wrong), "{wrong}");
        }
    }
}
