//! A store that an older program wrote is opened with everything in it.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::path::Path;

use parlor_rooms::conformance::{block_on, user};
use parlor_rooms::{Document, DocumentChange, Store};
use parlor_store::{Options, SqliteStore};

/// The layout of version 2, as it was released, with something of each kind in it.
fn version_2(path: &Path) {
    let connection = rusqlite::Connection::open(path).unwrap();
    for step in [
        include_str!("../migrations/0001_initial.sql"),
        include_str!("../migrations/0002_accounts.sql"),
        "INSERT INTO users VALUES ('sip:alice@example.com', 'Alice', 0, 0, 0);
         INSERT INTO accounts VALUES ('sip:alice@example.com', 'alice');
         INSERT INTO credentials VALUES ('sip:alice@example.com', 'DIGEST', 'x');
         INSERT INTO preferences VALUES ('sip:alice@example.com', 'label', 7, 'content');",
    ] {
        connection.execute_batch(step).unwrap();
    }
    connection
        .pragma_update(None, "application_id", 0x5072_6C72)
        .unwrap();
    connection.pragma_update(None, "user_version", 2).unwrap();
}

#[test]
fn version_2_gets_a_place_for_documents() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rooms.db");
    version_2(&path);
    let store = SqliteStore::open(&path, Options::default()).unwrap();
    assert_eq!(block_on(store.load()).unwrap().users[0].display_name, "Alice");
    assert_eq!(block_on(store.accounts()).unwrap()[0].credentials.len(), 1);
    let preference = block_on(store.preference(user("alice"), "label".into())).unwrap();
    assert_eq!(preference.map(|preference| preference.sequence), Some(7));

    assert_eq!(block_on(store.documents()).unwrap(), []);
    let put = DocumentChange::Put {
        name: "contacts".into(),
        content: "{}".into(),
    };
    block_on(store.change_documents(user("alice"), vec![put])).unwrap();
    drop(store);
    // The second time there is nothing to do.
    let store = SqliteStore::open(&path, Options::default()).unwrap();
    let kept = Document {
        user: user("alice"),
        name: "contacts".into(),
        content: "{}".into(),
    };
    assert_eq!(block_on(store.documents()).unwrap(), [kept]);
}
