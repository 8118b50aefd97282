//! The server's store, at whose edges the server can die: what was posted is not stored, or is and nobody was told.

use std::sync::{Arc, Mutex};

use parlor_rooms::{
    Account, Appended, BoxFuture, Change, Document, DocumentChange, Head, NewPost, Preference, Removal,
    RemovalRecord, Removed, Snapshot, Store, StoreError, StoredPost,
};
use parlor_store::SqliteStore;
use parlor_xccos::{MessageId, RoomId, SipUri};
use tokio_util::sync::CancellationToken;

/// Where in a commit of posts the server dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edge {
    Before,
    After,
}

/// Counts the commits down to the one at which the server dies.
#[derive(Debug, Default)]
pub(crate) struct Fuse(Mutex<Option<Armed>>);

#[derive(Debug)]
struct Armed {
    edge: Edge,
    left: u32,
    died: CancellationToken,
}

impl Fuse {
    /// The server dies at this edge of the commit after `commits` more; the token tells when.
    pub(crate) fn arm(&self, edge: Edge, commits: u32) -> CancellationToken {
        let died = CancellationToken::new();
        *self.0.lock().unwrap() = Some(Armed {
            edge,
            left: commits,
            died: died.clone(),
        });
        died
    }

    /// The server lives on.
    pub(crate) fn hold(&self) {
        *self.0.lock().unwrap() = None;
    }

    /// Goes on, or tells that the server died and never returns.
    async fn pass(&self, at: Edge) {
        let dies = match &mut *self.0.lock().unwrap() {
            Some(armed) if armed.edge == at && armed.left == 0 => {
                armed.died.cancel();
                true
            }
            Some(armed) if armed.edge == at => {
                armed.left -= 1;
                false
            }
            _ => false,
        };
        if dies {
            std::future::pending::<()>().await;
        }
    }
}

#[derive(Debug)]
pub(crate) struct CrashStore {
    pub(crate) inner: SqliteStore,
    pub(crate) fuse: Arc<Fuse>,
}

impl Store for CrashStore {
    fn append(&self, posts: Vec<NewPost>) -> BoxFuture<'_, Result<Vec<Appended>, StoreError>> {
        Box::pin(async move {
            self.fuse.pass(Edge::Before).await;
            let appended = self.inner.append(posts).await;
            self.fuse.pass(Edge::After).await;
            appended
        })
    }

    fn load(&self) -> BoxFuture<'_, Result<Snapshot, StoreError>> {
        self.inner.load()
    }

    fn apply(&self, changes: Vec<Change>) -> BoxFuture<'_, Result<(), StoreError>> {
        self.inner.apply(changes)
    }

    fn accounts(&self) -> BoxFuture<'_, Result<Vec<Account>, StoreError>> {
        self.inner.accounts()
    }

    fn put_account(&self, account: Account) -> BoxFuture<'_, Result<(), StoreError>> {
        self.inner.put_account(account)
    }

    fn head(&self, room: RoomId) -> BoxFuture<'_, Result<Head, StoreError>> {
        self.inner.head(room)
    }

    fn last(&self, room: RoomId, count: usize) -> BoxFuture<'_, Result<Vec<StoredPost>, StoreError>> {
        self.inner.last(room, count)
    }

    fn after(
        &self,
        room: RoomId,
        id: MessageId,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<StoredPost>, StoreError>> {
        self.inner.after(room, id, limit)
    }

    fn before(
        &self,
        room: RoomId,
        id: MessageId,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<StoredPost>, StoreError>> {
        self.inner.before(room, id, limit)
    }

    fn remove(&self, removal: Removal) -> BoxFuture<'_, Result<Removed, StoreError>> {
        self.inner.remove(removal)
    }

    fn removals(
        &self,
        room: RoomId,
        number: i64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<RemovalRecord>, StoreError>> {
        self.inner.removals(room, number, limit)
    }

    fn preference(
        &self,
        user: SipUri,
        label: String,
    ) -> BoxFuture<'_, Result<Option<Preference>, StoreError>> {
        self.inner.preference(user, label)
    }

    fn put_preference(
        &self,
        user: SipUri,
        label: String,
        content: String,
    ) -> BoxFuture<'_, Result<i64, StoreError>> {
        self.inner.put_preference(user, label, content)
    }

    fn documents(&self) -> BoxFuture<'_, Result<Vec<Document>, StoreError>> {
        self.inner.documents()
    }

    fn change_documents(
        &self,
        user: SipUri,
        changes: Vec<DocumentChange>,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        self.inner.change_documents(user, changes)
    }
}
