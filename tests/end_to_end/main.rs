//! The real program, started as a user starts it, over real TLS on loopback.
//!
//! Nothing here sleeps: a test waits for the event it needs, which the program prints as one line of JSON each, and
//! fails with everything the program said when the event does not come within [`program::PATIENCE`].

mod author;
mod certificates;
mod chat;
mod check;
mod crashes;
mod deployment;
mod feed;
mod first_bot;
mod health;
mod ledger;
mod mail;
mod pool;
mod program;
mod programs;
mod reload;
mod removal;
mod trace;
mod up;
mod webhooks;
