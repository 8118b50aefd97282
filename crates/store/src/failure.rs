//! What SQLite's errors mean to the rules.

use std::fmt;
use std::sync::Arc;

use parlor_rooms::{Cause, StoreError};
use rusqlite::ErrorCode;

/// A database error that several waiting callers are told of.
#[derive(Debug, Clone)]
pub(crate) struct Failure(Arc<rusqlite::Error>);

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self(Arc::new(error))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

impl Failure {
    /// For a failure after which nothing has changed.
    pub(crate) fn store_error(&self) -> StoreError {
        match self.0.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => StoreError::Full,
            Some(ErrorCode::ConstraintViolation) => StoreError::Conflict,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Damaged(self.cause()),
            _ => StoreError::Unavailable(self.cause()),
        }
    }

    /// For a failure of the commit itself: after an I/O error the transaction may come back when the log is
    /// read again after a crash.
    pub(crate) fn commit_error(&self) -> StoreError {
        match self.0.sqlite_error_code() {
            Some(ErrorCode::SystemIoFailure) => StoreError::Uncertain(self.cause()),
            _ => self.store_error(),
        }
    }

    fn cause(&self) -> Cause {
        Box::new(self.clone())
    }
}

/// [`Failure::store_error`] for `map_err`.
pub(crate) fn store_error(error: rusqlite::Error) -> StoreError {
    Failure::from(error).store_error()
}

/// A stored value that nothing of ours wrote.
#[derive(Debug, thiserror::Error)]
#[error("unreadable {column} in {table}")]
pub(crate) struct Unreadable {
    pub(crate) table: &'static str,
    pub(crate) column: &'static str,
}

impl From<Unreadable> for StoreError {
    fn from(unreadable: Unreadable) -> Self {
        Self::Damaged(Box::new(unreadable))
    }
}

#[cfg(test)]
mod tests {
    use parlor_rooms::StoreError;
    use rusqlite::ffi;

    use super::Failure;

    fn failure(code: i32) -> Failure {
        Failure::from(rusqlite::Error::SqliteFailure(
            ffi::Error::new(code),
            Some("what SQLite says".to_owned()),
        ))
    }

    #[test]
    fn only_an_io_error_of_the_commit_leaves_the_outcome_open() {
        assert!(matches!(
            failure(ffi::SQLITE_IOERR_FSYNC).commit_error(),
            StoreError::Uncertain(_)
        ));
        assert!(matches!(
            failure(ffi::SQLITE_IOERR_WRITE).store_error(),
            StoreError::Unavailable(_)
        ));
        for full in [
            failure(ffi::SQLITE_FULL).commit_error(),
            failure(ffi::SQLITE_FULL).store_error(),
        ] {
            assert!(matches!(full, StoreError::Full));
        }
        assert!(matches!(
            failure(ffi::SQLITE_BUSY).commit_error(),
            StoreError::Unavailable(_)
        ));
    }

    #[test]
    fn errors_say_what_it_means_and_keep_the_cause() {
        let told = |error: &StoreError| {
            let cause = std::error::Error::source(error)
                .map(ToString::to_string)
                .unwrap_or_default();
            format!("{error}: {cause}")
        };
        let damaged = failure(ffi::SQLITE_CORRUPT).store_error();
        assert_eq!(told(&damaged), "stored data is damaged: what SQLite says");
        let uncertain = failure(ffi::SQLITE_IOERR).commit_error();
        assert_eq!(told(&uncertain), "the outcome is uncertain: what SQLite says");
        assert!(matches!(
            failure(ffi::SQLITE_CONSTRAINT_UNIQUE).store_error(),
            StoreError::Conflict
        ));
    }
}
