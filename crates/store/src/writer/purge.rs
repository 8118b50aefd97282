//! Clearing away the posts of removed rooms in small steps, while nobody waits.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

/// Posts per step: a few milliseconds, which is what a post that comes meanwhile waits.
const STEP: usize = 2000;

/// Does one step; false when nothing is left.
pub(super) fn step(connection: &mut Connection) -> rusqlite::Result<bool> {
    let room: Option<i64> = connection
        .prepare_cached("SELECT number FROM removed_rooms LIMIT 1")?
        .query_row((), |row| row.get(0))
        .optional()?;
    let Some(room) = room else { return Ok(false) };
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let deleted = transaction
        .prepare_cached(
            "DELETE FROM posts WHERE number IN (SELECT number FROM posts WHERE room = ? LIMIT ?)",
        )?
        .execute([room, STEP as i64])?;
    if deleted < STEP {
        transaction
            .prepare_cached("DELETE FROM removed_rooms WHERE number = ?")?
            .execute([room])?;
    }
    transaction.commit()?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use parlor_rooms::conformance::{category_id, post, room_id};
    use parlor_rooms::{Category, Change, Room, RoomSettings};

    use super::{STEP, step};
    use crate::open::{Options, writer};
    use crate::writer::{Cache, append, apply};

    #[test]
    fn the_posts_of_a_removed_room_go_in_steps_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = writer(&folder.path().join("rooms.db"), &Options::default()).unwrap();
        let mut cache = Cache::default();
        let room = |number: u8| {
            let settings = RoomSettings::new(category_id(1), format!("Room {number}"));
            Change::RoomAdded(Room::new(room_id(number), settings))
        };
        let changes = vec![
            Change::CategoryAdded(Category::new(category_id(1), "Category")),
            room(1),
            room(2),
        ];
        connection.execute_batch("BEGIN").unwrap();
        apply(&connection, &mut cache, &changes).unwrap();
        append(&connection, &mut cache, &vec![post(room_id(2), "stays", ""); 3]).unwrap();
        append(
            &connection,
            &mut cache,
            &vec![post(room_id(1), "goes", ""); STEP * 2 + 1],
        )
        .unwrap();
        apply(&connection, &mut cache, &[Change::RoomRemoved(room_id(1))]).unwrap();
        connection.execute_batch("COMMIT").unwrap();

        let mut left = Vec::new();
        while step(&mut connection).unwrap() {
            let count = connection.query_row("SELECT count(*) FROM posts", (), |row| row.get::<_, i64>(0));
            left.push(count.unwrap() as usize);
        }
        assert_eq!(left, [STEP + 1 + 3, 1 + 3, 3]);
    }
}
