//! Who may do what in a room: the table of product 4.2 as one pure function.

use parlor_xccos::{Behavior, Privacy, Rights};

use crate::{Category, Refusal, Room, User};

/// What one user may do in one room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Access {
    /// Find the room and see its card and member list.
    pub see: bool,
    /// Enter the room.
    pub join: bool,
    /// Say something in it.
    pub post: bool,
    /// Read and search what was said, without joining.
    pub read: bool,
    /// Change its properties and lists.
    pub manage: bool,
    /// Has a presenter's voice; tells clients of auditoriums who may post.
    pub present: bool,
}

impl Access {
    /// No right at all.
    pub const NONE: Self = Self {
        see: false,
        join: false,
        post: false,
        read: false,
        manage: false,
        present: false,
    };

    /// The permission bits a client is told (facts: protocol B3).
    ///
    /// The chat bit follows belonging to the room, also in an auditorium, where clients look at the presenter
    /// bit besides.
    pub fn rights(self) -> Rights {
        let mut rights = Rights::NONE;
        for (granted, bits) in [
            (self.see, Rights::SEE),
            (self.join, Rights::JOIN | Rights::CHAT),
            (self.read, Rights::READ),
            (self.present, Rights::PRESENT),
            (self.manage, Rights::MANAGE | Rights::BYPASS_VISIBILITY),
        ] {
            if granted {
                rights |= bits;
            }
        }
        rights
    }
}

/// What `user` may do in `room`, which lies in `category`.
///
/// Out of scope nothing is left, whatever lists still name the user; administrators are always in scope.
/// Managing alone does not let anybody in: a manager, and an administrator, must be a member to join a
/// closed or secret room.
pub fn access(category: &Category, room: &Room, user: &User) -> Access {
    debug_assert_eq!(category.id, room.settings.category);
    let in_scope = user.administrator || category.contains(&user.uri);
    if !user.is_active() || !in_scope {
        return Access::NONE;
    }
    let manage = user.administrator || room.managers.contains(&user.uri);
    if room.settings.disabled {
        // Out of reach for everybody, but those who run it still find it to put it in order.
        return Access {
            see: manage,
            manage,
            ..Access::NONE
        };
    }
    let belongs = room.settings.privacy == Privacy::Open || room.members.contains(&user.uri);
    let see = room.settings.privacy != Privacy::Secret || belongs || manage;
    let present = belongs && room.presenters.contains(&user.uri);
    Access {
        see,
        join: belongs,
        post: belongs && (room.settings.behavior == Behavior::Normal || present),
        read: belongs,
        manage,
        present,
    }
}

/// Whether somebody with `access` may enter `room`.
///
/// # Errors
/// [`Refusal::NoSuchRoom`] when the room may not even be seen, so that a secret stays one;
/// [`Refusal::RoomDisabled`]; [`Refusal::NotAuthorized`].
pub fn check_join(room: &Room, access: Access) -> Result<(), Refusal> {
    check(room, access, access.join)
}

/// Whether somebody with `access` may read the history of `room`.
///
/// # Errors
/// As [`check_join`].
pub fn check_read(room: &Room, access: Access) -> Result<(), Refusal> {
    check(room, access, access.read)
}

fn check(room: &Room, access: Access, granted: bool) -> Result<(), Refusal> {
    let disabled = room.settings.disabled;
    if granted {
        Ok(())
    } else if !access.see && (!disabled || room.settings.privacy == Privacy::Secret) {
        Err(Refusal::NoSuchRoom(room.id))
    } else if disabled {
        Err(Refusal::RoomDisabled)
    } else {
        Err(Refusal::NotAuthorized)
    }
}
