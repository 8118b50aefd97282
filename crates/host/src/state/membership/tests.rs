//! What a pool promises: one leader for each endpoint, and nothing written by a host that others take for dead.

use std::collections::BTreeSet;
use std::time::Duration;

use parlor_testkit::Schema;

use super::super::{Database, Handled, NewPost, Place, State, StateError};
use super::fair_share;

const LONG: Duration = Duration::from_secs(600);
const OVER: Duration = Duration::ZERO;

async fn open(schema: &Schema) -> State {
    let database = Database::new(&schema.address(), None, None).unwrap();
    State::open(Place::Database(database)).await.unwrap()
}

fn endpoints(count: usize) -> BTreeSet<String> {
    (0..count).map(|number| format!("sip:bot{number}@x")).collect()
}

/// What the member leads after it renewed.
async fn renew(state: &State, token: i64, lease: Duration, wanted: usize) -> usize {
    let renewed = state.renew(token, lease, endpoints(wanted), BTreeSet::new());
    renewed.await.unwrap().led_by(token).len()
}

async fn write(state: &State, key: &str) -> Result<(), StateError> {
    let post = NewPost {
        key: key.into(),
        user: "sip:bot0@x".into(),
        room: "r".into(),
        cause: key.into(),
        ordinal: 0,
        body: "{}".into(),
        shown: "r".into(),
        excerpt: String::new(),
    };
    let handled = Handled {
        instance: "news".into(),
        posts: vec![post],
        ..Handled::default()
    };
    state.commit(handled).await
}

#[tokio::test]
async fn members_share_what_there_is_and_take_over_what_is_released() {
    let schema = Schema::new();
    let (first, second) = (open(&schema).await, open(&schema).await);
    let one = first.join("first".into(), LONG).await.unwrap();
    assert_eq!(renew(&first, one, LONG, 5).await, 5, "alone it leads all");
    let two = second.join("second".into(), LONG).await.unwrap();
    assert!(two > one);
    assert_eq!(
        renew(&second, two, LONG, 5).await,
        0,
        "nothing is taken from others"
    );
    let given: Vec<String> = endpoints(5).into_iter().take(3).collect();
    first.release(one, given).await.unwrap();
    assert_eq!(renew(&first, one, LONG, 5).await, 3, "its share is three of five");
    assert_eq!(renew(&second, two, LONG, 5).await, 2);
    second.resign(two).await.unwrap();
    assert_eq!(renew(&first, one, LONG, 5).await, 5);
    first.close().await;
    second.close().await;
}

#[tokio::test]
async fn what_is_free_beyond_the_share_is_taken_when_nobody_else_wants_it() {
    let schema = Schema::new();
    let (first, second) = (open(&schema).await, open(&schema).await);
    let one = first.join("first".into(), LONG).await.unwrap();
    second.join("second".into(), LONG).await.unwrap();
    assert_eq!(renew(&first, one, LONG, 2).await, 1);
    let standing = first.renew(one, LONG, endpoints(2), endpoints(2)).await.unwrap();
    assert_eq!(standing.led_by(one).len(), 2);
    first.close().await;
    second.close().await;
}

#[tokio::test]
async fn a_member_whose_lease_is_over_is_struck_out_and_writes_nothing_any_more() {
    let schema = Schema::new();
    let (first, second) = (open(&schema).await, open(&schema).await);
    let one = first.join("first".into(), OVER).await.unwrap();
    assert_eq!(renew(&first, one, OVER, 1).await, 1);
    write(&first, "a").await.unwrap();
    let two = second.join("second".into(), LONG).await.unwrap();
    // The clock of the database counts milliseconds.
    while renew(&second, two, LONG, 1).await == 0 {}
    assert!(matches!(write(&first, "b").await, Err(StateError::Fenced)));
    let renewed = first.renew(one, LONG, endpoints(1), BTreeSet::new()).await;
    assert!(matches!(renewed, Err(StateError::Fenced)));
    write(&second, "c").await.unwrap();
    let three = first.join("first".into(), LONG).await.unwrap();
    assert!(three > two, "a token is never given again");
    write(&first, "d").await.unwrap();
    let rows = second
        .waiting("sip:bot0@x".into(), "r".into(), Vec::new(), 9)
        .await
        .unwrap();
    let keys: Vec<_> = rows.into_iter().map(|row| row.key).collect();
    assert_eq!(keys, ["a", "c", "d"]);
    first.close().await;
    second.close().await;
}

#[tokio::test]
async fn who_is_late_itself_strikes_nobody_out() {
    let schema = Schema::new();
    let (first, second) = (open(&schema).await, open(&schema).await);
    let one = first.join("first".into(), LONG).await.unwrap();
    let two = second.join("second".into(), LONG).await.unwrap();
    // As after a database was away for longer than a lease.
    schema.run("UPDATE member SET expires = 0");
    let standing = first
        .renew(one, LONG, endpoints(1), BTreeSet::new())
        .await
        .unwrap();
    assert_eq!(standing.members.len(), 2);
    renew(&second, two, LONG, 1).await;
    let standing = first
        .renew(one, LONG, endpoints(1), BTreeSet::new())
        .await
        .unwrap();
    assert_eq!(standing.members.len(), 2);
    first.close().await;
    second.close().await;
}

#[tokio::test]
async fn a_lost_connection_is_made_anew_and_the_membership_goes_on() {
    let schema = Schema::new();
    let state = open(&schema).await;
    let token = state.join("first".into(), LONG).await.unwrap();
    write(&state, "a").await.unwrap();
    schema.cut();
    // The cut may come in the middle of the transaction; whoever calls tries again.
    while let Err(error) = write(&state, "b").await {
        assert!(
            !matches!(error, StateError::Fenced | StateError::Closed),
            "{error}"
        );
    }
    assert_eq!(renew(&state, token, LONG, 1).await, 1);
    assert_eq!(state.outbox_depth().await.unwrap().waiting, 2);
    state.close().await;
}

#[tokio::test]
async fn a_transaction_that_is_cut_off_is_told_as_failed_and_leaves_nothing() {
    let schema = Schema::new();
    let state = open(&schema).await;
    let cut = schema.name().to_owned();
    let ended = state
        .call(move |db| {
            db.execute(
                "INSERT INTO cursor (instance, room, message) VALUES ('news', 'r', 1)",
                super::values![],
            )?;
            // Its own connection, as somebody else would cut it.
            db.exists(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = ?1",
                super::values![cut],
            )
        })
        .await;
    assert!(ended.is_err());
    assert_eq!(state.cursor("news".into(), "r".into()).await.unwrap(), None);
    state.close().await;
}

#[test]
fn a_share_is_rounded_up_so_that_nothing_is_left_over() {
    assert_eq!(fair_share(5, 2), 3);
    assert_eq!(fair_share(1, 3), 1);
    assert_eq!(fair_share(4, 0), 4);
}
