//! Reading what users sign in with.

use parlor_rooms::{Account, Credential, StoreError};
use rusqlite::Connection;

use crate::failure::{Unreadable, store_error};

/// Every account in the order of its user.
pub(crate) fn accounts(connection: &Connection) -> Result<Vec<Account>, StoreError> {
    let mut query = connection
        .prepare_cached(
            "SELECT a.user, a.name, c.scheme, c.secret FROM accounts a \
             LEFT JOIN credentials c ON c.user = a.user ORDER BY a.user, c.scheme",
        )
        .map_err(store_error)?;
    let mut rows = query.query(()).map_err(store_error)?;
    let mut accounts: Vec<Account> = Vec::new();
    while let Some(row) = rows.next().map_err(store_error)? {
        let user: String = row.get(0).map_err(store_error)?;
        if accounts.last().is_none_or(|last| last.user.as_str() != user) {
            accounts.push(Account {
                user: user.parse().map_err(|_| Unreadable {
                    table: "accounts",
                    column: "user",
                })?,
                name: row.get(1).map_err(store_error)?,
                credentials: Vec::new(),
            });
        }
        let scheme: Option<String> = row.get(2).map_err(store_error)?;
        if let (Some(scheme), Some(account)) = (scheme, accounts.last_mut()) {
            let secret = row.get(3).map_err(store_error)?;
            account.credentials.push(Credential { scheme, secret });
        }
    }
    Ok(accounts)
}
