//! Who is in a room and with which rights; who gets which right is left to the rules of the server.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};

use serde::{Deserialize, Serialize};

use crate::SipUri;

/// One user in one room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    /// Who.
    pub user: SipUri,
    /// Display name; empty when the server did not say.
    pub display: String,
    /// What the user may do in the room.
    pub rights: Rights,
}

impl Participant {
    /// A participant without a display name.
    pub const fn new(user: SipUri, rights: Rights) -> Self {
        Self {
            user,
            display: String::new(),
            rights,
        }
    }
}

/// The permission mask of `aib/@key`: test bits, never the whole number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rights(u32);

impl Rights {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Bit 2: manage the room.
    pub const MANAGE: Self = Self(1 << 2);
    /// Bit 4: create rooms (in a category).
    pub const CREATE: Self = Self(1 << 4);
    /// Bit 7: join.
    pub const JOIN: Self = Self(1 << 7);
    /// Bit 8: post.
    pub const CHAT: Self = Self(1 << 8);
    /// Bit 10: read history without joining.
    pub const READ: Self = Self(1 << 10);
    /// Bit 11: see the room.
    pub const SEE: Self = Self(1 << 11);
    /// Bit 12: post in an auditorium.
    pub const PRESENT: Self = Self(1 << 12);
    /// Bit 13: see the room whatever its privacy.
    pub const BYPASS_VISIBILITY: Self = Self(1 << 13);

    /// What a member has: 3456.
    pub const MEMBER: Self = Self(3456);
    /// A member who may also post in an auditorium: 7552.
    pub const PRESENTER: Self = Self(7552);
    /// A member who also manages: 11652.
    pub const MANAGER: Self = Self(11652);
    /// A member who also presents and manages: 15748.
    pub const ALL: Self = Self(15748);

    /// The mask of an ordinary user as servers before 2013 send it.
    pub const LEGACY_USER: Self = Self(3984);
    /// The mask of an operator as servers before 2013 send it; a known client looks for exactly this number.
    pub const LEGACY_OPERATOR: Self = Self(12276);

    /// Takes the number of the wire; unknown bits are kept.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The number of the wire.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether all of `other` is in here.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether the user manages the room.
    pub const fn manages(self) -> bool {
        self.contains(Self::MANAGE)
    }

    /// Whether the user may post in an auditorium.
    pub const fn presents(self) -> bool {
        self.contains(Self::PRESENT)
    }

    /// The number that servers before 2013 would send for a user with these rights.
    pub const fn legacy(self) -> Self {
        if self.manages() {
            Self::LEGACY_OPERATOR
        } else {
            Self::LEGACY_USER
        }
    }
}

impl BitOr for Rights {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Rights {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl fmt::Debug for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rights({})", self.0)
    }
}
