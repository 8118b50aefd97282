//! Who a peer is according to its certificate.

use std::time::SystemTime;

use super::parsed::{Parsed, Unreadable};

/// The names in a peer's certificate, which the TLS handshake has verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerIdentity {
    /// The subject's common name, as written.
    pub common_name: Option<String>,
    /// The DNS names of the subject alternative names, lower case.
    pub dns_names: Vec<String>,
    /// The `sip:` and `sips:` URIs of the subject alternative names, as written.
    pub sip_uris: Vec<String>,
    /// The end of its validity.
    pub not_after: SystemTime,
    /// SHA-256 of the certificate.
    pub fingerprint: [u8; 32],
}

impl PeerIdentity {
    pub(crate) fn from_der(der: &[u8]) -> Result<Self, Unreadable> {
        let parsed = Parsed::from_der(der)?;
        Ok(Self {
            common_name: parsed.common_name,
            dns_names: parsed.dns_names,
            sip_uris: parsed.sip_uris,
            not_after: parsed.not_after,
            fingerprint: parsed.fingerprint,
        })
    }

    /// True when `fqdn` is one of the DNS names or the common name (facts E6: subject, or SAN). Exact but for case;
    /// a wildcard matches nothing, since it would make a trusted computer of every host.
    pub fn has_host(&self, fqdn: &str) -> bool {
        !fqdn.contains('*') && self.hosts().any(|host| host.eq_ignore_ascii_case(fqdn))
    }

    /// The common name and the DNS names that are not the common name.
    pub fn hosts(&self) -> impl Iterator<Item = &str> {
        let common = self.common_name.as_deref();
        let others = self.dns_names.iter().map(String::as_str);
        common
            .into_iter()
            .chain(others.filter(move |name| !common.is_some_and(|common| common.eq_ignore_ascii_case(name))))
    }

    /// True when `uri` is one of the SIP URIs, without case.
    pub fn has_sip_uri(&self, uri: &str) -> bool {
        self.sip_uris.iter().any(|own| own.eq_ignore_ascii_case(uri))
    }
}
