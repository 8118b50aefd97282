//! The in-memory store passes the suite every store passes.

use std::sync::Arc;

use parlor_rooms::conformance::Fixture;
use parlor_rooms::{MemoryStore, Store};

#[derive(Default)]
struct InMemory(MemoryStore);

impl Fixture for InMemory {
    fn open(&mut self) -> Arc<dyn Store> {
        self.0 = MemoryStore::new();
        Arc::new(self.0.clone())
    }

    fn reopen(&mut self, store: Arc<dyn Store>) -> Arc<dyn Store> {
        drop(store);
        Arc::new(self.0.clone())
    }
}

parlor_rooms::conformance_tests!(InMemory::default());
