//! The SQLite store passes the suite every store passes.

use std::sync::Arc;

use parlor_rooms::Store;
use parlor_rooms::conformance::Fixture;
use parlor_store::{Options, SqliteStore};
use tempfile::TempDir;

struct OnDisk(TempDir);

impl OnDisk {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn sqlite(&self) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(&self.0.path().join("rooms.db"), Options::default()).expect("opens"))
    }
}

impl Fixture for OnDisk {
    fn open(&mut self) -> Arc<dyn Store> {
        self.sqlite()
    }

    fn reopen(&mut self, store: Arc<dyn Store>) -> Arc<dyn Store> {
        // The store keeps others out until it is dropped, so this also shows that dropping gives the file back.
        assert_eq!(Arc::strong_count(&store), 1);
        drop(store);
        self.sqlite()
    }
}

parlor_rooms::conformance_tests!(OnDisk::new());
