//! The user agent, the framer and the parsers as their users see them.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on panics, in its helpers too"
)]

mod addresses;
mod calls;
mod framing;
mod oracle;
mod pair;
mod real_client;
mod requests;
mod signatures;
mod timers;
