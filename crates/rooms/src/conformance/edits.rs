//! Edits drawn from numbers, over a handful of categories, rooms and users, so that they meet each other.

use std::collections::BTreeSet;

use parlor_xccos::{Behavior, Privacy, SipUri};

use crate::{
    Category, CategoryPatch, Edit, Invitations, Principal, Role, RoleEdit, Room, RoomPatch, RoomSettings,
    Scope, User, UserKind,
};

use super::samples::{category_id, room_id, user};

/// The edit that `number` stands for; every kind comes up, many are refused.
pub fn edit_from(number: u64) -> Edit {
    let mut dice = Dice(number);
    let (category, room) = (category_id(dice.below(3)), room_id(dice.below(5)));
    match dice.below(16) {
        0 | 1 => Edit::AddCategory(dice.category()),
        2 | 3 => Edit::ChangeCategory(category, dice.category_patch()),
        4 => Edit::RemoveCategory(category),
        5 | 6 => Edit::AddRoom(dice.room()),
        7..=9 => Edit::ChangeRoom(room, dice.room_patch()),
        10..=12 => Edit::ChangeRole {
            room,
            role: dice.role(),
            edit: dice.role_edit(),
        },
        13 => Edit::RemoveRoom(room),
        14 => Edit::PutUser(dice.user()),
        _ => Edit::RemoveUser(dice.uri()),
    }
}

/// Numbers from a number (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u8) -> u8 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % u64::from(sides)) as u8
    }

    fn coin(&mut self) -> bool {
        self.below(2) == 0
    }

    fn maybe<T>(&mut self, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.coin().then(|| value(self))
    }

    /// A name that another category or room may bear, in another case.
    fn name(&mut self) -> String {
        let number = self.below(8);
        if self.coin() {
            format!("Straße {number}")
        } else {
            format!(" STRAßE {number}")
        }
    }

    /// One of three users in each of two domains.
    fn uri(&mut self) -> SipUri {
        let name = format!("u{}", self.below(3));
        if self.coin() {
            return user(&name);
        }
        format!("sip:{name}@other.org").parse().expect("a valid address")
    }

    fn uris(&mut self) -> BTreeSet<SipUri> {
        (0..self.below(4)).map(|_| self.uri()).collect()
    }

    fn scope(&mut self) -> Scope {
        match self.below(4) {
            0 => Scope::Everyone,
            1 => Scope::only([Principal::domain("example.com")]),
            _ => Scope::only(self.uris().into_iter().map(Principal::User)),
        }
    }

    fn category(&mut self) -> Category {
        Category {
            allowed: if self.coin() {
                Scope::Everyone
            } else {
                self.scope()
            },
            denied: if self.coin() {
                Scope::nobody()
            } else {
                self.scope()
            },
            creators: self.maybe(Self::uris).unwrap_or_default(),
            history: self.coin(),
            ..Category::new(category_id(self.below(3)), self.name())
        }
    }

    fn category_patch(&mut self) -> CategoryPatch {
        CategoryPatch {
            name: self.maybe(Self::name),
            description: self.maybe(Self::name),
            allowed: self.maybe(Self::scope),
            denied: self.maybe(|dice| {
                if dice.coin() {
                    Scope::nobody()
                } else {
                    dice.scope()
                }
            }),
            creators: self.maybe(Self::uris),
            invitations: self.maybe(Self::coin),
            file_upload: self.maybe(Self::coin),
            history: self.maybe(Self::coin),
        }
    }

    fn privacy(&mut self) -> Privacy {
        [Privacy::Open, Privacy::Closed, Privacy::Secret][usize::from(self.below(3))]
    }

    fn behavior(&mut self) -> Behavior {
        if self.coin() {
            Behavior::Normal
        } else {
            Behavior::Auditorium
        }
    }

    fn room(&mut self) -> Room {
        let settings = RoomSettings {
            privacy: self.privacy(),
            behavior: self.behavior(),
            ..RoomSettings::new(category_id(self.below(3)), self.name())
        };
        let members = self.maybe(Self::uris).unwrap_or_default();
        Room {
            presenters: if self.coin() {
                members.clone()
            } else {
                BTreeSet::new()
            },
            members,
            managers: self.uris(),
            ..Room::new(room_id(self.below(5)), settings)
        }
    }

    fn room_patch(&mut self) -> RoomPatch {
        RoomPatch {
            category: self.maybe(|dice| category_id(dice.below(3))),
            name: self.maybe(Self::name),
            description: self.maybe(Self::name),
            privacy: self.maybe(Self::privacy),
            behavior: self.maybe(Self::behavior),
            disabled: self.maybe(Self::coin),
            invitations: self.maybe(|dice| {
                if dice.coin() {
                    Invitations::Inherit
                } else {
                    Invitations::Off
                }
            }),
        }
    }

    fn role(&mut self) -> Role {
        [Role::Member, Role::Manager, Role::Presenter][usize::from(self.below(3))]
    }

    fn role_edit(&mut self) -> RoleEdit {
        let users = self.uris();
        match self.below(3) {
            0 => RoleEdit::Add(users),
            1 => RoleEdit::Remove(users),
            _ => RoleEdit::Replace(users),
        }
    }

    fn user(&mut self) -> User {
        User {
            display_name: self.name(),
            kind: if self.below(8) == 0 {
                UserKind::Contact
            } else {
                UserKind::User
            },
            disabled: self.below(8) == 0,
            administrator: self.coin(),
            ..User::new(self.uri())
        }
    }
}
