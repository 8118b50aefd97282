//! The settings as they stand in the configuration.

use parlor_bot::prelude::*;
use parlor_bot::settings::Span;
use parlor_bot::words::WordSet;
use parlor_bot::{FeedUrl, FirstRun, IdentityField, OnEdit, Template};

/// Settings of the feed bot. What is said here about looks and filters holds for all feeds; each feed may say
/// otherwise.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What a post is: `"text"`, `"story"` (title and text) or `"alert"` (text of high importance). Default: `"text"`.
    pub post_as: Option<PostAs>,
    /// The text of a post: a template. Variables: `title`, `summary` (plain text), `link`, `author`, `published`
    /// (`2026-03-29 08:55`, UTC), `categories` (list), `feed` (the feed's name here, else its title), `feed_title`, `id`,
    /// `room`. What an item does not have is empty. Default: title and the beginning of the summary; for stories the
    /// summary.
    pub text: Option<Template>,
    /// The title of a story: a template with the same variables. Default: `"{{ title }}"`.
    pub title: Option<Template>,
    /// Whether the item's link is put under the text. Default: `true`.
    pub link: Option<bool>,
    /// What the link reads: a template with the same variables. Default: the address.
    pub link_text: Option<Template>,
    /// The longest post, in bytes; a longer text is cut at a word. Default: what the server takes.
    pub max_length: Option<usize>,
    /// Only items with one of these words in title, summary or categories: whole words, without regard to case.
    /// Default: all items.
    pub include: Option<WordSet>,
    /// No items with one of these words. Default: none.
    pub exclude: Option<WordSet>,
    /// How often feeds are looked at that do not say it. Default: `"15m"`.
    pub every: Option<Span>,
    /// What happens with the items that a feed holds when it is looked at for the first time: `"none"` (they count as
    /// seen), `"last(5)"` or `"since(2d)"`. Default: `"none"`.
    pub first_run: Option<FirstRun>,
    /// What an item is known by, in this order: `["guid"]`, `["link"]`, `["title", "published"]`; also `author` and
    /// `summary`. Tracking parameters of links do not count. Default: its id, else its link, else its title.
    pub identity: Option<Vec<IdentityField>>,
    /// What an item leads to that was posted and then changed: `"ignore"`, `"post"` (it is posted again) or `"note"` (a
    /// short note says what changed). Default: `"ignore"`.
    pub on_edit: Option<OnEdit>,
    /// More new items than this in one look become one post with their titles and links. Default: 20, unless `per_poll`
    /// is set.
    pub digest_over: Option<usize>,
    /// When a feed has nothing new for this long, operators are told. Default: never.
    pub expect_every: Option<Span>,
    /// The feeds.
    pub feeds: Vec<FeedSettings>,
}

/// One feed. Keys that also stand above mean the same, for this feed.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FeedSettings {
    /// Where it is: `https://...`, `http://...`, `file:news.xml` (beside the configuration) or `file:///var/lib/news.xml`.
    pub url: FeedUrl,
    /// Its name, unique in this bot. What was seen is remembered by it, so that the address may change. Default: the
    /// address.
    pub name: Option<String>,
    /// How often it is looked at; from a web server not more often than each minute.
    pub every: Option<Span>,
    /// See above.
    pub first_run: Option<FirstRun>,
    /// The most items posted from one look, the newest; others count as seen. Default: all, see `digest_over`.
    pub per_poll: Option<usize>,
    /// See above.
    pub identity: Option<Vec<IdentityField>>,
    /// See above.
    pub on_edit: Option<OnEdit>,
    /// See above.
    pub digest_over: Option<usize>,
    /// See above.
    pub expect_every: Option<Span>,
    /// Whether the address may lead into private networks: loopback, 10/8, 192.168/16 and their like. Default: `false`.
    #[serde(default)]
    pub allow_private: bool,
    /// The rooms, out of the bot's rooms. Default: all of them.
    pub rooms: Option<Vec<String>>,
    /// See above.
    pub post_as: Option<PostAs>,
    /// See above.
    pub text: Option<Template>,
    /// See above.
    pub title: Option<Template>,
    /// See above.
    pub link: Option<bool>,
    /// See above.
    pub link_text: Option<Template>,
    /// See above.
    pub max_length: Option<usize>,
    /// See above.
    pub include: Option<WordSet>,
    /// See above.
    pub exclude: Option<WordSet>,
}

/// What an item becomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PostAs {
    /// A message.
    #[default]
    Text,
    /// A title, and text to unfold.
    Story,
    /// A message of high importance.
    Alert,
}
