//! Digest (RFC 7616) with qop=auth: SHA-256 for everybody, MD5 only where it is switched on for old clients.
//!
//! Digest proves that both sides know the password and covers method and request URI, nothing else: it belongs on
//! TLS. A server's nonces are good on the one connection they were made for.

mod algorithm;
mod client;
mod server;

pub use algorithm::Algorithm;
pub use client::{Answer, Client, ClientError};
pub use server::{MAX_NONCES, NONCE_LIFETIME, Proof, Refusal, Server, Settings};
