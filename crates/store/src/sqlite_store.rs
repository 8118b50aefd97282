//! The store's two doors: changes go to the writer, questions to the readers.

use std::path::Path;
use std::sync::Arc;

use parlor_rooms::{
    Account, Appended, BoxFuture, Change, Document, DocumentChange, Head, MAX_READ, NewPost, Preference,
    Removal, RemovalRecord, Removed, Snapshot, Store, StoreError, StoredPost, check_append, check_documents,
    check_preference,
};
use parlor_xccos::{MessageId, RoomId, SipUri};

use crate::commits::Commits;
use crate::open::{Lock, OpenError, Options, lock, writer};
use crate::reader::{self, Page, Readers};
use crate::writer::{Writer, append, apply, change_documents, put_account, put_preference, remove};

/// A [`Store`] in one SQLite file, for one process at a time.
///
/// Beside the file `x.db` lie `x.db-wal` and `x.db-shm`, which belong to it, and `x.db-lock`. Dropping the store
/// waits until what was sent to it is on the disk; that is a matter of milliseconds, on the dropping thread.
///
/// # Examples
/// ```no_run
/// use parlor_store::{Options, SqliteStore};
///
/// let store = SqliteStore::open("data/rooms.db".as_ref(), Options::default())?;
/// # Ok::<(), parlor_store::OpenError>(())
/// ```
#[derive(Debug)]
pub struct SqliteStore {
    // In the order in which they are dropped: the lock is given back when nothing works on the file any more,
    // and the writer closes last, which folds the log into the database.
    readers: Readers,
    writer: Writer,
    _lock: Lock,
}

impl SqliteStore {
    /// Opens the database at `path`, and makes it where there is none; the folder must exist. Blocks for the time
    /// of a few reads, longer when [`Options::integrity`] has the file looked through.
    ///
    /// # Errors
    /// [`OpenError`]; the file is as it was then, apart from finished migrations.
    pub fn open(path: &Path, options: Options) -> Result<Self, OpenError> {
        let lock = lock(path)?;
        let connection = writer(path, &options)?;
        let readers = Readers::start(path, options.readers)?;
        let writer = Writer::start(connection).map_err(|source| OpenError::Thread {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            readers,
            writer,
            _lock: lock,
        })
    }

    /// What its commits were like; goes on to tell it when the store is closed.
    pub fn commits(&self) -> Arc<Commits> {
        Arc::clone(&self.writer.commits)
    }

    async fn page(&self, room: RoomId, page: Page, limit: usize) -> Result<Vec<StoredPost>, StoreError> {
        self.readers
            .request(move |connection| reader::page(connection, room, page, limit))
            .await
    }
}

impl Store for SqliteStore {
    fn load(&self) -> BoxFuture<'_, Result<Snapshot, StoreError>> {
        Box::pin(self.readers.request(reader::load))
    }

    fn apply(&self, changes: Vec<Change>) -> BoxFuture<'_, Result<(), StoreError>> {
        let weight = changes.len();
        Box::pin(
            self.writer
                .request(changes, weight, |connection, cache, changes| {
                    apply(connection, cache, changes)
                }),
        )
    }

    fn accounts(&self) -> BoxFuture<'_, Result<Vec<Account>, StoreError>> {
        Box::pin(self.readers.request(reader::accounts))
    }

    fn put_account(&self, account: Account) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.writer.request(account, 1, put_account))
    }

    fn append(&self, posts: Vec<NewPost>) -> BoxFuture<'_, Result<Vec<Appended>, StoreError>> {
        Box::pin(async move {
            check_append(&posts)?;
            let weight = posts.len();
            self.writer
                .request(posts, weight, |connection, cache, posts| {
                    append(connection, cache, posts)
                })
                .await
        })
    }

    fn head(&self, room: RoomId) -> BoxFuture<'_, Result<Head, StoreError>> {
        Box::pin(
            self.readers
                .request(move |connection| reader::head(connection, room)),
        )
    }

    fn last(&self, room: RoomId, count: usize) -> BoxFuture<'_, Result<Vec<StoredPost>, StoreError>> {
        Box::pin(self.page(room, Page::Before(MessageId(i64::MAX)), count))
    }

    fn after(
        &self,
        room: RoomId,
        id: MessageId,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<StoredPost>, StoreError>> {
        Box::pin(self.page(room, Page::After(id), limit))
    }

    fn before(
        &self,
        room: RoomId,
        id: MessageId,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<StoredPost>, StoreError>> {
        Box::pin(self.page(room, Page::Before(id), limit))
    }

    fn remove(&self, removal: Removal) -> BoxFuture<'_, Result<Removed, StoreError>> {
        Box::pin(self.writer.request(removal, 1, remove))
    }

    fn removals(
        &self,
        room: RoomId,
        number: i64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<RemovalRecord>, StoreError>> {
        let limit = limit.min(MAX_READ);
        Box::pin(
            self.readers
                .request(move |connection| reader::removals(connection, room, number, limit)),
        )
    }

    fn preference(
        &self,
        user: SipUri,
        label: String,
    ) -> BoxFuture<'_, Result<Option<Preference>, StoreError>> {
        Box::pin(
            self.readers
                .request(move |connection| reader::preference(connection, &user, &label)),
        )
    }

    fn put_preference(
        &self,
        user: SipUri,
        label: String,
        content: String,
    ) -> BoxFuture<'_, Result<i64, StoreError>> {
        Box::pin(async move {
            check_preference(&label, &content)?;
            self.writer
                .request((user, label, content), 1, put_preference)
                .await
        })
    }

    fn documents(&self) -> BoxFuture<'_, Result<Vec<Document>, StoreError>> {
        Box::pin(self.readers.request(reader::documents))
    }

    fn change_documents(
        &self,
        user: SipUri,
        changes: Vec<DocumentChange>,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            check_documents(&changes)?;
            let weight = changes.len();
            self.writer
                .request((user, changes), weight, change_documents)
                .await
        })
    }
}
