//! The rules of Persistent Chat: categories, rooms, roles, scope, posting and rosters, and the [`Store`] they rest
//! on. Nothing here reads a clock, a file or a socket; sending, and the wire, are left to the server.
//!
//! - [`Directory`] knows every [`Category`], [`Room`] and [`User`] and checks every [`Edit`].
//! - [`access`] says who may do what in a room.
//! - [`LiveRoom`] is a room with people in it.
//! - [`Draft`] is something that may be said; stamped it is a [`parlor_xccos::Post`].
//! - [`Store`] keeps it all; [`MemoryStore`] is the one for tests, `parlor-store` the one on disk.

mod access;
mod account;
mod category;
mod change;
#[cfg(feature = "conformance")]
#[expect(clippy::unwrap_used, reason = "a failed unwrap is a failed case")]
pub mod conformance;
mod directory;
mod document;
mod draft;
mod live_room;
mod memory_store;
mod refusal;
mod removal;
mod room;
mod scope;
mod store;
mod user;

pub use access::{Access, access, check_join, check_read};
pub use account::{Account, Credential};
pub use category::Category;
pub use change::Change;
pub use directory::{
    Actor, CategoryPatch, Directory, Edit, Found, Inconsistent, MAX_DESCRIPTION, MAX_DISPLAY_NAME, MAX_NAME,
    MAX_ROLE_ENTRIES, Matching, RoleEdit, RoomPatch, Search, fold_name,
};
pub use document::{
    Document, DocumentChange, MAX_DOCUMENT_CHANGES, MAX_DOCUMENT_CONTENT, MAX_DOCUMENT_NAME, MAX_DOCUMENTS,
    check_documents,
};
pub use draft::{Draft, PostLimits, RTF_FACTOR};
pub use live_room::{EndpointId, Joined, LiveRoom, Parted, ParticipantUpdateLimit, Present, Refreshed, Tell};
pub use memory_store::{AppendGate, Faults, MemoryStore};
pub use refusal::{Refusal, Subject};
pub use removal::{
    MAX_REMOVAL_REASON, MAX_REMOVER, REMOVAL_NOTICE, Removal, RemovalRecord, RemovalRequest, Removed,
};
pub use room::{Invitations, Role, Room, RoomSettings};
pub use scope::{Principal, Scope};
pub use store::{
    Appended, BoxFuture, Cause, Head, MAX_APPEND, MAX_PREFERENCE_CONTENT, MAX_PREFERENCE_LABEL,
    MAX_PREFERENCES, MAX_READ, NewPost, Preference, Retention, Snapshot, Store, StoreError, StoredPost,
    check_append, check_preference,
};
pub use user::{User, UserKind};
