//! The settings as they stand in the configuration.

use std::time::Duration;

use parlor_bot::prelude::*;
use parlor_bot::schedule::{Cron, Gap, Jitter, Misfire, Moment, Overlap, Zone};
use parlor_bot::settings::{Each, Span, Timing};
use parlor_bot::words::WordSet;
use parlor_bot::{HtmlTemplate, MailAddress, SipUri, Template};

/// Settings of the digest bot.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The zone of digests that name none, by IANA name. Default: `"UTC"`.
    #[serde(default)]
    pub zone: Zone,
    /// Calendar files (iCalendar) of days without digests, for those that name none: paths beside the configuration.
    /// Default: none.
    #[serde(default)]
    pub except: Vec<String>,
    /// The digests.
    pub digests: Each<DigestSettings>,
}

/// One digest: which posts, to whom, and when.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DigestSettings {
    /// Its name, unique in this bot. What was kept for it is remembered by it.
    pub name: String,
    /// The recipients, at most 50; each gets a mail of its own.
    pub to: Vec<MailAddress>,
    /// `"instant"`: a moment after something was said. This, `cron` or `every`.
    pub when: Option<When>,
    /// How long an instant digest waits after the first post, so that those that follow come in the same mail: `"1s"` to
    /// `"1d"`. Default: `"2m"`.
    pub within: Option<Span>,
    /// At which times: five fields (minute, hour, day of month, month, day of week), or `@daily` and its like.
    pub cron: Option<Cron>,
    /// How often, by elapsed time: `"1h"`, `"1w"`.
    pub every: Option<Span>,
    /// What `every` counts from, in both directions: a day or a time of the zone. Default: `"2001-01-01"`, a Monday.
    pub anchor: Option<Moment>,
    /// The zone, by IANA name, for `cron` and for the times in the mail. Default: the bot's zone.
    pub zone: Option<Zone>,
    /// What happens with a time that a clock change skips: `"run_after"` or `"skip"`; as for announcements.
    pub gap: Option<Gap>,
    /// What happens with a time that a clock change repeats: `"first"`, `"second"` or `"both"`; as for announcements.
    pub overlap: Option<Overlap>,
    /// Calendar files of days without it: holidays. What is said then is in the next one. Default: the bot's.
    pub except: Option<Vec<String>>,
    /// What happens with times that passed while the host was away: `"skip"`, `"latest"` (one digest at the start) or
    /// `"within(2h)"` (the same, if the last time is not longer ago). What was said is in the next digest in any case.
    /// Default: `"latest"`.
    #[serde(default = "latest")]
    pub missed: Misfire,
    /// How much later it may come, so that not all come together. Default: `"0s"`.
    #[serde(default)]
    pub jitter: Jitter,
    /// The rooms, out of the bot's rooms. Default: all of them.
    pub rooms: Option<Vec<String>>,
    /// Only posts with one of these words: whole words and phrases, without regard to case. Default: all posts.
    pub words: Option<WordSet>,
    /// Only posts by these users, by SIP URI. Default: all posts.
    #[schemars(with = "Option<Vec<String>>")]
    pub authors: Option<Vec<SipUri>>,
    /// Only alerts (posts of high importance). A post must fit `words`, `authors` and `alerts` where they are given.
    /// Default: `false`.
    #[serde(default)]
    pub alerts: bool,
    /// Whether posts of bots are in it, too; those of this host's bots only when the bot also has `hears_bots = true`.
    /// Default: `false`.
    #[serde(default)]
    pub bots: bool,
    /// How many posts a mail holds; of more the latest, and the number of the others is told. All digests of a bot may
    /// keep 300 together. Default: 50.
    #[serde(default = "fifty")]
    pub limit: usize,
    /// The subject: a template. Variables: `name`, `posts` (a list; each has `room`, `room_uri`, `author`, `author_uri`,
    /// `date`, `time`, `title`, `text`, `alert`, `bot`), `rooms` (a list; each has `name`, `uri`, `posts`), `count`
    /// (posts in the mail), `more` (posts that are left out), `total` (both), `zone`. Default: the author and the room of
    /// a single post, else the number of posts and the rooms.
    pub subject: Option<Template>,
    /// The text, with the same variables. Default: the posts by room, with links to the rooms.
    pub text: Option<Template>,
    /// The same as HTML, for readers that show it; what comes out of variables is escaped. Default: as the text.
    pub html: Option<HtmlTemplate>,
    /// Whether mails have no HTML at all. Default: `false`.
    #[serde(default)]
    pub plain: bool,
}

/// When a digest is sent that has no schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// A moment after something was said.
    Instant,
}

impl DigestSettings {
    /// How long an instant digest waits unless it says so: a dialogue of a few sentences is one mail.
    pub(crate) const WITHIN: Span = Span(Duration::from_secs(120));

    /// When a digest with a schedule is sent.
    pub(crate) fn timing(&self) -> Timing<'_> {
        Timing {
            cron: self.cron.as_ref(),
            every: self.every,
            anchor: self.anchor,
            zone: self.zone,
            gap: self.gap,
            overlap: self.overlap,
            except: self.except.as_deref(),
            ..Timing::default()
        }
    }
}

fn latest() -> Misfire {
    Misfire::Latest
}

fn fifty() -> usize {
    50
}
