//! The TLS settings of both sides, their handshakes, and what can go wrong with them; files and names of certificates
//! are the `certificates` module's.
//!
//! Sessions are never resumed: a resumed handshake would skip the check of the client's certificate, keep replaced
//! files in use and outlive a revocation; and the memory of a server that just restarted, when everybody comes back at
//! once, would be empty anyway.

mod alert;
mod client;
mod error;
pub(crate) mod handshake;
mod reload;
mod server;
mod verify;
mod wire;

use std::sync::{Arc, LazyLock};

use rustls::crypto::CryptoProvider;

pub use alert::PeerAlert;
pub use client::{ClientTls, ClientTlsSettings};
pub use error::{CertificateFault, HandshakeError, TlsError};
pub use reload::{Refreshing, Reloaded};
pub use server::{ClientCertificate, ServerTls, ServerTlsSettings};

pub(crate) use wire::Wire;

/// The cryptography under every configuration.
pub(crate) fn crypto_provider() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> =
        LazyLock::new(|| Arc::new(rustls::crypto::ring::default_provider()));
    PROVIDER.clone()
}
