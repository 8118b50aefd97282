//! Whose certificates are believed: roots, revocation lists, and the check of a chain against them.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use rustls::{CertificateError as Objection, DistinguishedName, ExtendedKeyPurpose};
use webpki::{
    CertRevocationList, EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeIdIter, KeyUsage,
    OwnedCertRevocationList, RevocationOptionsBuilder, UnknownStatusPolicy,
};

use super::{CertificateError, pem};
use crate::tls::crypto_provider;

/// Roots and revocation lists.
#[derive(Debug)]
pub(crate) struct Trust {
    anchors: Vec<TrustAnchor<'static>>,
    subjects: Vec<DistinguishedName>,
    revoked: Vec<CertRevocationList<'static>>,
}

/// What a certificate is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Server,
    Client,
    /// By a client whose certificate may be made for servers only.
    Either,
}

impl Trust {
    /// Loads the roots, and the revocation lists if any.
    pub(crate) fn load(roots: &Path, crl: Option<&Path>) -> Result<Self, CertificateError> {
        let unreadable = || CertificateError::Unreadable { path: roots.into() };
        let certificates = pem::certificates(roots)?;
        let anchors = certificates
            .iter()
            .map(|der| webpki::anchor_from_trusted_cert(der).map(|anchor| anchor.to_owned()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| unreadable())?;
        let subjects = anchors
            .iter()
            .map(|anchor| DistinguishedName::in_sequence(&anchor.subject))
            .collect();
        Ok(Self {
            anchors,
            subjects,
            revoked: crl.map(revocation_lists).transpose()?.unwrap_or_default(),
        })
    }

    /// The names of the roots, which a server sends to its clients.
    pub(crate) fn subjects(&self) -> &[DistinguishedName] {
        &self.subjects
    }

    /// Checks that a certificate chains to a root, is valid now, not revoked, and made for the purpose.
    ///
    /// An issuer without a revocation list is taken to have revoked nothing: the file names what is revoked, it is no
    /// inventory of authorities.
    pub(crate) fn check(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        purpose: Purpose,
        now: UnixTime,
    ) -> Result<(), Objection> {
        let end_entity = EndEntityCert::try_from(certificate).map_err(objection)?;
        let revoked: Vec<&CertRevocationList<'_>> = self.revoked.iter().collect();
        let revocation = RevocationOptionsBuilder::new(&revoked)
            .ok()
            .map(|options| options.with_status_policy(UnknownStatusPolicy::Allow).build());
        end_entity
            .verify_for_usage(
                crypto_provider().signature_verification_algorithms.all,
                &self.anchors,
                intermediates,
                now,
                purpose,
                revocation,
                None,
            )
            .map(|_| ())
            .map_err(objection)
    }
}

fn revocation_lists(path: &Path) -> Result<Vec<CertRevocationList<'static>>, CertificateError> {
    pem::revocation_lists(path)?
        .iter()
        .map(|der| OwnedCertRevocationList::from_der(der).map(CertRevocationList::from))
        .collect::<Result<_, _>>()
        .map_err(|_| CertificateError::RevocationListUnreadable { path: path.into() })
}

/// webpki's way to say when.
pub(crate) fn unix_time(time: SystemTime) -> UnixTime {
    UnixTime::since_unix_epoch(time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO))
}

impl ExtendedKeyUsageValidator for Purpose {
    /// A certificate without extended key usages is good for all (RFC 5280 section 4.2.1.12).
    fn validate(&self, usages: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        match self {
            Self::Server => KeyUsage::server_auth().validate(usages),
            Self::Client => KeyUsage::client_auth().validate(usages),
            Self::Either => either(usages),
        }
    }
}

fn either(usages: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
    let mut present = Vec::new();
    for usage in usages {
        let oid: Vec<usize> = usage?.to_decoded_oid();
        if [KeyUsage::SERVER_AUTH_REPR, KeyUsage::CLIENT_AUTH_REPR].contains(&oid.as_slice()) {
            return Ok(());
        }
        present.push(oid);
    }
    if present.is_empty() {
        return Ok(());
    }
    Err(webpki::Error::RequiredEkuNotFoundContext(
        webpki::RequiredEkuNotFoundContext {
            required: KeyUsage::client_auth(),
            present,
        },
    ))
}

/// webpki's objection in rustls' words, which also choose the alert that the peer is sent; rustls keeps its own
/// translation to itself.
fn objection(error: webpki::Error) -> Objection {
    use webpki::Error;
    match error {
        Error::BadDer | Error::BadDerTime | Error::TrailingData(_) => Objection::BadEncoding,
        Error::CertNotValidYet { time, not_before } => Objection::NotValidYetContext { time, not_before },
        Error::CertExpired { time, not_after } => Objection::ExpiredContext { time, not_after },
        Error::UnknownIssuer => Objection::UnknownIssuer,
        Error::CertRevoked => Objection::Revoked,
        Error::InvalidSignatureForPublicKey => Objection::BadSignature,
        Error::RequiredEkuNotFoundContext(context) => Objection::InvalidPurposeContext {
            required: ExtendedKeyPurpose::ClientAuth,
            presented: context.present.into_iter().map(purpose_named).collect(),
        },
        other => Objection::Other(rustls::OtherError(std::sync::Arc::new(other))),
    }
}

fn purpose_named(oid: Vec<usize>) -> ExtendedKeyPurpose {
    match oid.as_slice() {
        KeyUsage::SERVER_AUTH_REPR => ExtendedKeyPurpose::ServerAuth,
        KeyUsage::CLIENT_AUTH_REPR => ExtendedKeyPurpose::ClientAuth,
        _ => ExtendedKeyPurpose::Other(oid),
    }
}
