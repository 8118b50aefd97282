//! The directory: all categories, rooms and users, in memory, with every rule about changing them.
//!
//! A change has two halves, so that nothing is believed that is not stored: [`Directory::plan`] checks an
//! [`Edit`] and says which [`Change`]s it means, the owner persists them with [`crate::Store::apply`], and
//! [`Directory::apply`] takes them over. One owner does this, one edit at a time.

mod apply;
mod categories;
mod edit;
mod names;
mod roles;
mod rooms;
mod search;
mod users;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use parlor_xccos::{CategoryId, RoomId, SipUri};

pub use edit::{Actor, CategoryPatch, Edit, RoleEdit, RoomPatch};
pub use names::{MAX_DESCRIPTION, MAX_DISPLAY_NAME, MAX_NAME, fold_name};
pub use roles::MAX_ROLE_ENTRIES;
pub use search::{Found, Matching, Search};

use crate::{Access, Category, Change, Refusal, Role, Room, Snapshot, User, access};

/// All categories, rooms and users. Cloning is cheap enough for a snapshot, not for every request.
///
/// # Examples
/// ```
/// use parlor_rooms::{Actor, Category, Directory, Edit, MemoryStore, Store};
/// use parlor_xccos::CategoryId;
///
/// # parlor_rooms::conformance::block_on(async {
/// let store = MemoryStore::new();
/// let mut directory = Directory::from_snapshot(store.load().await?)?;
///
/// let category = Category::new(CategoryId::from_bytes([1; 16]), "General");
/// let changes = directory.plan(Actor::Operator, Edit::AddCategory(category))?;
/// store.apply(changes.clone()).await?;
/// directory.apply(&changes);
///
/// assert!(directory.category_by_name("GENERAL").is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone, Default)]
pub struct Directory {
    categories: BTreeMap<CategoryId, Arc<Category>>,
    rooms: BTreeMap<RoomId, Arc<Room>>,
    users: BTreeMap<SipUri, Arc<User>>,
    /// Folded name to what bears it; in order, so that listings are sorted.
    names: BTreeMap<Box<str>, Named>,
    /// In which rooms a user holds a role.
    held: HashMap<SipUri, BTreeSet<(Role, RoomId)>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    Category(CategoryId),
    Room(RoomId),
}

/// What is stored breaks the rules; somebody changed it behind the service's back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Inconsistent {
    /// A category does not hold up.
    #[error("category {0} is inconsistent")]
    Category(CategoryId, #[source] Refusal),
    /// A room does not hold up.
    #[error("room {0} is inconsistent")]
    Room(RoomId, #[source] Refusal),
}

impl Directory {
    /// The directory as it was stored.
    ///
    /// # Errors
    /// [`Inconsistent`] when a name is borne twice, a room has no category, or a role list breaks a rule.
    pub fn from_snapshot(snapshot: Snapshot) -> Result<Self, Inconsistent> {
        let mut directory = Self::default();
        for user in snapshot.users {
            directory.apply_one(&Change::UserPut(user));
        }
        for category in snapshot.categories {
            let id = category.id;
            directory
                .check_new_category(&category)
                .map_err(|refusal| Inconsistent::Category(id, refusal))?;
            directory.apply_one(&Change::CategoryAdded(category));
        }
        for room in snapshot.rooms {
            let id = room.id;
            directory
                .check_new_room(&room)
                .map_err(|refusal| Inconsistent::Room(id, refusal))?;
            directory.apply_one(&Change::RoomAdded(room));
        }
        Ok(directory)
    }

    /// Everything, in the order of ids.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            categories: self.categories.values().map(|c| Category::clone(c)).collect(),
            rooms: self.rooms.values().map(|r| Room::clone(r)).collect(),
            users: self.users.values().map(|u| User::clone(u)).collect(),
        }
    }

    /// Checks `edit` and says what it changes; nothing when all is so already.
    ///
    /// # Errors
    /// Any [`Refusal`] about names, roles and rights.
    pub fn plan(&self, actor: Actor<'_>, edit: Edit) -> Result<Vec<Change>, Refusal> {
        match edit {
            Edit::AddCategory(category) => self.plan_add_category(actor, category),
            Edit::ChangeCategory(id, patch) => self.plan_change_category(actor, id, patch),
            Edit::RemoveCategory(id) => self.plan_remove_category(actor, id),
            Edit::AddRoom(room) => self.plan_add_room(actor, room),
            Edit::ChangeRoom(id, patch) => self.plan_change_room(actor, id, patch),
            Edit::ChangeRole { room, role, edit } => self.plan_change_role(actor, room, role, edit),
            Edit::RemoveRoom(id) => self.plan_remove_room(actor, id),
            Edit::PutUser(user) => self.plan_put_user(actor, user),
            Edit::RemoveUser(uri) => self.plan_remove_user(actor, &uri),
        }
    }

    /// Takes over changes that [`Directory::plan`] made on this very state and that are stored.
    pub fn apply(&mut self, changes: &[Change]) {
        for change in changes {
            self.apply_one(change);
        }
    }

    /// A category.
    pub fn category(&self, id: CategoryId) -> Option<&Arc<Category>> {
        self.categories.get(&id)
    }

    /// A category by its name, without case.
    pub fn category_by_name(&self, name: &str) -> Option<&Arc<Category>> {
        match self.names.get(fold_name(name).as_str())? {
            Named::Category(id) => self.categories.get(id),
            Named::Room(_) => None,
        }
    }

    /// All categories, in the order of their ids.
    pub fn categories(&self) -> impl Iterator<Item = &Arc<Category>> {
        self.categories.values()
    }

    /// The categories in which `user` may create rooms.
    pub fn categories_with_create_right(&self, user: &SipUri) -> impl Iterator<Item = &Arc<Category>> {
        let user = self.standing(user);
        self.categories
            .values()
            .filter(move |category| category.may_create(&user))
    }

    /// A room.
    pub fn room(&self, id: RoomId) -> Option<&Arc<Room>> {
        self.rooms.get(&id)
    }

    /// A room by its name, without case.
    pub fn room_by_name(&self, name: &str) -> Option<&Arc<Room>> {
        match self.names.get(fold_name(name).as_str())? {
            Named::Room(id) => self.rooms.get(id),
            Named::Category(_) => None,
        }
    }

    /// All rooms, in the order of their ids.
    pub fn rooms(&self) -> impl Iterator<Item = &Arc<Room>> {
        self.rooms.values()
    }

    /// The category of a room of this directory.
    pub fn category_of(&self, room: &Room) -> Option<&Arc<Category>> {
        self.categories.get(&room.settings.category)
    }

    /// A user.
    pub fn user(&self, uri: &SipUri) -> Option<&Arc<User>> {
        self.users.get(uri)
    }

    /// All users, in the order of their addresses.
    pub fn users(&self) -> impl Iterator<Item = &Arc<User>> {
        self.users.values()
    }

    /// What the rules know about `uri`: who was never entered counts as an ordinary user. Whether such a user
    /// may sign in at all is the server's decision.
    pub fn standing(&self, uri: &SipUri) -> Arc<User> {
        self.users
            .get(uri)
            .cloned()
            .unwrap_or_else(|| Arc::new(User::new(uri.clone())))
    }

    /// What `user` may do in `room`.
    pub fn access(&self, room: &Room, user: &SipUri) -> Access {
        match self.category_of(room) {
            Some(category) => access(category, room, &self.standing(user)),
            None => Access::NONE,
        }
    }

    /// The enabled rooms in which `user` holds `role` and is in scope, in the order of their names.
    pub fn rooms_with_role(&self, user: &SipUri, role: Role) -> Vec<&Arc<Room>> {
        let mut rooms: Vec<_> = self
            .held
            .get(user)
            .into_iter()
            .flatten()
            .filter(|(held, _)| *held == role)
            .filter_map(|(_, id)| self.rooms.get(id))
            .filter(|room| !room.settings.disabled && self.access(room, user).see)
            .collect();
        rooms.sort_by_cached_key(|room| fold_name(&room.settings.name));
        rooms
    }
}
