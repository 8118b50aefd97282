//! Storing preference bundles.

use parlor_rooms::{MAX_PREFERENCES, StoreError};
use parlor_xccos::SipUri;
use rusqlite::{Connection, params};

use super::Cache;
use crate::failure::store_error;

const COUNT_OTHERS: &str = "SELECT count(*) FROM preferences WHERE user = ?1 AND label <> ?2";

const PUT: &str = "INSERT INTO preferences (user, label, sequence, content) VALUES (?1, ?2, 1, ?3) \
    ON CONFLICT (user, label) DO UPDATE SET sequence = sequence + 1, content = excluded.content \
    RETURNING sequence";

/// `(user, label, content)`, as [`parlor_rooms::Store::put_preference`] says.
pub(crate) fn put_preference(
    connection: &Connection,
    _: &mut Cache,
    (user, label, content): &(SipUri, String, String),
) -> Result<i64, StoreError> {
    let put = || {
        let others: u32 = connection
            .prepare_cached(COUNT_OTHERS)?
            .query_row(params![user.as_str(), label], |row| row.get(0))?;
        let others = others as usize;
        if others >= MAX_PREFERENCES {
            return Ok(Err(StoreError::TooMany {
                count: others + 1,
                limit: MAX_PREFERENCES,
            }));
        }
        connection
            .prepare_cached(PUT)?
            .query_row(params![user.as_str(), label, content], |row| row.get(0))
            .map(Ok)
    };
    put().map_err(store_error)?
}
