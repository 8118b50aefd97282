//! Numbers in the text form that Prometheus reads (exposition format 0.0.4), and histograms to count into.
//!
//! Owns the form and its one limit, the number of series. What is counted is left to whoever counts; serving it over
//! HTTP is left to the program. Nothing is registered anywhere: a scrape asks every part for its numbers as they are
//! now, so that what a status shows and what a metric shows cannot differ.
//!
//! ```
//! use parlor_metrics::{Exposition, Kind};
//!
//! let mut exposition = Exposition::default();
//! let mut family = exposition.family("parlor_rooms", Kind::Gauge, "Rooms by privacy.");
//! family.sample(&[("privacy", "open")], 3u64);
//! assert_eq!(
//!     exposition.finish().lines().nth(2),
//!     Some("parlor_rooms{privacy=\"open\"} 3"),
//! );
//! ```

mod exposition;
mod histogram;

pub use exposition::{CONTENT_TYPE, Exposition, Family, Kind, SERIES_PER_FAMILY, Value};
pub use histogram::Histogram;
