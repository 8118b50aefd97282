//! What can be asked of the directory, and by whom.

use std::collections::BTreeSet;

use parlor_xccos::{Behavior, CategoryId, Privacy, RoomId, SipUri};

use crate::{Category, Invitations, Role, Room, Scope, User};

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor<'a> {
    /// The operator, at the control socket.
    Operator,
    /// A signed-in user, with the rights the directory gives.
    User(&'a SipUri),
}

/// A wanted change of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Makes a category.
    AddCategory(Category),
    /// Changes some properties of a category.
    ChangeCategory(CategoryId, CategoryPatch),
    /// Removes a category without rooms.
    RemoveCategory(CategoryId),
    /// Makes a room; a user who makes one becomes its manager.
    AddRoom(Room),
    /// Changes some properties of a room.
    ChangeRoom(RoomId, RoomPatch),
    /// Changes one role list of a room.
    ChangeRole {
        /// The room.
        room: RoomId,
        /// The list.
        role: Role,
        /// How.
        edit: RoleEdit,
    },
    /// Removes a room and all that was said in it.
    RemoveRoom(RoomId),
    /// Enters a user, or changes one.
    PutUser(User),
    /// Removes a user, who loses all roles.
    RemoveUser(SipUri),
}

/// New values for some properties of a category.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CategoryPatch {
    /// The name.
    pub name: Option<String>,
    /// The description.
    pub description: Option<String>,
    /// Who is allowed; narrowing it takes roles from those who fall out.
    pub allowed: Option<Scope>,
    /// Who is denied; widening it takes roles from those who fall out.
    pub denied: Option<Scope>,
    /// Who may create rooms.
    pub creators: Option<BTreeSet<SipUri>>,
    /// Whether rooms may invite.
    pub invitations: Option<bool>,
    /// Whether files may be uploaded.
    pub file_upload: Option<bool>,
    /// Whether posts are kept.
    pub history: Option<bool>,
}

/// New values for some properties of a room.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoomPatch {
    /// The category; moving takes roles from those outside the new scope.
    pub category: Option<CategoryId>,
    /// The name.
    pub name: Option<String>,
    /// The description.
    pub description: Option<String>,
    /// Who sees and joins; opening a room empties its member list.
    pub privacy: Option<Privacy>,
    /// Who posts; a room that is no auditorium any more loses its presenters.
    pub behavior: Option<Behavior>,
    /// Whether it is out of reach; only an administrator enables a room again.
    pub disabled: Option<bool>,
    /// Whether it invites.
    pub invitations: Option<Invitations>,
}

/// A change of one role list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleEdit {
    /// Adds users; refused as a whole when one is in the list already.
    Add(BTreeSet<SipUri>),
    /// Removes users; refused as a whole when one is not in the list.
    Remove(BTreeSet<SipUri>),
    /// Makes the list be this.
    Replace(BTreeSet<SipUri>),
}
