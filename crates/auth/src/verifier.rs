//! What is kept of a password: one verifier per scheme that is switched on, never the password.
//!
//! None of them is a slow hash: the protocols give the server no choice. Whoever reads a Digest verifier can sign in
//! with Digest to that one realm, and can guess at the password offline; whoever reads an NT hash can sign in with
//! NTLM wherever the same password is used. So an NT hash is stored only while NTLM is switched on.

use crate::digest::Algorithm;
use crate::text::{hex, unhex, utf16};
use md4::{Digest, Md4};
use std::fmt;
use std::str::FromStr;
use zeroize::Zeroizing;

/// Which scheme a [`Verifier`] is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum VerifierKind {
    /// MD5 of name, realm and password (RFC 7616 HA1), for clients that know nothing else.
    DigestMd5,
    /// SHA-256 of name, realm and password (RFC 7616 HA1).
    DigestSha256,
    /// MD4 of the password in UTF-16 (MS-NLMP NTOWFv1), for NTLM.
    NtHash,
}

impl VerifierKind {
    /// The name it is stored under.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DigestMd5 => "digest-md5",
            Self::DigestSha256 => "digest-sha-256",
            Self::NtHash => "nt-hash",
        }
    }
}

impl fmt::Display for VerifierKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for VerifierKind {
    type Err = VerifierError;

    fn from_str(text: &str) -> Result<Self, VerifierError> {
        [Self::DigestMd5, Self::DigestSha256, Self::NtHash]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(VerifierError::Kind)
    }
}

/// What the server keeps to check one scheme. `Debug` shows the kind only.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier {
    kind: VerifierKind,
    secret: Zeroizing<Vec<u8>>,
}

impl Verifier {
    /// For Digest with SHA-256. The client must type exactly this name.
    pub fn digest_sha256(username: &str, realm: &str, password: &str) -> Self {
        Self {
            kind: VerifierKind::DigestSha256,
            secret: Algorithm::Sha256.ha1(username, realm, password),
        }
    }

    /// For Digest with MD5. The client must type exactly this name.
    pub fn digest_md5(username: &str, realm: &str, password: &str) -> Self {
        Self {
            kind: VerifierKind::DigestMd5,
            secret: Algorithm::Md5.ha1(username, realm, password),
        }
    }

    /// For NTLM.
    pub fn nt_hash(password: &str) -> Self {
        Self {
            kind: VerifierKind::NtHash,
            secret: Zeroizing::new(NtHash::from_password(password).0.to_vec()),
        }
    }

    /// Which scheme it is for.
    pub fn kind(&self) -> VerifierKind {
        self.kind
    }

    /// The form it is stored in.
    pub fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(hex(&self.secret))
    }

    /// Reads the stored form.
    ///
    /// # Errors
    ///
    /// When the length is not that of the kind, or a character is no hexadecimal digit.
    pub fn from_hex(kind: VerifierKind, text: &str) -> Result<Self, VerifierError> {
        let secret = match kind {
            VerifierKind::DigestSha256 => unhex::<32>(text).map(Vec::from),
            VerifierKind::DigestMd5 | VerifierKind::NtHash => unhex::<16>(text).map(Vec::from),
        };
        let secret = Zeroizing::new(secret.ok_or(VerifierError::Digits { kind })?);
        Ok(Self { kind, secret })
    }

    /// The NT hash, when it is one.
    pub fn as_nt_hash(&self) -> Option<NtHash> {
        let bytes = self.secret.as_slice().try_into().ok()?;
        (self.kind == VerifierKind::NtHash).then(|| NtHash(Zeroizing::new(bytes)))
    }

    pub(crate) fn secret(&self) -> &[u8] {
        &self.secret
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier({}, ..)", self.kind)
    }
}

/// MD4 of the password in UTF-16 (MS-NLMP section 3.3.1, NTOWFv1). As good as the password for NTLM.
#[derive(Clone)]
pub struct NtHash(pub(crate) Zeroizing<[u8; 16]>);

impl NtHash {
    /// Hashes a password.
    pub fn from_password(password: &str) -> Self {
        Self(Zeroizing::new(Md4::digest(&*utf16(password)).into()))
    }
}

impl fmt::Debug for NtHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NtHash(..)")
    }
}

/// Why a stored verifier cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifierError {
    /// No kind of this name.
    #[error("unknown kind of verifier")]
    Kind,
    /// Not the digits this kind has.
    #[error("not the digits of {kind}")]
    Digits {
        /// The kind it should be.
        kind: VerifierKind,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_form_comes_back_and_debug_keeps_the_secret() {
        for verifier in [
            Verifier::digest_sha256("alice@example.com", "example.com", "Secret123"),
            Verifier::digest_md5("alice@example.com", "example.com", "Secret123"),
            Verifier::nt_hash("Secret123"),
        ] {
            let kind: VerifierKind = verifier.kind().as_str().parse().unwrap();
            let text = verifier.to_hex();
            assert_eq!(Verifier::from_hex(kind, &text).unwrap(), verifier);
            assert!(!format!("{verifier:?}").contains(&text[..8]));
            assert_eq!(verifier.as_nt_hash().is_some(), kind == VerifierKind::NtHash);
        }
    }

    #[test]
    fn a_spoilt_store_is_told() {
        assert_eq!(
            "lm".parse::<VerifierKind>().unwrap_err().to_string(),
            "unknown kind of verifier"
        );
        let error = Verifier::from_hex(VerifierKind::NtHash, "abc").unwrap_err();
        assert_eq!(error.to_string(), "not the digits of nt-hash");
    }

    /// MS-NLMP section 4.2.2.1.2.
    #[test]
    fn the_nt_hash_of_the_specification() {
        assert_eq!(
            &*Verifier::nt_hash("Password").to_hex(),
            "a4f49c406510bdcab6824ee7c30fd852"
        );
    }
}
