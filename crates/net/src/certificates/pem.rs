//! Reads PEM files; the only module that knows rustls-pemfile, so that it can be replaced in one place.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};

use super::CertificateError;

/// A public authority's revocation list has a few megabytes; nobody's is longer than this.
const MAX_FILE: u64 = 32 << 20;

/// The certificates of a file in their order, at least one.
pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let bytes = read(path)?;
    let certificates = rustls_pemfile::certs(&mut bytes.as_slice())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|source| CertificateError::Pem {
            path: path.into(),
            source,
        })?;
    if certificates.is_empty() {
        return Err(CertificateError::NoCertificate { path: path.into() });
    }
    Ok(certificates)
}

/// The first private key of a file: PKCS #8, SEC 1 or PKCS #1.
pub(crate) fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, CertificateError> {
    let bytes = read(path)?;
    rustls_pemfile::private_key(&mut bytes.as_slice())
        .map_err(|source| CertificateError::Pem {
            path: path.into(),
            source,
        })?
        .ok_or_else(|| CertificateError::NoKey { path: path.into() })
}

/// The revocation lists of a file, at least one; a single one in DER is taken too, as authorities publish it so.
pub(crate) fn revocation_lists(
    path: &Path,
) -> Result<Vec<CertificateRevocationListDer<'static>>, CertificateError> {
    /// Tag of an ASN.1 sequence, which no PEM file starts with.
    const SEQUENCE: u8 = 0x30;
    let bytes = read(path)?;
    if bytes.first() == Some(&SEQUENCE) {
        return Ok(vec![CertificateRevocationListDer::from(bytes)]);
    }
    let lists = rustls_pemfile::crls(&mut bytes.as_slice())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|source| CertificateError::Pem {
            path: path.into(),
            source,
        })?;
    if lists.is_empty() {
        return Err(CertificateError::NoRevocationList { path: path.into() });
    }
    Ok(lists)
}

fn read(path: &Path) -> Result<Vec<u8>, CertificateError> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_FILE).read_to_end(&mut bytes))
        .map_err(|source| CertificateError::Read {
            path: path.into(),
            source,
        })?;
    Ok(bytes)
}
