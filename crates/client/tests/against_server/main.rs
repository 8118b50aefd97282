//! The SDK and the real server over real mutual TLS on loopback.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop there")]

mod deployment;
mod surviving;
mod talking;
