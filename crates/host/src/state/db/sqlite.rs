//! The state in a file of SQLite, for one host.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, ToSql};

use super::super::{StateError, schema};
use super::{Db, DbError, Row, Value};

/// Prepared statements kept; the state has fewer.
const STATEMENTS: usize = 128;

/// An open file, and the lock that keeps a second host out.
#[derive(Debug)]
pub(in crate::state) struct Sqlite {
    // First, so that it is closed before the lock is given back.
    connection: Connection,
    /// None for a reader.
    lock: Option<Lock>,
}

impl Sqlite {
    /// Opens or creates the file and brings its layout up to date.
    pub(in crate::state) fn open(path: &Path) -> Result<Self, StateError> {
        let failed = |source| StateError::Open {
            path: path.to_path_buf(),
            source,
        };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let lock = lock(path)?;
        let mut connection = Connection::open(path).map_err(call)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // FULL: a commit that was answered survives a power cut, which is what a post key is worth nothing without.
        connection
            .execute_batch("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=5000;")
            .map_err(call)?;
        schema::migrate(&mut connection)
            .map_err(call)?
            .map_err(|found| too_new(path, found))?;
        Ok(Self {
            connection,
            lock: Some(lock),
        })
    }

    /// Opens a file for reading, which must exist; a host may run on it meanwhile.
    pub(in crate::state) fn read_only(path: &Path) -> Result<Self, StateError> {
        std::fs::metadata(path).map_err(|source| StateError::Open {
            path: path.to_path_buf(),
            source,
        })?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(call)?;
        connection
            .execute_batch("PRAGMA busy_timeout=5000")
            .map_err(call)?;
        let found = schema::version(&connection).map_err(call)?;
        if found < schema::LEDGER_SINCE {
            return Err(StateError::TooOld {
                path: path.to_path_buf(),
            });
        }
        if found > schema::KNOWN {
            return Err(too_new(path, found));
        }
        Ok(Self {
            connection,
            lock: None,
        })
    }

    pub(super) fn begin(&self) -> Result<(), DbError> {
        // A reader of the file may not even ask to write.
        let begin = if self.lock.is_some() {
            "BEGIN IMMEDIATE"
        } else {
            "BEGIN"
        };
        self.run(begin)
    }

    pub(super) fn run(&self, sql: &str) -> Result<(), DbError> {
        Ok(self.connection.execute_batch(sql)?)
    }

    pub(super) fn commit(&self) -> Result<(), DbError> {
        let committed = self.run("COMMIT");
        if committed.is_err() && !self.connection.is_autocommit() {
            // A full disk leaves the transaction open.
            self.run("ROLLBACK")?;
        }
        committed
    }

    pub(super) fn execute(&self, sql: &str, values: &[&dyn Value]) -> Result<usize, DbError> {
        Ok(self.connection.prepare_cached(sql)?.execute(&*lite(values))?)
    }

    pub(super) fn query<T>(
        &self,
        sql: &str,
        values: &[&dyn Value],
        mut read: impl FnMut(&Row<'_>) -> Result<T, DbError>,
    ) -> Result<Vec<T>, DbError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(&*lite(values))?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(read(&Row::Sqlite(row))?);
        }
        Ok(all)
    }
}

impl From<Sqlite> for Db {
    fn from(sqlite: Sqlite) -> Self {
        Self::Sqlite(sqlite)
    }
}

fn lite<'a>(values: &[&'a dyn Value]) -> Vec<&'a dyn ToSql> {
    values.iter().map(|&value| value as &dyn ToSql).collect()
}

fn call(error: rusqlite::Error) -> StateError {
    StateError::Call(error.into())
}

fn too_new(path: &Path, found: i64) -> StateError {
    StateError::TooNew {
        place: path.display().to_string(),
        found,
        known: schema::KNOWN,
    }
}

/// The lock that keeps a second host out.
#[derive(Debug)]
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a program that is just being started by this one has the file open for a moment, too.
        let _ended_with_the_file = self.0.unlock();
    }
}

/// Takes the advisory lock beside the file; the operating system gives it back when the process ends in any way.
fn lock(path: &Path) -> Result<Lock, StateError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let failed = |source| StateError::Open {
        path: path.to_path_buf(),
        source,
    };
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(PathBuf::from(name))
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(StateError::InUse {
            path: path.to_path_buf(),
        }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}
