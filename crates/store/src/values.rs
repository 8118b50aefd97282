//! How the rules' values look in columns.

use std::str::FromStr;

use parlor_rooms::Role;
use parlor_xccos::{Behavior, CategoryId, Privacy, RoomId};

use crate::failure::Unreadable;

/// Which list of `category_principals` an entry belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScopeList {
    Allowed = 0,
    Denied = 1,
    Creators = 2,
}

/// `category_principals.kind`.
pub(crate) const USER: i64 = 0;
/// `category_principals.kind`.
pub(crate) const DOMAIN: i64 = 1;

pub(crate) fn role_number(role: Role) -> i64 {
    match role {
        Role::Member => 0,
        Role::Manager => 1,
        Role::Presenter => 2,
    }
}

pub(crate) fn role(number: i64) -> Result<Role, Unreadable> {
    match number {
        0 => Ok(Role::Member),
        1 => Ok(Role::Manager),
        2 => Ok(Role::Presenter),
        _ => Err(Unreadable {
            table: "room_roles",
            column: "role",
        }),
    }
}

/// The original's numbers (facts: product 4.1).
pub(crate) fn privacy_number(privacy: Privacy) -> i64 {
    match privacy {
        Privacy::Secret => 2,
        Privacy::Closed => 3,
        Privacy::Open => 6,
    }
}

pub(crate) fn privacy(number: i64) -> Result<Privacy, Unreadable> {
    match number {
        2 => Ok(Privacy::Secret),
        3 => Ok(Privacy::Closed),
        6 => Ok(Privacy::Open),
        _ => Err(Unreadable {
            table: "rooms",
            column: "privacy",
        }),
    }
}

/// The original's numbers (facts: product 4.1).
pub(crate) fn behavior_number(behavior: Behavior) -> i64 {
    match behavior {
        Behavior::Normal => 4,
        Behavior::Auditorium => 5,
    }
}

pub(crate) fn behavior(number: i64) -> Result<Behavior, Unreadable> {
    match number {
        4 => Ok(Behavior::Normal),
        5 => Ok(Behavior::Auditorium),
        _ => Err(Unreadable {
            table: "rooms",
            column: "behavior",
        }),
    }
}

pub(crate) fn room_id(bytes: [u8; 16]) -> RoomId {
    RoomId::from_bytes(bytes)
}

pub(crate) fn category_id(bytes: [u8; 16]) -> CategoryId {
    CategoryId::from_bytes(bytes)
}

/// A value kept as its text.
pub(crate) fn parse<T: FromStr>(
    text: &str,
    table: &'static str,
    column: &'static str,
) -> Result<T, Unreadable> {
    text.parse().map_err(|_| Unreadable { table, column })
}
