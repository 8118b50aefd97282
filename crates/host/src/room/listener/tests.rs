//! What gets into a lane, and what a full lane does.

use std::sync::Arc;
use std::time::Duration;

use parlor_bot::{Event, Room, SipUri};
use parlor_xccos::{MessageId, Post, Timestamp};

use super::{Authors, Hole, Listener, Listening};
use crate::config::Replay;
use crate::lane::{Input, LaneReceiver, lane};

const ROOM: &str = "ma-chan://example.com/2b9ee6c4-6d1f-4b46-8f0b-3f1c6f0f9a51";
const NOW: i64 = 1_000_000_000;

fn uri(name: &str) -> SipUri {
    format!("sip:{name}@example.com").parse().unwrap()
}

/// Message `id` by `author`, `id` seconds before now counted down from a thousand.
fn post(id: i64, author: &str) -> Post {
    let at = Timestamp::from_millis(NOW - (1000 - id) * 1000);
    let mut post = Post::new(ROOM.parse().unwrap(), uri(author), at, format!("text {id}"));
    post.id = Some(MessageId(id));
    post
}

fn posts(ids: std::ops::RangeInclusive<i64>) -> Vec<Post> {
    ids.map(|id| post(id, "alice")).collect()
}

fn listener(capacity: usize, replay: Replay) -> (Listener, LaneReceiver) {
    let (sender, receiver) = lane(capacity, Arc::default(), Arc::default());
    let listening = Listening {
        instance: "bot".to_owned(),
        room: Room::new("News"),
        lane: sender,
        messages: true,
        presence: true,
        replay,
        hears_bots: false,
    };
    let shared = crate::room::Bots::default();
    for bot in [uri("bot"), uri("otherbot")] {
        shared.insert(bot);
    }
    let authors = Authors {
        own: uri("bot"),
        bots: shared,
    };
    (Listener::new(listening, authors), receiver)
}

fn placed(capacity: usize, replay: Replay, cursor: Option<i64>, latest: i64) -> (Listener, LaneReceiver) {
    let (mut listener, receiver) = listener(capacity, replay);
    listener.take_place(&ROOM.into(), &posts(1..=latest), cursor, NOW);
    (listener, receiver)
}

/// What is in the lane: the number of each message, `missed` marked by `!`, passed ones in brackets.
fn drain(lane: &mut LaneReceiver) -> Vec<String> {
    std::iter::from_fn(|| lane.take())
        .map(|(_, input)| match input {
            Input::Passed { id, .. } => format!("({id})"),
            Input::Message { event, .. } => match &*event {
                Event::Message(message) if message.missed => format!("{}!", message.id),
                Event::Message(message) => message.id.to_string(),
                other => panic!("{other:?}"),
            },
            Input::Presence { cause, .. } => cause,
        })
        .collect()
}

#[test]
fn a_first_run_starts_with_what_comes_next_and_stores_its_place() {
    let (mut listener, mut lane) = listener(8, Replay::Cursor);
    assert_eq!(
        listener.take_place(&ROOM.into(), &posts(1..=5), None, NOW),
        Some(5)
    );
    assert!(!listener.is_behind());
    listener.live(&post(5, "alice"), false);
    listener.live(&post(6, "alice"), false);
    assert_eq!(drain(&mut lane), ["6"]);
}

#[test]
fn own_posts_and_those_of_other_bots_only_move_the_cursor() {
    let (mut listener, mut lane) = placed(8, Replay::Cursor, Some(0), 0);
    for (id, author) in [(1, "alice"), (2, "bot"), (3, "otherbot"), (4, "bob")] {
        listener.live(&post(id, author), false);
    }
    listener.listening.hears_bots = true;
    listener.live(&post(5, "otherbot"), false);
    listener.live(&post(6, "bot"), false);
    assert_eq!(drain(&mut lane), ["1", "(2)", "(3)", "4", "5", "(6)"]);
}

#[test]
fn what_was_missed_comes_first_and_live_messages_wait_for_it() {
    let (mut listener, mut lane) = placed(8, Replay::Cursor, Some(3), 6);
    listener.live(&post(7, "alice"), false);
    assert_eq!(listener.wants_page(), Some((2, 9)));
    assert_eq!(listener.page(&posts(3..=7)), None);
    listener.page(&[]);
    listener.live(&post(7, "alice"), false);
    listener.live(&post(8, "alice"), false);
    assert_eq!(drain(&mut lane), ["4!", "5!", "6!", "7", "8"]);
}

#[test]
fn a_full_lane_loses_nothing() {
    let (mut listener, mut lane) = placed(2, Replay::Cursor, Some(0), 0);
    let mut history = Vec::new();
    let mut handled = Vec::new();
    for id in 1..=50 {
        history.push(post(id, "alice"));
        listener.live(&history[history.len() - 1], false);
        if id % 7 == 0 {
            handled.extend(drain(&mut lane));
        }
        if let Some((after, space)) = listener.wants_page() {
            let page: Vec<_> = history
                .iter()
                .filter(|post| post.id > Some(MessageId(after)))
                .take(space)
                .cloned()
                .collect();
            listener.page(&page);
        }
    }
    while listener.is_behind() {
        handled.extend(drain(&mut lane));
        let Some((after, space)) = listener.wants_page() else {
            continue;
        };
        let page: Vec<_> = history
            .iter()
            .filter(|post| post.id > Some(MessageId(after)))
            .take(space)
            .cloned()
            .collect();
        listener.page(&page);
    }
    handled.extend(drain(&mut lane));
    assert_eq!(handled, (1..=50).map(|id| id.to_string()).collect::<Vec<_>>());
}

#[test]
fn policies_decide_what_of_an_absence_is_handled() {
    let (listener, _lane) = placed(8, Replay::Now, Some(3), 6);
    assert!(!listener.is_behind());

    // Message 996 is four seconds old.
    let span = Replay::Since(Duration::from_secs(4));
    let (mut listener, mut lane) = listener_at(span, Some(990), 994..=999);
    listener.page(&posts(991..=999));
    assert_eq!(drain(&mut lane)[4..], ["(995)", "996!", "997!", "998!", "999!"]);

    let (listener, _lane) = listener_at(span, None, 994..=999);
    assert_eq!(listener.wants_page(), Some((995, 16)));
}

fn listener_at(
    replay: Replay,
    cursor: Option<i64>,
    recent: std::ops::RangeInclusive<i64>,
) -> (Listener, LaneReceiver) {
    let (mut listener, receiver) = listener(16, replay);
    listener.take_place(&ROOM.into(), &posts(recent), cursor, NOW);
    (listener, receiver)
}

#[test]
fn a_history_that_began_anew_does_not_silence_the_room() {
    let (mut listener, _lane) = listener(8, Replay::Cursor);
    assert_eq!(
        listener.take_place(&ROOM.into(), &posts(1..=2), Some(900), NOW),
        Some(2)
    );
    let (mut listener, mut lane) = placed(8, Replay::Cursor, Some(9), 9);
    assert_eq!(listener.check_history(9), None);
    assert_eq!(listener.check_history(1), Some(1));
    listener.live(&post(2, "alice"), false);
    assert_eq!(drain(&mut lane), ["2"]);
}

#[test]
fn presence_that_does_not_fit_is_counted_by_the_caller() {
    let (listener, mut lane) = placed(1, Replay::Cursor, None, 0);
    assert!(listener.presence(Event::Started, "first".to_owned()));
    assert!(!listener.presence(Event::Started, "second".to_owned()));
    assert_eq!(drain(&mut lane), ["first"]);
}

#[test]
fn a_history_that_does_not_show_the_last_message_any_more_has_a_hole() {
    let (mut listener, mut lane) = placed(8, Replay::Cursor, Some(3), 9);
    assert_eq!(
        listener.wants_page(),
        Some((2, 9)),
        "the last one is asked for again"
    );
    let hole = listener.page(&posts(7..=9));
    assert_eq!(
        hole,
        Some(Hole {
            after: 3,
            before: Some(7)
        })
    );
    assert_eq!(drain(&mut lane), ["7!", "8!", "9!"]);
    assert_eq!(listener.wants_page(), Some((9, 8)), "once");

    let (mut listener, mut lane) = placed(8, Replay::Cursor, Some(3), 5);
    assert_eq!(listener.page(&posts(3..=5)), None);
    assert_eq!(drain(&mut lane), ["4!", "5!"], "without what was dealt with");
}

#[test]
fn after_a_lost_connection_the_history_is_doubted_once() {
    let (mut listener, mut lane) = placed(8, Replay::Cursor, Some(5), 5);
    assert_eq!(listener.doubted(), None);
    listener.doubt();
    listener.live(&post(8, "alice"), true);
    listener.doubt();
    assert_eq!(listener.doubted(), Some(5), "the last one before the loss");
    assert_eq!(
        listener.prove(Some(7)),
        Some(Hole {
            after: 5,
            before: Some(7)
        })
    );
    assert_eq!((listener.doubted(), listener.prove(Some(7))), (None, None));
    assert_eq!(drain(&mut lane), ["8!"]);
}

#[test]
fn a_server_without_pages_gives_its_newest_messages_and_a_hole_before_them() {
    let (mut listener, mut lane) = placed(8, Replay::Cursor, Some(1), 9);
    let hole = listener.last_resort(&posts(7..=9), 3);
    assert_eq!(
        hole,
        Some(Hole {
            after: 1,
            before: Some(7)
        })
    );
    assert_eq!(drain(&mut lane), ["7!", "8!", "9!"]);
    assert!(!listener.is_behind());

    let (mut listener, mut lane) = placed(2, Replay::Cursor, Some(6), 9);
    assert_eq!(listener.last_resort(&posts(5..=9), 5), None);
    assert_eq!(drain(&mut lane), ["7!", "8!"]);
    assert!(listener.is_behind(), "what did not fit is asked for again");
    assert_eq!(listener.last_resort(&posts(5..=9), 5), None);
    assert_eq!(drain(&mut lane), ["9!"]);
}

#[test]
fn a_time_span_longer_than_the_newest_messages_is_noticed() {
    let span = Duration::from_secs(600);
    let (listener, _lane) = listener(8, Replay::Since(span));
    assert!(listener.wants_more_than(&posts(990..=999), 10, NOW));
    assert!(
        !listener.wants_more_than(&posts(990..=999), 11, NOW),
        "that was all"
    );
    assert!(
        !listener.wants_more_than(&posts(1..=999), 999, NOW),
        "it goes back far enough"
    );
}
