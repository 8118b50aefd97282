//! Many callers, impatient callers, and callers that are gone.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::path::Path;
use std::task::{Context, Waker};

use parlor_rooms::conformance::{block_on, category_id, join_all, post, room_id};
use parlor_rooms::{Appended, Category, Change, MAX_READ, Room, RoomSettings, Store};
use parlor_store::{Options, SqliteStore};

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path, Options::default()).unwrap()
}

fn with_room(path: &Path) -> SqliteStore {
    let store = open(path);
    let room = Room::new(room_id(1), RoomSettings::new(category_id(1), "Room"));
    let category = Category::new(category_id(1), "Category");
    block_on(store.apply(vec![Change::CategoryAdded(category), Change::RoomAdded(room)])).unwrap();
    store
}

#[test]
fn more_appends_than_the_queue_holds_wait_their_turn() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_room(&folder.path().join("rooms.db"));
    let appends = (0..3000).map(|n| store.append(vec![post(room_id(1), &n.to_string(), "")]));
    let mut ids: Vec<_> = block_on(join_all(appends))
        .into_iter()
        .map(|answer| match answer.unwrap()[..] {
            [Appended::Stored(id)] => id.0,
            ref other => panic!("{other:?}"),
        })
        .collect();
    ids.sort_unstable();
    assert!(ids.into_iter().eq(1..=3000));
}

#[test]
fn reads_and_appends_from_many_threads_see_whole_appends() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_room(&folder.path().join("rooms.db"));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    block_on(store.append(vec![post(room_id(1), "half", ""); 2])).unwrap();
                    let posts = block_on(store.last(room_id(1), MAX_READ)).unwrap();
                    assert!(!posts.is_empty() && posts.len() % 2 == 0);
                    assert!(posts.iter().zip(1..).all(|(post, id)| post.id.0 == id));
                }
            });
        }
    });
    assert_eq!(block_on(store.last(room_id(1), MAX_READ)).unwrap().len(), 400);
}

#[test]
fn what_was_sent_is_done_although_nobody_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rooms.db");
    let store = with_room(&path);
    for text in ["a", "b", "c"] {
        let mut append = store.append(vec![post(room_id(1), text, "")]);
        // Once is enough to send it; then the caller gives up.
        let _ = append.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }
    drop(store);
    let posts = block_on(open(&path).last(room_id(1), MAX_READ)).unwrap();
    assert_eq!(
        posts.iter().map(|post| &*post.chat).collect::<Vec<_>>(),
        ["a", "b", "c"]
    );
}
