//! What a peer's TLS alert means to an operator.

use std::fmt;

use rustls::AlertDescription;

/// Why the peer refused us, by its TLS alert (RFC 8446 section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAlert(pub AlertDescription);

impl PeerAlert {
    /// True when the peer does not like our certificate, or misses one: no use to try again before it is changed.
    pub fn is_about_our_certificate(self) -> bool {
        use AlertDescription as A;
        matches!(
            self.0,
            A::NoCertificate
                | A::BadCertificate
                | A::UnsupportedCertificate
                | A::CertificateRevoked
                | A::CertificateExpired
                | A::CertificateUnknown
                | A::UnknownCA
                | A::AccessDenied
                | A::CertificateRequired
        )
    }
}

impl fmt::Display for PeerAlert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use AlertDescription as A;
        f.write_str(match self.0 {
            A::NoCertificate | A::CertificateRequired => "it requires a client certificate",
            A::BadCertificate | A::CertificateUnknown => "it does not accept our certificate",
            A::UnsupportedCertificate => "our certificate is not made for this use (extended key usage)",
            A::CertificateRevoked => "our certificate is revoked",
            A::CertificateExpired => "our certificate is expired or not valid yet",
            A::UnknownCA => "it does not trust the issuer of our certificate",
            A::AccessDenied => "access denied",
            A::ProtocolVersion => "no common TLS version (1.2 and 1.3 are spoken here)",
            A::HandshakeFailure | A::InsufficientSecurity => {
                "no common TLS parameters, or a client certificate is missing"
            }
            A::UnrecognisedName => "it does not know the server name",
            A::DecryptError => "our certificate and our signature do not fit together",
            A::CloseNotify => "it closed the connection",
            other => return write!(f, "alert {other:?}"),
        })
    }
}
