//! The settings as they stand in the configuration.

use parlor_bot::Template;
use parlor_bot::prelude::*;
use parlor_bot::schedule::{Cron, Gap, Misfire, Overlap, Zone};

/// Settings of the announcer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The zone of announcements that name none, by IANA name. Default: `"UTC"`.
    #[serde(default)]
    pub zone: Zone,
    /// The announcements.
    pub announcements: Vec<AnnouncementSettings>,
}

/// One announcement.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnnouncementSettings {
    /// Its name, unique in this bot. What was announced is remembered by it.
    pub name: String,
    /// When: five fields (minute, hour, day of month, month, day of week) or six (second first), or `@daily` and its
    /// like. If day of month and day of week are both restricted, either is enough, as in crontab.
    pub cron: Cron,
    /// The zone, by IANA name, for example `"Europe/Berlin"`. Default: the bot's zone.
    pub zone: Option<Zone>,
    /// What happens with a time that a clock change skips: `"run_after"` (when the gap ends) or `"skip"`. Default:
    /// `"run_after"` for fixed times of the day, `"skip"` where hour or minute is `*`.
    pub gap: Option<Gap>,
    /// What happens with a time that a clock change repeats: `"first"`, `"second"` or `"both"`. Default: `"first"` for
    /// fixed times of the day, `"both"` where hour or minute is `*`.
    pub overlap: Option<Overlap>,
    /// What happens with times that passed while the host was away: `"skip"`, `"latest"` (the latest is announced at the
    /// start) or `"within(15m)"` (if it is not longer ago). Default: `"within(15m)"`.
    #[serde(default)]
    pub missed: Misfire,
    /// The rooms, out of the bot's rooms. Default: all of them.
    pub rooms: Option<Vec<String>>,
    /// What is announced: a template. Variables: `name`, `room`, `date` (`2026-03-29`), `time` (`08:55`), `weekday`
    /// (`Monday`), `week` (ISO week number), `zone`, `late` (minutes), `missed` (how many times were missed before).
    pub text: Template,
    /// A title, which makes the announcement a story: a template with the same variables.
    pub title: Option<Template>,
    /// Whether it is an alert. Default: `false`; `true` for stories, as in the original clients.
    pub alert: Option<bool>,
}
