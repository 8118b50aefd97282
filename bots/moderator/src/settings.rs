//! The settings as they stand in the configuration.

use std::time::Duration;

use parlor_bot::prelude::*;
use parlor_bot::settings::Span;
use parlor_bot::words::WordSet;
use parlor_bot::{SipUri, Template};

/// Settings of the moderator.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where a warning is given: in the `"room"`, for all to see, or in `"private"`. Default: `"room"`.
    #[serde(default)]
    pub warn: Warn,
    /// The warning: a template. Variables: `author` (display name), `author_uri`, `room`, `matched` (the blocked word, as
    /// it was written), `text` (the whole post), `id` (the post's number in its room), `strikes` (how many the author has,
    /// with this one), `removed` (whether the post is removed). Default: `"{{ author }}, please mind your words in
    /// {{ room }}."`, and where the post is removed `" Your message was removed."`
    pub warning: Option<Template>,
    /// Whether posts with blocked words are removed from their rooms: `"never"`, `"always"`, or `"repeated"` (from the
    /// author's second strike on). Needs `server_control` in `[host]`. Old posts are removed too. Default: `"never"`.
    #[serde(default)]
    pub remove: Remove,
    /// What stands in the place of a removed post. Default: the server's own notice.
    pub notice: Option<String>,
    /// How long a person is not warned again, in any room. Strikes count meanwhile. Default: `"1m"`.
    #[serde(default = "one_minute")]
    pub cooldown: Span,
    /// How long a strike counts. Default: `"30d"`.
    #[serde(default = "thirty_days")]
    pub forget_after: Span,
    /// Posts older than this lead to strikes, notes and removals but to no warning: those of the time when the host was away.
    /// Default: `"10m"`.
    #[serde(default = "ten_minutes")]
    pub max_age: Span,
    /// A room that gets a note of each warning, out of the bot's rooms. It is itself not moderated; there `!strikes` lists
    /// who has strikes, and `!forgive ADDRESS` forgets them. Default: none.
    pub operator_room: Option<String>,
    /// The note: a template with the same variables; a link to the room follows it. Default: who, in which room, how many
    /// strikes, and the first 200 characters of the post.
    pub note: Option<Template>,
    /// From how many strikes on the note is an alert; the strike that reaches the number is noted in any case. At most 20.
    /// Default: never.
    pub alert_at: Option<usize>,
    /// SIP URIs of users who may say what they like. Default: none.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub exempt: Vec<SipUri>,
    /// The lists of blocked words. One room may have several.
    pub lists: Vec<ListSettings>,
}

/// Blocked words of some rooms.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListSettings {
    /// Words and phrases: whole words, without regard to case, in any script.
    pub words: WordSet,
    /// The rooms in which they are blocked, out of the bot's rooms. Default: all of them.
    pub rooms: Option<Vec<String>>,
    /// As the bot's `warning`, for these words.
    pub warning: Option<Template>,
    /// As the bot's `remove`, for these words.
    pub remove: Option<Remove>,
}

/// When a post is removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Remove {
    /// It stays.
    #[default]
    Never,
    /// It stays when it is the author's only strike.
    Repeated,
    /// It goes.
    Always,
}

/// Where somebody is warned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Warn {
    /// In the room.
    #[default]
    Room,
    /// Alone.
    Private,
}

fn one_minute() -> Span {
    Span(Duration::from_secs(60))
}

fn ten_minutes() -> Span {
    Span(Duration::from_secs(600))
}

fn thirty_days() -> Span {
    Span(Duration::from_secs(30 * 86_400))
}
