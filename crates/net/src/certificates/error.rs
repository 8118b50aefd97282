//! Why certificate files cannot be used.

use std::path::PathBuf;

/// Why certificate files cannot be used; every variant names the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file holds broken PEM.
    #[error("{} is not valid PEM", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: std::io::Error,
    },
    /// The file holds no certificate.
    #[error("{} holds no certificate (BEGIN CERTIFICATE)", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// The file holds no private key.
    #[error("{} holds no private key (BEGIN PRIVATE KEY)", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// The file holds no revocation list.
    #[error("{} holds no revocation list (BEGIN X509 CRL)", path.display())]
    NoRevocationList {
        /// The file.
        path: PathBuf,
    },
    /// A revocation list in the file cannot be parsed.
    #[error("{} holds an unreadable revocation list", path.display())]
    RevocationListUnreadable {
        /// The file.
        path: PathBuf,
    },
    /// A certificate in the file cannot be parsed.
    #[error("{} holds an unreadable certificate", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
    },
    /// The key is of a kind that TLS here cannot use.
    #[error("{} holds a key that cannot be used", path.display())]
    KeyUnusable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// The key belongs to another certificate.
    #[error("the key in {} does not belong to the certificate in {}", key.display(), certificates.display())]
    KeyMismatch {
        /// The key's file.
        key: PathBuf,
        /// The certificate's file.
        certificates: PathBuf,
    },
    /// Client certificates are asked for and no roots are named.
    #[error("client certificates are asked for but no roots for them are named")]
    NoClientRoots,
    /// TLS does not take the files for another reason.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
    /// The development authority could not make a certificate.
    #[error("cannot issue a certificate")]
    Issue(#[source] rcgen::Error),
}
