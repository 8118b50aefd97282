//! The in-memory store fails as it is told.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use parlor_rooms::conformance::{block_on, category_id, join_all, post, room_id};
use parlor_rooms::{Appended, Category, Change, MemoryStore, Room, RoomSettings, Store, StoreError};
use parlor_xccos::MessageId;

fn store() -> MemoryStore {
    let store = MemoryStore::new();
    let room = Room::new(room_id(1), RoomSettings::new(category_id(1), "Room"));
    let category = Category::new(category_id(1), "Category");
    block_on(store.apply(vec![Change::CategoryAdded(category), Change::RoomAdded(room)])).unwrap();
    store
}

fn append(store: &MemoryStore, chat: &str, key: &str) -> Result<Vec<Appended>, StoreError> {
    block_on(store.append(vec![post(room_id(1), chat, key)]))
}

fn count(store: &MemoryStore) -> usize {
    block_on(store.last(room_id(1), 100)).unwrap().len()
}

#[test]
fn a_failed_append_stores_nothing_and_the_next_one_works() {
    let store = store();
    store.faults().fail_next_append();
    assert!(matches!(
        append(&store, "a", "k"),
        Err(StoreError::Unavailable(_))
    ));
    assert_eq!(count(&store), 0);
    assert_eq!(
        append(&store, "a", "k").unwrap(),
        [Appended::Stored(MessageId(1))]
    );
}

#[test]
fn after_a_lost_answer_the_key_finds_the_post() {
    let store = store();
    store.faults().lose_next_answer();
    assert!(matches!(append(&store, "a", "k"), Err(StoreError::Uncertain(_))));
    assert_eq!(count(&store), 1);
    let again = append(&store, "a", "k").unwrap();
    assert!(matches!(again[..], [Appended::Repeated { id: MessageId(1), .. }]));
}

#[test]
fn a_full_store_reads_and_recovers() {
    let store = store();
    append(&store, "a", "").unwrap();
    store.faults().set_full(true);
    assert!(matches!(append(&store, "b", ""), Err(StoreError::Full)));
    assert!(matches!(block_on(store.apply(Vec::new())), Err(StoreError::Full)));
    assert_eq!(count(&store), 1);
    store.faults().set_full(false);
    append(&store, "b", "").unwrap();
}

#[test]
fn held_appends_wait_for_the_gate() {
    let store = store();
    let gate = store.faults().hold_appends();
    let appends = ["a", "b"].map(|chat| store.append(vec![post(room_id(1), chat, "")]));
    let test = async {
        gate.holds(2).await;
        assert_eq!(store.last(room_id(1), 100).await.unwrap(), []);
        gate.release();
        Ok(Vec::new())
    };
    let [a, b] = appends;
    let answers = block_on(join_all([a, b, Box::pin(test)]));
    assert!(answers.into_iter().all(|answer| answer.is_ok()));
    assert_eq!(count(&store), 2);
}
