//! Values the suite, and tests of others, are told with. Numbers and names stand for ids and addresses.

use std::sync::Arc;

use parlor_xccos::{CategoryId, Post, RoomId, RoomUri, SipUri, Timestamp};

use crate::{Category, Change, Draft, NewPost, PostLimits, Retention, Room, RoomSettings, Store};

use super::Fixture;

/// The room with this number.
pub fn room_id(number: u8) -> RoomId {
    RoomId::from_bytes([number; 16])
}

/// The category with this number.
pub fn category_id(number: u8) -> CategoryId {
    CategoryId::from_bytes([number; 16])
}

/// `sip:NAME@example.com`.
pub fn user(name: &str) -> SipUri {
    format!("sip:{name}@example.com")
        .parse()
        .expect("a sample name is a valid user part")
}

/// A moment.
pub fn time(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + seconds * 1000)
}

/// What `author` wants to say, with a key where it is not empty.
pub fn draft(author: &str, chat: &str, key: &str) -> Draft {
    let room = RoomUri::new("example.com", room_id(0)).expect("a valid domain");
    let mut post = Post::new(room, user(author), Timestamp::EPOCH, chat);
    post.key = key.parse().ok();
    Draft::check(
        post,
        &PostLimits {
            message: 1 << 20,
            story: 1 << 20,
        },
    )
    .expect("a sample text is a valid draft")
}

/// Alice's post in a room, kept, at a time that follows from its text's length.
pub fn post(room: RoomId, chat: &str, key: &str) -> NewPost {
    NewPost {
        room,
        timestamp: time(chat.len() as i64),
        draft: draft("alice", chat, key),
        retention: Retention::Keep,
    }
}

/// An open store with a category and the open rooms 1, 2 and 3.
pub(super) async fn store_with_rooms(fixture: &mut impl Fixture) -> Arc<dyn Store> {
    let store = fixture.open();
    let category = category_id(100);
    let mut changes = vec![Change::CategoryAdded(Category::new(category, "General"))];
    changes.extend((1..=3).map(|number| {
        let settings = RoomSettings::new(category, format!("Room {number}"));
        Change::RoomAdded(Room::new(room_id(number), settings))
    }));
    store.apply(changes).await.expect("an empty store takes rooms");
    store
}
