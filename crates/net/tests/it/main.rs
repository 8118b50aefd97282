//! What the network layer promises, over real TLS on loopback and over memory with a clock that the tests turn.

#![expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod close;
mod connection;
mod deadlines;
mod handshake;
mod limits;
mod outbox;
mod reload;
mod report;
mod support;
mod trace;
