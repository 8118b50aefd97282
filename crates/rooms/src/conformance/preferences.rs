//! Preference bundles.

use crate::{MAX_PREFERENCE_CONTENT, MAX_PREFERENCE_LABEL, MAX_PREFERENCES, Preference, StoreError};

use super::Fixture;
use super::samples::user;

/// Each change counts one up from 1, per user and label.
pub async fn preferences_count_their_changes(fixture: &mut impl Fixture) {
    let store = fixture.open();
    let label = || "kedzie.GroupChannels".to_owned();
    assert_eq!(store.preference(user("alice"), label()).await.unwrap(), None);
    assert_eq!(
        store
            .put_preference(user("alice"), label(), "b25l".into())
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        store
            .put_preference(user("alice"), label(), String::new())
            .await
            .unwrap(),
        2
    );
    assert_eq!(
        store
            .put_preference(user("bob"), label(), "👍".into())
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        store
            .put_preference(user("alice"), "other".into(), "x".into())
            .await
            .unwrap(),
        1
    );

    let store = fixture.reopen(store);
    let stored = store.preference(user("alice"), label()).await.unwrap();
    assert_eq!(
        stored,
        Some(Preference {
            sequence: 2,
            content: String::new()
        })
    );
    let stored = store.preference(user("bob"), label()).await.unwrap();
    assert_eq!(
        stored,
        Some(Preference {
            sequence: 1,
            content: "👍".into()
        })
    );
    assert_eq!(
        store
            .put_preference(user("alice"), label(), "x".into())
            .await
            .unwrap(),
        3
    );
}

/// Labels, contents and their number have limits; NUL is refused.
pub async fn preferences_have_limits(fixture: &mut impl Fixture) {
    let store = fixture.open();
    let put = |label: String, content: String| store.put_preference(user("alice"), label, content);
    let too_many = |outcome: Result<i64, StoreError>| matches!(outcome, Err(StoreError::TooMany { .. }));

    assert!(too_many(
        put("é".repeat(MAX_PREFERENCE_LABEL + 1), String::new()).await
    ));
    assert!(too_many(
        put("l".into(), "x".repeat(MAX_PREFERENCE_CONTENT + 1)).await
    ));
    assert!(matches!(
        put("a\0b".into(), String::new()).await,
        Err(StoreError::NulCharacter)
    ));
    assert!(matches!(
        put("l".into(), "a\0b".into()).await,
        Err(StoreError::NulCharacter)
    ));

    assert_eq!(
        put(
            "é".repeat(MAX_PREFERENCE_LABEL),
            "x".repeat(MAX_PREFERENCE_CONTENT)
        )
        .await
        .unwrap(),
        1
    );
    for n in 1..MAX_PREFERENCES {
        assert_eq!(put(n.to_string(), String::new()).await.unwrap(), 1);
    }
    assert!(too_many(put("one more".into(), String::new()).await));
    // Known labels can still change, and other users are not affected.
    assert_eq!(put("1".into(), "new".into()).await.unwrap(), 2);
    assert_eq!(
        store
            .put_preference(user("bob"), "l".into(), String::new())
            .await
            .unwrap(),
        1
    );
}
