//! What an operator wants to know about certificate files, without a handshake.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustls::pki_types::CertificateDer;
use serde::{Serialize, Serializer};
use x509_parser::prelude::{CertificateRevocationList, FromDer};

use super::date::{DAY, from_unix_seconds, rfc3339, unix_seconds};
use super::identity::open_to_all;
use super::parsed::Parsed;
use super::trust::{Purpose, Trust, unix_time};
use super::{CertificateError, Identity, IdentityFiles, day, pem};
use crate::CertificateFault;

/// What a certificate says and what is wrong with it. Serialised, times are RFC 3339 and findings have their text.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CertificateReport {
    /// The file.
    pub path: PathBuf,
    /// The subject, as a distinguished name.
    pub subject: String,
    /// The issuer, as a distinguished name.
    pub issuer: String,
    /// The subject's common name.
    pub common_name: Option<String>,
    /// DNS names, lower case.
    pub dns_names: Vec<String>,
    /// Addresses.
    pub addresses: Vec<IpAddr>,
    /// SIP URIs.
    pub sip_uris: Vec<String>,
    /// Start of the validity.
    #[serde(serialize_with = "as_rfc3339")]
    pub not_before: SystemTime,
    /// End of the validity.
    #[serde(serialize_with = "as_rfc3339")]
    pub not_after: SystemTime,
    /// Whole days until the end; negative afterwards.
    pub days_left: i64,
    /// May be used by a TLS server.
    pub server_use: bool,
    /// May be used by a TLS client.
    pub client_use: bool,
    /// It is an authority's.
    pub is_authority: bool,
    /// SHA-256 of the certificate, hexadecimal with colons.
    pub fingerprint: String,
    /// What deserves attention, worst first.
    pub findings: Vec<Finding>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It works, for now.
    Warning,
    /// It does not work.
    Error,
}

/// What deserves attention.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Finding {
    /// The certificate or its chain is not acceptable.
    Certificate(CertificateFault),
    /// It ends within 30 days.
    ExpiresSoon {
        /// When.
        not_after: SystemTime,
    },
    /// It holds no name by which a peer could know it.
    NoNames,
    /// The key is not its own.
    KeyMismatch {
        /// The key's file.
        key: PathBuf,
    },
    /// A file that belongs to it cannot be used.
    File(String),
    /// Everybody on the machine can read the key.
    KeyReadableByAll {
        /// The key's file.
        key: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The revocation list should have been replaced by now; it is still used.
    RevocationListOutdated {
        /// When a new one was due.
        due: SystemTime,
    },
    /// It may not be used as a client; servers that insist refuse it, ours can be told to accept it.
    ServerOnly,
}

/// Shorter than most people's renewal, longer than most people's holidays.
const SOON_DAYS: i64 = 30;

/// What a certificate is checked against.
#[derive(Clone, Debug, Default)]
pub struct Expectations<'a> {
    /// The key that should belong to it.
    pub key: Option<&'a Path>,
    /// Roots it should chain to.
    pub roots: Option<&'a Path>,
    /// Revocation list it should not be on.
    pub crl: Option<&'a Path>,
    /// DNS names, addresses or SIP URIs it should hold.
    pub names: &'a [String],
    /// It will be used by a server.
    pub for_server: bool,
    /// It will be used by a client.
    pub for_client: bool,
}

/// Reads the first certificate of a file, with the others as its intermediates, and checks it.
///
/// An error means that there is nothing to report on; everything else is a finding.
pub fn inspect(
    path: &Path,
    expectations: &Expectations<'_>,
    now: SystemTime,
) -> Result<CertificateReport, CertificateError> {
    let chain = pem::certificates(path)?;
    let parsed =
        Parsed::from_der(&chain[0]).map_err(|_| CertificateError::Unreadable { path: path.into() })?;
    let mut findings = validity(&parsed, now);
    findings.extend(
        expectations
            .roots
            .and_then(|roots| trust(&chain, &parsed, roots, expectations, now)),
    );
    findings.extend(purposes(&parsed, expectations));
    findings.extend(names(&parsed, expectations.names));
    findings.extend(expectations.crl.into_iter().filter_map(|crl| outdated(crl, now)));
    if let Some(key) = expectations.key {
        findings.extend(key_findings(path, key));
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity()));
    findings.dedup();
    Ok(CertificateReport {
        path: path.into(),
        days_left: (unix_seconds(parsed.not_after) - unix_seconds(now)).div_euclid(DAY.as_secs() as i64),
        fingerprint: hexadecimal(&parsed.fingerprint),
        subject: parsed.subject,
        issuer: parsed.issuer,
        common_name: parsed.common_name,
        dns_names: parsed.dns_names,
        addresses: parsed.addresses,
        sip_uris: parsed.sip_uris,
        not_before: parsed.not_before,
        not_after: parsed.not_after,
        server_use: parsed.server_use,
        client_use: parsed.client_use,
        is_authority: parsed.is_authority,
        findings,
    })
}

impl CertificateReport {
    /// True when a finding is an error.
    pub fn has_errors(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.severity() == Severity::Error)
    }
}

impl IdentityFiles {
    /// Inspects the certificate with its key, whatever key the expectations name.
    pub fn inspect(
        &self,
        expectations: &Expectations<'_>,
        now: SystemTime,
    ) -> Result<CertificateReport, CertificateError> {
        inspect(
            &self.certificates,
            &Expectations {
                key: Some(&self.key),
                ..expectations.clone()
            },
            now,
        )
    }
}

impl Finding {
    /// How bad it is.
    pub fn severity(&self) -> Severity {
        match self {
            Self::Certificate(_) | Self::KeyMismatch { .. } | Self::File(_) => Severity::Error,
            Self::ExpiresSoon { .. }
            | Self::NoNames
            | Self::KeyReadableByAll { .. }
            | Self::RevocationListOutdated { .. }
            | Self::ServerOnly => Severity::Warning,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(fault) => fault.fmt(f),
            Self::ExpiresSoon { not_after } => write!(f, "expires on {}", day(*not_after)),
            Self::NoNames => f.write_str("holds neither a DNS name nor a SIP URI nor an address"),
            Self::KeyMismatch { key } => {
                write!(f, "the key in {} belongs to another certificate", key.display())
            }
            Self::File(error) => f.write_str(error),
            Self::KeyReadableByAll { key, mode } => {
                write!(
                    f,
                    "everybody can read the key in {} (mode {mode:04o}, wanted 0600)",
                    key.display()
                )
            }
            Self::RevocationListOutdated { due } => {
                write!(
                    f,
                    "the revocation list should have been replaced on {}",
                    day(*due)
                )
            }
            Self::ServerOnly => f.write_str(
                "made for servers only (extended key usage); the other side must accept that of a client",
            ),
        }
    }
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut finding = serializer.serialize_struct("Finding", 2)?;
        finding.serialize_field("severity", &self.severity())?;
        finding.serialize_field("text", &self.to_string())?;
        finding.end()
    }
}

fn as_rfc3339<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339(*time))
}

fn validity(parsed: &Parsed, now: SystemTime) -> Vec<Finding> {
    if now > parsed.not_after {
        vec![Finding::Certificate(CertificateFault::Expired {
            not_after: parsed.not_after,
        })]
    } else if now < parsed.not_before {
        vec![Finding::Certificate(CertificateFault::NotYetValid {
            not_before: parsed.not_before,
        })]
    } else if parsed.not_after < now + DAY.saturating_mul(SOON_DAYS as u32) {
        vec![Finding::ExpiresSoon {
            not_after: parsed.not_after,
        }]
    } else {
        Vec::new()
    }
}

/// Checks the chain for what the certificate itself allows, so that a wrong purpose is told apart from a wrong issuer.
fn trust(
    chain: &[CertificateDer<'static>],
    parsed: &Parsed,
    roots: &Path,
    expectations: &Expectations<'_>,
    now: SystemTime,
) -> Option<Finding> {
    let (certificate, intermediates) = chain.split_first()?;
    if parsed.is_authority {
        // A root is looked for among the roots; verification is for those who are no authority.
        let is_root = pem::certificates(roots).is_ok_and(|roots| roots.contains(certificate));
        return (!is_root).then_some(Finding::Certificate(CertificateFault::UnknownIssuer));
    }
    let trust = match Trust::load(roots, expectations.crl) {
        Ok(trust) => trust,
        Err(error) => return Some(unusable(&error)),
    };
    let purpose = if parsed.server_use {
        Purpose::Server
    } else {
        Purpose::Client
    };
    let fault: CertificateFault = trust
        .check(certificate, intermediates, purpose, unix_time(now))
        .err()?
        .into();
    Some(Finding::Certificate(fault))
}

fn purposes(parsed: &Parsed, expectations: &Expectations<'_>) -> Option<Finding> {
    let useless = !parsed.server_use && (expectations.for_server || !parsed.client_use);
    if useless {
        return Some(Finding::Certificate(CertificateFault::Purpose));
    }
    (expectations.for_client && !parsed.client_use).then_some(Finding::ServerOnly)
}

fn names(parsed: &Parsed, expected: &[String]) -> Vec<Finding> {
    let addresses = parsed.addresses.iter().map(IpAddr::to_string);
    let presented: Vec<String> = parsed
        .dns_names
        .iter()
        .chain(&parsed.sip_uris)
        .cloned()
        .chain(addresses)
        .collect();
    if presented.is_empty() && !parsed.is_authority {
        return vec![Finding::NoNames];
    }
    let missing = expected
        .iter()
        .filter(|name| !presented.iter().any(|own| matches(own, name)));
    let fault = |name: &String| CertificateFault::WrongName {
        expected: name.clone(),
        presented: presented.clone(),
    };
    missing.map(|name| Finding::Certificate(fault(name))).collect()
}

/// Exact but for case, or the wildcard of the first label (RFC 6125 section 6.4.3).
fn matches(own: &str, name: &str) -> bool {
    let wildcard = || {
        Some(
            own.strip_prefix("*.")?
                .eq_ignore_ascii_case(name.split_once('.')?.1),
        )
    };
    own.eq_ignore_ascii_case(name) || wildcard().unwrap_or(false)
}

fn outdated(crl: &Path, now: SystemTime) -> Option<Finding> {
    let lists = match pem::revocation_lists(crl) {
        Ok(lists) => lists,
        Err(error) => return Some(unusable(&error)),
    };
    let next = |der: &[u8]| {
        Some(
            CertificateRevocationList::from_der(der)
                .ok()?
                .1
                .next_update()?
                .timestamp(),
        )
    };
    let due = from_unix_seconds(lists.iter().filter_map(|der| next(der.as_ref())).min()?);
    (due < now).then_some(Finding::RevocationListOutdated { due })
}

fn key_findings(certificates: &Path, key: &Path) -> Vec<Finding> {
    let files = IdentityFiles {
        certificates: certificates.into(),
        key: key.into(),
    };
    let pair = match Identity::load(&files) {
        Ok(_) => None,
        Err(CertificateError::KeyMismatch { key, .. }) => Some(Finding::KeyMismatch { key }),
        Err(error) => Some(unusable(&error)),
    };
    let readable = open_to_all(key).map(|mode| Finding::KeyReadableByAll {
        key: key.into(),
        mode,
    });
    pair.into_iter().chain(readable).collect()
}

/// The error with its causes, on one line.
fn unusable(error: &CertificateError) -> Finding {
    let causes = std::iter::successors(std::error::Error::source(error), |error| error.source());
    Finding::File(causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}")))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect::<Vec<_>>()
        .join(":")
}
