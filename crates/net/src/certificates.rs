//! Certificates as files and as names: loading, checking, reporting, and a throw-away authority for development;
//! handshakes are the `tls` module's.

mod authority;
mod date;
mod error;
mod files;
mod identity;
mod parsed;
mod peer;
pub(crate) mod pem;
mod report;
pub(crate) mod trust;

pub use authority::{DevelopmentAuthority, Subject};
pub use error::CertificateError;
pub use identity::{Identity, IdentityFiles};
pub use peer::PeerIdentity;
pub use report::{CertificateReport, Expectations, Finding, Severity, inspect};

pub(crate) use date::day;
pub(crate) use files::Stamp;
