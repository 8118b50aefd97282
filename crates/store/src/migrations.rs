//! The schema and its steps from version to version, counted in `user_version`.

use rusqlite::{Connection, TransactionBehavior};

/// Marks the file as ours: "Prlr".
pub(crate) const APPLICATION_ID: i32 = 0x5072_6C72;

/// Step n makes version n + 1. A step that was released is never changed.
const STEPS: [&str; 4] = [
    include_str!("../migrations/0001_initial.sql"),
    include_str!("../migrations/0002_accounts.sql"),
    include_str!("../migrations/0003_documents.sql"),
    include_str!("../migrations/0004_removals.sql"),
];

/// The version this program reads and writes.
pub(crate) const VERSION: u32 = STEPS.len() as u32;

/// Why a database cannot be brought to [`VERSION`].
#[derive(Debug)]
pub(crate) enum MigrationError {
    /// It is a database of something else.
    Foreign,
    /// A newer program wrote it.
    Newer(u32),
    /// A step failed; the version is as before.
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for MigrationError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// Brings the database to [`VERSION`], each step in its own transaction.
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), MigrationError> {
    let version = version(connection)?;
    for (step, next) in STEPS.iter().zip(1u32..).skip(version as usize) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", next)?;
        transaction.commit()?;
    }
    Ok(())
}

fn version(connection: &Connection) -> Result<u32, MigrationError> {
    let application: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: u32 = connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))?;
    match (application, tables) {
        (APPLICATION_ID, _) if version > VERSION => Err(MigrationError::Newer(version)),
        (APPLICATION_ID, _) => Ok(version),
        (0, 0) if version == 0 => Ok(0),
        _ => Err(MigrationError::Foreign),
    }
}
