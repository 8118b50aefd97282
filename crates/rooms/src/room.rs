//! A room as it is stored: properties and role lists. Who is present in it is [`crate::LiveRoom`]'s subject.

use std::collections::BTreeSet;

use parlor_xccos::{Behavior, CategoryId, Privacy, RoomId, SipUri};

use crate::Category;

/// A chat room (facts: product 4.1, 4.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// Never changes.
    pub id: RoomId,
    /// What a manager may change.
    pub settings: RoomSettings,
    /// Who belongs to a closed or secret room; empty while the room is open, where everybody in scope belongs.
    pub members: BTreeSet<SipUri>,
    /// Who may change the room; a manager who is not a member does not hear what is said.
    pub managers: BTreeSet<SipUri>,
    /// Who may post in an auditorium; empty in a normal room.
    pub presenters: BTreeSet<SipUri>,
}

/// The properties of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomSettings {
    /// Where the room's scope comes from.
    pub category: CategoryId,
    /// 1 to 256 characters; unique without case among rooms and categories.
    pub name: String,
    /// At most 256 characters.
    pub description: String,
    /// Who sees and joins.
    pub privacy: Privacy,
    /// Who posts.
    pub behavior: Behavior,
    /// A disabled room is kept but out of reach: nobody joins, reads or finds it.
    pub disabled: bool,
    /// Whether new members are invited.
    pub invitations: Invitations,
}

/// A room's own choice about invitations; it can opt out, not in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invitations {
    /// What the category says.
    Inherit,
    /// None.
    Off,
}

/// The three role lists of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Changes the room.
    Manager,
    /// Belongs to the room.
    Member,
    /// Posts in an auditorium.
    Presenter,
}

impl RoomSettings {
    /// The original's defaults: closed, normal, enabled, invitations as the category says.
    pub fn new(category: CategoryId, name: impl Into<String>) -> Self {
        Self {
            category,
            name: name.into(),
            description: String::new(),
            privacy: Privacy::Closed,
            behavior: Behavior::Normal,
            disabled: false,
            invitations: Invitations::Inherit,
        }
    }
}

impl Room {
    /// A room without anybody in it.
    pub fn new(id: RoomId, settings: RoomSettings) -> Self {
        Self {
            id,
            settings,
            members: BTreeSet::new(),
            managers: BTreeSet::new(),
            presenters: BTreeSet::new(),
        }
    }

    /// The list of `role`.
    pub fn list(&self, role: Role) -> &BTreeSet<SipUri> {
        match role {
            Role::Manager => &self.managers,
            Role::Member => &self.members,
            Role::Presenter => &self.presenters,
        }
    }

    pub(crate) fn list_mut(&mut self, role: Role) -> &mut BTreeSet<SipUri> {
        match role {
            Role::Manager => &mut self.managers,
            Role::Member => &mut self.members,
            Role::Presenter => &mut self.presenters,
        }
    }

    /// Whether new members are invited, the category's word included.
    pub fn invites(&self, category: &Category) -> bool {
        category.invitations && self.settings.invitations == Invitations::Inherit
    }
}
