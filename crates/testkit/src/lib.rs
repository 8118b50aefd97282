//! A deployment on loopback for tests: certificates, a server that can be killed, platforms for its clients.
//!
//! Only tests depend on this. What differs between them (rooms, bots, stores, relays) stays with them.

#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a test that cannot be set up has failed"
)]

mod mail_server;
mod postgres;
mod server;
mod site;

pub use mail_server::{MailServer, Protection, ReceivedMail};
pub use postgres::Schema;
pub use server::KillableServer;
pub use site::{ALICE, BOT, SECOND_BOT, Site};

use std::time::Duration;

use parlor_client::Tuning;
use parlor_xccos::SipUri;

/// An address that is known to be one.
pub fn uri(text: &str) -> SipUri {
    text.parse().unwrap()
}

/// Short waits between attempts: the server is back within milliseconds.
pub fn tuning() -> Tuning {
    Tuning {
        reconnect_base: Duration::from_millis(20),
        reconnect_cap: Duration::from_millis(200),
        page: 20,
        ..Tuning::default()
    }
}
