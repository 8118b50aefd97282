//! What a host is told to run: the resolved configuration. Reading files and finding their faults is left to the
//! program; wrong bot settings are found by [`crate::validate`].

use std::path::PathBuf;
use std::time::Duration;

use parlor_bot::{Limits, Room, SipUri};
use parlor_client::Platform;
use parlor_control::Reloads;

use crate::clock::Clock;
use crate::fault::Faults;
use crate::feeds::Roots;
use crate::mail::MailConfig;
use crate::rate::Rate;
use crate::state::Place;
use crate::webhooks::Webhooks;

/// Everything a host needs. Nothing in it is looked up again later, so that nothing fails later because of it.
#[derive(Debug, Clone)]
pub struct Config {
    /// How this host is called beside others that share its state.
    pub name: String,
    /// Where cursors, outbox, bot values, feeds and schedules are kept.
    pub state: Place,
    /// The Unix socket through which programs of the same user may ask this host; `None` opens none.
    pub control_socket: Option<PathBuf>,
    /// Where relative paths in bot settings start: the folder of the configuration file.
    pub folder: PathBuf,
    /// The server to sign in to.
    pub service: ChatService,
    /// The identities that bots post as.
    pub endpoints: Vec<EndpointConfig>,
    /// The bots.
    pub instances: Vec<InstanceConfig>,
    /// How feed requests name this program.
    pub user_agent: String,
    /// Authorities that may vouch for feeds, beside the system's.
    pub feed_roots: Roots,
    /// Where trouble with feeds is told, in the name of the bot that wants them; nowhere else than in events and status
    /// when none is named.
    pub operator_room: Option<Room>,
    /// The mail server; without one no bot can send mail.
    pub mail: Option<MailConfig>,
    /// Where requests of webhooks come in; nowhere when it is none, and then no bot may want one.
    pub webhooks: Option<Webhooks>,
    /// The Unix socket through which the server is administered, where this host may use it: bots can then remove messages
    /// from their rooms. Whoever may open it may do so; the file's mode is the authority.
    pub server_control: Option<PathBuf>,
    /// How long posts may be, as the server is known to allow.
    pub limits: Limits,
    /// Where a request to reload on the control socket goes; none takes no such requests.
    pub reloads: Option<Reloads>,
    /// Waits, counts and sizes.
    pub tuning: Tuning,
    /// Where the time comes from.
    pub clock: Clock,
    /// Places where a test stops the host; none in a real configuration.
    pub faults: Faults,
}

/// The SIP proxy in front of the chat service, and the chat service itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatService {
    /// Host name or address to connect to.
    pub host: String,
    /// Port, usually 5061.
    pub port: u16,
    /// The chat service's address; `None` takes it from in-band provisioning.
    pub chat: Option<SipUri>,
}

/// One identity that bots post as.
#[derive(Debug, Clone)]
pub struct EndpointConfig {
    /// Its address.
    pub user: SipUri,
    /// The name shown beside its posts.
    pub display_name: Option<String>,
    /// How it signs in.
    pub sign_in: SignIn,
    /// Whether an application registers it: others then see it as available and can write to it alone. A user always
    /// registers.
    pub register: bool,
    /// The platform it signs in through.
    pub platform: Platform,
}

/// How an identity signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignIn {
    /// As an application endpoint on a trusted computer: the platform's certificate speaks for it.
    Application,
    /// As a user, by a client certificate that carries its address.
    User,
}

/// One bot with its settings: an instance of a kind.
#[derive(Debug, Clone, PartialEq)]
pub struct InstanceConfig {
    /// Its name, unique in the host. What it has done is remembered under this name.
    pub id: String,
    /// Which bot it is.
    pub kind: String,
    /// The endpoint it posts as.
    pub user: SipUri,
    /// Its rooms, in order.
    pub rooms: Vec<Room>,
    /// Its settings, for the bot to read.
    pub settings: serde_json::Value,
    /// How long one event may take.
    pub deadline: Duration,
    /// What happens with messages posted while it was away.
    pub replay: Replay,
    /// How often it may post, over all its rooms; `None` is [`Tuning::bot_rate`].
    pub rate: Option<Rate>,
    /// Whether posts of this host's other bots are handed to it; off, because bots that answer bots do not stop.
    pub hears_bots: bool,
}

/// What happens with messages that were posted while an instance was away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Replay {
    /// All are handled, from the last handled one on. In a room where it has never been, an instance starts with
    /// what comes next.
    #[default]
    Cursor,
    /// None is handled.
    Now,
    /// Those of the last so many seconds are handled, also in a room where the instance has never been (there as
    /// far as the server's recent history goes).
    Since(Duration),
}

/// Waits, counts and sizes that may be changed; the defaults are meant for production.
#[derive(Debug, Clone)]
pub struct Tuning {
    /// Messages of one room that wait for one instance. When full, the room's intake for that instance pauses and
    /// goes on later from history.
    pub lane: usize,
    /// How often an event may fail before it is set aside.
    pub attempts: u32,
    /// The first wait after a failed attempt; doubled each time.
    pub retry_base: Duration,
    /// The longest wait after a failed attempt.
    pub retry_cap: Duration,
    /// How long one attempt to post may take, from handing it to the connection to the server's echo.
    pub attempt: Duration,
    /// How often may be posted into one room as one user; `None` as often as the server takes it.
    pub room_rate: Option<Rate>,
    /// How often one bot may post, over all its rooms, unless it has a rate of its own; `None` without limit.
    pub bot_rate: Option<Rate>,
    /// The longest wait between attempts to reach a server, a room or the state file.
    pub reconnect_cap: Duration,
    /// The first wait, at most, after the mail server has put off a recipient; doubled each time.
    pub mail_retry_base: Duration,
    /// The longest wait after that.
    pub mail_retry_cap: Duration,
    /// How long a host that is not heard of keeps what it leads; by the clock of the database that hosts share.
    pub lease: Duration,
    /// How many feeds are fetched at once.
    pub fetches: usize,
    /// How long delivered posts stay in the outbox to be looked at.
    pub keep_delivered: Duration,
    /// How long an item that its feed no longer lists is remembered, and the key of a webhook's request.
    pub keep_unlisted: Duration,
    /// How long the ledger tells of what happened; zero writes none.
    pub keep_ledger: Duration,
    /// Entries of the ledger at most; the oldest go first.
    pub ledger_entries: u64,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            lane: 256,
            attempts: 5,
            retry_base: Duration::from_millis(500),
            retry_cap: Duration::from_secs(60),
            attempt: Duration::from_secs(60),
            // A reader follows one message a second for a while; a feed's first burst still goes at once.
            room_rate: Rate::new(60, Duration::from_secs(60)),
            bot_rate: Rate::new(300, Duration::from_secs(60)),
            reconnect_cap: Duration::from_secs(60),
            // Servers that put off what they have not seen before take it after some minutes.
            mail_retry_base: Duration::from_secs(60),
            mail_retry_cap: Duration::from_secs(15 * 60),
            // Readers hardly notice a pause of that length, and a database may take as long to fail over.
            lease: Duration::from_secs(10),
            fetches: 8,
            keep_delivered: Duration::from_secs(7 * 24 * 3600),
            keep_unlisted: Duration::from_secs(90 * 24 * 3600),
            keep_ledger: Duration::from_secs(30 * 24 * 3600),
            // Some 200 bytes each with their indices: a few hundred megabytes at most.
            ledger_entries: 1_000_000,
        }
    }
}

impl Config {
    /// A configuration with defaults for everything but these.
    pub fn new(state: impl Into<Place>, service: ChatService) -> Self {
        Self {
            name: "parlor".to_owned(),
            state: state.into(),
            control_socket: None,
            folder: PathBuf::from("."),
            service,
            endpoints: Vec::new(),
            instances: Vec::new(),
            user_agent: concat!("parlor/", env!("CARGO_PKG_VERSION")).to_owned(),
            feed_roots: Roots::default(),
            operator_room: None,
            mail: None,
            webhooks: None,
            server_control: None,
            limits: Limits::default(),
            reloads: None,
            tuning: Tuning::default(),
            clock: Clock::System,
            faults: Faults::none(),
        }
    }
}

impl InstanceConfig {
    /// How long one event may take unless configured: long enough for a slow web service, short enough to notice.
    pub const DEADLINE: Duration = Duration::from_secs(30);

    /// An instance with no rooms and no settings, and defaults for the rest.
    pub fn new(id: impl Into<String>, kind: impl Into<String>, user: SipUri) -> Self {
        Self {
            id: id.into(),
            kind: kind.into(),
            user,
            rooms: Vec::new(),
            settings: serde_json::Value::Object(serde_json::Map::new()),
            deadline: Self::DEADLINE,
            replay: Replay::default(),
            rate: None,
            hears_bots: false,
        }
    }
}
