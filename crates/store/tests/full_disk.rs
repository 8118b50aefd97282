//! A store without space left says so, keeps what it has, and goes on when there is space again.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::path::Path;

use parlor_rooms::conformance::{block_on, category_id, join_all, post, room_id};
use parlor_rooms::{Appended, Category, Change, MAX_READ, Room, RoomSettings, Store, StoreError};
use parlor_store::{Options, SqliteStore};

fn open(path: &Path, max_bytes: Option<u64>) -> SqliteStore {
    let mut options = Options::default();
    options.max_bytes = max_bytes;
    SqliteStore::open(path, options).unwrap()
}

/// A store with rooms 1 and 2, filled through room 1 until an append is refused, and how many posts it took.
fn full(path: &Path) -> (SqliteStore, usize) {
    let store = open(path, Some(512 * 1024));
    let category = category_id(1);
    let room = |number| {
        Room::new(
            room_id(number),
            RoomSettings::new(category, format!("Room {number}")),
        )
    };
    let changes = vec![
        Change::CategoryAdded(Category::new(category, "Category")),
        Change::RoomAdded(room(1)),
        Change::RoomAdded(room(2)),
    ];
    block_on(store.apply(changes)).unwrap();
    for taken in 0..10_000 {
        match block_on(store.append(vec![post(room_id(1), &"x".repeat(1000), &format!("k{taken}"))])) {
            Ok(_) => {}
            Err(StoreError::Full) => return (store, taken),
            Err(error) => panic!("{error}"),
        }
    }
    panic!("512 KiB took 10,000 posts of 1000 bytes");
}

#[test]
fn what_was_taken_is_kept_and_more_space_lets_it_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rooms.db");
    let (store, taken) = full(&path);
    assert!(taken > 100, "{taken}");
    assert_eq!(block_on(store.last(room_id(1), MAX_READ)).unwrap().len(), taken);
    drop(store);

    let store = open(&path, None);
    let posts = block_on(store.last(room_id(1), MAX_READ)).unwrap();
    assert_eq!(posts.len(), taken);
    // The refused post left nothing behind, not even its key.
    let refused = post(room_id(1), "again", &format!("k{taken}"));
    let stored = block_on(store.append(vec![refused])).unwrap();
    assert!(matches!(stored[..], [Appended::Stored(id)] if id.0 as usize == taken + 1));
}

#[test]
fn a_large_append_that_does_not_fit_does_not_take_small_ones_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("rooms.db"), Some(1024 * 1024));
    let category = category_id(1);
    let room = Room::new(room_id(1), RoomSettings::new(category, "Room"));
    let changes = vec![
        Change::CategoryAdded(Category::new(category, "Category")),
        Change::RoomAdded(room),
    ];
    block_on(store.apply(changes)).unwrap();

    let small = |chat: &str| store.append(vec![post(room_id(1), chat, "")]);
    let large = store.append(vec![post(room_id(1), &"x".repeat(8000), ""); 500]);
    let answers = block_on(join_all([small("a"), large, small("b")]));
    let [a, large, b] = answers.try_into().expect("three answers");
    assert!(matches!(large, Err(StoreError::Full)), "{large:?}");
    assert!(a.is_ok() && b.is_ok());
    let posts = block_on(store.last(room_id(1), MAX_READ)).unwrap();
    assert_eq!(
        posts
            .iter()
            .map(|post| (post.id.0, &*post.chat))
            .collect::<Vec<_>>(),
        [(1, "a"), (2, "b")]
    );
}

#[test]
fn removing_a_room_makes_space() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = full(&folder.path().join("rooms.db"));
    block_on(store.apply(vec![Change::RoomRemoved(room_id(1))])).unwrap();
    // The space comes back in steps while nobody waits, so soon, not at once.
    let again = || block_on(store.append(vec![post(room_id(2), &"x".repeat(100_000), "")]));
    let tries = (0..10_000)
        .take_while(|_| matches!(again(), Err(StoreError::Full)))
        .count();
    assert!(tries < 10_000, "the space did not come back");
}

#[test]
fn documents_that_do_not_fit_leave_the_old_ones() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = full(&folder.path().join("rooms.db"));
    let user = parlor_rooms::conformance::user("alice");
    let put = |name: &str, content: String| parlor_rooms::DocumentChange::Put {
        name: name.to_owned(),
        content,
    };
    let large = vec![put("a", "x".repeat(1000)), put("b", "x".repeat(100_000))];
    let refused = block_on(store.change_documents(user.clone(), large));
    assert!(matches!(refused, Err(StoreError::Full)), "{refused:?}");
    assert_eq!(block_on(store.documents()).unwrap(), []);
}
