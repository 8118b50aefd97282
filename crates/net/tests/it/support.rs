//! Authorities, listeners and peers for the tests.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use parlor_net::certificates::IdentityFiles;
use parlor_net::{
    Admission, ClientCertificate, ClientTls, ClientTlsSettings, ConnectError, ConnectSettings, Connection,
    ConnectionSettings, HandshakeError, KeepAlivePolicy, Limits, ListenSettings, Listener, ServerTls,
    ServerTlsSettings, connect,
};
use parlor_sip::AgentSettings;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, DnValue,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SanType,
    SerialNumber,
};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// A day.
pub(crate) const DAY: Duration = Duration::from_secs(86_400);
/// The server's name in the certificates.
pub(crate) const SERVER: &str = "pool.example.com";

/// An authority that also issues what no authority should.
pub(crate) struct Authority {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).unwrap();
        std::fs::write(folder.path().join("roots.pem"), certificate.pem()).unwrap();
        Self {
            folder,
            issuer: Issuer::new(params, key),
        }
    }

    pub(crate) fn roots(&self) -> PathBuf {
        self.path("roots.pem")
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// Issues a certificate for some DNS names, changed at will.
    pub(crate) fn issue(
        &self,
        file: &str,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> IdentityFiles {
        let names: Vec<String> = names.iter().map(|&name| name.into()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.not_before = (SystemTime::now() - DAY).into();
        params.not_after = (SystemTime::now() + 365 * DAY + DAY / 2).into();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let files = IdentityFiles {
            certificates: self.path(&format!("{file}.pem")),
            key: self.path(&format!("{file}.key")),
        };
        std::fs::write(&files.certificates, certificate.pem()).unwrap();
        std::fs::write(&files.key, key.serialize_pem()).unwrap();
        private(&files.key);
        files
    }

    /// The server's usual certificate.
    pub(crate) fn server(&self) -> IdentityFiles {
        self.issue("server", &[SERVER], |_| {})
    }

    /// A trusted application's certificate.
    pub(crate) fn application(&self) -> IdentityFiles {
        self.issue(
            "application",
            &["bots.example.com", "bot1.example.com"],
            |params| {
                params
                    .distinguished_name
                    .push(DnType::CommonName, "bots.example.com");
                params
                    .subject_alt_names
                    .push(SanType::URI("sip:news@example.com".try_into().unwrap()));
                params.serial_number = Some(SerialNumber::from(4711));
            },
        )
    }

    /// A revocation list with some serial numbers.
    pub(crate) fn revoke(&self, serials: &[u64], next_update: SystemTime) -> PathBuf {
        let revoked = serials.iter().map(|&serial| RevokedCertParams {
            serial_number: SerialNumber::from(serial),
            revocation_time: SystemTime::now().into(),
            reason_code: None,
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: (SystemTime::UNIX_EPOCH + 20_000 * DAY).into(),
            next_update: next_update.into(),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let path = self.path("revoked.pem");
        std::fs::write(&path, list.signed_by(&self.issuer).unwrap().pem().unwrap()).unwrap();
        path
    }

    pub(crate) fn server_tls(&self) -> ServerTlsSettings {
        ServerTlsSettings {
            identity: self.server(),
            client_certificate: ClientCertificate::Required,
            client_roots: Some(self.roots()),
            crl: None,
            accept_server_auth_only: false,
        }
    }

    pub(crate) fn client_tls(&self, identity: Option<IdentityFiles>) -> ClientTlsSettings {
        ClientTlsSettings {
            roots: self.roots(),
            identity,
            server_name: Some(SERVER.into()),
            crl: None,
        }
    }
}

/// Extended key usages of a web server's certificate.
pub(crate) fn server_only(params: &mut CertificateParams) {
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
        .distinguished_name
        .push(DnType::CommonName, DnValue::Utf8String("bots.example.com".into()));
}

pub(crate) fn private(path: &Path) {
    #[cfg(unix)]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    #[cfg(not(unix))]
    let _ = path;
}

pub(crate) fn settings() -> ConnectionSettings {
    ConnectionSettings {
        agent: AgentSettings::new("", parlor_sip::Transport::Tls, "test"),
        limits: Limits::default(),
        keep_alive: KeepAlivePolicy::Silent,
    }
}

/// A listener on a free port of loopback.
pub(crate) async fn listen(tls: Option<ServerTls>) -> Listener {
    listen_with(tls, settings()).await
}

pub(crate) async fn listen_with(tls: Option<ServerTls>, connection: ConnectionSettings) -> Listener {
    let admission = Admission::new(&connection.limits);
    let address = "127.0.0.1:0".parse().unwrap();
    Listener::bind(ListenSettings {
        address,
        tls,
        connection,
        admission,
    })
    .await
    .unwrap()
}

pub(crate) fn to(address: SocketAddr, tls: Option<ClientTls>) -> ConnectSettings {
    ConnectSettings {
        host: address.ip().to_string(),
        port: address.port(),
        tls,
        timeout: Duration::from_secs(5),
        connection: settings(),
    }
}

/// What both sides make of a handshake.
pub(crate) async fn shake(
    server: &ServerTls,
    client: &ClientTls,
) -> (
    Result<Connection, HandshakeError>,
    Result<Connection, ConnectError>,
) {
    let listener = listen(Some(server.clone())).await;
    let serve = async { listener.accept().await.unwrap().establish().await };
    tokio::join!(serve, connect(to(listener.local_addr(), Some(client.clone()))))
}

/// A connection over memory, and the peer's end as bytes.
pub(crate) fn in_memory(settings: ConnectionSettings) -> (Connection, DuplexStream) {
    in_memory_of(settings, 1 << 20)
}

/// The peer takes `capacity` bytes before it reads.
pub(crate) fn in_memory_of(settings: ConnectionSettings, capacity: usize) -> (Connection, DuplexStream) {
    let (ours, theirs) = tokio::io::duplex(capacity);
    (Connection::new(ours, settings), theirs)
}

pub(crate) async fn write(peer: &mut DuplexStream, text: &str) {
    peer.write_all(text.as_bytes()).await.unwrap();
}

/// What has been sent up to now.
pub(crate) async fn read(peer: &mut DuplexStream) -> String {
    let mut bytes = vec![0; 1 << 20];
    let count = peer.read(&mut bytes).await.unwrap();
    String::from_utf8_lossy(&bytes[..count]).into_owned()
}

/// All that is sent before the end.
pub(crate) async fn read_to_end(peer: &mut DuplexStream) -> String {
    let mut text = String::new();
    peer.read_to_string(&mut text).await.unwrap();
    text
}

/// A request as a client sends it.
pub(crate) fn request(method: &str, cseq: u32) -> String {
    format!(
        "{method} sip:example.com SIP/2.0\r\nVia: SIP/2.0/tls 192.0.2.7:38128;branch=z9hG4bK{cseq}\r\n\
         From: <sip:alice@example.com>;tag=a1\r\nTo: <sip:example.com>\r\nMax-Forwards: 70\r\nCSeq: {cseq} {method}\r\n\
         Call-ID: c1\r\nContact: <sip:192.0.2.7:38128;transport=tls>\r\nContent-Length: 0\r\n\r\n"
    )
}

/// The error with its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |error| error.source())
        .fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
