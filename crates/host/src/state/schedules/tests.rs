//! What the state keeps of due times.

use chrono::{DateTime, Utc};
use parlor_bot::schedule::{Busy, Excluded, Skipped};

use super::{Decisions, DueTime, Settled};
use crate::ledger::LedgerStatus;
use crate::state::homes::{Home, on_both_engines};
use crate::state::{Handled, NewInput, NewPost, State};

on_both_engines! {
    each_time_is_decided_once_whoever_asks_again,
    a_time_that_comes_while_earlier_ones_wait_goes_by_the_rule,
    a_fire_waits_until_its_posts_are_delivered_and_other_schedules_do_not_care,
    what_waits_of_one_schedule_is_bounded,
    a_schedule_that_was_taken_out_and_comes_back_begins_anew,
}

async fn open(home: &Home) -> State {
    home.open().await
}

fn cause(schedule: &str, due: i64) -> String {
    let due: DateTime<Utc> = DateTime::from_timestamp_millis(due).unwrap();
    format!("schedule:{schedule}:{}", due.to_rfc3339())
}

fn fires(schedule: &str, due: i64) -> DueTime {
    let cause = cause(schedule, due);
    let input = NewInput {
        instance: "bot".into(),
        source: format!("schedule:{schedule}"),
        cause: cause.clone(),
        event: "{}".into(),
        title: None,
        link: None,
    };
    DueTime {
        due,
        cause,
        outcome: Ok(input),
    }
}

async fn decide(state: &State, schedule: &str, busy: Busy, times: Vec<DueTime>) -> Settled {
    let decisions = Decisions {
        instance: "bot".into(),
        schedule: schedule.into(),
        busy,
        decided: times.iter().map(|time| time.due).max().unwrap(),
        times,
        entries: Vec::new(),
    };
    state.decide(vec![decisions], 1).await.unwrap().remove(0)
}

/// Handles the oldest fire with one post.
async fn handle(state: &State, key: &str) {
    let head = state.inbox_heads("bot".into(), 1).await.unwrap().remove(0);
    let post = NewPost {
        key: key.into(),
        user: "sip:bot@x".into(),
        room: "r".into(),
        cause: head.cause,
        ordinal: 0,
        body: "{}".into(),
        shown: "r".into(),
        excerpt: String::new(),
    };
    let handled = Handled {
        instance: "bot".into(),
        posts: vec![post],
        inbox: Some(head.seq),
        ..Handled::default()
    };
    state.commit(handled).await.unwrap();
}

async fn each_time_is_decided_once_whoever_asks_again(home: Home) {
    let state = open(&home).await;
    let excluded = Skipped::Excluded(Excluded::Only {
        calendars: vec!["shifts.ics".into()],
    });
    let times = || {
        let skipped = DueTime {
            outcome: Err(excluded.clone()),
            ..fires("s", 2000)
        };
        vec![fires("s", 1000), skipped]
    };
    let first = decide(&state, "s", Busy::Queue, times()).await;
    assert_eq!(first.fired, [1000]);
    assert_eq!(first.skipped, [(2000, excluded.clone())]);
    handle(&state, "k").await;
    assert_eq!(
        decide(&state, "s", Busy::Queue, times()).await,
        Settled::default()
    );
    assert_eq!(state.inbox_heads("bot".into(), 9).await.unwrap().len(), 0);
    let told = state.ledger_about(cause("s", 2000)).await.unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].status, LedgerStatus::Skipped);
    assert_eq!(
        told[0].detail.as_deref(),
        Some("no event of shifts.ics covers it")
    );
    state.close().await;
}

async fn a_time_that_comes_while_earlier_ones_wait_goes_by_the_rule(home: Home) {
    for (busy, fired) in [(Busy::Skip, 1), (Busy::One, 2), (Busy::Queue, 4)] {
        let home = home.another();
        let state = open(&home).await;
        let times = (1..=4).map(|n| fires("s", n * 1000)).collect();
        let settled = decide(&state, "s", busy, times).await;
        assert_eq!(
            (settled.fired.len(), settled.skipped.len()),
            (fired, 4 - fired),
            "{busy}"
        );
        if let Some((_, reason)) = settled.skipped.first() {
            let waiting = u32::try_from(fired).unwrap();
            assert_eq!(*reason, Skipped::Busy { busy, waiting });
        }
        state.close().await;
    }
}

async fn a_fire_waits_until_its_posts_are_delivered_and_other_schedules_do_not_care(home: Home) {
    let state = open(&home).await;
    let decide = |schedule, due| decide(&state, schedule, Busy::Skip, vec![fires(schedule, due)]);
    assert_eq!(decide("a:b", 1000).await.fired, [1000]);
    assert_eq!(decide("a", 1000).await.fired, [1000], "`a:b` is another schedule");
    handle(&state, "k1").await;
    let busy = decide("a:b", 2000).await;
    assert!(busy.fired.is_empty(), "handled, not delivered: {busy:?}");
    let row = state
        .waiting("sip:bot@x".into(), "r".into(), Vec::new(), 1)
        .await
        .unwrap()
        .remove(0);
    state.delivered(row.seq, Some(7), Vec::new(), 5).await.unwrap();
    assert_eq!(decide("a:b", 3000).await.fired, [3000]);
    state.close().await;
}

async fn what_waits_of_one_schedule_is_bounded(home: Home) {
    let state = open(&home).await;
    let limit = i64::from(Busy::Queue.limit());
    let times = (0..limit + 3).map(|n| fires("s", n * 1000)).collect();
    let settled = decide(&state, "s", Busy::Queue, times).await;
    assert_eq!(settled.fired.len() as i64, limit + 1);
    assert_eq!(settled.skipped.len(), 2);
    state.close().await;
}

async fn a_schedule_that_was_taken_out_and_comes_back_begins_anew(home: Home) {
    let state = open(&home).await;
    let begin = async |names: &[&str], now: i64| {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        let last = state.begin_schedules("bot".into(), names, now).await.unwrap();
        let mut last: Vec<_> = last.into_iter().collect();
        last.sort();
        last
    };
    let at = |name: &str, at: i64| (name.to_owned(), at);
    assert_eq!(begin(&["a", "b"], 5).await, [at("a", 5), at("b", 5)]);
    assert_eq!(
        begin(&["a", "b", "c"], 9).await,
        [at("a", 5), at("b", 5), at("c", 9)]
    );
    assert_eq!(begin(&["a"], 12).await, [at("a", 5)]);
    assert_eq!(begin(&["a", "b"], 20).await, [at("a", 5), at("b", 20)]);
    state.close().await;
}
