//! What the state file promises, shown by closing and opening it again.

use parlor_bot::schedule::Busy;

use super::db::values;
use super::homes::{Home, on_both_engines};
use super::{
    Decisions, DueTime, FeedRecord, FeedRow, FeedTurn, Handled, NewInput, NewPost, State, StateChange,
    StateError, Subscription, SubscriptionRow, Trouble,
};

on_both_engines! {
    what_a_handler_did_is_there_after_reopening,
    a_failing_call_keeps_nothing_and_does_not_undo_the_calls_that_share_its_commit,
    the_same_post_key_is_one_post_per_room_also_after_its_delivery,
    posts_wait_in_order_until_delivered_or_dead_and_dead_ones_are_kept,
    a_cursor_only_moves_forward_unless_it_is_placed,
    text_that_no_database_likes_is_kept_and_found_again,
    the_inbox_gives_the_oldest_of_each_source_and_takes_a_cause_once,
    a_feed_has_one_first_run_and_remembers_what_it_listed_also_at_another_address,
    a_subscription_that_missed_a_fetch_is_not_served,
    items_are_forgotten_when_they_are_old_and_no_longer_listed,
    what_operators_are_told_is_stored_with_what_it_is_about,
}

fn post(key: &str, room: &str) -> NewPost {
    NewPost {
        key: key.into(),
        user: "sip:bot@x".into(),
        room: room.into(),
        cause: "message:1".into(),
        ordinal: 0,
        body: "{}".into(),
        shown: "r".into(),
        excerpt: String::new(),
    }
}

fn handled(posts: Vec<NewPost>) -> Handled {
    Handled {
        instance: "news".into(),
        posts,
        at: 1_000,
        ..Handled::default()
    }
}

fn input(source: &str, cause: &str) -> NewInput {
    NewInput {
        instance: "news".into(),
        source: source.into(),
        cause: cause.into(),
        event: "{}".into(),
        title: None,
        link: None,
    }
}

/// Schedule fires that come due together.
async fn accept(state: &State, schedule: &str, decided: i64, fires: Vec<NewInput>) {
    let time = |input: NewInput| DueTime {
        due: decided,
        cause: input.cause.clone(),
        outcome: Ok(input),
    };
    let decisions = Decisions {
        instance: "news".into(),
        schedule: schedule.into(),
        busy: Busy::Queue,
        times: fires.into_iter().map(time).collect(),
        entries: Vec::new(),
        decided,
    };
    state.decide(vec![decisions], 1).await.unwrap();
}

async fn keys(state: &State, room: &str) -> Vec<String> {
    let rows = state
        .waiting("sip:bot@x".into(), room.into(), Vec::new(), 100)
        .await
        .unwrap();
    rows.into_iter().map(|row| row.key).collect()
}

async fn what_a_handler_did_is_there_after_reopening(home: Home) {
    let state = home.open().await;
    accept(&state, "daily", 5, vec![input("schedule:daily", "d5")]).await;
    let seq = state.inbox_heads("news".into(), 10).await.unwrap()[0].seq;
    state
        .commit(Handled {
            cursors: vec![("ma-chan://x/1".into(), 7)],
            inbox: Some(seq),
            values: vec![StateChange {
                name: "count".into(),
                value: Some("3".into()),
            }],
            ..handled(vec![post("a", "r"), post("b", "r")])
        })
        .await
        .unwrap();
    state.close().await;

    let state = home.open().await;
    assert_eq!(keys(&state, "r").await, ["a", "b"]);
    assert_eq!(
        state.cursor("news".into(), "ma-chan://x/1".into()).await.unwrap(),
        Some(7)
    );
    assert_eq!(
        state.values("news".into()).await.unwrap(),
        [("count".into(), "3".into())]
    );
    let last = state
        .begin_schedules("news".into(), vec!["daily".into()], 9)
        .await;
    assert_eq!(last.unwrap()["daily"], 5);
    assert!(state.inbox_heads("news".into(), 10).await.unwrap().is_empty());
    state.close().await;
}

#[tokio::test]
async fn a_second_host_on_the_same_file_is_refused_until_the_first_has_closed_it() {
    let home = Home::file();
    let state = home.open().await;
    let second = State::open(home.place()).await;
    assert!(matches!(second, Err(StateError::InUse { .. })));
    assert!(
        second
            .unwrap_err()
            .to_string()
            .ends_with("host.db is in use by another host")
    );
    state.close().await;
    home.open().await.close().await;
    assert!(matches!(state.outbox_depth().await, Err(StateError::Closed)));
}

#[tokio::test]
async fn a_file_of_a_later_version_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("host.db");
    State::open(path.clone()).await.unwrap().close().await;
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let error = State::open(path).await.unwrap_err();
    assert!(
        matches!(error, StateError::TooNew { found: 99, known, .. } if known == super::schema::KNOWN),
        "{error}"
    );
}

async fn a_failing_call_keeps_nothing_and_does_not_undo_the_calls_that_share_its_commit(home: Home) {
    let state = home.open().await;
    let bad = state.call(|db| {
        db.execute("INSERT INTO cursor VALUES ('news', 'r', 9)", values![])?;
        db.execute("INSERT INTO no_such_table VALUES (1)", values![])
    });
    let good = state.commit(handled(vec![post("a", "r")]));
    let (bad, good) = tokio::join!(bad, good);
    assert!(matches!(bad, Err(StateError::Call(_))));
    good.unwrap();
    assert_eq!(state.cursor("news".into(), "r".into()).await.unwrap(), None);
    assert_eq!(keys(&state, "r").await, ["a"]);
    state.close().await;
}

async fn the_same_post_key_is_one_post_per_room_also_after_its_delivery(home: Home) {
    let state = home.open().await;
    state
        .commit(handled(vec![post("a", "r"), post("a", "other")]))
        .await
        .unwrap();
    let row = state
        .waiting("sip:bot@x".into(), "r".into(), Vec::new(), 1)
        .await
        .unwrap()
        .remove(0);
    state
        .delivered(row.seq, Some(12), Vec::new(), 2_000)
        .await
        .unwrap();
    state.commit(handled(vec![post("a", "r")])).await.unwrap();
    assert!(keys(&state, "r").await.is_empty());
    assert_eq!(keys(&state, "other").await, ["a"]);
    assert_eq!(
        state.rooms_with_waiting_posts().await.unwrap(),
        [("sip:bot@x".to_owned(), "other".to_owned())]
    );
    state.close().await;
}

async fn posts_wait_in_order_until_delivered_or_dead_and_dead_ones_are_kept(home: Home) {
    let state = home.open().await;
    state
        .commit(handled(vec![post("a", "r"), post("b", "r"), post("c", "r")]))
        .await
        .unwrap();
    let rows = state
        .waiting("sip:bot@x".into(), "r".into(), Vec::new(), 10)
        .await
        .unwrap();
    state
        .postponed(rows[0].seq, "server is away".into(), Vec::new(), 1_500)
        .await
        .unwrap();
    state
        .dead(rows[1].seq, "not allowed".into(), Vec::new(), 2_000)
        .await
        .unwrap();
    assert_eq!(keys(&state, "r").await, ["a", "c"]);
    assert_eq!(
        state
            .waiting("sip:bot@x".into(), "r".into(), Vec::new(), 1)
            .await
            .unwrap()[0]
            .attempts,
        1
    );
    state
        .delivered(rows[0].seq, None, Vec::new(), 3_000)
        .await
        .unwrap();
    assert_eq!(state.forget_delivered(3_001).await.unwrap(), 1);
    let depth = state.outbox_depth().await.unwrap();
    assert_eq!((depth.waiting, depth.dead, depth.oldest), (1, 1, Some(1_000)));
    state.close().await;
}

async fn text_that_no_database_likes_is_kept_and_found_again(home: Home) {
    let state = home.open().await;
    let odd = "a\0b\u{1}\u{fffe}\u{10ffff}'?1$1%_\\";
    accept(&state, "daily", 5, vec![input(odd, odd), input(odd, odd)]).await;
    assert_eq!(state.inbox_heads("news".into(), 9).await.unwrap().len(), 1);
    state.commit(handled(vec![post("a", odd)])).await.unwrap();
    assert_eq!(keys(&state, odd).await, ["a"]);
    assert_eq!(state.ledger_about(odd.into()).await.unwrap().len(), 1);
    state.close().await;
}

async fn a_cursor_only_moves_forward_unless_it_is_placed(home: Home) {
    let state = home.open().await;
    for message in [5, 3] {
        let cursors = vec![("r".to_owned(), message)];
        state
            .commit(Handled {
                cursors,
                ..handled(Vec::new())
            })
            .await
            .unwrap();
    }
    assert_eq!(state.cursor("news".into(), "r".into()).await.unwrap(), Some(5));
    state.place_cursor("news".into(), "r".into(), 1).await.unwrap();
    assert_eq!(state.cursor("news".into(), "r".into()).await.unwrap(), Some(1));
    state.close().await;
}

async fn the_inbox_gives_the_oldest_of_each_source_and_takes_a_cause_once(home: Home) {
    let state = home.open().await;
    let fires = vec![
        input("a", "a1"),
        input("a", "a2"),
        input("b", "b1"),
        input("a", "a1"),
    ];
    accept(&state, "s", 1, fires).await;
    let heads = state.inbox_heads("news".into(), 10).await.unwrap();
    assert_eq!(
        heads.iter().map(|row| row.cause.as_str()).collect::<Vec<_>>(),
        ["a1", "b1"]
    );
    state
        .commit(Handled {
            inbox: Some(heads[0].seq),
            ..handled(Vec::new())
        })
        .await
        .unwrap();
    let heads = state.inbox_heads("news".into(), 10).await.unwrap();
    assert_eq!(
        heads.iter().map(|row| row.cause.as_str()).collect::<Vec<_>>(),
        ["a2", "b1"]
    );
    state.close().await;
}

fn subscription() -> Subscription {
    Subscription {
        instance: "news".into(),
        feed: "f".into(),
    }
}

async fn seen(state: &State, items: &[&str]) -> Vec<String> {
    let items = items.iter().map(|&item| item.to_owned()).collect();
    let seen = state.seen(subscription(), items).await.unwrap();
    let mut seen: Vec<_> = seen.into_keys().collect();
    seen.sort();
    seen
}

/// What is known of the subscription at this address.
async fn known(state: &State, url: &str) -> (FeedRow, Option<SubscriptionRow>) {
    let (row, mut subscriptions) = state.feed(url.into(), vec![subscription()]).await.unwrap();
    (row, subscriptions.remove(0))
}

async fn is_served(state: &State, url: &str) -> bool {
    known(state, url).await.1.is_some_and(|known| known.served)
}

async fn a_feed_has_one_first_run_and_remembers_what_it_listed_also_at_another_address(home: Home) {
    let state = home.open().await;
    assert_eq!(known(&state, "u").await, (FeedRow::default(), None));
    let first = FeedRecord {
        subscription: subscription(),
        listed: vec![("1".into(), None), ("2".into(), Some("says".into()))],
        accepted: vec![input("feed:f", "feed:f:2")],
        identity: "[\"link\"]".into(),
        news: Some(5),
        ..FeedRecord::default()
    };
    state
        .record_fetch("u".into(), "{\"etag\":\"x\"}".into(), vec![first], 10)
        .await
        .unwrap();
    state.close().await;

    let state = home.open().await;
    let (row, subscription_row) = known(&state, "u").await;
    assert_eq!(row.validators, "{\"etag\":\"x\"}");
    let expected = SubscriptionRow {
        identity: "[\"link\"]".into(),
        served: true,
        news: Some(5),
        silent: None,
    };
    assert_eq!(subscription_row, Some(expected));
    assert_eq!(seen(&state, &["1", "2", "3"]).await, ["1", "2"]);
    let without_version = FeedRecord {
        listed: vec![("2".into(), None)],
        ..record(&[])
    };
    state
        .record_fetch("u".into(), "v".into(), vec![without_version], 11)
        .await
        .unwrap();
    let stored = state.seen(subscription(), vec!["2".into()]).await.unwrap();
    assert_eq!(stored["2"].as_deref(), Some("says"), "what it said is kept");
    assert_eq!(known(&state, "u").await.1.unwrap().news, Some(5));
    assert_eq!(state.inbox_heads("news".into(), 10).await.unwrap().len(), 1);
    state.close().await;
}

fn record(listed: &[&str]) -> FeedRecord {
    let listed = listed.iter().map(|&item| (item.to_owned(), None)).collect();
    FeedRecord {
        subscription: subscription(),
        listed,
        ..FeedRecord::default()
    }
}

async fn a_subscription_that_missed_a_fetch_is_not_served(home: Home) {
    let state = home.open().await;
    assert!(!is_served(&state, "u").await);
    state
        .record_fetch("u".into(), "v1".into(), vec![record(&["1"])], 10)
        .await
        .unwrap();
    assert!(is_served(&state, "u").await);
    assert!(!is_served(&state, "elsewhere").await);
    state
        .record_fetch("u".into(), "v2".into(), Vec::new(), 20)
        .await
        .unwrap();
    assert!(!is_served(&state, "u").await);
    state.close().await;
}

async fn items_are_forgotten_when_they_are_old_and_no_longer_listed(home: Home) {
    let state = home.open().await;
    state
        .record_fetch("u".into(), "v1".into(), vec![record(&["1", "2"])], 10)
        .await
        .unwrap();
    assert_eq!(
        state.forget_unlisted(1_000).await.unwrap(),
        0,
        "still listed by the last fetch"
    );
    state
        .record_fetch("u".into(), "v2".into(), vec![record(&["2", "3"])], 20)
        .await
        .unwrap();
    assert_eq!(state.forget_unlisted(10).await.unwrap(), 0, "not old yet");
    assert_eq!(state.forget_unlisted(1_000).await.unwrap(), 1);
    assert_eq!(seen(&state, &["1", "2", "3"]).await, ["2", "3"]);
    state.close().await;
}

async fn what_operators_are_told_is_stored_with_what_it_is_about(home: Home) {
    let state = home.open().await;
    state
        .record_fetch("u".into(), "v1".into(), vec![record(&["1"])], 10)
        .await
        .unwrap();
    let row = FeedRow {
        validators: "not for here".into(),
        moved: Some("https://example.com/new".into()),
        trouble: Some(Trouble { gone: true, since: 7 }),
        not_before: Some(99),
    };
    let turn = FeedTurn {
        url: "u".into(),
        row: row.clone(),
        silent: vec![(subscription(), Some(3))],
        notices: vec![("news".into(), post("k1", "r"))],
    };
    state.record_turn(turn, 20).await.unwrap();
    let (stored, subscription) = known(&state, "u").await;
    let validators = "v1".to_owned();
    assert_eq!(stored, FeedRow { validators, ..row });
    assert_eq!(subscription.unwrap().silent, Some(3));
    assert_eq!(state.feeds_not_before().await.unwrap()["u"], 99);
    assert_eq!(state.outbox_depth().await.unwrap().waiting, 1);

    let quiet = FeedTurn {
        url: "never fetched".into(),
        ..FeedTurn::default()
    };
    state.record_turn(quiet, 30).await.unwrap();
    assert!(!is_served(&state, "never fetched").await);
    state.close().await;
}
