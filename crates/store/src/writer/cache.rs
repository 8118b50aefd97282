//! What the writer remembers between transactions: where rooms end, and the numbers of authors.

use std::collections::HashMap;

use parlor_rooms::StoreError;
use parlor_xccos::{RoomId, SipUri};
use rusqlite::{Connection, OptionalExtension, params};

use crate::failure::store_error;

/// Authors remembered; above this all are forgotten and looked up again. About 5 MB.
const MAX_AUTHORS: usize = 50_000;

/// Rooms remembered, as above. About 5 MB.
const MAX_ROOMS: usize = 50_000;

/// Valid for the transaction under way and what is committed; cleared by a rollback.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    rooms: HashMap<RoomId, End>,
    /// Rooms whose end is not stored yet.
    moved: Vec<RoomId>,
    authors: HashMap<SipUri, i64>,
    /// A room was removed: there may be posts to clear away.
    pub(super) rooms_removed: bool,
}

/// Where a room's history ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct End {
    pub(super) number: i64,
    pub(super) last_id: i64,
    pub(super) last_time: i64,
    moved: bool,
}

impl Cache {
    pub(super) fn clear(&mut self) {
        *self = Self {
            rooms_removed: self.rooms_removed,
            ..Self::default()
        };
    }

    /// Forgets `room`, which is removed.
    pub(super) fn remove_room(&mut self, room: RoomId) {
        self.rooms.remove(&room);
        self.rooms_removed = true;
    }

    /// The end of `room`.
    pub(super) fn end(&mut self, connection: &Connection, room: RoomId) -> Result<End, StoreError> {
        if let Some(end) = self.rooms.get(&room) {
            return Ok(*end);
        }
        if self.rooms.len() >= MAX_ROOMS {
            self.rooms.retain(|_, end| end.moved);
        }
        let end = connection
            .prepare_cached("SELECT number, last_id, last_time FROM rooms WHERE id = ?")
            .and_then(|mut select| {
                select
                    .query_row([room.as_bytes()], |row| {
                        Ok(End {
                            number: row.get(0)?,
                            last_id: row.get(1)?,
                            last_time: row.get(2)?,
                            moved: false,
                        })
                    })
                    .optional()
            })
            .map_err(store_error)?
            .ok_or(StoreError::UnknownRoom(room))?;
        self.rooms.insert(room, end);
        Ok(end)
    }

    /// Notes that `room` ends with `id` now.
    pub(super) fn advance(&mut self, room: RoomId, id: i64, time: i64) {
        if let Some(end) = self.rooms.get_mut(&room) {
            (end.last_id, end.last_time) = (id, time);
            if !std::mem::replace(&mut end.moved, true) {
                self.moved.push(room);
            }
        }
    }

    /// Writes the ends of rooms that moved, once per transaction.
    pub(super) fn store_heads(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut update =
            connection.prepare_cached("UPDATE rooms SET last_id = ?, last_time = ? WHERE number = ?")?;
        for room in self.moved.drain(..) {
            if let Some(end) = self.rooms.get_mut(&room) {
                update.execute(params![end.last_id, end.last_time, end.number])?;
                end.moved = false;
            }
        }
        Ok(())
    }

    /// The number that stands for `uri` in posts.
    pub(super) fn author(&mut self, connection: &Connection, uri: &SipUri) -> rusqlite::Result<i64> {
        if let Some(number) = self.authors.get(uri) {
            return Ok(*number);
        }
        if self.authors.len() >= MAX_AUTHORS {
            self.authors.clear();
        }
        connection
            .prepare_cached("INSERT OR IGNORE INTO authors (uri) VALUES (?)")?
            .execute([uri.as_str()])?;
        let number = connection
            .prepare_cached("SELECT number FROM authors WHERE uri = ?")?
            .query_row([uri.as_str()], |row| row.get(0))?;
        self.authors.insert(uri.clone(), number);
        Ok(number)
    }
}
