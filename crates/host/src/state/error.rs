//! What can go wrong with the state file.

use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

/// A failure of the host's state file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StateError {
    /// Another process runs a host on this file.
    #[error("the state file {path} is in use by another host")]
    InUse {
        /// The state file.
        path: PathBuf,
    },
    /// The file was written by a later version of this program.
    #[error("the state file {path} has layout {found}, this version knows up to {known}")]
    TooNew {
        /// The state file.
        path: PathBuf,
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
    /// SQLite refused one call; nothing of it was kept.
    #[error("the state file refused a change")]
    Call(#[source] rusqlite::Error),
    /// The commit that this call shared with others failed; nothing of it was kept.
    #[error("the state file could not be committed")]
    Commit(#[source] Arc<rusqlite::Error>),
    /// The state was closed by a shutdown.
    #[error("the state file is closed")]
    Closed,
}
