//! Documents of users.

use crate::{
    Change, Document, DocumentChange, MAX_DOCUMENT_CHANGES, MAX_DOCUMENT_CONTENT, MAX_DOCUMENT_NAME,
    MAX_DOCUMENTS, StoreError, User,
};

use super::Fixture;
use super::samples::user;

fn put(name: &str, content: &str) -> DocumentChange {
    DocumentChange::Put {
        name: name.to_owned(),
        content: content.to_owned(),
    }
}

fn remove(name: &str) -> DocumentChange {
    DocumentChange::Remove {
        name: name.to_owned(),
    }
}

fn document(of: &str, name: &str, content: &str) -> Document {
    Document {
        user: user(of),
        name: name.to_owned(),
        content: content.to_owned(),
    }
}

/// The last content counts, what is removed is gone, and users do not see each other's.
pub async fn documents_come_back_as_they_were_put(fixture: &mut impl Fixture) {
    let store = fixture.open();
    assert_eq!(store.documents().await.unwrap(), []);
    let changes = vec![put("b/2", "👍"), put("a/1", "old"), put("c", "")];
    store.change_documents(user("bob"), changes).await.unwrap();
    store
        .change_documents(user("alice"), vec![put("a/1", "alice's")])
        .await
        .unwrap();
    let changes = vec![put("a/1", "new"), remove("c"), remove("never was there")];
    store.change_documents(user("bob"), changes).await.unwrap();
    store.change_documents(user("bob"), Vec::new()).await.unwrap();
    let store = fixture.reopen(store);
    assert_eq!(
        store.documents().await.unwrap(),
        [
            document("alice", "a/1", "alice's"),
            document("bob", "a/1", "new"),
            document("bob", "b/2", "👍"),
        ]
    );
}

/// Changes are made in their order; one that cannot be made leaves nothing of the others.
pub async fn documents_change_together_or_not_at_all(fixture: &mut impl Fixture) {
    let store = fixture.open();
    let changes = vec![put("a", "1"), remove("a"), put("b", "1"), put("b", "2")];
    store.change_documents(user("alice"), changes).await.unwrap();
    let changes = vec![put("b", "3"), put("c", "1"), put("d", "nul\0")];
    let refused = store.change_documents(user("alice"), changes).await;
    assert!(matches!(refused, Err(StoreError::NulCharacter)), "{refused:?}");
    assert_eq!(store.documents().await.unwrap(), [document("alice", "b", "2")]);
}

/// Whoever is gone leaves nothing behind.
pub async fn documents_go_with_their_user(fixture: &mut impl Fixture) {
    let store = fixture.open();
    let known = Change::UserPut(User::new(user("alice")));
    store.apply(vec![known]).await.unwrap();
    for name in ["alice", "bob"] {
        store
            .change_documents(user(name), vec![put("a", "x")])
            .await
            .unwrap();
    }
    store
        .apply(vec![Change::UserRemoved(user("alice"))])
        .await
        .unwrap();
    assert_eq!(store.documents().await.unwrap(), [document("bob", "a", "x")]);
}

/// Names, contents, changes at once and documents of a user have limits, each user for himself.
pub async fn documents_have_limits(fixture: &mut impl Fixture) {
    let store = fixture.open();
    let change = |changes: Vec<DocumentChange>| store.change_documents(user("alice"), changes);
    let too_many = |outcome: Result<(), StoreError>| matches!(outcome, Err(StoreError::TooMany { .. }));
    let name = "n".repeat(MAX_DOCUMENT_NAME);
    let content = "x".repeat(MAX_DOCUMENT_CONTENT);

    assert!(too_many(change(vec![put(&format!("{name}n"), "")]).await));
    assert!(too_many(change(vec![put("a", &format!("{content}x"))]).await));
    assert!(too_many(
        change(vec![remove("a"); MAX_DOCUMENT_CHANGES + 1]).await
    ));
    assert_eq!(store.documents().await.unwrap(), []);

    change(vec![put(&name, &content)]).await.unwrap();
    let numbers: Vec<_> = (1..MAX_DOCUMENTS).map(|n| put(&n.to_string(), "")).collect();
    for some in numbers.chunks(MAX_DOCUMENT_CHANGES) {
        change(some.to_vec()).await.unwrap();
    }
    assert!(too_many(change(vec![put("one more", "")]).await));
    // What counts is how many there are afterwards.
    change(vec![put("one more", ""), remove("1")]).await.unwrap();
    change(vec![put("2", "changed")]).await.unwrap();
    store
        .change_documents(user("bob"), vec![put("a", "")])
        .await
        .unwrap();
    assert_eq!(store.documents().await.unwrap().len(), MAX_DOCUMENTS + 1);
}
