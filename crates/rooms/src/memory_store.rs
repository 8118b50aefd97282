//! The store in memory, for tests: everything a store does except surviving the process, and failing on demand.

mod documents;
mod faults;
mod posts;
mod removals;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use parlor_xccos::{MessageId, RoomId, SipUri};

pub use faults::{AppendGate, Faults};

use crate::directory::Directory;
use crate::store::check_preference;
use crate::{
    Account, Appended, BoxFuture, Change, Document, DocumentChange, Head, MAX_PREFERENCES, MAX_READ, NewPost,
    Preference, Removal, RemovalRecord, Removed, Snapshot, Store, StoreError, StoredPost, check_documents,
};
use documents::Documents;
use faults::AfterCommit;
use posts::Posts;

/// A [`Store`] in memory. Clones share what is stored, which is how a test "reopens" it.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
    faults: Faults,
}

#[derive(Debug, Clone, Default)]
struct State {
    directory: Directory,
    accounts: BTreeMap<SipUri, Account>,
    posts: HashMap<RoomId, Posts>,
    /// In the order of their numbers, which count from 1.
    removals: Vec<RemovalRecord>,
    preferences: HashMap<SipUri, HashMap<String, Preference>>,
    documents: Documents,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// The switches that make it fail.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a change, which either happens as a whole or leaves nothing behind.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.faults.before_commit()?;
        change(&mut self.lock())
    }
}

impl Store for MemoryStore {
    fn load(&self) -> BoxFuture<'_, Result<Snapshot, StoreError>> {
        Box::pin(async { Ok(self.lock().directory.snapshot()) })
    }

    fn apply(&self, changes: Vec<Change>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move { self.change(|state| state.apply(&changes)) })
    }

    fn accounts(&self) -> BoxFuture<'_, Result<Vec<Account>, StoreError>> {
        Box::pin(async { Ok(self.lock().accounts.values().cloned().collect()) })
    }

    fn put_account(&self, account: Account) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move { self.change(|state| state.put_account(account)) })
    }

    fn append(&self, posts: Vec<NewPost>) -> BoxFuture<'_, Result<Vec<Appended>, StoreError>> {
        Box::pin(async move {
            self.faults.held().await;
            let fate = self.faults.next_append()?;
            let appended = self.change(|state| state.append(posts))?;
            match fate {
                AfterCommit::Answer => Ok(appended),
                AfterCommit::Lose => Err(StoreError::Uncertain("the answer was lost on purpose".into())),
            }
        })
    }

    fn head(&self, room: RoomId) -> BoxFuture<'_, Result<Head, StoreError>> {
        Box::pin(async move { Ok(self.lock().posts(room)?.head()) })
    }

    fn last(&self, room: RoomId, count: usize) -> BoxFuture<'_, Result<Vec<StoredPost>, StoreError>> {
        Box::pin(async move {
            Ok(self
                .lock()
                .posts(room)?
                .before(MessageId(i64::MAX), count.min(MAX_READ)))
        })
    }

    fn after(
        &self,
        room: RoomId,
        id: MessageId,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<StoredPost>, StoreError>> {
        Box::pin(async move { Ok(self.lock().posts(room)?.after(id, limit.min(MAX_READ))) })
    }

    fn before(
        &self,
        room: RoomId,
        id: MessageId,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<StoredPost>, StoreError>> {
        Box::pin(async move { Ok(self.lock().posts(room)?.before(id, limit.min(MAX_READ))) })
    }

    fn remove(&self, removal: Removal) -> BoxFuture<'_, Result<Removed, StoreError>> {
        Box::pin(async move { self.change(|state| state.remove(&removal)) })
    }

    fn removals(
        &self,
        room: RoomId,
        number: i64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<RemovalRecord>, StoreError>> {
        Box::pin(async move { Ok(self.lock().removals(room, number, limit.min(MAX_READ))) })
    }

    fn preference(
        &self,
        user: SipUri,
        label: String,
    ) -> BoxFuture<'_, Result<Option<Preference>, StoreError>> {
        Box::pin(async move {
            Ok(self
                .lock()
                .preferences
                .get(&user)
                .and_then(|own| own.get(&label))
                .cloned())
        })
    }

    fn put_preference(
        &self,
        user: SipUri,
        label: String,
        content: String,
    ) -> BoxFuture<'_, Result<i64, StoreError>> {
        Box::pin(async move {
            check_preference(&label, &content)?;
            self.change(|state| state.put_preference(user, label, content))
        })
    }

    fn documents(&self) -> BoxFuture<'_, Result<Vec<Document>, StoreError>> {
        Box::pin(async { Ok(self.lock().documents.all()) })
    }

    fn change_documents(
        &self,
        user: SipUri,
        changes: Vec<DocumentChange>,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            check_documents(&changes)?;
            self.faults.held().await;
            self.change(|state| state.documents.change(user, changes))
        })
    }
}

impl State {
    fn posts(&self, room: RoomId) -> Result<&Posts, StoreError> {
        self.posts.get(&room).ok_or(StoreError::UnknownRoom(room))
    }

    fn apply(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        let mut after = self.directory.clone();
        let mut rooms = Vec::new();
        for change in changes {
            check_fit(&after, change)?;
            after.apply(std::slice::from_ref(change));
            rooms.extend(change.room());
        }
        for change in changes {
            if let Change::UserRemoved(user) = change {
                self.accounts.remove(user);
                self.documents.remove(user);
            }
        }
        for room in rooms {
            if after.room(room).is_some() {
                self.posts.entry(room).or_default();
            } else {
                self.posts.remove(&room);
            }
        }
        self.directory = after;
        Ok(())
    }

    fn put_account(&mut self, account: Account) -> Result<(), StoreError> {
        let taken = |other: &Account| other.name == account.name && other.user != account.user;
        if self.accounts.values().any(taken) {
            return Err(StoreError::Conflict);
        }
        self.accounts.insert(account.user.clone(), account);
        Ok(())
    }

    fn append(&mut self, new: Vec<NewPost>) -> Result<Vec<Appended>, StoreError> {
        crate::store::check_append(&new)?;
        if let Some(post) = new.iter().find(|post| !self.posts.contains_key(&post.room)) {
            return Err(StoreError::UnknownRoom(post.room));
        }
        Ok(new
            .into_iter()
            .map(|post| self.posts.entry(post.room).or_default().append(post))
            .collect())
    }

    fn put_preference(&mut self, user: SipUri, label: String, content: String) -> Result<i64, StoreError> {
        let own = self.preferences.entry(user).or_default();
        let sequence = own.get(&label).map_or(0, |known| known.sequence) + 1;
        if sequence == 1 && own.len() >= MAX_PREFERENCES {
            return Err(StoreError::TooMany {
                count: own.len() + 1,
                limit: MAX_PREFERENCES,
            });
        }
        own.insert(label, Preference { sequence, content });
        Ok(sequence)
    }
}

/// What a database checks by its constraints.
fn check_fit(directory: &Directory, change: &Change) -> Result<(), StoreError> {
    let known_room = |id: &RoomId| match directory.room(*id) {
        Some(_) => Ok(()),
        None => Err(StoreError::UnknownRoom(*id)),
    };
    let fits = match change {
        Change::CategoryAdded(category) => {
            directory.category(category.id).is_none() && !directory.is_named(&category.name)
        }
        Change::CategoryChanged(category) => {
            directory.category(category.id).is_some()
                && directory.may_be_named_category(&category.name, category.id)
        }
        Change::CategoryRemoved(id) => {
            directory.category(*id).is_some() && directory.rooms().all(|room| room.settings.category != *id)
        }
        Change::RoleChanged { room, .. } | Change::RoomRemoved(room) => return known_room(room),
        Change::RoomAdded(room) => {
            directory.room(room.id).is_none()
                && directory.category(room.settings.category).is_some()
                && !directory.is_named(&room.settings.name)
        }
        Change::RoomChanged { room, settings } => {
            known_room(room)?;
            directory.category(settings.category).is_some()
                && directory.may_be_named_room(&settings.name, *room)
        }
        Change::UserPut(_) | Change::UserRemoved(_) => true,
    };
    if fits { Ok(()) } else { Err(StoreError::Conflict) }
}
