//! Who each side is in TLS: files named by the configuration, or ones the development authority issues.

use std::net::IpAddr;
use std::path::PathBuf;

use parlor_client::{ClientPlatformSettings, ClientTransport, Platform, Proxy, ServerPlatformSettings};
use parlor_net::certificates::{CertificateError, DevelopmentAuthority, IdentityFiles, Subject};
use parlor_net::{ClientCertificate, ClientTls, ClientTlsSettings, ServerTls, ServerTlsSettings};
use parlor_xccos::SipUri;

use crate::cli::exit;
use crate::config::{HostSettings, ServerSettings, Settings, TlsFiles, Transport};
use crate::failure::Failure;

/// The User-Agent header of this program.
pub(crate) const USER_AGENT: &str = concat!("Parlor/", env!("CARGO_PKG_VERSION"));

/// Certificate files of the server, issued if the configuration names none.
pub(crate) fn server_files(settings: &Settings, server: &ServerSettings) -> Result<IdentityFiles, Failure> {
    or_issued(settings, &server.tls, "server", || server_subject(&server.names))
}

/// A server's subject: names that are addresses become addresses.
pub(crate) fn server_subject(names: &[String]) -> Subject {
    let (addresses, names): (Vec<_>, Vec<_>) = names.iter().partition(|name| name.parse::<IpAddr>().is_ok());
    Subject::Server {
        names: names.into_iter().cloned().collect(),
        addresses: addresses
            .into_iter()
            .filter_map(|address| address.parse().ok())
            .collect(),
    }
}

/// TLS of the server's listeners.
pub(crate) fn server_tls(settings: &Settings, server: &ServerSettings) -> Result<ServerTls, Failure> {
    let identity = server_files(settings, server)?;
    let client_roots = roots(settings, &server.tls)?;
    ServerTls::load(ServerTlsSettings {
        identity,
        client_certificate: ClientCertificate::Optional,
        client_roots: Some(client_roots),
        crl: server.tls.crl.clone(),
        accept_server_auth_only: server.accept_server_auth_only,
    })
    .map_err(|error| wrong("the server's certificate", &error))
}

/// Certificate files of the host, issued if the configuration names none.
pub(crate) fn host_files(settings: &Settings, host: &HostSettings) -> Result<IdentityFiles, Failure> {
    or_issued(settings, &host.tls, "host", || Subject::Application {
        pool: host.pool.clone(),
        computers: vec![host.fqdn.clone()],
    })
}

/// TLS of the host's connections.
pub(crate) fn host_tls(settings: &Settings, host: &HostSettings) -> Result<ClientTls, Failure> {
    ClientTls::load(ClientTlsSettings {
        roots: roots(settings, &host.tls)?,
        identity: Some(host_files(settings, host)?),
        server_name: server_name(settings),
        crl: host.tls.crl.clone(),
    })
    .map_err(|error| wrong("the host's certificate", &error))
}

/// TLS of the listener for webhooks, whose clients nobody knows by a certificate.
pub(crate) fn webhook_tls(files: &TlsFiles) -> Result<Option<ServerTls>, Failure> {
    let (Some(certificates), Some(key)) = (&files.certificate, &files.key) else {
        return Ok(None);
    };
    let tls = ServerTls::load(ServerTlsSettings {
        identity: IdentityFiles {
            certificates: certificates.clone(),
            key: key.clone(),
        },
        client_certificate: ClientCertificate::Ignored,
        client_roots: None,
        crl: None,
        accept_server_auth_only: false,
    });
    tls.map(Some)
        .map_err(|error| wrong("the certificate for webhooks", &error))
}

/// The platform of the host: a trusted application on its computer.
pub(crate) fn host_platform(host: &HostSettings, tls: ClientTls) -> Result<Platform, Failure> {
    let platform = ServerPlatformSettings {
        user_agent: USER_AGENT.to_owned(),
        application_id: host.application.clone(),
        fqdn: host.fqdn.clone(),
        port: host.port,
        gruu: host.gruu.clone(),
        tls,
    };
    Platform::new(platform)
        .map_err(|error| Failure::caused("the [host] table", &error).with_code(exit::CONFIGURATION))
}

/// A certificate that holds a person's address, issued for development.
pub(crate) fn user_files(settings: &Settings, user: &SipUri) -> Result<IdentityFiles, Failure> {
    let subject = Subject::User {
        uri: user.to_string(),
    };
    issue(settings, &user_file_name(user), &subject)
}

/// The platform of a person: a client that shows its certificate, or proves itself otherwise.
pub(crate) fn user_platform(
    settings: &Settings,
    identity: Option<IdentityFiles>,
) -> Result<Platform, Failure> {
    let files = settings
        .host
        .as_ref()
        .map(|host| host.tls.clone())
        .unwrap_or_default();
    let tls = ClientTls::load(ClientTlsSettings {
        roots: roots(settings, &files)?,
        identity,
        server_name: server_name(settings),
        crl: files.crl,
    })
    .map_err(|error| wrong("the user's certificate", &error))?;
    let platform = ClientPlatformSettings {
        user_agent: USER_AGENT.to_owned(),
        transport: ClientTransport::Tls(tls),
    };
    Platform::new(platform).map_err(|error| Failure::caused("cannot start", &error))
}

/// The file name of a user's development certificate.
pub(crate) fn user_file_name(user: &SipUri) -> String {
    format!("user-{}", user.as_str().trim_start_matches("sip:"))
}

/// The next hop: the one that `[host]` names, else the first TLS listener of the same file.
pub(crate) fn proxy(settings: &Settings) -> Option<Proxy> {
    if let Some(next_hop) = settings.host.as_ref().and_then(|host| host.server.as_ref()) {
        return Some(Proxy::new(&next_hop.host, next_hop.port));
    }
    let listeners = &settings.server.as_ref()?.listen;
    let listener = listeners
        .iter()
        .find(|listener| listener.transport == Transport::Tls)?;
    let mut host = listener.address.ip();
    if host.is_unspecified() {
        host = if host.is_ipv4() {
            IpAddr::from([127, 0, 0, 1])
        } else {
            IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])
        };
    }
    Some(Proxy::new(host.to_string(), listener.address.port()))
}

/// The name to check the server's certificate against, when it is not the host dialled.
fn server_name(settings: &Settings) -> Option<String> {
    match &settings.host {
        Some(host) if host.server_name.is_some() => host.server_name.clone(),
        // A server in the same file: its own certificate holds these names.
        Some(host) if host.server.is_some() => None,
        _ => settings
            .server
            .as_ref()
            .and_then(|server| server.names.first().cloned()),
    }
}

/// Issues, or finds, a development certificate.
pub(crate) fn issue(settings: &Settings, name: &str, subject: &Subject) -> Result<IdentityFiles, Failure> {
    authority(settings)?
        .issue(name, subject)
        .map_err(|error| wrong("the development authority", &error))
}

/// The development authority of this configuration, made if it does not exist.
pub(crate) fn authority(settings: &Settings) -> Result<DevelopmentAuthority, Failure> {
    DevelopmentAuthority::open(&settings.development)
        .map_err(|error| wrong("the development authority", &error))
}

/// The authorities a side believes.
pub(crate) fn roots(settings: &Settings, files: &TlsFiles) -> Result<PathBuf, Failure> {
    match &files.roots {
        Some(roots) => Ok(roots.clone()),
        None => Ok(authority(settings)?.roots()),
    }
}

fn or_issued(
    settings: &Settings,
    files: &TlsFiles,
    name: &str,
    subject: impl FnOnce() -> Subject,
) -> Result<IdentityFiles, Failure> {
    match (&files.certificate, &files.key) {
        (Some(certificates), Some(key)) => Ok(IdentityFiles {
            certificates: certificates.clone(),
            key: key.clone(),
        }),
        _ => issue(settings, name, &subject()),
    }
}

fn wrong(what: &str, error: &CertificateError) -> Failure {
    Failure::caused(what, error)
        .with_code(exit::CONFIGURATION)
        .with_help(
            "`parlor check` looks at every certificate of the configuration; `parlor cert show FILE` at one.",
        )
}
