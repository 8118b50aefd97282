//! Storing what is kept for users.

use parlor_rooms::{DocumentChange, MAX_DOCUMENTS, StoreError};
use parlor_xccos::SipUri;
use rusqlite::{Connection, params};

use super::Cache;
use crate::failure::store_error;

const PUT: &str = "INSERT INTO documents (user, name, content) VALUES (?1, ?2, ?3) \
    ON CONFLICT (user, name) DO UPDATE SET content = excluded.content";

/// `(user, changes)`, as [`parlor_rooms::Store::change_documents`] says.
pub(crate) fn change_documents(
    connection: &Connection,
    _: &mut Cache,
    (user, changes): &(SipUri, Vec<DocumentChange>),
) -> Result<(), StoreError> {
    for change in changes {
        change_one(connection, user, change).map_err(store_error)?;
    }
    let count: u32 = connection
        .prepare_cached("SELECT count(*) FROM documents WHERE user = ?")
        .and_then(|mut query| query.query_row([user.as_str()], |row| row.get(0)))
        .map_err(store_error)?;
    let count = count as usize;
    if count > MAX_DOCUMENTS {
        return Err(StoreError::TooMany {
            count,
            limit: MAX_DOCUMENTS,
        });
    }
    Ok(())
}

/// Removes everything that is kept for a user.
pub(crate) fn remove_documents(connection: &Connection, user: &SipUri) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM documents WHERE user = ?")?
        .execute([user.as_str()])
        .map(|_| ())
}

fn change_one(connection: &Connection, user: &SipUri, change: &DocumentChange) -> rusqlite::Result<usize> {
    match change {
        DocumentChange::Put { name, content } => {
            connection
                .prepare_cached(PUT)?
                .execute(params![user.as_str(), name, content])
        }
        DocumentChange::Remove { name } => connection
            .prepare_cached("DELETE FROM documents WHERE user = ?1 AND name = ?2")?
            .execute(params![user.as_str(), name]),
    }
}
