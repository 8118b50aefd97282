//! A store that an older program wrote is opened with everything in it.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::path::Path;

use parlor_rooms::conformance::{block_on, room_id, time, user};
use parlor_rooms::{Document, DocumentChange, Removal, RemovalRequest, Store};
use parlor_store::{Options, SqliteStore};
use parlor_xccos::MessageId;

/// The layout of version 2, as it was released, with something of each kind in it.
fn version_2(path: &Path) {
    let connection = rusqlite::Connection::open(path).unwrap();
    for step in [
        include_str!("../migrations/0001_initial.sql"),
        include_str!("../migrations/0002_accounts.sql"),
        "INSERT INTO users VALUES ('sip:alice@example.com', 'Alice', 0, 0, 0);
         INSERT INTO accounts VALUES ('sip:alice@example.com', 'alice');
         INSERT INTO credentials VALUES ('sip:alice@example.com', 'DIGEST', 'x');
         INSERT INTO preferences VALUES ('sip:alice@example.com', 'label', 7, 'content');
         INSERT INTO categories VALUES (x'64646464646464646464646464646464', 'General', '', 1, 0, 1, 0, 1);
         INSERT INTO rooms VALUES (1, x'01010101010101010101010101010101', x'64646464646464646464646464646464', 'Room', '',
           6, 4, 0, 1, 1, 1000);
         INSERT INTO names VALUES ('general', 0, x'64646464646464646464646464646464'),
           ('room', 1, x'01010101010101010101010101010101');
         INSERT INTO authors VALUES (1, 'sip:alice@example.com');
         INSERT INTO posts VALUES (1, 1, 1, 1000, 1, NULL, 0, 'said long ago', NULL, NULL);",
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

#[test]
fn version_2_gets_a_record_of_removals() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rooms.db");
    version_2(&path);
    let store = SqliteStore::open(&path, Options::default()).unwrap();
    let request = RemovalRequest {
        room: room_id(1),
        message: MessageId(1),
        posted: None,
        notice: None,
        by: "operator".to_owned(),
        reason: None,
        at: time(0),
    };
    let removal = Removal::check(request, 100).unwrap();
    let removed = block_on(store.remove(removal)).unwrap();
    assert_eq!(removed.record().original.chat, "said long ago");
    let left = block_on(store.last(room_id(1), 1)).unwrap();
    assert_eq!(left[0].chat, "This message was removed.");
}
