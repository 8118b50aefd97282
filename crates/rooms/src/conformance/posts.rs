//! Appending and reading posts.

use parlor_xccos::{MessageId, RoomId};

use crate::{Appended, Head, MAX_APPEND, MAX_READ, NewPost, Retention, Store, StoreError};

use super::samples::{post, room_id, store_with_rooms, time};
use super::{Fixture, join_all};

/// The texts of a room's whole history.
async fn texts(store: &dyn Store, room: RoomId) -> Vec<String> {
    let posts = store
        .last(room, MAX_READ)
        .await
        .expect("a known room can be read");
    posts.into_iter().map(|post| post.chat).collect()
}

fn ids(appended: &[Appended]) -> Vec<i64> {
    appended
        .iter()
        .map(|appended| match appended {
            Appended::Stored(MessageId(id)) => *id,
            Appended::Repeated { .. } => panic!("{appended:?} although the key is new"),
        })
        .collect()
}

/// Ids count from 1 in each room, also after a restart.
pub async fn ids_count_from_one_in_each_room(fixture: &mut impl Fixture) {
    let store = store_with_rooms(fixture).await;
    let (one, two) = (room_id(1), room_id(2));
    let posts = vec![post(one, "a", ""), post(two, "b", ""), post(one, "c", "")];
    assert_eq!(ids(&store.append(posts).await.unwrap()), [1, 1, 2]);
    assert_eq!(store.append(Vec::new()).await.unwrap(), []);

    let store = fixture.reopen(store);
    assert_eq!(ids(&store.append(vec![post(one, "d", "")]).await.unwrap()), [3]);
    assert_eq!(texts(&*store, one).await, ["a", "c", "d"]);
    assert_eq!(
        store.head(two).await.unwrap(),
        Head {
            last: Some((MessageId(1), time(1)))
        }
    );
    assert_eq!(store.head(room_id(3)).await.unwrap(), Head::default());
}

/// Each of many appends under way at once gets ids without a gap, and history has every post in its place.
pub async fn appends_that_run_at_once_keep_their_order(fixture: &mut impl Fixture) {
    let store = store_with_rooms(fixture).await;
    let calls: Vec<Vec<NewPost>> = (0..40)
        .map(|call| {
            let room = room_id(call % 3 + 1);
            (0..=call % 7)
                .map(|n| post(room, &format!("{call}.{n}"), &format!("{call}-{n}")))
                .collect()
        })
        .collect();
    let answers = join_all(calls.iter().map(|posts| store.append(posts.clone()))).await;

    let mut expected: Vec<Vec<(i64, String)>> = vec![Vec::new(); 4];
    for (posts, answer) in calls.iter().zip(answers) {
        let ids = ids(&answer.unwrap());
        assert!(
            ids.windows(2).all(|pair| pair[0] + 1 == pair[1]),
            "an append was torn apart: {ids:?}"
        );
        let room = usize::from(posts[0].room.as_bytes()[0]);
        expected[room].extend(
            ids.into_iter()
                .zip(posts.iter().map(|post| post.draft.chat().to_owned())),
        );
    }
    let store = fixture.reopen(store);
    for number in 1..=3 {
        let expected = &mut expected[usize::from(number)];
        expected.sort();
        let stored: Vec<_> = store
            .after(room_id(number), MessageId(0), MAX_READ)
            .await
            .unwrap();
        let stored: Vec<_> = stored.into_iter().map(|post| (post.id.0, post.chat)).collect();
        assert_eq!(stored, *expected);
        assert!(stored.iter().zip(1..).all(|((id, _), n)| *id == n));
    }
}

/// One bad post keeps its whole append out, and nothing else.
pub async fn an_append_is_all_or_nothing(fixture: &mut impl Fixture) {
    let store = store_with_rooms(fixture).await;
    let (known, unknown) = (room_id(1), room_id(99));
    let answers = join_all([
        store.append(vec![post(known, "before", "")]),
        store.append(vec![post(known, "good", "key"), post(unknown, "bad", "")]),
        store.append(vec![post(known, "after", "")]),
    ])
    .await;
    let [before, torn, after] = answers.try_into().expect("three answers");
    assert_eq!(ids(&before.unwrap()), [1]);
    assert!(matches!(torn, Err(StoreError::UnknownRoom(room)) if room == unknown));
    assert_eq!(ids(&after.unwrap()), [2]);
    // The key was not used up either.
    assert_eq!(
        ids(&store.append(vec![post(known, "good", "key")]).await.unwrap()),
        [3]
    );
    assert_eq!(texts(&*store, known).await, ["before", "after", "good"]);
}

/// More than [`MAX_APPEND`] posts are refused.
pub async fn a_large_append_is_refused(fixture: &mut impl Fixture) {
    let store = store_with_rooms(fixture).await;
    let mut posts = vec![post(room_id(1), "x", ""); MAX_APPEND + 1];
    let refused = store.append(posts.clone()).await;
    assert!(
        matches!(refused, Err(StoreError::TooMany { count, limit: MAX_APPEND }) if count == MAX_APPEND + 1)
    );
    posts.pop();
    assert_eq!(store.append(posts).await.unwrap().len(), MAX_APPEND);
}

/// Pages start and end where they should, oldest first.
pub async fn pages_are_oldest_first_and_capped(fixture: &mut impl Fixture) {
    let store = store_with_rooms(fixture).await;
    let (room, other) = (room_id(1), room_id(2));
    for n in 1..=10 {
        store
            .append(vec![post(room, &n.to_string(), ""), post(other, "other", "")])
            .await
            .unwrap();
    }
    let ids = |page: Result<Vec<crate::StoredPost>, StoreError>| -> Vec<i64> {
        page.unwrap().into_iter().map(|post| post.id.0).collect()
    };
    assert_eq!(ids(store.last(room, 3).await), [8, 9, 10]);
    assert_eq!(ids(store.last(room, 0).await), [0; 0]);
    assert_eq!(
        ids(store.last(room, usize::MAX).await),
        (1..=10).collect::<Vec<_>>()
    );
    assert_eq!(ids(store.after(room, MessageId(7), 2).await), [8, 9]);
    assert_eq!(ids(store.after(room, MessageId(10), 5).await), [0; 0]);
    assert_eq!(ids(store.after(room, MessageId(i64::MIN), 1).await), [1]);
    assert_eq!(ids(store.before(room, MessageId(4), 2).await), [2, 3]);
    assert_eq!(ids(store.before(room, MessageId(1), 5).await), [0; 0]);
    assert_eq!(ids(store.before(room, MessageId(i64::MAX), 2).await), [9, 10]);

    let many = vec![post(other, "many", ""); MAX_APPEND];
    store.append(many).await.unwrap();
    assert_eq!(ids(store.last(other, usize::MAX).await).len(), MAX_READ);
    assert_eq!(
        ids(store.after(other, MessageId(0), usize::MAX).await).len(),
        MAX_READ
    );
}

/// A post that is not kept takes an id and remembers its key, and is not read.
pub async fn posts_that_are_not_kept_still_count(fixture: &mut impl Fixture) {
    let store = store_with_rooms(fixture).await;
    let room = room_id(1);
    let live = |chat, key| NewPost {
        retention: Retention::LiveOnly,
        ..post(room, chat, key)
    };
    let posts = vec![
        live("gone", ""),
        live("keyed", "key"),
        post(room, "kept", ""),
        live("last one", ""),
    ];
    assert_eq!(ids(&store.append(posts).await.unwrap()), [1, 2, 3, 4]);

    let store = fixture.reopen(store);
    assert_eq!(texts(&*store, room).await, ["kept"]);
    assert_eq!(
        store.head(room).await.unwrap(),
        Head {
            last: Some((MessageId(4), time(8)))
        }
    );
    let repeated = store.append(vec![live("keyed again", "key")]).await.unwrap();
    assert_eq!(
        repeated,
        [Appended::Repeated {
            id: MessageId(2),
            timestamp: time(5)
        }]
    );
}

/// Whatever a draft can hold is stored as it is.
pub async fn a_message_of_any_text_comes_back_as_it_was(fixture: &mut impl Fixture) {
    let store = store_with_rooms(fixture).await;
    let room = room_id(1);
    let long = "é👩‍👩‍👧‍👦".repeat(3000);
    let texts = [
        "👍🏽 emoji, combining e\u{301}, bidi \u{202e}abc",
        "quotes ' \" `; DROP TABLE posts; -- %s ?1 \\ <a href=\"x\">&amp;</a>",
        "lines\r\n\tand\ttabs\r\n",
        "\u{10FFFF} \u{FEFF} \u{200B}",
        "[STORY]title[/STORY]body",
        long.as_str(),
    ];
    for text in texts {
        let mut sent = post(room, text, "");
        let whole = parlor_xccos::Post {
            author_name: Some(text.chars().take(50).collect()),
            alert: true,
            rtf: Some(format!("{{\\rtf1 {text}}}")),
            key: "k\u{7e}!\"<&'"
                .parse::<parlor_xccos::PostKey>()
                .ok()
                .filter(|_| text.starts_with('q')),
            ..sent.draft.stamp(
                parlor_xccos::RoomUri::new("example.com", room).unwrap(),
                MessageId(0),
                time(0),
            )
        };
        sent.draft = crate::Draft::check(
            whole,
            &crate::PostLimits {
                message: 1 << 20,
                story: 1 << 20,
            },
        )
        .unwrap();
        store.append(vec![sent.clone()]).await.unwrap();
        let stored = store.last(room, 1).await.unwrap().remove(0);
        assert_eq!(
            (
                stored.author_name.as_deref(),
                stored.alert,
                stored.chat.as_str(),
                stored.rtf.as_deref()
            ),
            (sent.draft.author_name(), true, text, sent.draft.rtf())
        );
        assert_eq!(stored.key.as_ref(), sent.draft.key());
        assert_eq!(
            (stored.timestamp, &stored.author),
            (sent.timestamp, sent.draft.author())
        );
    }
    let store = fixture.reopen(store);
    assert_eq!(self::texts(&*store, room).await, texts);
}

/// Every question about an unknown room is answered with its id.
pub async fn unknown_rooms_are_named(fixture: &mut impl Fixture) {
    let store = store_with_rooms(fixture).await;
    let unknown = room_id(99);
    let is_unknown = |error: StoreError| matches!(error, StoreError::UnknownRoom(room) if room == unknown);
    assert!(is_unknown(
        store.append(vec![post(unknown, "x", "")]).await.unwrap_err()
    ));
    assert!(is_unknown(store.head(unknown).await.unwrap_err()));
    assert!(is_unknown(store.last(unknown, 1).await.unwrap_err()));
    assert!(is_unknown(
        store.after(unknown, MessageId(0), 1).await.unwrap_err()
    ));
    assert!(is_unknown(
        store.before(unknown, MessageId(9), 1).await.unwrap_err()
    ));
}
