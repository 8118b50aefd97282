//! Reading posts and preferences.

use parlor_rooms::{Head, MAX_READ, Preference, StoreError, StoredPost};
use parlor_xccos::{MessageId, RoomId, SipUri, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::failure::store_error;
use crate::values::parse;

const AFTER: &str = "SELECT p.id, p.time, a.uri, p.author_name, p.alert, p.chat, p.rtf, p.key \
    FROM posts p JOIN authors a ON a.number = p.author \
    WHERE p.room = ? AND p.id > ? AND p.chat IS NOT NULL ORDER BY p.id LIMIT ?";

const BEFORE: &str = "SELECT p.id, p.time, a.uri, p.author_name, p.alert, p.chat, p.rtf, p.key \
    FROM posts p JOIN authors a ON a.number = p.author \
    WHERE p.room = ? AND p.id < ? AND p.chat IS NOT NULL ORDER BY p.id DESC LIMIT ?";

/// A piece of a room's history.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Page {
    /// The first posts behind an id.
    After(MessageId),
    /// The last posts ahead of an id.
    Before(MessageId),
}

/// At most `limit` posts, oldest first.
pub(crate) fn page(
    connection: &Connection,
    room: RoomId,
    page: Page,
    limit: usize,
) -> Result<Vec<StoredPost>, StoreError> {
    let (room, _) = end(connection, room)?;
    let limit = i64::try_from(limit.min(MAX_READ)).unwrap_or(i64::MAX);
    let (sql, MessageId(id)) = match page {
        Page::After(id) => (AFTER, id),
        Page::Before(id) => (BEFORE, id),
    };
    let mut select = connection.prepare_cached(sql).map_err(store_error)?;
    let mut rows = select.query(params![room, id, limit]).map_err(store_error)?;
    let mut posts = Vec::new();
    while let Some(row) = rows.next().map_err(store_error)? {
        posts.push(post(row)?);
    }
    if matches!(page, Page::Before(_)) {
        posts.reverse();
    }
    Ok(posts)
}

/// The end of a room's history.
pub(crate) fn head(connection: &Connection, room: RoomId) -> Result<Head, StoreError> {
    end(connection, room).map(|(_, head)| head)
}

/// A user's preference bundle.
pub(crate) fn preference(
    connection: &Connection,
    user: &SipUri,
    label: &str,
) -> Result<Option<Preference>, StoreError> {
    connection
        .prepare_cached("SELECT sequence, content FROM preferences WHERE user = ? AND label = ?")
        .and_then(|mut select| {
            select
                .query_row(params![user.as_str(), label], |row| {
                    Ok(Preference {
                        sequence: row.get(0)?,
                        content: row.get(1)?,
                    })
                })
                .optional()
        })
        .map_err(store_error)
}

/// The number of a room and where it ends.
fn end(connection: &Connection, room: RoomId) -> Result<(i64, Head), StoreError> {
    let (number, id, time): (i64, i64, i64) = connection
        .prepare_cached("SELECT number, last_id, last_time FROM rooms WHERE id = ?")
        .and_then(|mut select| {
            select
                .query_row([room.as_bytes()], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })
                .optional()
        })
        .map_err(store_error)?
        .ok_or(StoreError::UnknownRoom(room))?;
    let last = (id > 0).then(|| (MessageId(id), Timestamp::from_millis(time)));
    Ok((number, Head { last }))
}

pub(super) fn post(row: &Row<'_>) -> Result<StoredPost, StoreError> {
    let author: String = row.get(2).map_err(store_error)?;
    let key: Option<String> = row.get(7).map_err(store_error)?;
    Ok(StoredPost {
        id: MessageId(row.get(0).map_err(store_error)?),
        timestamp: Timestamp::from_millis(row.get(1).map_err(store_error)?),
        author: parse(&author, "authors", "uri")?,
        author_name: row.get(3).map_err(store_error)?,
        alert: row.get(4).map_err(store_error)?,
        chat: row.get(5).map_err(store_error)?,
        rtf: row.get(6).map_err(store_error)?,
        key: key.map(|key| parse(&key, "posts", "key")).transpose()?,
    })
}
