//! NTLMv2 as SIP clients of the Lync generation use it (MS-NLMP, MS-SIPAE): a connectionless handshake over three
//! REGISTER requests, then a signature on every message in both directions.
//!
//! NTLM signs, it does not hide: it belongs on TLS, or on a loopback for tests. An NT hash in the store is as good as
//! the password to whoever reads it; see [`Verifier`](crate::Verifier).

mod association;
mod client;
mod flags;
mod keys;
mod message;
mod server;

pub use association::{Association, SignatureError};
pub use client::{Client, ClientError};
pub use message::{MAX_MESSAGE, MessageError};
pub use server::{CHALLENGE_LIFETIME, MAX_CHALLENGES, Proof, Refusal, Server, Settings, Step, Version};
