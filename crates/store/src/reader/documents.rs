//! Reading what is kept for users.

use parlor_rooms::{Document, StoreError};
use parlor_xccos::SipUri;
use rusqlite::Connection;

use crate::failure::{Unreadable, store_error};

/// Every document in the order of users and names.
pub(crate) fn documents(connection: &Connection) -> Result<Vec<Document>, StoreError> {
    let mut query = connection
        .prepare("SELECT user, name, content FROM documents ORDER BY user, name")
        .map_err(store_error)?;
    let mut rows = query.query(()).map_err(store_error)?;
    let mut documents: Vec<Document> = Vec::new();
    while let Some(row) = rows.next().map_err(store_error)? {
        let user = row.get_ref(0).map_err(store_error)?;
        let unreadable = Unreadable {
            table: "documents",
            column: "user",
        };
        let Ok(user) = user.as_str() else {
            return Err(unreadable.into());
        };
        let user: SipUri = match documents.last() {
            Some(last) if last.user.as_str() == user => last.user.clone(),
            _ => user.parse().map_err(|_| unreadable)?,
        };
        documents.push(Document {
            user,
            name: row.get(1).map_err(store_error)?,
            content: row.get(2).map_err(store_error)?,
        });
    }
    Ok(documents)
}
