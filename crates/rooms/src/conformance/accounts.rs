//! Accounts.

use crate::{Account, Change, Credential, StoreError, User};

use super::Fixture;
use super::samples::user;

fn account(of: &str, name: &str, schemes: &[&str]) -> Account {
    let credential = |scheme: &&str| Credential {
        scheme: (*scheme).to_owned(),
        secret: format!("secret of {of} for {scheme}"),
    };
    Account {
        user: user(of),
        name: name.to_owned(),
        credentials: schemes.iter().map(credential).collect(),
    }
}

/// A new password replaces everything the old one left behind.
pub async fn accounts_come_back_as_they_were_put(fixture: &mut impl Fixture) {
    let store = fixture.open();
    assert_eq!(store.accounts().await.unwrap(), []);
    store
        .put_account(account("bob", "bob", &["a", "b"]))
        .await
        .unwrap();
    store
        .put_account(account("alice", "alice@example.com", &["a"]))
        .await
        .unwrap();
    store.put_account(account("bob", "robert", &["b"])).await.unwrap();
    let store = fixture.reopen(store);
    assert_eq!(
        store.accounts().await.unwrap(),
        [
            account("alice", "alice@example.com", &["a"]),
            account("bob", "robert", &["b"])
        ]
    );
}

/// Two users cannot sign in with the same name.
pub async fn account_names_are_unique(fixture: &mut impl Fixture) {
    let store = fixture.open();
    store
        .put_account(account("alice", "shared", &["a"]))
        .await
        .unwrap();
    let taken = store.put_account(account("bob", "shared", &["a"])).await;
    assert!(matches!(taken, Err(StoreError::Conflict)), "{taken:?}");
    assert_eq!(
        store.accounts().await.unwrap(),
        [account("alice", "shared", &["a"])]
    );
}

/// Whoever is gone cannot sign in, and nothing of the password stays.
pub async fn an_account_goes_with_its_user(fixture: &mut impl Fixture) {
    let store = fixture.open();
    store
        .apply(vec![Change::UserPut(User::new(user("alice")))])
        .await
        .unwrap();
    store
        .put_account(account("alice", "alice", &["a"]))
        .await
        .unwrap();
    store
        .apply(vec![Change::UserRemoved(user("alice"))])
        .await
        .unwrap();
    assert_eq!(store.accounts().await.unwrap(), []);
}
