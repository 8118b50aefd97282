//! Bots in processes of their own.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod alike;
mod deployment;
mod faults;
mod guide;
mod in_host;
mod programs;
