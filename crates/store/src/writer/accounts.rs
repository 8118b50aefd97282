//! Storing what users sign in with.

use parlor_rooms::{Account, StoreError};
use parlor_xccos::SipUri;
use rusqlite::{Connection, params};

use super::Cache;
use crate::failure::store_error;

/// Replaces the account of a user, as [`parlor_rooms::Store::put_account`] says.
pub(crate) fn put_account(
    connection: &Connection,
    _: &mut Cache,
    account: &Account,
) -> Result<(), StoreError> {
    let taken: bool = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM accounts WHERE name = ?1 AND user <> ?2)")
        .and_then(|mut query| query.query_row(params![account.name, account.user.as_str()], |row| row.get(0)))
        .map_err(store_error)?;
    if taken {
        return Err(StoreError::Conflict);
    }
    remove_account(connection, &account.user)
        .and_then(|()| insert(connection, account))
        .map_err(store_error)
}

/// Removes what a user signed in with.
pub(crate) fn remove_account(connection: &Connection, user: &SipUri) -> rusqlite::Result<()> {
    // What a password was checked against is overwritten, not only unlinked.
    connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
    connection
        .prepare_cached("DELETE FROM credentials WHERE user = ?")?
        .execute([user.as_str()])?;
    connection
        .prepare_cached("DELETE FROM accounts WHERE user = ?")?
        .execute([user.as_str()])?;
    connection.pragma_update_and_check(None, "secure_delete", false, |_| Ok(()))
}

fn insert(connection: &Connection, account: &Account) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO accounts (user, name) VALUES (?, ?)")?
        .execute(params![account.user.as_str(), account.name])?;
    let mut insert =
        connection.prepare_cached("INSERT INTO credentials (user, scheme, secret) VALUES (?, ?, ?)")?;
    for credential in &account.credentials {
        insert.execute(params![
            account.user.as_str(),
            credential.scheme,
            credential.secret
        ])?;
    }
    Ok(())
}
