//! Appending posts.

use parlor_rooms::{Appended, NewPost, Retention, StoreError};
use parlor_xccos::{MessageId, PostKey, Timestamp};
use rusqlite::{Connection, params};

use super::Cache;
use crate::failure::store_error;

/// Nothing is inserted when the author's key was used in this room before.
const INSERT: &str = "INSERT INTO posts (room, id, time, author, author_name, alert, chat, rtf, key) \
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) \
    ON CONFLICT (room, author, key) WHERE key IS NOT NULL DO NOTHING";

const BY_KEY: &str = "SELECT id, time FROM posts WHERE room = ? AND author = ? AND key = ?";

/// `NewPost` after `NewPost`, as [`parlor_rooms::Store::append`] says.
pub(crate) fn append(
    connection: &Connection,
    cache: &mut Cache,
    posts: &[NewPost],
) -> Result<Vec<Appended>, StoreError> {
    posts
        .iter()
        .map(|post| append_one(connection, cache, post))
        .collect()
}

fn append_one(connection: &Connection, cache: &mut Cache, post: &NewPost) -> Result<Appended, StoreError> {
    let end = cache.end(connection, post.room)?;
    let id = end.last_id + 1;
    let time = post.timestamp.as_millis();
    let draft = &post.draft;
    let kept = post.retention == Retention::Keep;
    // Of a post that is not kept, only a key leaves a trace.
    if kept || draft.key().is_some() {
        let author = cache.author(connection, draft.author()).map_err(store_error)?;
        let key = draft.key().map(PostKey::as_str);
        let inserted = connection
            .prepare_cached(INSERT)
            .and_then(|mut insert| {
                insert.execute(params![
                    end.number,
                    id,
                    time,
                    author,
                    draft.author_name().filter(|_| kept),
                    draft.alert(),
                    kept.then_some(draft.chat()),
                    draft.rtf().filter(|_| kept),
                    key,
                ])
            })
            .map_err(store_error)?;
        if inserted == 0 {
            return repeated(connection, end.number, author, key).map_err(store_error);
        }
    }
    cache.advance(post.room, id, time);
    Ok(Appended::Stored(MessageId(id)))
}

fn repeated(
    connection: &Connection,
    room: i64,
    author: i64,
    key: Option<&str>,
) -> rusqlite::Result<Appended> {
    connection
        .prepare_cached(BY_KEY)?
        .query_row(params![room, author, key], |row| {
            Ok(Appended::Repeated {
                id: MessageId(row.get(0)?),
                timestamp: Timestamp::from_millis(row.get(1)?),
            })
        })
}
