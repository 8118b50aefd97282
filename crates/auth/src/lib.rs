//! Sign-in without I/O: header values, NTLMv2 with message signing, Digest, and what is stored for each of them.
//!
//! The crate knows nothing of connections, accounts or throttling. Whoever owns them asks it:
//!
//! ```text
//!   request without credentials  -> 401 with server.offer() / one line per server.offers(now)
//!   request with credentials     -> server.step(now, ..)
//!        ntlm   Step::Challenge(value)  -> 401 with it, the client comes again
//!               Step::Check(proof)      -> look the account up by proof.user(), proof.domain();
//!                                          proof.check(its NT hash, fields) -> Association
//!        digest proof                   -> look the account up by proof.username();
//!                                          proof.check(its verifier) -> value of Authentication-Info
//!   after NTLM, each message     -> association.verify(header, fields) in, association.sign(fields) out
//! ```
//!
//! Nothing here reads a clock or a source of chance: the time is an argument, and everything unpredictable is drawn
//! from a [`Seed`] that the caller took from the operating system.

pub mod digest;
pub mod ntlm;

mod account_name;
mod fields;
mod header;
mod replay;
mod seed;
mod text;
mod verifier;

pub use account_name::account_name;
pub use fields::SignedFields;
pub use header::{AuthHeader, HeaderError, MAX_HEADER, MAX_PARAMETERS, Scheme};
pub use seed::Seed;
pub use verifier::{NtHash, Verifier, VerifierError, VerifierKind};
