//! What a server answers to a command (`rpl`).

use crate::{
    CategoryUri, CommandName, CommandRef, ErrorCode, Fault, Guid, InfoMask, MessageId, Participant, Post,
    PostKey, Preference, RoomInfo, RoomUri, SipUri, Timestamp,
};

/// An answer; several to one command continue each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Name of the command that is answered.
    pub name: CommandName,
    /// Which command of which envelope is answered.
    pub to: CommandRef,
    /// `resp/@code`: 200 or a number of [`ErrorCode`]; 500 when the other side sent none.
    pub code: u16,
    /// Text of `resp`: `SUCCESS_OK` or a token, and what a client shows.
    pub text: String,
    /// The answer itself.
    pub data: ReplyData,
}

impl Reply {
    /// The code of success.
    pub const OK: u16 = 200;
    /// The text of success.
    pub const OK_TEXT: &'static str = "SUCCESS_OK";

    /// A success.
    pub fn ok(name: CommandName, to: CommandRef, data: ReplyData) -> Self {
        Self {
            name,
            to,
            code: Self::OK,
            text: Self::OK_TEXT.to_owned(),
            data,
        }
    }

    /// A failure with the code's own token as text.
    pub fn failed(name: CommandName, to: CommandRef, error: ErrorCode) -> Self {
        Self {
            name,
            to,
            code: error.code(),
            text: error.token().to_owned(),
            data: ReplyData::None,
        }
    }

    /// Whether it is a success.
    pub const fn is_ok(&self) -> bool {
        self.code == Self::OK
    }

    /// The error it reports, by token first, by number second; `None` for a success.
    pub fn error(&self) -> Option<ErrorCode> {
        (!self.is_ok()).then(|| ErrorCode::from_wire(self.code, &self.text))
    }
}

/// The data of a reply, by what it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplyData {
    /// Nothing, or nothing known.
    None,
    /// To `requri`.
    Uri(SipUri),
    /// To `getserverinfo`.
    ServerInfo(ServerInfo),
    /// To `chansrch` and `getassociations`.
    Rooms(Vec<RoomInfo>),
    /// To `join`, `bjoin` and `getparticipants`.
    Joined {
        /// The rooms that were entered.
        rooms: Vec<JoinedRoom>,
        /// The rooms that were not (`fib`); the code is 200 nevertheless.
        failed: Vec<RoomUri>,
    },
    /// To `part`.
    Parted(RoomUri),
    /// To `bccontext` and `bcbymsg`: posts of one room, oldest first.
    History {
        /// The room.
        room: RoomUri,
        /// The posts.
        posts: Vec<Post>,
        /// How many there are, when that is more than came (dialect).
        total: Option<u32>,
        /// Whether the server's limit cut the list (dialect).
        exceeded: bool,
    },
    /// To `getinv`.
    Invitations(Vec<Invitation>),
    /// To `getpref` and `setpref`.
    Preference(Preference),
    /// To a post that repeated a key: what was stored the first time (dialect).
    Posted(Posted),
    /// The reply is there, its data cannot be read.
    Unreadable(Fault),
}

/// Limits and identity of a server (`sib`); a value is `None` when the server did not say it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServerInfo {
    /// Which values are meant.
    pub mask: InfoMask,
    /// The server's clock.
    pub server_time: Option<Timestamp>,
    /// Most rooms or posts in one answer.
    pub search_limit: Option<u32>,
    /// Largest post in bytes.
    pub message_size_limit: Option<u32>,
    /// Largest story in bytes.
    pub story_size_limit: Option<u32>,
    /// The root category.
    pub root_uri: Option<CategoryUri>,
    /// Version of the store.
    pub database_version: Option<Guid>,
    /// Name of the service (2013).
    pub display_name: Option<String>,
    /// Address of the web page for managing rooms (2013).
    pub room_management_url: Option<String>,
    /// Whether the server shows a post once however often it comes with the same key (proposed); one that does not say
    /// so does not.
    pub post_keys: bool,
}

/// A room that was entered, with who is in it; a large room comes without participants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinedRoom {
    /// The room.
    pub info: RoomInfo,
    /// Who is in it, the joiner included.
    pub participants: Vec<Participant>,
}

/// An invitation: a membership that was granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Goes up per user.
    pub id: u64,
    /// When the membership was granted.
    pub created: Timestamp,
    /// The room.
    pub room: RoomInfo,
}

/// Where and as what a post was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// The room.
    pub room: RoomUri,
    /// Its number there.
    pub id: MessageId,
    /// When it was stored.
    pub timestamp: Timestamp,
    /// The author's key.
    pub key: Option<PostKey>,
}
