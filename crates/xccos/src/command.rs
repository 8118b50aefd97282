//! What a client asks a server to do (`cmd`), and the registry of command names.

use std::fmt;

use bytes::Bytes;

use crate::{MessageId, RoomUri};

/// A command; a post is not one, it is its own element.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// `requri`: which address serves chat.
    RequestUri,
    /// `getserverinfo`: limits and identity of the server.
    ServerInfo {
        /// SIP domain of the client.
        domain: String,
        /// Which values are wanted.
        mask: InfoMask,
    },
    /// `getassociations`: my rooms.
    Associations {
        /// SIP domain of the client.
        domain: String,
        /// In which role.
        role: AssociationRole,
        /// At most so many rooms.
        limit: Option<u32>,
    },
    /// `join`: enter one room.
    Join(RoomUri),
    /// `bjoin`: enter several rooms.
    BatchJoin(Vec<RoomUri>),
    /// `part`: leave a room.
    Part(RoomUri),
    /// `bccontext`: the last posts of a room.
    Backchat {
        /// The room.
        room: RoomUri,
        /// How many.
        count: u32,
    },
    /// `bcbymsg`: the posts after an id, oldest first (dialect).
    HistoryAfter {
        /// The room.
        room: RoomUri,
        /// The last id already known.
        after: MessageId,
        /// At most so many.
        limit: u32,
    },
    /// `chansrch`: rooms by name.
    Search(RoomSearch),
    /// `getinv`: invitations newer than an id.
    Invitations {
        /// SIP domain of the client.
        domain: String,
        /// The last id already known, 0 for all.
        after: u64,
    },
    /// `getpref`: read a stored preference.
    PreferenceFetch {
        /// Name of the bundle.
        label: String,
        /// The sequence number already known, -1 to get the content whatever it is.
        sequence: i64,
        /// Make a default one when there is none.
        create_default: bool,
    },
    /// `setpref`: write a preference.
    PreferenceStore(Preference),
    /// `getparticipants`: the participants of a large room (dialect).
    Participants(RoomUri),
    /// Another command: its name without `cmd:`.
    Unknown(String),
}

/// A search for rooms by name; an empty criteria finds all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoomSearch {
    /// Words to look for.
    pub criteria: String,
    /// Look in descriptions too.
    pub extended: bool,
    /// All words must match, not any (recalled attribute).
    pub match_all: bool,
    /// The words must stand together as given (recalled attribute).
    pub match_exact_phrase: bool,
    /// At most so many rooms (recalled attribute).
    pub limit: Option<u32>,
}

/// In which role `getassociations` asks for rooms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum AssociationRole {
    /// Rooms I am a member of.
    #[default]
    Member,
    /// Rooms I manage.
    Manager,
}

/// `sib/@infoType`: which values of the server information are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct InfoMask(pub u32);

impl InfoMask {
    /// The six values that were seen: time, search, message and story limits, root URI, database version.
    pub const SEEN: Self = Self(123);
    /// The seen ones, display name and room management URL (proposed bits 128 and 256).
    pub const ALL: Self = Self(507);
}

impl Default for InfoMask {
    fn default() -> Self {
        Self::ALL
    }
}

/// A user's blob, kept by the server under a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preference {
    /// Name of the bundle.
    pub label: String,
    /// Goes up with each write.
    pub sequence: i64,
    /// The content; base64 on the wire. `None` when the reader already has it.
    pub content: Option<Bytes>,
}

macro_rules! command_names {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),+ $(,)?) => {
        /// Names of commands and of the replies to them, without `cmd:` and `rpl:`.
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum CommandName {
            $($(#[$doc])* $variant,)+
            /// A name that is not in this list, lower case.
            Other(Box<str>),
        }

        impl CommandName {
            /// The name on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)+
                    Self::Other(name) => name,
                }
            }

            /// Reads a name in any case; aliases are mapped to the name that is written.
            pub fn from_wire(name: &str) -> Self {
                $(if name.eq_ignore_ascii_case($name) {
                    return Self::$variant;
                })+
                if name.eq_ignore_ascii_case(SERVER_INFO_ALIAS) {
                    return Self::ServerInfo;
                }
                Self::Other(name.to_ascii_lowercase().into())
            }
        }
    };
}

/// A note in a client's source writes the reply so; the published call flow writes the long form.
const SERVER_INFO_ALIAS: &str = "getservinfo";

command_names! {
    /// `getassociations`.
    Associations = "getassociations",
    /// `bccontext`.
    Backchat = "bccontext",
    /// `bjoin`.
    BatchJoin = "bjoin",
    /// `grpchat`: the reply to a post that was refused or repeated (dialect).
    GroupChat = "grpchat",
    /// `bcbymsg` (dialect).
    HistoryAfter = "bcbymsg",
    /// `getinv`.
    Invitations = "getinv",
    /// `join`.
    Join = "join",
    /// `part`.
    Part = "part",
    /// `getparticipants` (dialect).
    Participants = "getparticipants",
    /// `getpref`.
    PreferenceFetch = "getpref",
    /// `setpref`.
    PreferenceStore = "setpref",
    /// `requri`.
    RequestUri = "requri",
    /// `chansrch`.
    Search = "chansrch",
    /// `getserverinfo`.
    ServerInfo = "getserverinfo",
}

impl fmt::Display for CommandName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Command {
    /// The name under which it and its reply go.
    pub fn name(&self) -> CommandName {
        match self {
            Self::RequestUri => CommandName::RequestUri,
            Self::ServerInfo { .. } => CommandName::ServerInfo,
            Self::Associations { .. } => CommandName::Associations,
            Self::Join(_) => CommandName::Join,
            Self::BatchJoin(_) => CommandName::BatchJoin,
            Self::Part(_) => CommandName::Part,
            Self::Backchat { .. } => CommandName::Backchat,
            Self::HistoryAfter { .. } => CommandName::HistoryAfter,
            Self::Search(_) => CommandName::Search,
            Self::Invitations { .. } => CommandName::Invitations,
            Self::PreferenceFetch { .. } => CommandName::PreferenceFetch,
            Self::PreferenceStore(_) => CommandName::PreferenceStore,
            Self::Participants(_) => CommandName::Participants,
            Self::Unknown(name) => CommandName::from_wire(name),
        }
    }
}
