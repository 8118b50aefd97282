//! Bots and what becomes of what they do: schedules, feeds, webhooks, mail, the ledger.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use parlor_bot::MailAddress;
use parlor_bot::schedule::Zone;

use super::words::Since;

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
