//! Dead posts and quarantined events come back when asked for.

use super::super::{Handled, NewEntry, NewPost, Quarantined, State};
use super::Revived;
use crate::ledger::{LedgerQuery, LedgerStatus, Retry};
use crate::state::homes::{Home, on_both_engines};

on_both_engines! {
    dead_posts_wait_again_one_by_one_or_all,
    quarantined_events_go_back_to_the_inbox_when_they_can_be_tried_again,
    what_can_be_retried_is_listed_however_old_it_is,
    an_entry_of_the_ledger_names_what_it_is_about,
}

fn post(key: &str, cause: &str) -> NewPost {
    NewPost {
        key: key.into(),
        user: "sip:bot@x".into(),
        room: "r".into(),
        cause: cause.into(),
        ordinal: 0,
        body: "{}".into(),
        shown: "R".into(),
        excerpt: String::new(),
    }
}

/// Two dead posts and two quarantined events, of which one cannot be tried again.
async fn given_up(home: &Home) -> State {
    let state = home.open().await;
    let posts = vec![post("a", "feed:f:1"), post("b", "feed:f:2")];
    let commit = |posts, quarantine| {
        state.commit(Handled {
            instance: "news".into(),
            posts,
            quarantine,
            ..Handled::default()
        })
    };
    commit(posts, None).await.unwrap();
    for row in state
        .waiting("sip:bot@x".into(), "r".into(), Vec::new(), 9)
        .await
        .unwrap()
    {
        state
            .dead(row.seq, "not allowed".into(), Vec::new(), 1)
            .await
            .unwrap();
    }
    let fired = r#"{"schedule":{"id":"s","due":"2026-11-20T08:00:00Z","zone":"UTC","missed":0}}"#;
    for (cause, event) in [("schedule:s:1", fired), ("start:1", "\"Started\"")] {
        let quarantined = Quarantined {
            source: "schedule:s".into(),
            cause: cause.into(),
            event: event.into(),
            reason: "as told".into(),
            attempts: 5,
        };
        commit(Vec::new(), Some(quarantined)).await.unwrap();
    }
    state
}

async fn causes(state: &State) -> Vec<String> {
    let rows = state
        .waiting("sip:bot@x".into(), "r".into(), Vec::new(), 9)
        .await
        .unwrap();
    rows.into_iter().map(|row| row.cause).collect()
}

async fn dead_posts_wait_again_one_by_one_or_all(home: Home) {
    let state = given_up(&home).await;
    let revived = state.retry(Retry::Item("feed:f:2".into()), 2).await.unwrap();
    assert_eq!(revived.posts, [("sip:bot@x".to_owned(), "r".to_owned())]);
    assert_eq!(causes(&state).await, ["feed:f:2"]);
    let other = Retry::Dead(Some("other".into()));
    assert_eq!(state.retry(other, 2).await.unwrap(), Revived::default());
    state.retry(Retry::Dead(None), 3).await.unwrap();
    assert_eq!(
        causes(&state).await,
        ["feed:f:1", "feed:f:2"],
        "at their old places"
    );
    let query = LedgerQuery {
        status: Some(LedgerStatus::Retried),
        ..LedgerQuery::default()
    };
    assert_eq!(state.ledger(query).await.unwrap().len(), 2);
    state.close().await;
}

async fn quarantined_events_go_back_to_the_inbox_when_they_can_be_tried_again(home: Home) {
    let state = given_up(&home).await;
    let revived = state.retry(Retry::Quarantined(None), 2).await.unwrap();
    assert_eq!((revived.events.len(), revived.kept_back), (1, 1));
    assert!(causes(&state).await.is_empty(), "posts were not asked for");
    let heads = state.inbox_heads("news".into(), 9).await.unwrap();
    assert_eq!(heads[0].cause, "schedule:s:1");
    assert_eq!(state.quarantined("news".into()).await.unwrap(), 1);
    state.close().await;
}

async fn what_can_be_retried_is_listed_however_old_it_is(home: Home) {
    let state = given_up(&home).await;
    let entry = |item: &str, status| NewEntry::new("news", item, status);
    let entries = vec![
        entry("feed:f:1", LedgerStatus::Dead),
        entry("feed:f:3", LedgerStatus::Dead),
        entry("schedule:s:1", LedgerStatus::Quarantined),
    ];
    state.note(entries, 1).await.unwrap();
    state.forget_ledger(1_000, 0).await.unwrap();
    let kept = state.ledger(LedgerQuery::default()).await.unwrap();
    let kept: Vec<_> = kept.iter().map(|entry| entry.item.as_str()).collect();
    assert_eq!(kept, ["feed:f:1", "schedule:s:1"]);
    state.close().await;
}

async fn an_entry_of_the_ledger_names_what_it_is_about(home: Home) {
    let state = given_up(&home).await;
    let about = state.ledger_about("feed:f:1".into()).await.unwrap();
    let revived = state.retry(Retry::Entry(about[0].number), 2).await.unwrap();
    assert_eq!(revived.posts.len(), 1);
    assert_eq!(causes(&state).await, ["feed:f:1"]);
    let revived = state.retry(Retry::Entry(9_999), 2).await.unwrap();
    assert_eq!(revived, Revived::default());
    state.close().await;
}
