//! Opening the database: path, lock, version, integrity.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::migrations::{MigrationError, VERSION, migrate};

/// How long to wait for a tool that holds the database, say a backup, before a write fails.
const BUSY: Duration = Duration::from_secs(5);

/// Pages of 4 KiB after which the log is written back; 16 MiB spread the cost over many commits.
const CHECKPOINT_PAGES: u32 = 4096;

/// A log that grew larger than this behind a long read is cut again, in bytes.
const LOG_LIMIT: u32 = 64 * 1024 * 1024;

/// Prepared statements a connection keeps; above what either side uses.
const STATEMENTS: usize = 64;

/// How to open a store.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// When to look through the whole file for damage.
    pub integrity: Integrity,
    /// How many threads read, at least one.
    pub readers: usize,
    /// The size at which the database counts as full, in bytes; none for as much as the disk holds.
    pub max_bytes: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            integrity: Integrity::AfterCrash,
            readers: 2,
            max_bytes: None,
        }
    }
}

/// When to look through the whole file for damage; about one second per GiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Integrity {
    /// When the process before did not close the store.
    AfterCrash,
    /// At each opening.
    Always,
    /// Damage is noticed when something reads it.
    Never,
}

/// Why a store could not be opened. Each text names the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file is damaged; it was not changed.
    #[error("{} is damaged: {finding}", path.display())]
    Damaged {
        /// The database file.
        path: PathBuf,
        /// What SQLite found first.
        finding: String,
    },
    /// Another process has it open.
    #[error("{} is in use by another process", path.display())]
    InUse {
        /// The database file.
        path: PathBuf,
    },
    /// A newer version of the program wrote it.
    #[error("{} has schema version {found}, this program knows up to {known}: use the newer program", path.display())]
    Newer {
        /// The database file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version this program knows.
        known: u32,
    },
    /// The file holds something else than a store.
    #[error("{} is not a Parlor store", path.display())]
    NotAStore {
        /// The file.
        path: PathBuf,
    },
    /// The file, or the lock beside it, cannot be opened or made.
    #[error("cannot open {}", path.display())]
    Path {
        /// The file that cannot be opened.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// SQLite failed otherwise.
    #[error("cannot use {}", path.display())]
    Sqlite {
        /// The database file.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        source: rusqlite::Error,
    },
    /// A thread could not be started.
    #[error("cannot start a thread for {}", path.display())]
    Thread {
        /// The database file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// Keeps other processes out as long as it lives.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a program that is just being started by this one has the file open for a moment, too.
        let _ended_with_the_file = self.0.unlock();
    }
}

/// The file that is locked: not the database itself, whose locks belong to SQLite.
pub(crate) fn lock(path: &Path) -> Result<Lock, OpenError> {
    let mut lock_path = path.as_os_str().to_owned();
    lock_path.push("-lock");
    let lock_path = PathBuf::from(lock_path);
    let file = private_file(&lock_path)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(OpenError::Path {
            path: lock_path,
            source,
        }),
    }
}

/// The writing connection, at the current version. The lock must be held.
pub(crate) fn writer(path: &Path, options: &Options) -> Result<Connection, OpenError> {
    // Made before SQLite opens it, so that what was said is for the owner's eyes only; the log inherits this.
    drop(private_file(path)?);
    let crashed = log_path(path).metadata().is_ok_and(|log| log.len() > 0);
    let sqlite = |source| sqlite_error(path, source);
    let mut connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(sqlite)?;
    prepare(&connection).map_err(sqlite)?;
    connection
        .pragma_update(None, "journal_mode", "WAL")
        .map_err(sqlite)?;
    connection
        .pragma_update(None, "synchronous", "FULL")
        .map_err(sqlite)?;
    connection
        .pragma_update(None, "foreign_keys", true)
        .map_err(sqlite)?;
    connection
        .pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)
        .map_err(sqlite)?;
    connection
        .pragma_update(None, "journal_size_limit", LOG_LIMIT)
        .map_err(sqlite)?;
    if options.integrity == Integrity::Always || (options.integrity == Integrity::AfterCrash && crashed) {
        check(&connection, path)?;
    }
    migrate(&mut connection).map_err(|error| migration_error(path, error))?;
    if let Some(bytes) = options.max_bytes {
        limit(&connection, bytes).map_err(sqlite)?;
    }
    Ok(connection)
}

/// A connection that only reads. The writer must have been opened.
pub(crate) fn reader(path: &Path) -> Result<Connection, OpenError> {
    let open = || {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        prepare(&connection)?;
        Ok(connection)
    };
    open().map_err(|source| sqlite_error(path, source))
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(())
}

fn check(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let finding: String = connection
        .query_row("PRAGMA quick_check(1)", (), |row| row.get(0))
        .map_err(|source| sqlite_error(path, source))?;
    match finding.as_str() {
        "ok" => Ok(()),
        _ => Err(OpenError::Damaged {
            path: path.to_owned(),
            finding,
        }),
    }
}

fn limit(connection: &Connection, bytes: u64) -> rusqlite::Result<()> {
    let page: u32 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let pages = u32::try_from(bytes / u64::from(page))
        .unwrap_or(u32::MAX - 1)
        .max(1);
    // Answers with the limit in force, which is never below the present size.
    connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
}

/// Opens or makes a file that its owner alone may read.
fn private_file(path: &Path) -> Result<File, OpenError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|source| OpenError::Path {
        path: path.to_owned(),
        source,
    })
}

fn log_path(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

fn sqlite_error(path: &Path, source: rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::NotAStore { path },
        Some(ErrorCode::DatabaseCorrupt) => OpenError::Damaged {
            path,
            finding: source.to_string(),
        },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::InUse { path },
        _ => OpenError::Sqlite { path, source },
    }
}

fn migration_error(path: &Path, error: MigrationError) -> OpenError {
    match error {
        MigrationError::Foreign => OpenError::NotAStore {
            path: path.to_owned(),
        },
        MigrationError::Newer(found) => OpenError::Newer {
            path: path.to_owned(),
            found,
            known: VERSION,
        },
        MigrationError::Sqlite(source) => sqlite_error(path, source),
    }
}
