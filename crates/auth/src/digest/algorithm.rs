//! The two hashes, and what is hashed.

use crate::text::hex;
use crate::verifier::VerifierKind;
use md5::{Digest, Md5};
use sha2::Sha256;
use std::fmt;
use zeroize::Zeroizing;

/// A hash Digest is done with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// `MD5`, which also is what no name means.
    Md5,
    /// `SHA-256`.
    Sha256,
}

impl Algorithm {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }

    /// Which stored form checks it.
    pub fn verifier_kind(self) -> VerifierKind {
        match self {
            Self::Md5 => VerifierKind::DigestMd5,
            Self::Sha256 => VerifierKind::DigestSha256,
        }
    }

    /// Reads the parameter `algorithm`; the session variants are not done.
    pub(super) fn parse(text: Option<&str>) -> Option<Self> {
        let text = text.unwrap_or("MD5");
        [Self::Md5, Self::Sha256]
            .into_iter()
            .find(|algorithm| algorithm.as_str().eq_ignore_ascii_case(text))
    }

    /// HA1 of RFC 7616 section 3.4.2, in bytes.
    pub(crate) fn ha1(self, username: &str, realm: &str, password: &str) -> Zeroizing<Vec<u8>> {
        let text = Zeroizing::new(format!("{username}:{realm}:{password}"));
        Zeroizing::new(self.hash(&text))
    }

    fn hash(self, text: &str) -> Vec<u8> {
        match self {
            Self::Md5 => Md5::digest(text).to_vec(),
            Self::Sha256 => Sha256::digest(text).to_vec(),
        }
    }

    /// `response`, or with an empty method `rspauth` (section 3.4.1 and 3.5).
    pub(super) fn response(self, ha1: &[u8], method: &str, of: &Covered<'_>) -> String {
        let Covered {
            nonce,
            nc,
            cnonce,
            uri,
        } = of;
        let ha1 = Zeroizing::new(hex(ha1));
        let ha2 = hex(&self.hash(&format!("{method}:{uri}")));
        let text = Zeroizing::new(format!("{}:{nonce}:{nc}:{cnonce}:auth:{ha2}", *ha1));
        hex(&self.hash(&text))
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a response covers beside the password and the method, as written on the wire.
#[derive(Clone, Copy, Debug)]
pub(super) struct Covered<'a> {
    pub(super) nonce: &'a str,
    pub(super) nc: &'a str,
    pub(super) cnonce: &'a str,
    pub(super) uri: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7616 section 3.9.1.
    #[test]
    fn the_example_of_the_standard() {
        let covered = Covered {
            nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            nc: "00000001",
            cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
            uri: "/dir/index.html",
        };
        let response = |algorithm: Algorithm| {
            let ha1 = algorithm.ha1("Mufasa", "http-auth@example.org", "Circle of Life");
            algorithm.response(&ha1, "GET", &covered)
        };
        assert_eq!(response(Algorithm::Md5), "8ca523f5e9506fed4657c9700eebdbec");
        assert_eq!(
            response(Algorithm::Sha256),
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
        );
    }
}
