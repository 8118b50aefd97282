//! Post keys: one visible post, however often it is sent.

use parlor_xccos::MessageId;

use crate::{Appended, MAX_READ, NewPost};

use super::Fixture;
use super::samples::{draft, post, room_id, store_with_rooms, time};

/// A repeat is answered with the first post's id and time, and stored nowhere: in the same append, in a later one,
/// after a restart.
pub async fn a_repeated_key_is_answered_with_the_first_post(fixture: &mut impl Fixture) {
    let store = store_with_rooms(fixture).await;
    let room = room_id(1);
    let first = post(room, "first", "key");
    let again = post(room, "again, longer", "key");
    let repeated = Appended::Repeated {
        id: MessageId(1),
        timestamp: time(5),
    };

    let posts = vec![first.clone(), again.clone(), post(room, "other", "")];
    let answer = store.append(posts).await.unwrap();
    assert_eq!(
        answer,
        [
            Appended::Stored(MessageId(1)),
            repeated,
            Appended::Stored(MessageId(2))
        ]
    );
    assert_eq!(store.append(vec![again.clone()]).await.unwrap(), [repeated]);

    let store = fixture.reopen(store);
    assert_eq!(
        store.append(vec![again, first]).await.unwrap(),
        [repeated, repeated]
    );
    let texts: Vec<_> = store
        .last(room, MAX_READ)
        .await
        .unwrap()
        .into_iter()
        .map(|post| post.chat)
        .collect();
    assert_eq!(texts, ["first", "other"]);
    let next = store.append(vec![post(room, "next", "")]).await.unwrap();
    assert_eq!(next, [Appended::Stored(MessageId(3))]);
}

/// The same key of another author, or in another room, is another key; case counts.
pub async fn keys_are_separate_by_room_and_author(fixture: &mut impl Fixture) {
    let store = store_with_rooms(fixture).await;
    let by = |room, author, key| NewPost {
        draft: draft(author, "text", key),
        ..post(room_id(room), "text", "")
    };
    let posts = vec![
        by(1, "alice", "key"),
        by(1, "bob", "key"),
        by(2, "alice", "key"),
        by(1, "alice", "KEY"),
        by(1, "alice", ""),
        by(1, "alice", ""),
    ];
    let answer = store.append(posts).await.unwrap();
    assert!(
        answer
            .iter()
            .all(|appended| matches!(appended, Appended::Stored(_))),
        "{answer:?}"
    );
}
