//! A change of the directory, validated by [`crate::Directory`], small enough to persist one by one.

use parlor_xccos::{CategoryId, RoomId, SipUri};

use crate::{Category, Role, Room, RoomSettings, User};

/// One step of a planned change. The steps of one plan are applied together, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A new category.
    CategoryAdded(Category),
    /// A category as it is from now on.
    CategoryChanged(Category),
    /// An empty category goes.
    CategoryRemoved(CategoryId),
    /// Entries of one role list; the two lists have no entry in common.
    RoleChanged {
        /// The room.
        room: RoomId,
        /// The list.
        role: Role,
        /// New in it.
        added: Vec<SipUri>,
        /// No longer in it.
        removed: Vec<SipUri>,
    },
    /// A new room with its first managers.
    RoomAdded(Room),
    /// A room's properties as they are from now on.
    RoomChanged {
        /// The room.
        room: RoomId,
        /// All properties.
        settings: RoomSettings,
    },
    /// The room goes, and all that was said in it.
    RoomRemoved(RoomId),
    /// A new user, or a known one as it is from now on.
    UserPut(User),
    /// The user goes; what the user said stays.
    UserRemoved(SipUri),
}

impl Change {
    /// The room the change is about.
    pub fn room(&self) -> Option<RoomId> {
        match self {
            Self::RoleChanged { room, .. } | Self::RoomChanged { room, .. } | Self::RoomRemoved(room) => {
                Some(*room)
            }
            Self::RoomAdded(room) => Some(room.id),
            Self::CategoryAdded(_)
            | Self::CategoryChanged(_)
            | Self::CategoryRemoved(_)
            | Self::UserPut(_)
            | Self::UserRemoved(_) => None,
        }
    }
}
