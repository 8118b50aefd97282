//! What can go wrong with the state.

use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

use super::db::DbError;

/// A failure of the host's state.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StateError {
    /// Another process runs a host on this file.
    #[error("the state file {path} is in use by another host")]
    InUse {
        /// The state file.
        path: PathBuf,
    },
    /// The state was written by a later version of this program.
    #[error("the state in {place} has layout {found}, this version knows up to {known}")]
    TooNew {
        /// The file or the database.
        place: String,
        /// Layout number found in it.
        found: i64,
        /// The highest layout number known here.
        known: i64,
    },
    /// The file was written by a version that kept no ledger.
    #[error("the state file {path} has no ledger yet; a host of this version adds it at its start")]
    TooOld {
        /// The state file.
        path: PathBuf,
    },
    /// The file or its folder could not be created or opened.
    #[error("cannot open the state file {path}")]
    Open {
        /// The state file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The database cannot be reached or used.
    #[error("cannot use {place}")]
    Connect {
        /// The database.
        place: String,
        /// Why.
        #[source]
        source: DbError,
    },
    /// The thread that owns the connection could not be started.
    #[error("the thread of the state cannot be started")]
    Thread(#[source] std::io::Error),
    /// The database refused one call; nothing of it was kept.
    #[error("the state refused a change")]
    Call(#[source] DbError),
    /// The commit that this call shared with others failed; nothing of it was kept.
    #[error("the state could not be committed")]
    Commit(#[source] Arc<DbError>),
    /// Another host of the pool has taken over; nothing was kept.
    #[error("another host of the pool has taken over")]
    Fenced,
    /// The state was closed by a shutdown.
    #[error("the state is closed")]
    Closed,
}
