//! Reading the record of removed messages.

use parlor_rooms::{RemovalRecord, StoreError};
use parlor_xccos::{MessageId, RoomId, Timestamp};
use rusqlite::{Connection, Params, Row, params};

use super::posts::post;
use crate::failure::store_error;
use crate::values::room_id;

/// The columns of a post first, in the order in which posts are read.
const SELECT: &str = "SELECT r.id, r.time, a.uri, r.author_name, r.alert, r.chat, r.rtf, r.key, \
    r.number, r.room_id, r.notice, r.removed_by, r.reason, r.removed_at \
    FROM removals r JOIN authors a ON a.number = r.author";

/// The record of one message, by the number of its room.
pub(crate) fn removal(
    connection: &Connection,
    room: i64,
    message: MessageId,
) -> Result<Option<RemovalRecord>, StoreError> {
    let sql = format!("{SELECT} WHERE r.room = ? AND r.id = ?");
    Ok(records(connection, &sql, params![room, message.0])?.pop())
}

/// At most `limit` records of a room after `number`, oldest first.
pub(crate) fn removals(
    connection: &Connection,
    room: RoomId,
    number: i64,
    limit: usize,
) -> Result<Vec<RemovalRecord>, StoreError> {
    let sql = format!("{SELECT} WHERE r.room_id = ? AND r.number > ? ORDER BY r.number LIMIT ?");
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    records(connection, &sql, params![room.as_bytes(), number, limit])
}

fn records(
    connection: &Connection,
    sql: &str,
    values: impl Params,
) -> Result<Vec<RemovalRecord>, StoreError> {
    let mut select = connection.prepare_cached(sql).map_err(store_error)?;
    let mut rows = select.query(values).map_err(store_error)?;
    let mut records = Vec::new();
    while let Some(row) = rows.next().map_err(store_error)? {
        records.push(record(row)?);
    }
    Ok(records)
}

fn record(row: &Row<'_>) -> Result<RemovalRecord, StoreError> {
    Ok(RemovalRecord {
        original: post(row)?,
        number: row.get(8).map_err(store_error)?,
        room: room_id(row.get(9).map_err(store_error)?),
        notice: row.get(10).map_err(store_error)?,
        by: row.get(11).map_err(store_error)?,
        reason: row.get(12).map_err(store_error)?,
        at: Timestamp::from_millis(row.get(13).map_err(store_error)?),
    })
}
