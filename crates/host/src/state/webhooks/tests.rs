//! A request is accepted once, also when it comes to several hosts at the same time.

use super::super::{NewInput, State};
use super::{KnownBy, NewRequest, Taken};
use crate::ledger::{LedgerQuery, LedgerStatus};
use crate::state::homes::{Home, on_both_engines};

on_both_engines! {
    a_request_repeats_another_until_that_is_forgotten,
    of_the_same_request_at_several_hosts_one_is_accepted,
}

fn request(text: &str, at: i64, repeats_since: i64) -> NewRequest {
    let known_by = KnownBy {
        text: text.to_owned(),
        is_digest: true,
    };
    NewRequest {
        hook: "ci".to_owned(),
        repeats_since,
        input: NewInput {
            instance: "relay".to_owned(),
            source: "webhook:ci".to_owned(),
            cause: known_by.cause("ci", at),
            event: "{}".to_owned(),
            title: None,
            link: None,
        },
        known_by,
    }
}

async fn waiting(state: &State) -> Vec<String> {
    let rows = state.inbox_heads("relay".to_owned(), 10).await.unwrap();
    rows.into_iter().map(|row| row.cause).collect()
}

async fn a_request_repeats_another_until_that_is_forgotten(home: Home) {
    let state = home.open().await;
    let take = async |text: &str, at: i64| {
        let request = request(text, at, at - 100);
        state.accept_request(request, at).await.unwrap()
    };
    assert_eq!(take("a", 1_000).await, Taken::Accepted);
    assert_eq!(take("a", 1_100).await, Taken::Repeated { first: 1_000 });
    assert_eq!(take("b", 1_100).await, Taken::Accepted);
    assert_eq!(
        take("a", 1_101).await,
        Taken::Accepted,
        "it counts from the first time"
    );
    assert_eq!(take("a", 1_102).await, Taken::Repeated { first: 1_101 });
    let told = state.ledger(LedgerQuery::default()).await.unwrap();
    let told: Vec<_> = told.into_iter().map(|entry| (entry.status, entry.item)).collect();
    assert_eq!(told.len(), 5);
    assert_eq!(told[1], (LedgerStatus::Filtered, "webhook:ci:a-1000".to_owned()));
    assert_eq!(
        waiting(&state).await,
        ["webhook:ci:a-1000"],
        "the oldest of the webhook"
    );
}

async fn of_the_same_request_at_several_hosts_one_is_accepted(home: Home) {
    let state = home.open().await;
    let other = match home {
        Home::File(_) => state.clone(),
        Home::Database(_) => home.open().await,
    };
    for round in 0..20 {
        let text = format!("round {round}");
        let takes = (0..4_i64).map(|number| {
            let state = if number % 2 == 0 {
                state.clone()
            } else {
                other.clone()
            };
            let (at, request) = (1_000 + number, request(&text, 1_000 + number, 0));
            tokio::spawn(async move { (at, state.accept_request(request, at).await.unwrap()) })
        });
        let mut taken = Vec::new();
        for take in takes.collect::<Vec<_>>() {
            taken.push(take.await.unwrap());
        }
        let accepted: Vec<_> = taken
            .iter()
            .filter(|(_, taken)| *taken == Taken::Accepted)
            .collect();
        let [(first, _)] = accepted[..] else {
            panic!("{round}: {taken:?}")
        };
        for (_, taken) in &taken {
            assert!(matches!(taken, Taken::Accepted | Taken::Repeated { .. }));
            if let Taken::Repeated { first: named } = taken {
                assert_eq!(named, first, "{round}: the one that was accepted");
            }
        }
    }
    let told = state.ledger(LedgerQuery::default()).await.unwrap();
    let seen = told.iter().filter(|entry| entry.status == LedgerStatus::Seen);
    assert_eq!(seen.count(), 20);
}
