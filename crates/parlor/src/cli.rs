//! The command line: names, help and examples. What each command does is left to `commands`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand, ValueEnum};
use parlor_bot::MailAddress;
use parlor_bot::schedule::Zone;
use parlor_xccos::SipUri;

/// Exit codes, shown by `parlor --help` and kept stable for scripts.
pub(crate) mod exit {
    /// The command failed; the message says why.
    pub(crate) const FAILED: u8 = 1;
    /// The configuration or a certificate is wrong.
    pub(crate) const CONFIGURATION: u8 = 3;
    /// The server or its control socket is not there.
    pub(crate) const UNREACHABLE: u8 = 4;
}

const AFTER_HELP: &str = "\
Examples:
  parlor up                                  server and bots of config/parlor.toml
  parlor check --config /etc/parlor.toml     all mistakes of a file at once
  parlor room history News --last 5          what was said
  parlor ledger why https://example.com/42   why an item was posted, or was not
  parlor chat --as sip:alice@example.com     talk, in a terminal

Exit codes: 0 done, 1 failed, 2 wrong command line, 3 wrong configuration or certificate,
4 server not reachable.";

/// ApplicationEndpoint host and Persistent Chat server in one program.
#[derive(Debug, Parser)]
#[command(name = "parlor", version, about, after_help = AFTER_HELP, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options that every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// Configuration file
    #[arg(
        short,
        long,
        global = true,
        value_name = "FILE",
        env = "PARLOR_CONFIG",
        default_value = "config/parlor.toml"
    )]
    pub(crate) config: PathBuf,

    /// Print data as JSON, one document or one line for each event
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// When to colour the output
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,

    /// What to log, as in `info` or `parlor_server=debug,parlor_net::sip=trace`
    #[arg(long, global = true, value_name = "FILTER", env = "PARLOR_LOG")]
    pub(crate) log: Option<String>,

    /// How log lines look
    #[arg(long, global = true, value_name = "FORMAT")]
    pub(crate) log_format: Option<LogFormat>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Human,
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server and the bots of one file
    #[command(after_help = "Ctrl-C stops cleanly: posts on their way are finished first.")]
    Up(ServiceArgs),

    /// Run the Persistent Chat server alone
    Serve(ServiceArgs),

    /// Run the bots alone, against the server that `[host]` names
    Host(ServiceArgs),

    /// Have the running server and bots take the changed configuration and certificates into use
    #[command(after_help = "\
A file with a mistake, or a change that needs a restart, changes nothing; exit code 3 says so.
`kill -HUP` does the same and tells the log. docs/operations.md lists what can be reloaded.")]
    Reload,

    /// Check the configuration and its certificates; names every problem with its line
    Check,

    /// Development certificates, and what a certificate holds
    #[command(subcommand)]
    Cert(CertCommand),

    /// Rooms: list, create, change, read, post
    #[command(subcommand)]
    Room(RoomCommand),

    /// Messages: take what they say out of their room, and show what was taken out
    #[command(subcommand)]
    Message(MessageCommand),

    /// Users that may sign in
    #[command(subcommand)]
    User(UserCommand),

    /// Categories, which hold rooms and say whom they may admit
    #[command(subcommand)]
    Category(CategoryCommand),

    /// What the running server is doing
    Status,

    /// Schedules of the configured bots
    #[command(subcommand)]
    Schedule(ScheduleCommand),

    /// What became of feed items, schedules, messages and posts, and why
    #[command(subcommand)]
    Ledger(LedgerCommand),

    /// What a feed holds and what a bot would make of it
    #[command(subcommand)]
    Feed(FeedCommand),

    /// Whether mail can be sent
    #[command(subcommand)]
    Mail(MailCommand),

    /// Webhooks of the configured bots, and what a request would become
    #[command(subcommand)]
    Hook(HookCommand),

    /// Kinds of bots: list, describe, begin a new one
    #[command(subcommand)]
    Bot(BotCommand),

    /// Talk in rooms as a user, in this terminal
    Chat(ChatArgs),

    /// Show a wire recording, made with --trace-sip, as a ladder diagram
    #[command(after_help = "\
Examples:
  parlor serve --trace-sip wire.trace     records; signatures and credentials are masked, what is said is not
  parlor trace wire.trace                 one line for each message, with what it carries
  parlor trace wire.trace --call B        only the call with the letter B, or with this Call-ID
  parlor trace wire.trace --full          with the messages themselves")]
    Trace(TraceArgs),

    /// Print a completion script for a shell
    #[command(after_help = "Example: parlor completions bash > /etc/bash_completion.d/parlor")]
    Completions {
        /// bash, zsh, fish, elvish or powershell
        shell: clap_complete::Shell,
    },
}

/// What `up`, `serve` and `host` have in common.
#[derive(Debug, Args)]
pub(crate) struct ServiceArgs {
    /// Serve /metrics, /live and /ready here, in place of `listen` in `[metrics]`; `serve` and `host` beside each other
    /// need an address each
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) metrics: Option<SocketAddr>,

    #[command(flatten)]
    pub(crate) wire: WireArgs,
}

/// What is kept of the wire.
#[derive(Debug, Args)]
pub(crate) struct WireArgs {
    /// Record all SIP messages to this file, for `parlor trace`; credentials are masked, what is said is not
    #[arg(long, value_name = "FILE")]
    pub(crate) trace_sip: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct TraceArgs {
    /// The recording; FILE.1 is the older part of a long one
    pub(crate) file: PathBuf,

    /// Show each message as it was
    #[arg(long)]
    pub(crate) full: bool,

    /// Only this call: its letter in the diagram, or the beginning of its Call-ID
    #[arg(long, value_name = "ID")]
    pub(crate) call: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CertCommand {
    /// Issue a development certificate from the throw-away authority
    #[command(after_help = "\
Examples:
  parlor cert dev                                   the server's, the host's, and where they are
  parlor cert dev --user sip:alice@example.com      one that proves a user
  parlor cert dev --application bots.example.com    one for a trusted application pool")]
    Dev(CertDevArgs),

    /// Show names, validity and use of certificates in PEM files
    Show {
        /// PEM files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CertDevArgs {
    /// A certificate that proves this user
    #[arg(long, value_name = "SIP-URI", value_parser = address)]
    pub(crate) user: Vec<SipUri>,

    /// A certificate for a trusted application; the first name is the pool's, further ones its computers'
    #[arg(long, value_name = "FQDN", num_args = 1..)]
    pub(crate) application: Vec<String>,

    /// A server certificate for these names or addresses
    #[arg(long, value_name = "NAME", num_args = 1..)]
    pub(crate) server: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RoomCommand {
    /// List rooms
    List {
        /// Only rooms whose name contains this text
        #[arg(value_name = "TEXT")]
        criteria: Option<String>,
    },

    /// Create a room
    #[command(after_help = "\
Example: parlor room create Deploys --category General --privacy closed --member sip:alice@example.com")]
    Create(RoomCreateArgs),

    /// Show one room with its members, managers and presenters
    Show {
        /// Name, id or ma-chan:// address
        room: String,
    },

    /// Change a room
    Set(RoomSetArgs),

    /// Show or change who is member, manager or presenter
    #[command(after_help = "\
Examples:
  parlor room members Deploys
  parlor room members Deploys --add sip:bob@example.com --as manager")]
    Members(MembersArgs),

    /// Show what was said
    History {
        /// Name, id or ma-chan:// address
        room: String,
        /// How many posts, from the newest back
        #[arg(long, value_name = "N", default_value_t = 30)]
        last: u32,
        /// Only posts after this message id
        #[arg(long, value_name = "ID", conflicts_with = "last")]
        after: Option<i64>,
    },

    /// Post to a room as an administrator, in the name of a user
    Post {
        /// Name, id or ma-chan:// address
        room: String,
        /// The text; `-` reads it from standard input
        text: String,
        /// In whose name
        #[arg(long = "as", value_name = "SIP-URI", value_parser = address)]
        author: SipUri,
        /// Mark the post as an alert
        #[arg(long)]
        alert: bool,
        /// Make the post a story with this title
        #[arg(long, value_name = "TITLE")]
        story: Option<String>,
    },

    /// Follow a room until Ctrl-C
    Tail {
        /// Name, id or ma-chan:// address
        room: String,
        /// Show this many earlier posts first
        #[arg(long, value_name = "N", default_value_t = 10)]
        last: u32,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum MessageCommand {
    /// Replace what messages say by a notice; author, time and number stay, and a record keeps the original
    #[command(after_help = "\
Examples:
  parlor message remove Help 17 18 --reason 'a password was posted'
  parlor message remove Help --author sip:bob@example.com --from 1h --dry-run
  parlor message remove Help --containing fiddlesticks --text '(language)'

Who is in the room keeps seeing the message until it reads the history again: the protocol has no way to tell it.")]
    Remove(MessageRemoveArgs),

    /// Show the record: what was removed from a room, by whom, when and why
    Removed {
        /// Name, id or ma-chan:// address
        room: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct MessageRemoveArgs {
    /// Name, id or ma-chan:// address
    pub(crate) room: String,
    /// The numbers of messages in the room
    #[arg(
        value_name = "ID",
        required_unless_present_any = ["author", "from", "to", "containing"],
        conflicts_with_all = ["author", "from", "to", "containing", "dry_run"]
    )]
    pub(crate) ids: Vec<i64>,
    #[command(flatten)]
    pub(crate) selection: MessageSelection,
    /// What stands in their place, instead of "This message was removed."
    #[arg(long)]
    pub(crate) text: Option<String>,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Who removes them, for the record
    #[arg(long, value_name = "NAME", env = "USER", hide_env_values = true)]
    pub(crate) by: Option<String>,
}

/// Messages by what they are like; all of what is given must hold.
#[derive(Debug, Args)]
pub(crate) struct MessageSelection {
    /// Instead of numbers: messages of this author
    #[arg(long, value_name = "SIP-URI", value_parser = address)]
    pub(crate) author: Option<SipUri>,
    /// Messages as young as this, such as `2h`, or since a time, such as 2026-11-21T08:00:00Z
    #[arg(long, value_name = "SINCE")]
    pub(crate) from: Option<Since>,
    /// Messages as old as this, or until a time
    #[arg(long, value_name = "UNTIL")]
    pub(crate) to: Option<Since>,
    /// Messages with this text, upper and lower case being the same
    #[arg(long, value_name = "TEXT")]
    pub(crate) containing: Option<String>,
    /// Only show them
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Privacy {
    /// Anyone in the category's scope may find and join it
    Open,
    /// Anyone in scope may find it, members may join it
    Closed,
    /// Only members can find and join it
    Secret,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    Member,
    Manager,
    Presenter,
}

#[derive(Debug, Args)]
pub(crate) struct RoomCreateArgs {
    /// The room's name, unique on the server
    pub(crate) name: String,
    /// The category that holds it
    #[arg(long, value_name = "NAME")]
    pub(crate) category: String,
    /// What it is for, shown in lists
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(crate) description: String,
    /// Who may find and join it
    #[arg(long, default_value = "closed")]
    pub(crate) privacy: Privacy,
    /// Only presenters may post
    #[arg(long)]
    pub(crate) auditorium: bool,
    /// A member; may be repeated
    #[arg(long = "member", value_name = "SIP-URI", value_parser = address)]
    pub(crate) members: Vec<SipUri>,
    /// A manager; may be repeated
    #[arg(long = "manager", value_name = "SIP-URI", value_parser = address)]
    pub(crate) managers: Vec<SipUri>,
    /// A presenter of an auditorium; may be repeated
    #[arg(long = "presenter", value_name = "SIP-URI", value_parser = address)]
    pub(crate) presenters: Vec<SipUri>,
}

#[derive(Debug, Args)]
pub(crate) struct RoomSetArgs {
    /// Name, id or ma-chan:// address
    pub(crate) room: String,
    /// A new name
    #[arg(long)]
    pub(crate) name: Option<String>,
    #[arg(long)]
    pub(crate) description: Option<String>,
    #[arg(long)]
    pub(crate) privacy: Option<Privacy>,
    /// Move it to this category; members outside its scope are removed
    #[arg(long, value_name = "NAME")]
    pub(crate) category: Option<String>,
    /// Disable the room: everybody leaves it, nobody finds it, its history is kept
    #[arg(long, conflicts_with = "enable")]
    pub(crate) disable: bool,
    /// Enable the room again
    #[arg(long)]
    pub(crate) enable: bool,
}

#[derive(Debug, Args)]
pub(crate) struct MembersArgs {
    /// Name, id or ma-chan:// address
    pub(crate) room: String,
    /// Give the role to this user; may be repeated
    #[arg(long, value_name = "SIP-URI", value_parser = address)]
    pub(crate) add: Vec<SipUri>,
    /// Take the role from this user; may be repeated
    #[arg(long, value_name = "SIP-URI", value_parser = address)]
    pub(crate) remove: Vec<SipUri>,
    /// Which role
    #[arg(long = "as", value_name = "ROLE", default_value = "member")]
    pub(crate) role: Role,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// List users
    List,
    /// Add a user, who then signs in with a client certificate for this address, or a password: see `passwd`
    Add {
        #[arg(value_parser = address)]
        uri: SipUri,
        /// The name shown to others
        #[arg(long, default_value = "", hide_default_value = true)]
        name: String,
    },
    /// Set the password of a user; it is read from standard input, so that it is in no list of processes
    Passwd {
        #[arg(value_parser = address)]
        uri: SipUri,
        /// What the user signs in with, if not with the address
        #[arg(long, value_name = "NAME")]
        account: Option<String>,
    },
    /// Disable a user: sign-in is refused, rooms forget nothing
    Disable {
        #[arg(value_parser = address)]
        uri: SipUri,
    },
    /// Enable a user again
    Enable {
        #[arg(value_parser = address)]
        uri: SipUri,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum CategoryCommand {
    /// List categories
    List,
    /// Create a category
    Create {
        /// The category's name, unique on the server
        name: String,
        /// What it is for
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        description: String,
        /// Whom its rooms may admit: users, domains as `@example.com`, or `everyone`; may be repeated
        #[arg(long, value_name = "WHO", default_value = "everyone")]
        allow: Vec<String>,
        /// Whom its rooms may never admit; wins over --allow; may be repeated
        #[arg(long, value_name = "WHO")]
        deny: Vec<String>,
        /// Who may create rooms in it; may be repeated
        #[arg(long = "creator", value_name = "SIP-URI", value_parser = address)]
        creators: Vec<SipUri>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum BotCommand {
    /// List the kinds of bots in this program
    List,

    /// Show what a kind of bot does: commands, handlers, settings
    #[command(after_help = "Example: parlor bot show keywords")]
    Show {
        /// As `kind` in the configuration names it
        kind: String,
    },

    /// Begin a bot: a crate that builds, with a test that passes and a configuration that runs
    #[command(after_help = "\
Examples:
  parlor bot new tea                       in ./tea, against the sources of Parlor around this folder
  parlor bot new tea --parlor ../parlor    against those sources
  parlor bot new tea --parlor 0.1          against that release")]
    New(BotNewArgs),

    /// Talk with a bot, without a server: lines of a dialogue on standard input, what the bot does on standard output
    #[command(after_help = "\
Lines:
  alice: !tea      alice says that in the first room
  ... 6h30m        time passes; it begins on a Monday at 9:00 UTC
Examples:
  parlor bot try tea --settings '{\"cups\": 4}'             a kind that the configuration can name
  parlor bot try --settings '{\"cups\": 4}' -- ./tea.py     a program, without a configuration")]
    Try(BotTryArgs),
}

/// Without it clap would take any text for a JSON text.
fn json(text: &str) -> Result<serde_json::Value, serde_json::Error> {
    serde_json::from_str(text)
}

#[derive(Debug, Args)]
pub(crate) struct BotTryArgs {
    /// As `kind` in the configuration names it
    #[arg(required_unless_present = "program", conflicts_with = "program")]
    pub(crate) kind: Option<String>,

    /// A program that is a bot, and its arguments, behind `--`
    #[arg(last = true, value_name = "PROGRAM")]
    pub(crate) program: Vec<String>,

    /// Its settings, as JSON
    #[arg(long, value_name = "JSON", default_value = "{}", value_parser = json)]
    pub(crate) settings: serde_json::Value,

    /// A room of the bot; may be repeated
    #[arg(long = "room", value_name = "NAME", default_value = "Lobby")]
    pub(crate) rooms: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct BotNewArgs {
    /// Its kind: lower-case letters, digits and `-`
    pub(crate) name: String,

    /// The folder, which must not exist or be empty; by default the name, here
    #[arg(long, value_name = "DIR")]
    pub(crate) path: Option<PathBuf>,

    /// Where Parlor comes from: a folder with its sources, or a version
    #[arg(long, value_name = "DIR|VERSION")]
    pub(crate) parlor: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ScheduleCommand {
    /// Show the coming times of all schedules, also those that a calendar keeps from coming
    Next {
        /// How many
        #[arg(long, value_name = "N", default_value_t = 10)]
        count: usize,
        /// Show them by the clock of this zone, an IANA name, instead of each by that of its own
        #[arg(long, value_name = "ZONE")]
        zone: Option<Zone>,
    },
    /// Tell why a schedule comes at a time or not
    #[command(after_help = "\
Examples:
  parlor schedule why stand-up                        the last time
  parlor schedule why clock/stand-up 2026-12-25T08:55 by the clock of its zone; the bot's id tells apart two of a name
  parlor schedule why stand-up 08:55                  today
  parlor schedule why stand-up 2026-12-25T07:55:00Z   a moment")]
    Why {
        /// The schedule's name, after the bot's id and a slash where the name alone is not enough
        name: String,
        /// A time, by the clock of the schedule's zone unless it says otherwise
        time: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    /// Tell the story of one thing: an item, a message, or what an address stands for
    #[command(after_help = "\
Examples:
  parlor ledger why https://example.com/article-42    by the address of a feed item
  parlor ledger why 1042                              by the id of a message in a room
  parlor ledger why feed:notes:id-7                   by name; the end of the name is enough
  parlor ledger why webhook:ci:72d3162e               as the sender was told")]
    Why {
        /// An item's name or the end of it, an address, or a message id
        #[arg(value_name = "ITEM|MESSAGE-ID|URL")]
        what: String,
    },

    /// Show entries, oldest first
    #[command(after_help = "\
Examples:
  parlor ledger list --since 2h                       all of the last two hours
  parlor ledger list --status dead                    posts that were given up
  parlor ledger list --instance news --room News --json")]
    List {
        #[command(flatten)]
        filter: LedgerFilter,
        /// How many at most, from the newest back
        #[arg(long, value_name = "N", default_value_t = 100)]
        last: u32,
    },

    /// Follow the ledger until Ctrl-C
    #[command(after_help = "\
Example: parlor ledger tail --status acknowledged --json     one line for each post that appears")]
    Tail {
        #[command(flatten)]
        filter: LedgerFilter,
        /// Show this many earlier entries first
        #[arg(long, value_name = "N", default_value_t = 10)]
        last: u32,
    },

    /// Give dead posts and quarantined events another try
    #[command(after_help = "\
Examples:
  parlor ledger retry 1234                   what the entry with this number is about
  parlor ledger retry feed:notes:id-7        an item by its name
  parlor ledger retry --dead                 every post that was given up
  parlor ledger retry --quarantined --instance help")]
    Retry(LedgerRetry),
}

#[derive(Debug, Args)]
pub(crate) struct LedgerFilter {
    /// Only this bot, by its id
    #[arg(long, value_name = "ID")]
    pub(crate) instance: Option<String>,
    /// Only this room, as the configuration names it; or somebody written to: `mailto:ann@example.com`
    #[arg(long, value_name = "ROOM")]
    pub(crate) room: Option<String>,
    /// Only this: seen, filtered, missed, handled, skipped, quarantined, queued, sent, failed, acknowledged,
    /// removing, removed, dead, retried
    #[arg(long, value_name = "STATUS")]
    pub(crate) status: Option<parlor_host::LedgerStatus>,
    /// Only entries as young as this, such as `2h`, or since a time, such as 2026-11-21T08:00:00Z
    #[arg(long, value_name = "SINCE")]
    pub(crate) since: Option<Since>,
}

#[derive(Debug, Args)]
pub(crate) struct LedgerRetry {
    /// The number of a ledger entry, or an item's name
    #[arg(value_name = "ID", required_unless_present_any = ["dead", "quarantined"])]
    pub(crate) which: Option<String>,
    /// Every post that was given up
    #[arg(long, conflicts_with = "which")]
    pub(crate) dead: bool,
    /// Every event that was set aside because its handler failed
    #[arg(long, conflicts_with = "which")]
    pub(crate) quarantined: bool,
    /// Only this bot's, with --dead and --quarantined
    #[arg(long, value_name = "ID", conflicts_with = "which")]
    pub(crate) instance: Option<String>,
}

/// An address as people write it: `sip:` may be left out.
fn address(text: &str) -> Result<SipUri, String> {
    let bare = !text.contains(':') && text.contains('@');
    let whole = if bare {
        format!("sip:{text}")
    } else {
        text.to_owned()
    };
    whole
        .parse()
        .map_err(|error| format!("{error}; write it as sip:user@example.com"))
}

/// A moment, or how long ago it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Since {
    Ago(Duration),
    Moment(DateTime<Utc>),
}

impl Since {
    /// The moment, seen from `now`.
    pub(crate) fn from(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::Ago(time) => {
                let ago = chrono::TimeDelta::from_std(time).unwrap_or(chrono::TimeDelta::MAX);
                now.checked_sub_signed(ago).unwrap_or(DateTime::UNIX_EPOCH)
            }
            Self::Moment(moment) => moment,
        }
    }
}

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self::Moment(moment.to_utc()));
        }
        crate::config::parse_duration(text)
            .map(Self::Ago)
            .map_err(|error| format!("{error}; write `2h`, `1d` or a time such as 2026-11-21T08:00:00Z"))
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum FeedCommand {
    /// Fetch a feed once and show what would be posted of it if all of it were new; nothing is posted or stored
    #[command(after_help = "\
Examples:
  parlor feed try https://example.com/feed.xml             with the feed bot's own settings
  parlor feed try news.xml --last 3                        a file
  parlor feed try releases                                 a feed of a configured bot, by its name or address
  parlor feed try https://example.com/feed.xml --bot news  as this bot's first feed, whose settings it takes")]
    Try(FeedTryArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum MailCommand {
    /// Send a test mail with the configuration's [host.mail], and show what the server says to each step
    #[command(after_help = "\
Examples:
  parlor mail try --to ann@example.com
  parlor mail try --to \"Ann Example <ann@example.com>\" --json")]
    Try {
        /// Whom to write to; anybody, whatever `allow` says
        #[arg(long, value_name = "ADDRESS")]
        to: MailAddress,
    },
}

#[derive(Debug, Args)]
pub(crate) struct FeedTryArgs {
    /// An address, a file, or the name of a configured feed
    #[arg(value_name = "FEED")]
    pub(crate) feed: String,

    /// Show it as this bot would post it
    #[arg(long, value_name = "ID")]
    pub(crate) bot: Option<String>,

    /// How many items, from the newest back
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) last: usize,

    /// Allow an address in a private network, as `allow_private = true` does
    #[arg(long)]
    pub(crate) allow_private: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum HookCommand {
    /// The webhooks of the configured bots, with their addresses and how senders prove themselves
    List,

    /// Show what would be posted of a request; nothing is sent, posted or stored, and no secret is needed
    #[command(after_help = "\
Examples:
  parlor hook try ci push.json --header 'X-GitHub-Event: push'  a body that was kept in a file
  echo '{\"text\": \"hello\"}' | parlor hook try ci -               one from standard input

docs/webhooks.md shows how to sign and send one with curl.")]
    Try(HookTryArgs),
}

#[derive(Debug, Args)]
pub(crate) struct HookTryArgs {
    /// The webhook's name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    /// File with the body, `-` for standard input; JSON unless a header says otherwise
    #[arg(value_name = "FILE")]
    pub(crate) body: PathBuf,

    /// A header of the request; may be repeated
    #[arg(long = "header", short = 'H', value_name = "NAME: VALUE")]
    pub(crate) headers: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ChatArgs {
    /// Who to be; without --user by a certificate for this address, made by the development authority if need be
    #[arg(long = "as", value_name = "SIP-URI", value_parser = address, required_unless_present = "account")]
    pub(crate) user: Option<SipUri>,

    /// Sign in to this account with its password: that of --password-file, of the variable PARLOR_PASSWORD, or typed
    #[arg(long = "user", value_name = "NAME", conflicts_with_all = ["certificate", "key"])]
    pub(crate) account: Option<String>,

    /// File whose first line is the password
    #[arg(long, value_name = "FILE", requires = "account")]
    pub(crate) password_file: Option<PathBuf>,

    /// Join this room at once; may be repeated
    #[arg(long = "room", value_name = "NAME")]
    pub(crate) rooms: Vec<String>,

    /// The server; by default the one in the configuration
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) server: Option<String>,

    /// Certificate of the user, with --key
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) certificate: Option<PathBuf>,

    /// Private key of the user's certificate
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub(crate) key: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) wire: WireArgs,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_be_written_without_its_scheme() {
        let written = |text: &str| address(text).map(|uri| uri.to_string());
        assert_eq!(
            written("alice@example.com"),
            Ok("sip:alice@example.com".to_owned())
        );
        assert_eq!(
            written("sip:Alice@Example.com"),
            Ok("sip:alice@example.com".to_owned())
        );
        for wrong in ["alice", "mailto:alice@example.com", "@example.com"] {
            let told = written(wrong).unwrap_err();
            assert!(told.ends_with("; write it as sip:user@example.com"), "{told}");
        }
    }

    #[test]
    fn since_is_a_time_or_how_long_ago() {
        let now: DateTime<Utc> = "2026-11-21T12:00:00Z".parse().unwrap();
        let since = |text: &str| text.parse::<Since>().map(|since| since.from(now).to_rfc3339());
        assert_eq!(since("2h").unwrap(), "2026-11-21T10:00:00+00:00");
        assert_eq!(
            since("2026-11-20T08:00:00+01:00").unwrap(),
            "2026-11-20T07:00:00+00:00"
        );
        assert!(since("yesterday").is_err());
    }
}
