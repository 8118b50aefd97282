//! Removed messages: out of the room for good, known to the record.

use std::sync::Arc;

use parlor_xccos::{MessageId, RoomId};

use crate::{
    Appended, Change, Head, MAX_READ, NewPost, Removal, RemovalRequest, Removed, Retention, Room,
    RoomSettings, Store, StoreError,
};

use super::Fixture;
use super::samples::{category_id, draft, post, room_id, store_with_rooms, time};

fn removal(room: RoomId, message: i64) -> Removal {
    let request = RemovalRequest {
        room,
        message: MessageId(message),
        posted: None,
        notice: Some("gone".to_owned()),
        by: "an operator".to_owned(),
        reason: Some("rude".to_owned()),
        at: time(100),
    };
    Removal::check(request, 100).expect("a sample is a valid removal")
}

async fn texts(store: &Arc<dyn Store>, room: RoomId) -> Vec<String> {
    let posts = store.last(room, MAX_READ).await.unwrap();
    posts.into_iter().map(|post| post.chat).collect()
}

/// The notice has the message's id, author, time and key; the record has all the rest, also after a restart.
pub async fn a_removed_message_leaves_a_notice_and_a_record(fixture: &mut impl Fixture) {
    let store = store_with_rooms(fixture).await;
    let room = room_id(1);
    let said = NewPost {
        draft: {
            let plain = draft("bob", "[STORY]t[/STORY]secret", "key");
            let mut story = plain.stamp(
                parlor_xccos::RoomUri::new("example.com", room).unwrap(),
                MessageId(0),
                time(0),
            );
            (story.alert, story.rtf) = (true, Some("{\\rtf1 secret}".to_owned()));
            story.author_name = Some("Bob".to_owned());
            crate::Draft::check(story, &crate::PostLimits::default()).unwrap()
        },
        ..post(room, "1234567", "")
    };
    store
        .append(vec![
            post(room, "before", ""),
            said.clone(),
            post(room, "after", ""),
        ])
        .await
        .unwrap();
    let original = store.last(room, 2).await.unwrap().remove(0);

    let done = store.remove(removal(room, 2)).await.unwrap();
    let Removed::Now(record) = &done else {
        panic!("{done:?}")
    };
    assert_eq!((record.number, record.room), (1, room));
    assert_eq!(record.original, original);
    assert_eq!(record.original.rtf.as_deref(), Some("{\\rtf1 secret}"));
    assert_eq!(
        (&*record.notice, &*record.by, record.reason.as_deref(), record.at),
        ("gone", "an operator", Some("rude"), time(100))
    );

    let store = fixture.reopen(store);
    assert_eq!(texts(&store, room).await, ["before", "gone", "after"]);
    let notice = store.after(room, MessageId(1), 1).await.unwrap().remove(0);
    assert_eq!((notice.id, notice.timestamp), (original.id, original.timestamp));
    assert_eq!(
        (&notice.author, &notice.author_name),
        (&original.author, &original.author_name)
    );
    assert_eq!(
        (notice.alert, &notice.rtf, &notice.key),
        (false, &None, &original.key)
    );
    let kept = store.removals(room, 0, 10).await.unwrap();
    assert_eq!((kept.len(), &kept[0]), (1, record));
    // The key is still known: what was removed does not come back by a repeat.
    let repeated = store.append(vec![said]).await.unwrap();
    assert!(
        matches!(repeated[..], [Appended::Repeated { id: MessageId(2), .. }]),
        "{repeated:?}"
    );
}

/// A repeat changes nothing and is answered with the first removal, also when it wants another notice.
pub async fn a_message_is_removed_once(fixture: &mut impl Fixture) {
    let store = store_with_rooms(fixture).await;
    let room = room_id(1);
    store.append(vec![post(room, "secret", "")]).await.unwrap();
    let first = store.remove(removal(room, 1)).await.unwrap();
    let again = RemovalRequest {
        room,
        message: MessageId(1),
        posted: Some(time(6)),
        notice: Some("something else".to_owned()),
        by: "somebody else".to_owned(),
        reason: None,
        at: time(200),
    };
    let again = Removal::check(again, 100).unwrap();
    let store = fixture.reopen(store);
    let second = store.remove(again).await.unwrap();
    assert_eq!(second, Removed::Before(first.record().clone()));
    assert_eq!(texts(&store, room).await, ["gone"]);
    assert_eq!(store.removals(room, 0, 10).await.unwrap().len(), 1);
}

/// Ids that no message of the room has, messages that were not kept, and messages of another time.
pub async fn what_cannot_be_removed_is_named(fixture: &mut impl Fixture) {
    let store = store_with_rooms(fixture).await;
    let room = room_id(1);
    let live = |key| NewPost {
        retention: Retention::LiveOnly,
        ..post(room, "live", key)
    };
    let posts = vec![post(room, "kept", ""), live(""), live("key")];
    store.append(posts).await.unwrap();
    for id in [0, -1, 4, i64::MAX] {
        let unknown = store.remove(removal(room, id)).await;
        assert!(
            matches!(unknown, Err(StoreError::UnknownMessage(MessageId(named))) if named == id),
            "{unknown:?}"
        );
    }
    for id in [2, 3] {
        let unkept = store.remove(removal(room, id)).await;
        assert!(
            matches!(unkept, Err(StoreError::NotKept(MessageId(named))) if named == id),
            "{unkept:?}"
        );
    }
    let nowhere = store.remove(removal(room_id(99), 1)).await;
    assert!(
        matches!(nowhere, Err(StoreError::UnknownRoom(named)) if named == room_id(99)),
        "{nowhere:?}"
    );

    let other = RemovalRequest {
        room,
        message: MessageId(1),
        posted: Some(time(5)),
        notice: None,
        by: "x".to_owned(),
        reason: None,
        at: time(9),
    };
    let other = store.remove(Removal::check(other, 100).unwrap()).await;
    assert!(
        matches!(other, Err(StoreError::OtherMessage(MessageId(1)))),
        "{other:?}"
    );
    assert_eq!(texts(&store, room).await, ["kept"]);
    assert_eq!(store.removals(room, 0, 10).await.unwrap(), []);
}

/// The record is read by room and by number, and outlives the room; one of the same id begins anew.
pub async fn the_record_of_removals_outlives_its_room(fixture: &mut impl Fixture) {
    let store = store_with_rooms(fixture).await;
    let (room, other) = (room_id(1), room_id(2));
    let mut posts = vec![post(room, "a", ""), post(room, "b", ""), post(room, "c", "")];
    posts.push(post(other, "d", ""));
    store.append(posts).await.unwrap();
    for (room, id) in [(room, 3), (other, 1), (room, 1), (room, 2)] {
        store.remove(removal(room, id)).await.unwrap();
    }
    let numbers = |records: Vec<crate::RemovalRecord>| {
        records
            .iter()
            .map(|record| (record.number, record.original.id.0))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        numbers(store.removals(room, 0, 10).await.unwrap()),
        [(1, 3), (3, 1), (4, 2)]
    );
    assert_eq!(numbers(store.removals(room, 1, 1).await.unwrap()), [(3, 1)]);
    assert_eq!(numbers(store.removals(room_id(3), 0, 10).await.unwrap()), []);

    store.apply(vec![Change::RoomRemoved(room)]).await.unwrap();
    let settings = RoomSettings::new(category_id(100), "Room 1");
    let anew = Change::RoomAdded(Room::new(room, settings));
    store.apply(vec![anew]).await.unwrap();
    assert_eq!(store.head(room).await.unwrap(), Head::default());
    store.append(vec![post(room, "new", "")]).await.unwrap();
    let store = fixture.reopen(store);
    assert_eq!(store.removals(room, 0, MAX_READ + 1).await.unwrap().len(), 3);
    let done = store.remove(removal(room, 1)).await.unwrap();
    assert!(
        matches!(&done, Removed::Now(record) if record.number == 5),
        "{done:?}"
    );
}
