//! Sign-in as servers and clients see it: two state machines, handing each other header values.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on panics, in its helpers too"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "some moment to start from; the tests add to it and never wait"
)]

mod digest;
mod hostile;
mod ntlm;
mod real_client;
mod specification;

use parlor_auth::{AuthHeader, Seed};

fn header(value: &str) -> AuthHeader {
    AuthHeader::parse(value).unwrap()
}

fn seed(number: u8) -> Seed {
    Seed::new([number; 32])
}
