//! The JSON values of the control interface.

mod removals;

use std::fmt;
use std::net::SocketAddr;

use parlor_xccos::{Behavior, MessageId, PostKey, Privacy, RoomId, RoomUri, SipUri, Timestamp};
use serde::{Deserialize, Serialize};

pub use removals::{RemovalView, RemovalsQuery, RemoveMessage, RemovedMessage};

/// How the server is doing: `GET /status`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The SIP domain served.
    pub domain: String,
    /// The address clients invite.
    pub chat_uri: SipUri,
    /// Version of the server program.
    pub version: String,
    /// Process id of the server.
    pub pid: u32,
    /// When it started.
    pub started: Timestamp,
    /// Seconds since then.
    pub uptime_seconds: u64,
    /// Addresses listened on.
    pub listeners: Vec<ListenerStatus>,
    /// Open connections.
    pub connections: usize,
    /// Chat dialogs that are established.
    pub sessions: usize,
    /// Rooms in the directory.
    pub rooms: usize,
    /// Users in the directory.
    pub users: usize,
    /// Rooms with a running task, the busiest first.
    pub live: Vec<RoomStatus>,
    /// Posts stored since the start.
    pub posts: u64,
    /// Copies of posts handed to connections since the start.
    pub deliveries: u64,
    /// Posts refused since the start.
    pub refused: u64,
    /// How the store is doing.
    pub store: StoreStatus,
}

/// One listener.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerStatus {
    /// Bound address.
    pub addr: SocketAddr,
    /// `tls` or `tcp`.
    pub transport: String,
}

/// One live room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomStatus {
    /// Its id.
    pub id: RoomId,
    /// Its name.
    pub name: String,
    /// Users in it.
    pub participants: usize,
    /// Posts since its task started.
    pub posts: u64,
}

/// How the store answered lately.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreStatus {
    /// Whether the last write succeeded (true before the first).
    pub healthy: bool,
    /// Whether it failed because the disk is full.
    #[serde(default)]
    pub full: bool,
    /// Writes that failed since the start.
    pub failures: u64,
    /// Text of the last failure.
    pub last_error: Option<String>,
}

/// A room in a list: `GET /rooms`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomSummary {
    /// Its id, also accepted wherever a room's name is.
    pub id: RoomId,
    /// Its `ma-chan` address.
    pub uri: RoomUri,
    /// Its name.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Name of its category.
    pub category: String,
    /// Who can find and join it.
    pub privacy: Privacy,
    /// Normal or auditorium.
    pub behavior: Behavior,
    /// Closed for everybody while true.
    pub disabled: bool,
    /// Users in it now.
    pub participants: usize,
}

/// A room with its lists: `GET /rooms/{room}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomDetail {
    /// What a list shows.
    #[serde(flatten)]
    pub summary: RoomSummary,
    /// Who may join and post.
    pub members: Vec<SipUri>,
    /// Who may change it.
    pub managers: Vec<SipUri>,
    /// Who may post in an auditorium.
    pub presenters: Vec<SipUri>,
    /// Who is in it now.
    pub present: Vec<SipUri>,
}

/// `POST /rooms`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateRoom {
    /// Unique name.
    pub name: String,
    /// Free text.
    #[serde(default)]
    pub description: String,
    /// Name of the category; none is the first one.
    #[serde(default)]
    pub category: Option<String>,
    /// Default closed.
    #[serde(default)]
    pub privacy: Option<Privacy>,
    /// Default normal.
    #[serde(default)]
    pub behavior: Option<Behavior>,
    /// Members.
    #[serde(default)]
    pub members: Vec<SipUri>,
    /// Managers.
    #[serde(default)]
    pub managers: Vec<SipUri>,
    /// Presenters.
    #[serde(default)]
    pub presenters: Vec<SipUri>,
}

/// `PATCH /rooms/{room}`; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UpdateRoom {
    /// New name.
    pub name: Option<String>,
    /// New description.
    pub description: Option<String>,
    /// Name of another category to move to; members outside its scope lose their place.
    pub category: Option<String>,
    /// Who can find and join it.
    pub privacy: Option<Privacy>,
    /// Normal or auditorium.
    pub behavior: Option<Behavior>,
    /// Disabling throws everybody out at once.
    pub disabled: Option<bool>,
}

/// A list of a room that principals can be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoleName {
    /// May join and post.
    Member,
    /// May change the room.
    Manager,
    /// May post in an auditorium.
    Presenter,
}

impl RoleName {
    /// The word used in paths: `member`, `manager`, `presenter`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Manager => "manager",
            Self::Presenter => "presenter",
        }
    }
}

/// `POST /rooms/{room}/roles/{role}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RoleChange {
    /// Who gets the role.
    pub add: Vec<SipUri>,
    /// Who loses it; a member who is in the room is thrown out.
    pub remove: Vec<SipUri>,
}

/// A category: `GET /categories`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryView {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Who may be in its rooms: addresses or domains; empty is everyone.
    pub allowed: Vec<String>,
    /// Who may not: addresses or domains.
    pub denied: Vec<String>,
    /// Who may create rooms in it.
    pub creators: Vec<SipUri>,
    /// Rooms in it.
    pub rooms: usize,
}

/// `POST /categories`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateCategory {
    /// Unique name.
    pub name: String,
    /// Free text.
    #[serde(default)]
    pub description: String,
    /// Addresses or domains; empty is everyone.
    #[serde(default)]
    pub allowed: Vec<String>,
    /// Addresses or domains.
    #[serde(default)]
    pub denied: Vec<String>,
    /// Who may create rooms.
    #[serde(default)]
    pub creators: Vec<SipUri>,
}

/// `PATCH /categories/{category}`; what is absent stays, a list that is there replaces the old one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UpdateCategory {
    /// New name.
    pub name: Option<String>,
    /// New description.
    pub description: Option<String>,
    /// Addresses or domains; empty is everyone.
    pub allowed: Option<Vec<String>>,
    /// Addresses or domains.
    pub denied: Option<Vec<String>>,
    /// Who may create rooms.
    pub creators: Option<Vec<SipUri>>,
}

/// What an address stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserKindName {
    /// A person or bot who may chat.
    #[default]
    User,
    /// A contact object, which chat refuses.
    Contact,
}

/// A user: `GET /users`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserView {
    /// Address.
    pub uri: SipUri,
    /// Name shown to others.
    pub display_name: String,
    /// User or contact.
    pub kind: UserKindName,
    /// May not sign in while true.
    pub disabled: bool,
    /// The name with which the user signs in by password; none has no password.
    #[serde(default)]
    pub account: Option<String>,
}

/// `POST /users`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateUser {
    /// Address.
    pub uri: SipUri,
    /// Name shown to others; none is the user part of the address.
    #[serde(default)]
    pub display_name: Option<String>,
    /// Default user.
    #[serde(default)]
    pub kind: UserKindName,
}

/// `PATCH /users/{uri}`; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UpdateUser {
    /// New display name.
    pub display_name: Option<String>,
    /// Disabling signs the user off everywhere and closes the connections.
    pub disabled: Option<bool>,
}

/// `PUT /users/{uri}/password`. `Debug` does not show the password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetPassword {
    /// The new password.
    pub password: String,
    /// What the user signs in with; none keeps it, at first it is the address without `sip:`.
    #[serde(default)]
    pub account: Option<String>,
}

impl fmt::Debug for SetPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetPassword")
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

/// Which posts of a room: `GET /rooms/{room}/history`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HistoryQuery {
    /// The newest so many; default 20. With `after` or `before`: at most so many.
    pub last: Option<usize>,
    /// Only posts with a greater id.
    pub after: Option<MessageId>,
    /// Only posts with a smaller id.
    pub before: Option<MessageId>,
}

/// A post of a room, oldest first in lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostView {
    /// Number in its room.
    pub id: MessageId,
    /// When the server took it.
    pub timestamp: Timestamp,
    /// Who wrote it.
    pub author: SipUri,
    /// The author's name then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author_name: Option<String>,
    /// High priority.
    #[serde(default)]
    pub alert: bool,
    /// The text as sent.
    pub text: String,
    /// The post key, if it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PostKey>,
}

/// `POST /rooms/{room}/posts`: a post on behalf of a user, by the same way as any other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostMessage {
    /// Who it is from; must be a user of the directory who may post here.
    pub author: SipUri,
    /// The text, in the wire's form.
    pub text: String,
    /// High priority.
    #[serde(default)]
    pub alert: bool,
    /// A repeat of a key is answered with the first post's id and not shown again.
    #[serde(default)]
    pub key: Option<PostKey>,
}

/// What became of a post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posted {
    /// Its number in the room.
    pub id: MessageId,
    /// When the server took it.
    pub timestamp: Timestamp,
    /// The key was known: this is the first post's id and time.
    pub repeated: bool,
}

/// One line of `GET /rooms/{room}/live`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum LiveEvent {
    /// A post became visible.
    Post(PostView),
    /// A user came in.
    Joined {
        /// Who.
        user: SipUri,
    },
    /// A user's last endpoint left.
    Parted {
        /// Who.
        user: SipUri,
    },
    /// The reader was too slow and so many events are missing; the history has the posts.
    Missed {
        /// How many.
        events: u64,
    },
}

impl PostView {
    /// A post that has its number; one without has no view.
    pub(crate) fn of(post: parlor_xccos::Post) -> Option<Self> {
        Some(Self {
            id: post.id?,
            timestamp: post.timestamp,
            author: post.author,
            author_name: post.author_name,
            alert: post.alert,
            text: post.chat,
            key: post.key,
        })
    }
}
