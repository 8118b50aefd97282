//! The layout of the state's tables, and how an older one becomes the newest. Both engines have the same numbers.

pub(super) mod postgres;
mod sqlite;

pub(super) use sqlite::{migrate, version};

/// The layout number this program writes.
pub(super) const KNOWN: i64 = sqlite::STEPS.len() as i64;

/// The first layout that has a ledger.
pub(super) const LEDGER_SINCE: i64 = 2;
