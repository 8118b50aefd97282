//! The ledger of a host that does not run: its state file, opened for reading only.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::{StateError, ledger, schema};
use crate::ledger::{LedgerEntry, LedgerQuery};

/// The first layout that has a ledger.
const LEDGER_SINCE: i64 = 2;

/// A state file, opened to read its ledger. A host may run on it meanwhile.
#[derive(Debug)]
pub struct LedgerFile {
    connection: Connection,
}

impl LedgerFile {
    /// Opens the file at `path`, which must exist.
    ///
    /// # Errors
    /// [`StateError::TooOld`] when no version with a ledger has run on it, [`StateError::TooNew`], and what SQLite says.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        let path: PathBuf = path.to_owned();
        std::fs::metadata(&path).map_err(|source| StateError::Open {
            path: path.clone(),
            source,
        })?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&path, flags).map_err(StateError::Call)?;
        connection
            .execute_batch("PRAGMA busy_timeout=5000")
            .map_err(StateError::Call)?;
        let found = connection
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .map_err(StateError::Call)?;
        match found {
            ..LEDGER_SINCE => Err(StateError::TooOld { path }),
            found if found > schema::KNOWN => Err(StateError::TooNew {
                path,
                found,
                known: schema::KNOWN,
            }),
            _ => Ok(Self { connection }),
        }
    }

    /// Entries of the ledger, oldest first.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn ledger(&self, query: &LedgerQuery) -> Result<Vec<LedgerEntry>, StateError> {
        ledger::list(&self.connection, query).map_err(StateError::Call)
    }

    /// Everything the ledger tells about one thing, as [`crate::Host::ledger_about`] does.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn ledger_about(&self, what: &str) -> Result<Vec<LedgerEntry>, StateError> {
        ledger::about(&self.connection, what).map_err(StateError::Call)
    }
}

#[cfg(test)]
mod tests {
    use super::LedgerFile;
    use crate::ledger::{LedgerQuery, LedgerStatus};
    use crate::state::{NewEntry, State, StateError};

    #[tokio::test]
    async fn a_stopped_and_a_running_hosts_ledger_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("host.db");
        assert!(matches!(LedgerFile::open(&path), Err(StateError::Open { .. })));
        let state = State::open(path.clone()).await.unwrap();
        let entry = NewEntry::new("news", "feed:f:1", LedgerStatus::Seen);
        state.note(vec![entry], 1).await.unwrap();
        let running = LedgerFile::open(&path).unwrap();
        assert_eq!(running.ledger_about("feed:f:1").unwrap().len(), 1);
        drop(running);
        state.close().await;
        let stopped = LedgerFile::open(&path).unwrap();
        assert_eq!(stopped.ledger(&LedgerQuery::default()).unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_file_without_a_ledger_is_said_to_be_too_old() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("host.db");
        State::open(path.clone()).await.unwrap().close().await;
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.pragma_update(None, "user_version", 1).unwrap();
        drop(connection);
        assert!(matches!(LedgerFile::open(&path), Err(StateError::TooOld { .. })));
    }
}
