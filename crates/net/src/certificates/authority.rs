//! A throw-away certificate authority for development, in a folder of its own.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType,
};

use super::date::DAY;
use super::files::{self, FolderLock, Readers};
use super::parsed::Parsed;
use super::trust::{Purpose, Trust, unix_time};
use super::{CertificateError, Identity, IdentityFiles, pem};

/// A throw-away certificate authority for development and tests (ECDSA P-256).
///
/// The folder is `0700`, the keys in it `0600`; several processes may use it at the same time.
#[derive(Debug)]
pub struct DevelopmentAuthority {
    folder: PathBuf,
}

/// Whom a certificate is for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Subject {
    /// A TLS server.
    Server {
        /// DNS names; the first is the common name.
        names: Vec<String>,
        /// Addresses it is also reached by.
        addresses: Vec<IpAddr>,
    },
    /// A trusted application: for server and client use.
    Application {
        /// The pool; it is the common name and among the DNS names.
        pool: String,
        /// The computers of the pool.
        computers: Vec<String>,
    },
    /// A user, for client use.
    User {
        /// The user's SIP URI, such as `sip:alice@example.com`.
        uri: String,
    },
}

/// A year, as public authorities were allowed for long.
const LEAF_VALIDITY: Duration = DAY.saturating_mul(365);
/// Outlives several generations of what it issues.
const AUTHORITY_VALIDITY: Duration = DAY.saturating_mul(5 * 365);
/// What ends sooner is made anew at the next start.
const RENEWAL: Duration = DAY.saturating_mul(30);
/// A new authority before it can no longer issue for a whole year.
const AUTHORITY_RENEWAL: Duration = DAY.saturating_mul(365 + 30);
/// The clocks of the machines of one test bed differ by less.
const CLOCK_SKEW: Duration = Duration::from_secs(3_600);

impl DevelopmentAuthority {
    /// Opens the authority in `folder`, and makes it first when there is none or it is about to expire.
    pub fn open(folder: &Path) -> Result<Self, CertificateError> {
        Self::open_at(folder, SystemTime::now())
    }

    /// The file with the authority's certificate, to be used as roots.
    pub fn roots(&self) -> PathBuf {
        self.files().certificates
    }

    /// The certificate and key of `subject` in `<folder>/<name>.pem` and `<folder>/<name>-key.pem`; what no file name
    /// should hold is percent-encoded.
    ///
    /// Those that exist are kept while they fit the subject and are not about to expire.
    pub fn issue(&self, name: &str, subject: &Subject) -> Result<IdentityFiles, CertificateError> {
        self.issue_at(name, subject, SystemTime::now())
    }

    fn open_at(folder: &Path, now: SystemTime) -> Result<Self, CertificateError> {
        files::make_private_folder(folder)?;
        let authority = Self {
            folder: folder.into(),
        };
        let _lock = FolderLock::take(folder)?;
        if !authority.is_usable(now) {
            authority.create(now)?;
        }
        Ok(authority)
    }

    fn issue_at(
        &self,
        name: &str,
        subject: &Subject,
        now: SystemTime,
    ) -> Result<IdentityFiles, CertificateError> {
        let wanted = subject.parameters(now).map_err(CertificateError::Issue)?;
        let files = self.named(name);
        let _lock = FolderLock::take(&self.folder)?;
        if !self.fits(&files, &wanted, subject.purpose(), now) {
            let key = new_key()?;
            let certificate = wanted
                .signed_by(&key, &self.issuer()?)
                .map_err(CertificateError::Issue)?;
            write_identity(&files, &certificate.pem(), &key)?;
        }
        Ok(files)
    }

    fn files(&self) -> IdentityFiles {
        self.named("authority")
    }

    fn named(&self, name: &str) -> IdentityFiles {
        let name = file_name(name);
        IdentityFiles {
            certificates: self.folder.join(format!("{name}.pem")),
            key: self.folder.join(format!("{name}-key.pem")),
        }
    }

    fn is_usable(&self, now: SystemTime) -> bool {
        Identity::load(&self.files())
            .ok()
            .and_then(|identity| Parsed::from_der(identity.chain().first()?).ok())
            .is_some_and(|parsed| parsed.is_authority && parsed.not_after > now + AUTHORITY_RENEWAL)
    }

    fn create(&self, now: SystemTime) -> Result<(), CertificateError> {
        let key = new_key()?;
        let mut parameters = parameters(now, AUTHORITY_VALIDITY);
        // Two authorities of the same name would make "wrong signature" of what is "unknown issuer".
        let number = fresh_number();
        parameters.distinguished_name.push(
            DnType::CommonName,
            format!("Parlor development authority {number:08x}"),
        );
        parameters
            .distinguished_name
            .push(DnType::OrganizationName, "not for production");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = parameters.self_signed(&key).map_err(CertificateError::Issue)?;
        write_identity(&self.files(), &certificate.pem(), &key)
    }

    fn issuer(&self) -> Result<Issuer<'static, KeyPair>, CertificateError> {
        let files = self.files();
        let key = std::fs::read_to_string(&files.key).map_err(|source| CertificateError::Read {
            path: files.key.clone(),
            source,
        })?;
        let key = KeyPair::from_pem(&key).map_err(CertificateError::Issue)?;
        let certificates = pem::certificates(&files.certificates)?;
        Issuer::from_ca_cert_der(&certificates[0], key).map_err(CertificateError::Issue)
    }

    /// Whether the files hold what would be issued: same names, this authority, key and certificate of one pair, and
    /// some time left.
    fn fits(
        &self,
        files: &IdentityFiles,
        wanted: &CertificateParams,
        purpose: Purpose,
        now: SystemTime,
    ) -> bool {
        let Ok(identity) = Identity::load(files) else {
            return false;
        };
        let Ok(trust) = Trust::load(&self.roots(), None) else {
            return false;
        };
        let [certificate] = identity.chain() else {
            return false;
        };
        let Ok(parsed) = Parsed::from_der(certificate) else {
            return false;
        };
        trust
            .check(certificate, &[], purpose, unix_time(now + RENEWAL))
            .is_ok()
            && names(&parsed) == wanted.subject_alt_names
            && wanted.distinguished_name.get(&DnType::CommonName)
                == parsed.common_name.map(rcgen::DnValue::Utf8String).as_ref()
    }
}

impl Subject {
    fn parameters(&self, now: SystemTime) -> Result<CertificateParams, rcgen::Error> {
        let mut parameters = parameters(now, LEAF_VALIDITY);
        parameters.use_authority_key_identifier_extension = true;
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let (common_name, usages) = match self {
            Self::Server { names, addresses } => {
                for name in names {
                    parameters
                        .subject_alt_names
                        .push(SanType::DnsName(name.to_ascii_lowercase().try_into()?));
                }
                parameters
                    .subject_alt_names
                    .extend(addresses.iter().copied().map(SanType::IpAddress));
                (names.first(), vec![ExtendedKeyUsagePurpose::ServerAuth])
            }
            Self::Application { pool, computers } => {
                let others = computers
                    .iter()
                    .filter(|computer| !computer.eq_ignore_ascii_case(pool));
                for name in std::iter::once(pool).chain(others) {
                    parameters
                        .subject_alt_names
                        .push(SanType::DnsName(name.to_ascii_lowercase().try_into()?));
                }
                (
                    Some(pool),
                    vec![
                        ExtendedKeyUsagePurpose::ServerAuth,
                        ExtendedKeyUsagePurpose::ClientAuth,
                    ],
                )
            }
            Self::User { uri } => {
                parameters
                    .subject_alt_names
                    .push(SanType::URI(uri.as_str().try_into()?));
                (Some(uri), vec![ExtendedKeyUsagePurpose::ClientAuth])
            }
        };
        parameters.extended_key_usages = usages;
        if let Some(name) = common_name {
            parameters
                .distinguished_name
                .push(DnType::CommonName, name.as_str());
        }
        Ok(parameters)
    }

    fn purpose(&self) -> Purpose {
        match self {
            Self::Server { .. } => Purpose::Server,
            Self::Application { .. } | Self::User { .. } => Purpose::Client,
        }
    }
}

/// The names of a certificate in the order in which [`Subject::parameters`] gives them.
fn names(parsed: &Parsed) -> Vec<SanType> {
    let dns = parsed
        .dns_names
        .iter()
        .filter_map(|name| Some(SanType::DnsName(name.as_str().try_into().ok()?)));
    let addresses = parsed.addresses.iter().copied().map(SanType::IpAddress);
    let uris = parsed
        .sip_uris
        .iter()
        .filter_map(|uri| Some(SanType::URI(uri.as_str().try_into().ok()?)));
    dns.chain(addresses).chain(uris).collect()
}

fn parameters(now: SystemTime, validity: Duration) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.not_before = (now - CLOCK_SKEW).into();
    parameters.not_after = (now + validity).into();
    parameters
}

fn new_key() -> Result<KeyPair, CertificateError> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(CertificateError::Issue)
}

/// The key first: after a crash in between the pair does not match, and is made again.
fn write_identity(files: &IdentityFiles, certificate: &str, key: &KeyPair) -> Result<(), CertificateError> {
    files::write(&files.key, key.serialize_pem().as_bytes(), Readers::Owner)?;
    files::write(&files.certificates, certificate.as_bytes(), Readers::Everybody)
}

/// What could mean another folder, or nothing on another system, is percent-encoded: names come from users' addresses.
fn file_name(name: &str) -> String {
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"-_@.".contains(&byte);
    let encode = |byte: u8| {
        if harmless(byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02x}")
        }
    };
    name.bytes().map(encode).collect()
}

/// Different for every authority, and nothing secret.
fn fresh_number() -> u32 {
    use std::hash::{BuildHasher, Hasher};
    let hash = std::collections::hash_map::RandomState::new()
        .build_hasher()
        .finish();
    u32::try_from(hash >> 32).unwrap_or_default()
}

#[cfg(test)]
mod tests;
