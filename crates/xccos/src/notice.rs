//! What a server tells without being asked (`ntc`).

use crate::dialect;
use crate::{Invitation, Participant, RoomInfo, RoomUri, SipUri};

/// A notice; which participants are told is left to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// Users came (`ntc:join`, or `ntc:bjoin` when they came by a batch join). On the wire the user stands outside and
    /// the rooms inside.
    Joined {
        /// Whether they came by a batch join.
        batch: bool,
        /// Who came where; at least one, or the receiver cannot read it.
        arrivals: Vec<Arrival>,
    },
    /// Users left (`ntc:part`). On the wire the room stands outside and the users inside.
    Parted {
        /// The room.
        room: RoomUri,
        /// Who left.
        users: Vec<SipUri>,
    },
    /// The receiver was made a member (`ntc:invite`, dialect).
    Invited(Invitation),
    /// The receiver lost the right to be in the room (`ntc:kick`, dialect).
    Kicked {
        /// The room.
        room: RoomUri,
        /// Who was put out.
        user: SipUri,
    },
    /// Properties of a room changed (`ntc:chanmodify`, dialect).
    RoomChanged(RoomInfo),
    /// Participants have other rights now (`ntc:perms`, dialect).
    RightsChanged(Vec<Arrival>),
    /// A user's last session ended (`ntc:quit`, dialect).
    Quit(SipUri),
    /// Another notice: its name without `ntc:`.
    Unknown(String),
}

impl Notice {
    /// The name on the wire, without `ntc:`.
    pub fn name(&self) -> &str {
        match self {
            Self::Joined { batch: false, .. } => "join",
            Self::Joined { batch: true, .. } => "bjoin",
            Self::Parted { .. } => "part",
            Self::Invited(_) => dialect::notice::INVITED,
            Self::Kicked { .. } => dialect::notice::KICKED,
            Self::RoomChanged(_) => dialect::notice::ROOM_CHANGED,
            Self::RightsChanged(_) => dialect::notice::RIGHTS_CHANGED,
            Self::Quit(_) => dialect::notice::QUIT,
            Self::Unknown(name) => name,
        }
    }
}

/// A user with the rights that hold in one room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// The room.
    pub room: RoomUri,
    /// Who, with rights in that room.
    pub participant: Participant,
}
