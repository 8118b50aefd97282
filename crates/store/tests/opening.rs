//! Opening a store, and being told why it cannot be opened.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use parlor_rooms::conformance::{block_on, category_id, post, room_id};
use parlor_rooms::{Category, Change, Room, RoomSettings, Store, StoreError};
use parlor_store::{Integrity, OpenError, Options, SqliteStore};

fn open(path: &Path) -> Result<SqliteStore, OpenError> {
    SqliteStore::open(path, Options::default())
}

/// What opening `path` fails with, the folder left out of the text.
fn refused(path: &Path) -> String {
    let folder = format!("{}/", path.parent().unwrap().display());
    open(path).unwrap_err().to_string().replace(&folder, "")
}

/// Rooms 1 and 2 with 1000 posts each.
fn fill(path: &Path) {
    let store = open(path).unwrap();
    let category = category_id(1);
    let room = |number| {
        Room::new(
            room_id(number),
            RoomSettings::new(category, format!("Room {number}")),
        )
    };
    let changes = vec![
        Change::CategoryAdded(Category::new(category, "Category")),
        Change::RoomAdded(room(1)),
        Change::RoomAdded(room(2)),
    ];
    block_on(store.apply(changes)).unwrap();
    for number in [1, 2] {
        block_on(store.append(vec![post(room_id(number), &"text ".repeat(40), ""); 1000])).unwrap();
    }
}

#[test]
fn a_second_process_is_told_that_the_store_is_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rooms.db");
    let first = open(&path).unwrap();
    assert!(matches!(open(&path), Err(OpenError::InUse { .. })));
    assert_eq!(refused(&path), "rooms.db is in use by another process");
    drop(first);
    open(&path).unwrap();
}

#[test]
fn a_missing_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nowhere").join("rooms.db");
    let error = open(&path).unwrap_err();
    assert!(
        matches!(&error, OpenError::Path { source, .. } if source.kind() == std::io::ErrorKind::NotFound)
    );
    assert!(error.to_string().contains("nowhere"), "{error}");
}

#[test]
fn a_folder_is_not_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rooms.db");
    fs::create_dir(&path).unwrap();
    assert_eq!(refused(&path), "cannot open rooms.db");
}

#[test]
fn other_files_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.txt");
    let content = "Not a database, but long enough to be mistaken for the header of one. ".repeat(20);
    fs::write(&text, &content).unwrap();
    assert_eq!(refused(&text), "notes.txt is not a Parlor store");
    assert_eq!(fs::read_to_string(&text).unwrap(), content);

    let database = folder.path().join("other.db");
    let connection = rusqlite::Connection::open(&database).unwrap();
    connection
        .execute_batch("CREATE TABLE t (x); PRAGMA user_version = 1")
        .unwrap();
    drop(connection);
    assert_eq!(refused(&database), "other.db is not a Parlor store");
}

#[test]
fn a_newer_database_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rooms.db");
    fill(&path);
    let set_version = |version: u32| {
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.pragma_update(None, "user_version", version).unwrap();
    };
    set_version(99);
    assert_eq!(
        refused(&path),
        "rooms.db has schema version 99, this program knows up to 4: use the newer program"
    );
    set_version(4);
    let store = open(&path).unwrap();
    assert_eq!(block_on(store.last(room_id(1), 10)).unwrap().len(), 10);
}

/// Overwrites everything behind the first pages.
fn damage(path: &Path) {
    let mut file = fs::OpenOptions::new().write(true).open(path).unwrap();
    let length = file.metadata().unwrap().len();
    let intact = 40 * 4096;
    assert!(
        length > intact * 2,
        "the sample store is too small to damage: {length}"
    );
    file.seek(SeekFrom::Start(intact)).unwrap();
    file.write_all(&vec![0xA5; (length - intact) as usize]).unwrap();
}

#[test]
fn damage_is_found_at_the_start_when_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rooms.db");
    fill(&path);
    damage(&path);
    let mut options = Options::default();
    options.integrity = Integrity::Always;
    let error = SqliteStore::open(&path, options).unwrap_err();
    assert!(matches!(&error, OpenError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("rooms.db is damaged: "), "{error}");
}

#[test]
fn damage_that_is_met_later_is_told_to_the_reader() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rooms.db");
    fill(&path);
    damage(&path);
    let mut options = Options::default();
    options.integrity = Integrity::Never;
    // Opening may meet it or not; a reader does.
    let Ok(store) = SqliteStore::open(&path, options) else {
        return;
    };
    let read = block_on(store.last(room_id(2), 999));
    assert!(matches!(read, Err(StoreError::Damaged(_))), "{read:?}");
}

#[cfg(unix)]
#[test]
fn what_was_said_is_for_the_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rooms.db");
    let _store = open(&path).unwrap();
    for name in ["rooms.db", "rooms.db-wal", "rooms.db-lock"] {
        let mode = fs::metadata(folder.path().join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}
