//! The vocabulary on the wire: what goes out, what comes in, and that hostile input is answered.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set up its values has failed"
)]

mod dialect;
mod format;
mod hostile;
mod ids;
mod incoming;
mod round_trip;
mod rtf;
mod samples;
mod seen;
