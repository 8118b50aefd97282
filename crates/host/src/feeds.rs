//! Feeds from the web and from files to items: fetching, repairing, parsing, cleaning, and which items are new.
//! When to look, what was seen and who gets an item is the host's task; it passes stored values in and out.

mod address;
mod caching;
mod clean;
#[cfg(test)]
mod corpus;
mod decode;
mod edit;
mod error;
mod fetch;
mod file;
mod identity;
mod parse;
mod poll;
mod repair;
mod roots;
mod salvage;
mod select;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tls_tests;
mod web;

pub use error::{BadRedirect, FeedError};
pub use fetch::{Advice, Fetched, Fetcher, Validators};
pub(crate) use identity::hash;
pub use parse::{Feed, ParseError};
pub use poll::{Pace, next_poll};
pub use repair::Repair;
pub use roots::{Roots, RootsError};
pub use select::{Listed, Passed, Past, Selection, known_by, select};
