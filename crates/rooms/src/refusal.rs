//! Why a request was refused by the rules, and the protocol's code for it. Failures of the store are
//! [`crate::StoreError`]s.

use parlor_xccos::{CategoryId, ErrorCode, RoomId, SipUri};

use crate::Role;

/// A request that the rules do not allow. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The principals are in the role list already.
    #[error("principals are already defined as {}: {}", role_name(*.role), uris(.users))]
    AlreadyInRole {
        /// The list.
        role: Role,
        /// Who is in it.
        users: Vec<SipUri>,
    },
    /// A category can only be removed when no room is left in it.
    #[error("category holds {rooms} rooms")]
    CategoryNotEmpty {
        /// How many.
        rooms: usize,
    },
    /// A text holds a character that XML cannot carry or that drives a terminal.
    #[error("{subject} holds the control character U+{:04X}", *.character as u32)]
    ControlCharacter {
        /// Which text.
        subject: Subject,
        /// The first such character.
        character: char,
    },
    /// A text that must say something is empty.
    #[error("{subject} is empty")]
    Empty {
        /// Which text.
        subject: Subject,
    },
    /// The id is in use.
    #[error("id is in use")]
    IdInUse,
    /// An open room has no member list: everybody in scope belongs.
    #[error("an open room has no member list")]
    MembersInOpenRoom,
    /// The user may not post here.
    #[error("not authorized to perform this: posting is left to {}", if *.auditorium { "presenters" } else { "members" })]
    MayNotPost {
        /// Whether the room is an auditorium.
        auditorium: bool,
    },
    /// A room or category has the name already; rooms and categories share their names.
    #[error("the name is taken")]
    NameTaken,
    /// The category does not exist.
    #[error("no category {0}")]
    NoSuchCategory(CategoryId),
    /// The room does not exist, or is not visible to the asker.
    #[error("no room {0}")]
    NoSuchRoom(RoomId),
    /// The user is not known.
    #[error("no user {0}")]
    NoSuchUser(SipUri),
    /// The asker lacks the right.
    #[error("not authorized to perform this operation")]
    NotAuthorized,
    /// The asker is not a creator of the category.
    #[error("not authorized to perform this: only creators of the category make rooms in it")]
    NotCreator,
    /// The principals are not in the role list.
    #[error("not {}: {}", role_name(*.role), uris(.users))]
    NotInRole {
        /// The list.
        role: Role,
        /// Who is not in it.
        users: Vec<SipUri>,
    },
    /// The principals are outside the category's scope.
    #[error("outside the category's scope: {}", uris(.0))]
    NotInScope(Vec<SipUri>),
    /// The user has not joined the room.
    #[error("not joined")]
    NotJoined,
    /// A presenter must be a member.
    #[error("presenters must be members: {}", uris(.0))]
    PresentersNotMembers(Vec<SipUri>),
    /// Only auditoriums have presenters.
    #[error("only an auditorium has presenters")]
    PresentersNeedAuditorium,
    /// The room is disabled.
    #[error("room is disabled")]
    RoomDisabled,
    /// The participant list may only be asked for when the room is too large to announce it.
    #[error("the participant list is only asked for in large rooms")]
    RosterIsAnnounced,
    /// A text is longer than allowed.
    #[error("{subject} is too long: {size} of at most {limit} {}", .subject.unit())]
    TooLong {
        /// Which text.
        subject: Subject,
        /// Its size.
        size: usize,
        /// What is allowed.
        limit: usize,
    },
    /// A list would grow past its limit.
    #[error("too many entries: {count} of at most {limit}")]
    TooMany {
        /// What it would hold.
        count: usize,
        /// What is allowed.
        limit: usize,
    },
}

/// The text a refusal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Subject {
    /// A room's or category's description.
    Description,
    /// A user's display name.
    DisplayName,
    /// A message's plain text.
    Message,
    /// A room's or category's name.
    Name,
    /// What stands in the place of a removed message.
    Notice,
    /// Why a message is removed.
    Reason,
    /// Who removes a message.
    Remover,
    /// A message's RTF form.
    Rtf,
    /// A story's plain text, title included.
    Story,
}

impl Refusal {
    /// The protocol's code (facts: protocol D).
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::AlreadyInRole { .. } => ErrorCode::PrincipalsAlreadyDefined,
            Self::CategoryNotEmpty { .. } => ErrorCode::NodeHierarchyViolation,
            Self::ControlCharacter { .. }
            | Self::Empty { .. }
            | Self::IdInUse
            | Self::MembersInOpenRoom
            | Self::PresentersNeedAuditorium => ErrorCode::InvalidArgument,
            Self::MayNotPost { .. } | Self::NotAuthorized => ErrorCode::Permission,
            Self::NameTaken => ErrorCode::DuplicateRoomName,
            Self::NoSuchCategory(_) | Self::NoSuchRoom(_) => ErrorCode::NoSuchNode,
            Self::NoSuchUser(_) | Self::NotInRole { .. } => ErrorCode::NoSuchPrincipal,
            Self::NotCreator => ErrorCode::UnableToCreateRoom,
            Self::NotInScope(_) => ErrorCode::PrincipalsNotInScope,
            Self::NotJoined => ErrorCode::UserNotJoined,
            Self::PresentersNotMembers(_) => ErrorCode::PresenterNotInMemberList,
            Self::RoomDisabled => ErrorCode::NodeDisabled,
            Self::RosterIsAnnounced => ErrorCode::CannotGetParticipantList,
            Self::TooLong { .. } | Self::TooMany { .. } => ErrorCode::LimitExceeded,
        }
    }
}

impl Subject {
    /// Names are limited in characters, what is said in bytes.
    fn unit(self) -> &'static str {
        match self {
            Self::Description | Self::DisplayName | Self::Name => "characters",
            Self::Message | Self::Notice | Self::Reason | Self::Remover | Self::Rtf | Self::Story => "bytes",
        }
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Description => "description",
            Self::DisplayName => "display name",
            Self::Message => "message",
            Self::Name => "name",
            Self::Notice => "notice",
            Self::Reason => "reason",
            Self::Remover => "name of who removes",
            Self::Rtf => "rtf",
            Self::Story => "story",
        })
    }
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Manager => "managers",
        Role::Member => "members",
        Role::Presenter => "presenters",
    }
}

/// The first users of a list, so that one bad import cannot fill a log line.
fn uris(users: &[SipUri]) -> String {
    const SHOWN: usize = 5;
    let mut text = users
        .iter()
        .take(SHOWN)
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    if users.len() > SHOWN {
        text.push_str(&format!(" and {} more", users.len() - SHOWN));
    }
    text
}
