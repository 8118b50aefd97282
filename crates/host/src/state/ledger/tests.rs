//! The ledger beside the changes it tells of.

use super::super::{FeedRecord, Handled, NewInput, NewPost, State, Subscription};
use super::NewEntry;
use crate::ledger::{LedgerQuery, LedgerStatus};
use crate::state::db::values;
use crate::state::homes::{Home, on_both_engines};

on_both_engines! {
    what_is_accepted_is_seen_once_and_what_is_passed_over_has_its_reason,
    an_entry_shares_the_fate_of_the_change_it_tells_of,
    entries_are_found_by_bot_room_status_time_and_message,
    the_ledger_is_bounded_by_age_and_by_number,
    without_a_ledger_nothing_is_told_and_all_else_happens,
}

async fn state(home: &Home) -> State {
    home.open().await
}

fn entry(item: &str, status: LedgerStatus) -> NewEntry {
    NewEntry::new("news", item, status)
}

async fn told(state: &State, query: LedgerQuery) -> Vec<(String, LedgerStatus)> {
    let entries = state.ledger(query).await.unwrap();
    entries.into_iter().map(|one| (one.item, one.status)).collect()
}

async fn what_is_accepted_is_seen_once_and_what_is_passed_over_has_its_reason(home: Home) {
    let state = state(&home).await;
    let input = NewInput {
        instance: "news".into(),
        source: "feed:f".into(),
        cause: "feed:f:2".into(),
        event: "{}".into(),
        title: Some("Two\nlines".into()),
        link: Some("https://example.com/2".into()),
    };
    let record = FeedRecord {
        subscription: Subscription {
            instance: "news".into(),
            feed: "f".into(),
        },
        listed: vec![("1".into(), None), ("2".into(), None)],
        accepted: vec![input.clone(), input],
        entries: vec![entry("feed:f:1", LedgerStatus::Filtered).detail("too old")],
        ..FeedRecord::default()
    };
    state
        .record_fetch("u".into(), "v".into(), vec![record], 10)
        .await
        .unwrap();
    let about = state.ledger_about("https://example.com/2".into()).await.unwrap();
    assert_eq!(about.len(), 1);
    assert_eq!(about[0].status, LedgerStatus::Seen);
    assert_eq!(about[0].detail.as_deref(), Some("Two lines"));
    assert_eq!(about[0].at.timestamp_millis(), 10);
    let filtered = state.ledger_about("1".into()).await.unwrap();
    assert_eq!(
        filtered[0].detail.as_deref(),
        Some("too old"),
        "found by the end of its name"
    );
    state.close().await;
}

async fn an_entry_shares_the_fate_of_the_change_it_tells_of(home: Home) {
    let state = state(&home).await;
    let ledger = state.ledger;
    let bad = state
        .call(move |db| {
            ledger.record(db, &[entry("feed:f:1", LedgerStatus::Handled)], 1)?;
            db.execute("INSERT INTO no_such_table VALUES (1)", values![])
        })
        .await;
    assert!(bad.is_err());
    assert!(told(&state, LedgerQuery::default()).await.is_empty());
    state.close().await;
}

async fn entries_are_found_by_bot_room_status_time_and_message(home: Home) {
    let state = state(&home).await;
    let acknowledged = entry("feed:f:1", LedgerStatus::Acknowledged)
        .in_room("Ämter")
        .message(Some(42));
    state
        .note(vec![entry("feed:f:1", LedgerStatus::Seen), acknowledged], 1_000)
        .await
        .unwrap();
    let other = NewEntry::new("help", "message:r:7", LedgerStatus::Handled);
    state.note(vec![other], 2_000).await.unwrap();
    let seen = ("feed:f:1".to_owned(), LedgerStatus::Seen);
    let posted = ("feed:f:1".to_owned(), LedgerStatus::Acknowledged);
    let helped = ("message:r:7".to_owned(), LedgerStatus::Handled);
    let all = LedgerQuery::default();
    assert_eq!(
        told(&state, all.clone()).await,
        [seen.clone(), posted.clone(), helped.clone()]
    );
    let query = LedgerQuery {
        instance: Some("help".into()),
        ..all.clone()
    };
    assert_eq!(told(&state, query).await, std::slice::from_ref(&helped));
    let query = LedgerQuery {
        room: Some("Ämter".into()),
        ..all.clone()
    };
    assert_eq!(told(&state, query).await, std::slice::from_ref(&posted));
    let query = LedgerQuery {
        status: Some(LedgerStatus::Seen),
        ..all.clone()
    };
    assert_eq!(told(&state, query).await, [seen]);
    let query = LedgerQuery {
        since: chrono::DateTime::from_timestamp_millis(1_500),
        ..all.clone()
    };
    assert_eq!(told(&state, query).await, std::slice::from_ref(&helped));
    let query = LedgerQuery {
        limit: Some(1),
        ..all.clone()
    };
    assert_eq!(
        told(&state, query).await,
        std::slice::from_ref(&helped),
        "the newest"
    );
    let query = LedgerQuery {
        after: Some(1),
        limit: Some(1),
        ..all
    };
    assert_eq!(told(&state, query).await, [posted], "the next one");
    assert_eq!(state.ledger_about("42".into()).await.unwrap().len(), 2);
    assert!(state.ledger_about("f".into()).await.unwrap().is_empty());
    state.close().await;
}

async fn the_ledger_is_bounded_by_age_and_by_number(home: Home) {
    let state = state(&home).await;
    for at in 1..=10 {
        state
            .note(vec![entry(&format!("i:{at}"), LedgerStatus::Seen)], at)
            .await
            .unwrap();
    }
    assert_eq!(state.forget_ledger(4, 100).await.unwrap(), 3);
    assert_eq!(state.forget_ledger(0, 5).await.unwrap(), 2);
    let left = told(&state, LedgerQuery::default()).await;
    assert_eq!((left.len(), left[0].0.as_str()), (5, "i:6"));
    assert_eq!(
        state.forget_ledger(100, 100).await.unwrap(),
        5,
        "all of it may be old"
    );
    assert_eq!(state.forget_ledger(100, 100).await.unwrap(), 0);
    state.close().await;
}

async fn without_a_ledger_nothing_is_told_and_all_else_happens(home: Home) {
    let state = state(&home).await.without_ledger();
    let post = NewPost {
        key: "k".into(),
        user: "sip:bot@x".into(),
        room: "r".into(),
        cause: "message:1".into(),
        ordinal: 0,
        body: "{}".into(),
        shown: "r".into(),
        excerpt: String::new(),
    };
    state
        .commit(Handled {
            instance: "news".into(),
            posts: vec![post],
            entries: vec![entry("message:1", LedgerStatus::Queued)],
            ..Handled::default()
        })
        .await
        .unwrap();
    assert!(told(&state, LedgerQuery::default()).await.is_empty());
    assert_eq!(state.outbox_depth().await.unwrap().waiting, 1);
    state.close().await;
}
