//! The room store on SQLite: [`SqliteStore`] is the [`parlor_rooms::Store`] on disk. The rules are left to
//! `parlor-rooms`.
//!
//! ```text
//! append ---> bounded queue ---> writer thread: everything that waits in one transaction, one fsync
//! last, .. -> bounded queue ---> reader threads, on the write-ahead log
//! ```
//! What an append answered is on the disk (`synchronous=FULL`). Nothing here needs an async runtime.

mod commits;
mod failure;
mod migrations;
mod open;
mod reader;
mod sqlite_store;
mod values;
mod writer;

pub use commits::Commits;
pub use open::{Integrity, OpenError, Options};
pub use sqlite_store::SqliteStore;
