//! The host against a real server over mutual TLS on loopback.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod accounting;
mod bots;
mod delivery;
mod deployment;
mod health;
mod listening;
mod mail_storm;
mod mailing;
mod pool;
mod privately;
mod reload;
mod removing;
mod sending;
mod webhooks;
