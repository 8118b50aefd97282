//! Removing what messages say.

use parlor_rooms::{Removal, Removed, StoreError};
use parlor_xccos::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::Cache;
use crate::failure::store_error;
use crate::reader::removal as recorded;

const RECORD: &str = "INSERT INTO removals (room, room_id, id, time, author, author_name, alert, chat, rtf, key, \
    notice, removed_by, reason, removed_at) \
    SELECT room, ?3, id, time, author, author_name, alert, chat, rtf, key, ?4, ?5, ?6, ?7 \
    FROM posts WHERE room = ?1 AND id = ?2";

const REPLACE: &str = "UPDATE posts SET chat = ?3, rtf = NULL, alert = 0 WHERE room = ?1 AND id = ?2";

/// The message's time, where it is kept.
const TIME: &str = "SELECT time FROM posts WHERE room = ? AND id = ? AND chat IS NOT NULL";

/// As [`parlor_rooms::Store::remove`] says.
pub(crate) fn remove(
    connection: &Connection,
    cache: &mut Cache,
    removal: &Removal,
) -> Result<Removed, StoreError> {
    let end = cache.end(connection, removal.room())?;
    let (room, id) = (end.number, removal.message());
    if !(1..=end.last_id).contains(&id.0) {
        return Err(StoreError::UnknownMessage(id));
    }
    let time = connection
        .prepare_cached(TIME)
        .and_then(|mut select| select.query_row(params![room, id.0], |row| row.get(0)).optional())
        .map_err(store_error)?
        .ok_or(StoreError::NotKept(id))?;
    if !removal.is_meant(Timestamp::from_millis(time)) {
        return Err(StoreError::OtherMessage(id));
    }
    if let Some(record) = recorded(connection, room, id)? {
        return Ok(Removed::Before(record));
    }
    replace(connection, room, removal).map_err(store_error)?;
    let record = recorded(connection, room, id)?.ok_or(StoreError::UnknownMessage(id))?;
    Ok(Removed::Now(record))
}

fn replace(connection: &Connection, room: i64, removal: &Removal) -> rusqlite::Result<()> {
    let id = removal.message().0;
    connection.prepare_cached(RECORD)?.execute(params![
        room,
        id,
        removal.room().as_bytes(),
        removal.notice(),
        removal.by(),
        removal.reason(),
        removal.at().as_millis(),
    ])?;
    connection
        .prepare_cached(REPLACE)?
        .execute(params![room, id, removal.notice()])?;
    Ok(())
}
