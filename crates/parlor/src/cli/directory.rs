//! What is asked of a running server: rooms, messages, users, categories.

use clap::{Args, Subcommand, ValueEnum};
use parlor_xccos::SipUri;

use super::words::{Since, address};

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
