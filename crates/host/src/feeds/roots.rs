//! Authorities beside the system's that may vouch for feeds: a company's own.

use reqwest::Certificate;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// Certificates of authorities; none by default.
#[derive(Clone, Debug, Default)]
pub struct Roots {
    pub(super) certificates: Vec<Certificate>,
}

/// Why a text holds no authorities.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RootsError {
    /// Not PEM.
    #[error("not PEM: {0}")]
    Pem(rustls::pki_types::pem::Error),
    /// PEM without a certificate in it.
    #[error("it holds no certificate")]
    Empty,
    /// A certificate that cannot be an authority's.
    #[error("certificate {number} cannot be used")]
    Certificate {
        /// Counted from 1.
        number: usize,
        /// Why.
        source: rustls::Error,
    },
}

impl Roots {
    /// Reads certificates in PEM.
    ///
    /// # Errors
    /// [`RootsError`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, RootsError> {
        let mut certificates = Vec::new();
        // Read once here, so that the first look does not fail for it.
        let mut tried = RootCertStore::empty();
        for (at, read) in CertificateDer::pem_slice_iter(pem).enumerate() {
            let read = read.map_err(RootsError::Pem)?;
            let unusable = |source| RootsError::Certificate {
                number: at + 1,
                source,
            };
            tried.add(read.clone()).map_err(unusable)?;
            let certificate = Certificate::from_der(&read).map_err(|_| {
                unusable(rustls::Error::InvalidCertificate(
                    rustls::CertificateError::BadEncoding,
                ))
            })?;
            certificates.push(certificate);
        }
        if certificates.is_empty() {
            return Err(RootsError::Empty);
        }
        Ok(Self { certificates })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_no_authority_is_refused() {
        let no = |pem: &str| Roots::from_pem(pem.as_bytes()).unwrap_err().to_string();
        assert_eq!(no(""), "it holds no certificate");
        let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(no(garbage), "certificate 1 cannot be used");
        assert!(no("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n").starts_with("not PEM: "));
    }
}
