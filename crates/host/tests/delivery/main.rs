//! Exactly one visible post for everything that goes in, in order, whatever stops in between.
//!
//! Each run is a story told by its seed: feed items, due times and questions come in while the host is killed at named
//! points, the server dies before or after a commit, and connections break in the middle of a message, all in a night in
//! which clocks are changed somewhere. At the end each input must stand in the room once, each source in its order. `PARLOR_SEEDS=300` runs more stories than the default;
//! `PARLOR_SEEDS=7..8` runs one of them again.
//!
//! The server keeps its rooms in SQLite, the host its state; both speak over mutual TLS through a relay that breaks. The
//! second test tells stories of two hosts whose state is in PostgreSQL, with connections to that cut as well.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod bots;
mod clock_change;
mod crash_store;
mod fail_over;
mod people;
mod relay;
mod script;
mod seeds;
mod story;
mod world;

use fail_over::{FailOver, Loss};
use story::{Ending, Story};

#[test]
fn every_input_appears_once_and_in_order_whatever_stops_in_between() {
    let tally = seeds::each(|seed| Box::pin(Story::new(seed).run()));
    println!("{tally}");
    tally.shows(Ending::every());
}

#[test]
fn the_same_with_two_hosts_of_which_one_takes_over_from_the_other() {
    let tally = seeds::each(|seed| Box::pin(FailOver::new(seed).run()));
    println!("{tally}");
    tally.shows(Loss::every());
}
