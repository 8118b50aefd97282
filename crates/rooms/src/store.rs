//! What the rules need from persistence: the [`Store`] trait, its values and its errors. The directory is
//! loaded once and kept in memory; posts are appended and read by room.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use parlor_xccos::{MessageId, Post, PostKey, RoomId, RoomUri, SipUri, Timestamp};

use crate::{
    Account, Category, Change, Document, DocumentChange, Draft, Removal, RemovalRecord, Removed, Room, User,
};

/// A future as trait objects need it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The most posts one call of [`Store::append`] takes; bounds one transaction.
pub const MAX_APPEND: usize = 1000;

/// The most posts one read returns; the original's search limit.
pub const MAX_READ: usize = 999;

/// The longest preference label, in characters (product 1.8).
pub const MAX_PREFERENCE_LABEL: usize = 255;

/// The largest preference content, in bytes: what fits a command.
pub const MAX_PREFERENCE_CONTENT: usize = 64 * 1024;

/// The most preference labels of one user; a client used eleven (protocol A8).
pub const MAX_PREFERENCES: usize = 64;

/// Where rooms and posts are kept.
///
/// Every implementation passes the suite in `conformance` (the feature of that name). A future that is dropped before it
/// is ready leaves it open whether its change happens, but never half of it.
pub trait Store: Send + Sync + 'static {
    /// Everything the [`crate::Directory`] is made from.
    fn load(&self) -> BoxFuture<'_, Result<Snapshot, StoreError>>;

    /// Persists directory changes, all or none.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] and [`StoreError::UnknownRoom`] when the changes were not planned on what is stored.
    fn apply(&self, changes: Vec<Change>) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Every account, in the order of the users.
    fn accounts(&self) -> BoxFuture<'_, Result<Vec<Account>, StoreError>>;

    /// Replaces what a user signs in with; nothing of what was there before stays. The account goes with the user.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when another user has the name.
    fn put_account(&self, account: Account) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Appends posts in order, all or none, durably when it returns. Ids count per room from 1.
    ///
    /// A post whose key the same author used in the same room before is not appended again but answered with
    /// the first one's place. Keys are remembered as long as their posts are, without a time limit.
    ///
    /// # Errors
    /// [`StoreError::UnknownRoom`], [`StoreError::TooMany`] above [`MAX_APPEND`], [`StoreError::Uncertain`] when
    /// it is not known whether the posts are in: send them again with the same keys.
    fn append(&self, posts: Vec<NewPost>) -> BoxFuture<'_, Result<Vec<Appended>, StoreError>>;

    /// The end of a room's history.
    fn head(&self, room: RoomId) -> BoxFuture<'_, Result<Head, StoreError>>;

    /// The last `count` posts, oldest first; `count` is capped at [`MAX_READ`].
    fn last(&self, room: RoomId, count: usize) -> BoxFuture<'_, Result<Vec<StoredPost>, StoreError>>;

    /// The first `limit` posts with an id greater than `id`, oldest first; `limit` is capped at [`MAX_READ`].
    fn after(
        &self,
        room: RoomId,
        id: MessageId,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<StoredPost>, StoreError>>;

    /// The last `limit` posts with an id smaller than `id`, oldest first; `limit` is capped at [`MAX_READ`].
    fn before(
        &self,
        room: RoomId,
        id: MessageId,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<StoredPost>, StoreError>>;

    /// Replaces what a message says by the removal's notice and keeps the original in the record, all or nothing, durably
    /// when it returns. A message that was removed before stays as it is.
    ///
    /// # Errors
    /// [`StoreError::UnknownRoom`], [`StoreError::UnknownMessage`]; [`StoreError::NotKept`] for a message that was only
    /// shown; [`StoreError::OtherMessage`] when the one with this id is of another time than the removal says;
    /// [`StoreError::Uncertain`] when it is not known whether it is removed: ask again.
    fn remove(&self, removal: Removal) -> BoxFuture<'_, Result<Removed, StoreError>>;

    /// The first `limit` removals in a room with a number greater than `number`, oldest first, also of a room that is gone;
    /// `limit` is capped at [`MAX_READ`].
    fn removals(
        &self,
        room: RoomId,
        number: i64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<RemovalRecord>, StoreError>>;

    /// A user's preference bundle.
    fn preference(
        &self,
        user: SipUri,
        label: String,
    ) -> BoxFuture<'_, Result<Option<Preference>, StoreError>>;

    /// Replaces a user's preference bundle and returns its new sequence id, one above the old one, from 1.
    fn put_preference(
        &self,
        user: SipUri,
        label: String,
        content: String,
    ) -> BoxFuture<'_, Result<i64, StoreError>>;

    /// Every document of every user, in the order of users and names.
    fn documents(&self) -> BoxFuture<'_, Result<Vec<Document>, StoreError>>;

    /// Changes documents of a user in order, all or none, durably when it returns. They go with the user.
    ///
    /// # Errors
    /// [`StoreError::TooMany`] above one of the limits on documents, [`StoreError::NulCharacter`].
    fn change_documents(
        &self,
        user: SipUri,
        changes: Vec<DocumentChange>,
    ) -> BoxFuture<'_, Result<(), StoreError>>;
}

/// The whole directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// In the order of their ids, as the others are.
    pub categories: Vec<Category>,
    /// With their role lists.
    pub rooms: Vec<Room>,
    /// All users.
    pub users: Vec<User>,
}

/// A stamped post on its way into a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPost {
    /// Where it was said.
    pub room: RoomId,
    /// When, from [`crate::LiveRoom::stamp`].
    pub timestamp: Timestamp,
    /// What, and by whom.
    pub draft: Draft,
    /// Whether what was said is kept.
    pub retention: Retention,
}

/// Whether a post is kept; follows from the category's history flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retention {
    /// In the history.
    Keep,
    /// The post gets an id and its key is remembered, but what it says is not kept.
    LiveOnly,
}

/// What became of one post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// It is in, under this id.
    Stored(MessageId),
    /// The key was used before, by the post with this id and time.
    Repeated {
        /// The first post's id.
        id: MessageId,
        /// The first post's time.
        timestamp: Timestamp,
    },
}

/// The end of a room's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Head {
    /// The last id given out, also to a post that was not kept; none in a room where nothing was said yet.
    pub last: Option<(MessageId, Timestamp)>,
}

/// A post as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPost {
    /// Counts from 1 per room.
    pub id: MessageId,
    /// The server's time.
    pub timestamp: Timestamp,
    /// Who said it.
    pub author: SipUri,
    /// The author's display name at that time.
    pub author_name: Option<String>,
    /// Whether it was of high importance.
    pub alert: bool,
    /// The plain text.
    pub chat: String,
    /// The RTF form.
    pub rtf: Option<String>,
    /// The author's key.
    pub key: Option<PostKey>,
}

impl StoredPost {
    /// The post as clients see it.
    pub fn into_post(self, room: RoomUri) -> Post {
        Post {
            room,
            author: self.author,
            author_name: self.author_name,
            timestamp: self.timestamp,
            id: Some(self.id),
            alert: self.alert,
            chat: self.chat,
            rtf: self.rtf,
            key: self.key,
        }
    }
}

/// A preference bundle; the content is the client's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preference {
    /// Grows with every change.
    pub sequence: i64,
    /// What the client stored.
    pub content: String,
}

/// Why the store could not do what was asked. Unless said otherwise, nothing has changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store is closed or its writer is gone.
    #[error("store is closed")]
    Closed,
    /// A directory change does not fit what is stored: a name or id is taken, or a category is missing.
    #[error("change does not fit what is stored")]
    Conflict,
    /// What is stored contradicts itself.
    #[error("stored data is damaged")]
    Damaged(#[source] Cause),
    /// The disk or the database is full; works again once there is room.
    #[error("no space left")]
    Full,
    /// A message was shown but is not kept, because its room keeps no history.
    #[error("message {0} was only shown, not kept")]
    NotKept(MessageId),
    /// A text holds a NUL character.
    #[error("text holds a NUL character")]
    NulCharacter,
    /// The message with this id is not the one that was meant.
    #[error("message {0} is another one: it was posted at another time")]
    OtherMessage(MessageId),
    /// More than one call takes.
    #[error("too large: {count} of at most {limit}")]
    TooMany {
        /// What came.
        count: usize,
        /// What is allowed.
        limit: usize,
    },
    /// It is not known whether the change happened.
    #[error("the outcome is uncertain")]
    Uncertain(#[source] Cause),
    /// The database failed.
    #[error("store is not available")]
    Unavailable(#[source] Cause),
    /// No such message in the room.
    #[error("there is no message {0} in the room")]
    UnknownMessage(MessageId),
    /// No such room.
    #[error("no room {0} in the store")]
    UnknownRoom(RoomId),
}

/// The database's own error.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

impl fmt::Debug for dyn Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

/// Whether an append is within [`MAX_APPEND`].
///
/// # Errors
/// [`StoreError::TooMany`].
pub fn check_append(posts: &[NewPost]) -> Result<(), StoreError> {
    check_count(posts.len(), MAX_APPEND)
}

/// Whether a preference bundle is within its limits.
///
/// # Errors
/// [`StoreError::TooMany`], [`StoreError::NulCharacter`].
pub fn check_preference(label: &str, content: &str) -> Result<(), StoreError> {
    check_count(label.chars().count(), MAX_PREFERENCE_LABEL)?;
    check_count(content.len(), MAX_PREFERENCE_CONTENT)?;
    if label.contains('\0') || content.contains('\0') {
        return Err(StoreError::NulCharacter);
    }
    Ok(())
}

pub(crate) fn check_count(count: usize, limit: usize) -> Result<(), StoreError> {
    if count > limit {
        Err(StoreError::TooMany { count, limit })
    } else {
        Ok(())
    }
}
