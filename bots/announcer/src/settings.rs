//! The settings as they stand in the configuration.

use parlor_bot::Template;
use parlor_bot::prelude::*;
use parlor_bot::schedule::{Busy, Cron, Gap, Jitter, Misfire, Moment, Overlap, Zone};
use parlor_bot::settings::{Each, Span, Timing};

/// Settings of the announcer.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The zone of announcements that name none, by IANA name. Default: `"UTC"`.
    #[serde(default)]
    pub zone: Zone,
    /// Calendar files (iCalendar) of days without announcements, for those that name none: paths beside the
    /// configuration. Default: none.
    #[serde(default)]
    pub except: Vec<String>,
    /// The announcements.
    pub announcements: Each<AnnouncementSettings>,
}

/// One announcement.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnnouncementSettings {
    /// Its name, unique in this bot. What was announced is remembered by it.
    pub name: String,
    /// When: five fields (minute, hour, day of month, month, day of week) or six (second first), or `@daily` and its
    /// like. If day of month and day of week are both restricted, either is enough, as in crontab. This or `every`.
    pub cron: Option<Cron>,
    /// How often, by elapsed time: `"15m"`, `"1w"`; no clock change adds or drops one. This or `cron`.
    pub every: Option<Span>,
    /// What `every` counts from, in both directions: a day or a time of the zone. Default: `"2001-01-01"`, a Monday.
    pub anchor: Option<Moment>,
    /// The zone, by IANA name, for example `"Europe/Berlin"`. Default: the bot's zone.
    pub zone: Option<Zone>,
    /// What happens with a time that a clock change skips: `"run_after"` (when the gap ends) or `"skip"`. Default:
    /// `"run_after"` for fixed times of the day, `"skip"` where hour or minute is `*`.
    pub gap: Option<Gap>,
    /// What happens with a time that a clock change repeats: `"first"`, `"second"` or `"both"`. Default: `"first"` for
    /// fixed times of the day, `"both"` where hour or minute is `*`.
    pub overlap: Option<Overlap>,
    /// The first day or time, in the zone: `"2026-12-01"`, `"2026-12-01T08:00"`. Default: none.
    pub from: Option<Moment>,
    /// The last day or time, in the zone; a day counts in full. Default: none.
    pub until: Option<Moment>,
    /// Calendar files of days without it: holidays. Default: the bot's.
    pub except: Option<Vec<String>>,
    /// Calendar files of the only days with it: shifts. Of several one is enough. Default: none.
    #[serde(default)]
    pub only: Vec<String>,
    /// What happens with times that passed while the host was away: `"skip"`, `"latest"` (the latest is announced at the
    /// start), `"all"` (up to 100 are) or `"within(15m)"` (the latest, if it is not longer ago). Default:
    /// `"within(15m)"`.
    #[serde(default)]
    pub missed: Misfire,
    /// What happens with a time that comes while earlier ones of it are not delivered: `"queue"` (it waits, up to 1440
    /// do), `"one"` (one waits, more are skipped) or `"skip"`. Default: `"queue"`.
    #[serde(default)]
    pub busy: Busy,
    /// How much later it may come, so that not all come together: up to `"1d"`. How much it is is settled for each time
    /// and the same after a restart. Default: `"0s"`.
    #[serde(default)]
    pub jitter: Jitter,
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

impl AnnouncementSettings {
    /// When it is made.
    pub(crate) fn timing(&self) -> Timing<'_> {
        Timing {
            cron: self.cron.as_ref(),
            every: self.every,
            anchor: self.anchor,
            zone: self.zone,
            gap: self.gap,
            overlap: self.overlap,
            from: self.from,
            until: self.until,
            except: self.except.as_deref(),
            only: &self.only,
        }
    }
}
