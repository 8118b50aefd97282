//! What a server is told when it starts: addresses, trust, limits and what must exist.
//! Reading it from a file, with located errors, is left to the program.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use parlor_control::Reloads;
use parlor_net::ServerTls;
use parlor_xccos::{Behavior, Privacy, SipUri};

/// Everything a server needs to know; nothing is read from elsewhere.
#[derive(Debug, Clone)]
pub struct Config {
    /// The SIP domain, for example `example.com`; room addresses carry it.
    pub domain: String,
    /// The address clients invite, announced by in-band provisioning; `ocschat@domain` is answered as well.
    pub chat_uri: SipUri,
    /// The name of this service, shown to clients in the server information.
    pub display_name: String,
    /// Where to listen; at least one.
    pub listeners: Vec<ListenerConfig>,
    /// Pools of computers whose applications may speak as users.
    pub trusted_pools: Vec<TrustedPool>,
    /// Sizes and counts.
    pub limits: Limits,
    /// Shows operators with the 2007 R2 masks (3984 and 12276), which pidgin-sipe compares exactly.
    pub legacy_masks: bool,
    /// Session timer offered in every 200 to an INVITE.
    pub session_expires: Duration,
    /// How long a registration lasts before its client refreshes it.
    pub registration_expires: Duration,
    /// How long a user whose connection is lost stays signed in: a client that comes back in time goes on as before.
    pub registration_grace: Duration,
    /// How users prove who they are with a password.
    pub sign_in: SignIn,
    /// Whether a post is shown once however often it comes with the same key. Off, the server knows nothing of keys, as
    /// servers of other makers: for tests of those who must get along with them.
    pub post_keys: bool,
    /// Unix socket for administration; none switches administration off.
    pub control_socket: Option<PathBuf>,
    /// Where a request to reload on that socket goes; none takes no such requests.
    pub reloads: Option<Reloads>,
    /// What must exist after the start; created when missing, never changed when there.
    pub seed: Seed,
}

impl Config {
    /// A configuration for `domain` with default limits, no listener, no trust and nothing to create.
    pub fn new(domain: impl Into<String>, chat_uri: SipUri) -> Self {
        Self {
            domain: domain.into(),
            chat_uri,
            display_name: "Parlor".to_owned(),
            listeners: Vec::new(),
            trusted_pools: Vec::new(),
            limits: Limits::default(),
            legacy_masks: false,
            session_expires: Duration::from_secs(1800),
            registration_expires: Duration::from_secs(600),
            // libpurple reconnects after 8 to 60 s, then signs in.
            registration_grace: Duration::from_secs(75),
            sign_in: SignIn::default(),
            post_keys: true,
            control_socket: None,
            reloads: None,
            seed: Seed::default(),
        }
    }
}

/// Schemes that check passwords. For a scheme that is off nothing is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignIn {
    /// Digest with SHA-256, over TLS only.
    pub digest: bool,
    /// NTLMv2 with signed messages, for clients of the Lync generation. What is stored for it is as good as the
    /// password wherever NTLM is accepted.
    pub ntlm: bool,
}

impl Default for SignIn {
    fn default() -> Self {
        Self {
            digest: true,
            ntlm: false,
        }
    }
}

/// One address to listen on.
#[derive(Debug, Clone)]
pub struct ListenerConfig {
    /// Address and port; port 0 takes a free one (see `Server::addresses`).
    pub addr: SocketAddr,
    /// TLS settings; none is plain TCP.
    pub tls: Option<ServerTls>,
    /// What happens to a user who proves nothing.
    pub unproved: UnprovedUsers,
}

/// What a listener does with a request whose sender proved no identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnprovedUsers {
    /// Answered 403 with the reason in ms-diagnostics.
    #[default]
    Refused,
    /// Believed when the peer's address is a loopback one. For tests of clients only: anyone on the machine can then
    /// speak as anyone.
    InsecureBelievedOnLoopback,
}

/// A trusted-application pool, as New-CsTrustedApplicationPool describes one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedPool {
    /// Fully qualified name of the pool; certificates carry it as subject.
    pub fqdn: String,
    /// Fully qualified names of the computers in it; a pool of one computer may leave this empty.
    pub computers: Vec<String>,
    /// Applications that run in the pool.
    pub applications: Vec<TrustedApplication>,
}

/// A trusted application of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedApplication {
    /// `urn:application:<name>`.
    pub id: String,
    /// Port the application listens on; unique in its pool, informative for a chat bot.
    pub port: u16,
    /// Computer GRUUs, one per computer. Empty accepts any GRUU that names a computer of the pool and this application.
    pub gruus: Vec<String>,
    /// Users the application may speak as.
    pub allowed_users: Vec<SipUri>,
}

/// Sizes and counts the server enforces and, where the protocol has a place for it, announces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of text in one message; announced as messageSizeLimit.
    pub message_bytes: usize,
    /// Bytes of text in one story; announced as storySizeLimit.
    pub story_bytes: usize,
    /// Posts given to a `bccontext` that names no number; one that does gets at most `search`.
    pub backchat: usize,
    /// Results of one search or one history query; announced as searchLimit.
    pub search: usize,
    /// Participants above which a room stops announcing who comes and goes.
    pub participants: usize,
    /// Connections at once.
    pub connections: usize,
    /// Connections at once from one address.
    pub connections_per_peer: usize,
    /// Chat dialogs on one connection of a user.
    pub user_dialogs: usize,
    /// Chat dialogs on one connection of a trusted application.
    pub trusted_dialogs: usize,
    /// Rooms joined by one dialog.
    pub rooms_per_dialog: usize,
    /// Commands of a user's connection that wait for their reply; UCMA throttles clients at 20 as well.
    pub user_pending: usize,
    /// Commands of a trusted application's connection that wait for their reply.
    pub trusted_pending: usize,
    /// Posts and commands that wait for one room.
    pub room_queue: usize,
    /// Endpoints joined to one room.
    pub room_endpoints: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 8_000,
            story_bytes: 65_536,
            backchat: 30,
            search: 999,
            participants: 75,
            connections: 10_000,
            connections_per_peer: 2_000,
            user_dialogs: 8,
            trusted_dialogs: 256,
            rooms_per_dialog: 512,
            user_pending: 20,
            trusted_pending: 1_024,
            room_queue: 512,
            room_endpoints: 20_000,
        }
    }
}

/// Categories, rooms and users that must exist after the start.
#[derive(Debug, Clone, Default)]
pub struct Seed {
    /// Categories by name.
    pub categories: Vec<SeedCategory>,
    /// Rooms by name.
    pub rooms: Vec<SeedRoom>,
    /// Users by address.
    pub users: Vec<SeedUser>,
}

/// A category to create when no category has its name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeedCategory {
    /// Unique name.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Who may be in its rooms: addresses (`sip:user@host`) or domains (`example.com`); empty is everyone.
    pub allowed: Vec<String>,
    /// Who may not, even when allowed: addresses or domains.
    pub denied: Vec<String>,
    /// Who may create rooms in it.
    pub creators: Vec<SipUri>,
}

/// A room to create when no room has its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedRoom {
    /// Unique name.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Name of its category; none is the first category.
    pub category: Option<String>,
    /// Who can find it and join it.
    pub privacy: Privacy,
    /// Normal, or auditorium where only presenters post.
    pub behavior: Behavior,
    /// Members; meaningless in an open room.
    pub members: Vec<SipUri>,
    /// Managers.
    pub managers: Vec<SipUri>,
    /// Presenters of an auditorium; each must be a member too.
    pub presenters: Vec<SipUri>,
    /// What is said in the room when it is created, by whom.
    pub posts: Vec<SeedPost>,
}

/// A post in the history of a new room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedPost {
    /// Who said it.
    pub author: SipUri,
    /// What.
    pub text: String,
}

/// A password in a configuration. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(pub String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// A user to create when the address is unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedUser {
    /// Address.
    pub uri: SipUri,
    /// Name shown in rosters and beside posts.
    pub display_name: String,
    /// True for a contact object, which chat refuses.
    pub contact: bool,
    /// A password, set when the user has none yet. For tests and first steps: a configuration file is no place for
    /// secrets.
    pub password: Option<Password>,
}
