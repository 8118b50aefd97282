//! The settings as they stand in the configuration.

use std::time::Duration;

use parlor_bot::prelude::*;
use parlor_bot::settings::Span;
use parlor_bot::{SipUri, Template};

/// Settings of the keyword bot.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// How long a rule is quiet in a room, or towards one person, after it has answered there. Default: `"0s"`, no pause.
    #[serde(default = "no_time")]
    pub cooldown: Span,
    /// How many rules may answer one message; the first ones in the order below. Default: 1.
    #[serde(default = "one")]
    pub answers: usize,
    /// Whether posts of other bots are answered. Two bots that answer each other never stop. Default: `false`.
    #[serde(default)]
    pub answer_bots: bool,
    /// Whether the rules, except those for certain rooms, also answer who writes to the bot alone. Default: `false`.
    #[serde(default)]
    pub private: bool,
    /// SIP URIs of users that get no answer. Default: none.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub ignore: Vec<SipUri>,
    /// Messages older than this get no answer: those of the time when the host was away. Default: `"10m"`.
    #[serde(default = "ten_minutes")]
    pub max_age: Span,
    /// The rules.
    pub rules: Vec<RuleSettings>,
}

/// One rule: what it looks for, and what it answers.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleSettings {
    /// Its name, unique in this bot.
    pub name: String,
    /// Words and phrases: whole words, without regard to case, in any script.
    #[serde(default)]
    pub words: Vec<String>,
    /// Regular expressions (syntax of the Rust crate `regex`: no look-around, no back-references), without regard to
    /// case; `(?-i)` in front changes that. A rule needs words or patterns.
    #[serde(default)]
    pub patterns: Vec<String>,
    /// The rooms in which it holds, out of the bot's rooms. Default: all of them.
    pub rooms: Option<Vec<String>>,
    /// The answer: a template. Variables: `matched` (the text found), `author` (display name), `author_uri`, `room`,
    /// `text` (the whole message), `rule`, `captures` (list: `captures[1]` is a pattern's first group), `named`
    /// (`named.id` is the group `(?<id>...)`).
    pub reply: Template,
    /// A title, which makes the answer a story: a template with the same variables.
    pub title: Option<Template>,
    /// Whether it is an alert. Default: `false`; `true` for stories, as in the original clients.
    pub alert: Option<bool>,
    /// As the bot's `cooldown`, for this rule.
    pub cooldown: Option<Span>,
}

fn no_time() -> Span {
    Span(Duration::ZERO)
}

fn one() -> usize {
    1
}

fn ten_minutes() -> Span {
    Span(Duration::from_secs(600))
}
