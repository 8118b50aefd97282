//! The parts of an X.509 certificate that matter here, copied out of its DER.

use std::net::IpAddr;
use std::time::SystemTime;

use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::date::from_unix_seconds;

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parsed {
    pub(crate) subject: String,
    pub(crate) issuer: String,
    pub(crate) common_name: Option<String>,
    pub(crate) dns_names: Vec<String>,
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) sip_uris: Vec<String>,
    pub(crate) not_before: SystemTime,
    pub(crate) not_after: SystemTime,
    /// Extended key usage allows a TLS server; also when there is none.
    pub(crate) server_use: bool,
    /// Extended key usage allows a TLS client; also when there is none.
    pub(crate) client_use: bool,
    pub(crate) is_authority: bool,
    pub(crate) fingerprint: [u8; 32],
}

/// The DER is not a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable;

impl Parsed {
    /// Reads a certificate. Names that are not what their type says are left out: they could only mislead.
    pub(crate) fn from_der(der: &[u8]) -> Result<Self, Unreadable> {
        let (_, certificate) = X509Certificate::from_der(der).map_err(|_| Unreadable)?;
        let usage = certificate
            .extended_key_usage()
            .map_err(|_| Unreadable)?
            .map(|extension| extension.value);
        let mut parsed = Self {
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            common_name: certificate
                .subject()
                .iter_common_name()
                .find_map(|name| name.as_str().ok())
                .map(str::to_owned),
            dns_names: Vec::new(),
            addresses: Vec::new(),
            sip_uris: Vec::new(),
            not_before: from_unix_seconds(certificate.validity().not_before.timestamp()),
            not_after: from_unix_seconds(certificate.validity().not_after.timestamp()),
            server_use: usage.is_none_or(|usage| usage.any || usage.server_auth),
            client_use: usage.is_none_or(|usage| usage.any || usage.client_auth),
            is_authority: certificate.is_ca(),
            fingerprint: Sha256::digest(der).into(),
        };
        if let Some(names) = certificate.subject_alternative_name().map_err(|_| Unreadable)? {
            names.value.general_names.iter().for_each(|name| parsed.add(name));
        }
        Ok(parsed)
    }

    fn add(&mut self, name: &GeneralName<'_>) {
        match name {
            GeneralName::DNSName(name) if is_dns_name(name) => self.dns_names.push(name.to_ascii_lowercase()),
            GeneralName::URI(uri) if is_sip_uri(uri) => self.sip_uris.push((*uri).to_owned()),
            GeneralName::IPAddress(octets) => self.addresses.extend(address(octets)),
            _ => {}
        }
    }
}

/// Letters, digits, hyphens and dots, an underscore as some have it, and a wildcard label.
fn is_dns_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._*".contains(&byte))
}

fn is_sip_uri(uri: &str) -> bool {
    let scheme = uri.split(':').next().unwrap_or_default();
    (scheme.eq_ignore_ascii_case("sip") || scheme.eq_ignore_ascii_case("sips"))
        && uri.bytes().all(|byte| byte.is_ascii_graphic())
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    if let Ok(octets) = <[u8; 4]>::try_from(octets) {
        return Some(octets.into());
    }
    <[u8; 16]>::try_from(octets).ok().map(IpAddr::from)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, KeyPair, SanType};

    use super::*;

    fn certificate(names: Vec<SanType>) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names;
        params
            .self_signed(&KeyPair::generate().unwrap())
            .unwrap()
            .der()
            .to_vec()
    }

    #[test]
    fn names_that_are_none_are_left_out() {
        let dns = |name: &str| SanType::DnsName(name.try_into().unwrap());
        let uri = |uri: &str| SanType::URI(uri.try_into().unwrap());
        let parsed = Parsed::from_der(&certificate(vec![
            dns("A.example.com"),
            dns("a.example.com\0.evil.example"),
            dns("two names"),
            dns(""),
            uri("SIP:alice@example.com"),
            uri("https://example.com"),
            uri("sip:bob@example.com\r\nEvil: 1"),
            SanType::IpAddress("2001:db8::1".parse().unwrap()),
        ]));
        let parsed = parsed.unwrap();
        assert_eq!(parsed.dns_names, ["a.example.com"]);
        assert_eq!(parsed.sip_uris, ["SIP:alice@example.com"]);
        assert_eq!(parsed.addresses, ["2001:db8::1".parse::<IpAddr>().unwrap()]);
        assert!(
            parsed.server_use && parsed.client_use,
            "no extended key usage allows all"
        );
    }

    proptest! {
        #[test]
        fn a_damaged_certificate_harms_nobody(damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5)) {
            let mut der = certificate(vec![SanType::URI("sip:alice@example.com".try_into().unwrap())]);
            for (index, byte) in damage {
                *index.get_mut(&mut der) = byte;
            }
            let _ = Parsed::from_der(&der);
        }
    }
}
