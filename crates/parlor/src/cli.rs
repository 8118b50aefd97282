//! The command line: names, help and examples. What each command does is left to `commands`.

mod bots;
mod directory;
mod words;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use parlor_xccos::SipUri;

pub(crate) use bots::{
    BotCommand, BotNewArgs, BotTryArgs, FeedCommand, FeedTryArgs, HookCommand, HookTryArgs, LedgerCommand,
    LedgerFilter, LedgerRetry, MailCommand, ScheduleCommand,
};
pub(crate) use directory::{
    CategoryCommand, MembersArgs, MessageCommand, MessageRemoveArgs, MessageSelection, Privacy, Role,
    RoomCommand, RoomCreateArgs, RoomSetArgs, UserCommand,
};
use words::address;

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
