//! A certificate chain with its private key.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;

use super::{CertificateError, pem};
use crate::tls::crypto_provider;

/// Where a certificate chain and its key lie; one file may hold both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityFiles {
    /// The certificate and its intermediates, PEM.
    pub certificates: PathBuf,
    /// The private key, PEM (PKCS #8, SEC 1 or PKCS #1).
    pub key: PathBuf,
}

/// A certificate chain with its private key, checked to belong together.
#[derive(Clone, Debug)]
pub struct Identity {
    certified: Arc<CertifiedKey>,
}

impl Identity {
    /// Loads and checks the files; a key that everybody on the machine can read is reported in the log.
    pub fn load(files: &IdentityFiles) -> Result<Self, CertificateError> {
        let chain = pem::certificates(&files.certificates)?;
        let key = pem::private_key(&files.key)?;
        let key = crypto_provider()
            .key_provider
            .load_private_key(key)
            .map_err(|source| CertificateError::KeyUnusable {
                path: files.key.clone(),
                source,
            })?;
        let certified = CertifiedKey::new(chain, key);
        match certified.keys_match() {
            Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {}
            Err(rustls::Error::InconsistentKeys(_)) => {
                return Err(CertificateError::KeyMismatch {
                    key: files.key.clone(),
                    certificates: files.certificates.clone(),
                });
            }
            Err(_) => {
                return Err(CertificateError::Unreadable {
                    path: files.certificates.clone(),
                });
            }
        }
        if let Some(mode) = open_to_all(&files.key) {
            tracing::warn!(key = %files.key.display(), mode = %format!("{mode:04o}"), "private key is readable by everybody: chmod 600");
        }
        Ok(Self {
            certified: Arc::new(certified),
        })
    }

    /// The certificate and its intermediates.
    pub(crate) fn chain(&self) -> &[CertificateDer<'static>] {
        &self.certified.cert
    }

    pub(crate) fn certified(&self) -> Arc<CertifiedKey> {
        self.certified.clone()
    }
}

/// The permissions of a file that everybody on the machine can read or write; a group is somebody's decision.
#[cfg(unix)]
pub(crate) fn open_to_all(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o7777;
    (mode & 0o007 != 0).then_some(mode)
}

/// Elsewhere permissions are not numbers.
#[cfg(not(unix))]
pub(crate) fn open_to_all(_path: &Path) -> Option<u32> {
    None
}
