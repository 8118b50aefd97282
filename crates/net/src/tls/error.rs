//! What goes wrong in TLS, in the words of an operator.

use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::CertificateError as Objection;
use rustls::pki_types::UnixTime;

use super::PeerAlert;
use crate::certificates::day;

/// Why a handshake failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// It took too long.
    #[error("handshake not finished within {} s", after.as_secs())]
    TimedOut {
        /// The deadline.
        after: Duration,
    },
    /// The peer hung up in the middle.
    #[error("peer closed the connection during the handshake")]
    PeerClosed,
    /// The transport failed.
    #[error("connection lost during the handshake")]
    Lost(#[source] io::Error),
    /// TLS was not agreed.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// What TLS objects to.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The peer speaks SIP without TLS.
    #[error("peer speaks plain SIP where TLS is expected")]
    PlainSip,
    /// The peer speaks something else.
    #[error("peer does not speak TLS")]
    NotTls,
    /// A client certificate is required and the peer gave none.
    #[error("peer gave no client certificate")]
    NoClientCertificate,
    /// The peer's certificate is not acceptable.
    #[error("peer certificate refused")]
    Certificate(#[source] CertificateFault),
    /// The peer refused us.
    #[error("peer refused: {0}")]
    Refused(PeerAlert),
    /// Anything else.
    #[error("TLS protocol error")]
    Protocol(#[source] rustls::Error),
    /// The name to check the server's certificate against is neither a DNS name nor an address.
    #[error("{0:?} is neither a DNS name nor an address")]
    ServerName(String),
}

/// What is wrong with a certificate that a peer gave or that lies in a file.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateFault {
    /// It is for other names.
    #[error("not valid for {expected}, only for {}", or_nobody(presented))]
    WrongName {
        /// The name asked for.
        expected: String,
        /// The names it holds.
        presented: Vec<String>,
    },
    /// It has expired.
    #[error("expired on {}", day(*not_after))]
    Expired {
        /// When.
        not_after: SystemTime,
    },
    /// It is not valid yet.
    #[error("not valid before {}", day(*not_before))]
    NotYetValid {
        /// From when.
        not_before: SystemTime,
    },
    /// It does not chain to a configured root.
    #[error("issuer is not trusted")]
    UnknownIssuer,
    /// Its issuer has withdrawn it.
    #[error("revoked")]
    Revoked,
    /// The signature of its issuer is wrong, as when two authorities have the same name.
    #[error("signature is not that of the trusted issuer of this name")]
    BadSignature,
    /// It is not made for this use.
    #[error("not made for this use (extended key usage)")]
    Purpose,
    /// It cannot be read.
    #[error("not a readable certificate")]
    Unreadable,
    /// Anything else.
    #[error("{0}")]
    Other(Objection),
}

fn or_nobody(names: &[String]) -> String {
    if names.is_empty() {
        "no name at all".to_owned()
    } else {
        names.join(", ")
    }
}

impl From<Objection> for CertificateFault {
    fn from(objection: Objection) -> Self {
        match objection {
            Objection::NotValidForNameContext { expected, presented } => Self::WrongName {
                expected: expected.to_str().into_owned(),
                presented: bare(presented),
            },
            Objection::ExpiredContext { not_after, .. } => Self::Expired {
                not_after: system_time(not_after),
            },
            Objection::NotValidYetContext { not_before, .. } => Self::NotYetValid {
                not_before: system_time(not_before),
            },
            Objection::UnknownIssuer => Self::UnknownIssuer,
            Objection::Revoked => Self::Revoked,
            Objection::BadSignature => Self::BadSignature,
            Objection::InvalidPurpose | Objection::InvalidPurposeContext { .. } => Self::Purpose,
            Objection::BadEncoding => Self::Unreadable,
            other => Self::Other(other),
        }
    }
}

/// rustls shows names in the forms `DnsName("a.example.com")` and `IpAddress(127.0.0.1)`; what is inside comes from the
/// peer, and goes to a terminal.
fn bare(presented: Vec<String>) -> Vec<String> {
    /// A certificate may hold thousands.
    const SHOWN: usize = 10;
    presented
        .iter()
        .take(SHOWN)
        .map(|name| {
            let inside = name
                .split_once('(')
                .and_then(|(_, rest)| rest.strip_suffix(')'))
                .unwrap_or(name);
            inside
                .chars()
                .filter(|&char| char.is_ascii_graphic() && char != '"')
                .collect()
        })
        .collect()
}

fn system_time(time: UnixTime) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(time.as_secs())
}

impl TlsError {
    /// The objection inside an error of a TLS stream, if there is one.
    pub(crate) fn within(error: &io::Error) -> Option<Self> {
        let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
        Some(match error.clone() {
            rustls::Error::NoCertificatesPresented => Self::NoClientCertificate,
            rustls::Error::InvalidCertificate(objection) => Self::Certificate(objection.into()),
            rustls::Error::AlertReceived(alert) => Self::Refused(PeerAlert(alert)),
            other => Self::Protocol(other),
        })
    }
}

impl HandshakeError {
    pub(super) fn from_io(error: io::Error, not_tls: Option<TlsError>) -> Self {
        match (TlsError::within(&error), error.kind()) {
            (Some(TlsError::Protocol(protocol)), _) => not_tls.unwrap_or(TlsError::Protocol(protocol)).into(),
            (Some(error), _) => error.into(),
            (None, io::ErrorKind::UnexpectedEof) => Self::PeerClosed,
            (None, _) => Self::Lost(error),
        }
    }
}
