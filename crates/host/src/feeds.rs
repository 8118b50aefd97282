//! Feeds from the web and from files to items: fetching, repairing, parsing, cleaning, and which items are new.
//! When to look, what was seen and who gets an item is the host's task; it passes stored values in and out.

mod address;
mod clean;
mod error;
mod fetch;
mod file;
mod parse;
mod poll;
mod repair;
mod select;
#[cfg(test)]
mod tests;
mod web;

pub use error::FeedError;
pub use fetch::{Fetched, Fetcher, Validators};
pub use parse::{Feed, ParseError};
pub use poll::{Pace, next_poll};
pub use select::{Passed, Selection, select};
