//! How far each instance has read in each room.

use super::db::{Db, DbError, values};
use super::{State, StateError};

impl State {
    /// The last message of `room` that `instance` has dealt with, if it ever dealt with one.
    pub(crate) async fn cursor(&self, instance: String, room: String) -> Result<Option<i64>, StateError> {
        self.call(move |db| {
            db.first(
                "SELECT message FROM cursor WHERE instance = ?1 AND room = ?2",
                values![instance, room],
                |row| row.get(0),
            )
        })
        .await
    }

    /// Puts the cursor where told, also backwards: the first run in a room, or a room whose history began anew.
    pub(crate) async fn place_cursor(
        &self,
        instance: String,
        room: String,
        message: i64,
    ) -> Result<(), StateError> {
        self.call(move |db| {
            db.execute(
                "INSERT INTO cursor (instance, room, message) VALUES (?1, ?2, ?3)
                     ON CONFLICT (instance, room) DO UPDATE SET message = excluded.message",
                values![instance, room, message],
            )?;
            Ok(())
        })
        .await
    }
}

/// Moves a cursor forward; never back, so that a late commit cannot replay what was handled.
pub(super) fn advance(db: &Db, instance: &str, room: &str, message: i64) -> Result<(), DbError> {
    db.execute(
        "INSERT INTO cursor (instance, room, message) VALUES (?1, ?2, ?3)
             ON CONFLICT (instance, room) DO UPDATE SET message =
               CASE WHEN cursor.message > excluded.message THEN cursor.message ELSE excluded.message END",
        values![instance, room, message],
    )?;
    Ok(())
}
