//! What an instance wants to be told, on a line.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::schedule::{
    Busy, CalendarFile, Cron, Days, Gap, Interval, Jitter, Misfire, Moment, Overlap, Schedule, Times, Zone,
};
use crate::settings::Span;
use crate::{
    FeedSpec, FeedUrl, FirstRun, IdentityField, Interests, MailAddress, OnEdit, ScheduleSpec, Setup,
    SetupError,
};

/// Schedules, and feeds, that one instance may ask for: ten times what the largest configuration here has.
pub const MAX_WANTED: usize = 10_000;

/// [`Interests`] as they stand on a line. Commands of the description are wanted without being named here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// Every post by others.
    #[serde(default)]
    pub messages: bool,
    /// Posts by others that hold one of these words; the host looks for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<String>,
    /// What others write to the instance's user alone.
    #[serde(default)]
    pub private_messages: bool,
    /// Others entering and leaving.
    #[serde(default)]
    pub presence: bool,
    /// Whom it sends mail to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mail_to: Vec<MailAddress>,
    /// Times.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schedules: Vec<WantedSchedule>,
    /// Feeds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub feeds: Vec<WantedFeed>,
}

/// [`ScheduleSpec`] on a line; the keys are those of an announcement (docs/schedules.md).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WantedSchedule {
    /// Its name inside the instance.
    pub id: String,
    /// Times by the wall clock; this or `every`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cron: Option<Cron>,
    /// Times by elapsed time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Span>,
    /// What `every` is counted from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<Moment>,
    /// The zone.
    #[serde(default)]
    pub zone: Zone,
    /// What happens with a time that the wall clock skips.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<Gap>,
    /// What happens with a time that the wall clock shows twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap: Option<Overlap>,
    /// Not before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Moment>,
    /// Not after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
    /// Calendar files of days that it keeps off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<PathBuf>,
    /// Calendar files of days that it keeps to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<PathBuf>,
    /// What happens with missed times.
    #[serde(default)]
    pub misfire: Misfire,
    /// What happens with times that come too fast.
    #[serde(default)]
    pub busy: Busy,
    /// How much later it may come.
    #[serde(default)]
    pub jitter: Jitter,
}

/// [`FeedSpec`] on a line; the keys are those of a feed (docs/feeds.md).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "FeedSpec says what they are")]
pub struct WantedFeed {
    pub id: String,
    pub url: FeedUrl,
    #[serde(default = "quarter")]
    pub every: Span,
    #[serde(default)]
    pub first_run: FirstRun,
    #[serde(default = "twenty")]
    pub per_poll: usize,
    #[serde(default)]
    pub allow_private: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identity: Vec<IdentityField>,
    #[serde(default)]
    pub on_edit: OnEdit,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest_over: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect_every: Option<Span>,
}

fn quarter() -> Span {
    Span(std::time::Duration::from_secs(15 * 60))
}

fn twenty() -> usize {
    20
}

/// The shortest time between two looks at a file, and at an address of the web: a program that asks for more often is
/// mistaken.
const SHORTEST_FILE: Span = Span(std::time::Duration::from_secs(1));
const SHORTEST_WEB: Span = Span(std::time::Duration::from_secs(60));

impl Wanted {
    /// As a host takes it; files are found from the configuration's folder. Keywords and commands make posts wanted.
    ///
    /// # Errors
    /// [`SetupError`]: what in it makes no sense.
    pub fn interests(&self, setup: &Setup) -> Result<Interests, SetupError> {
        for (what, count) in [("schedules", self.schedules.len()), ("feeds", self.feeds.len())] {
            if count > MAX_WANTED {
                let problem = format!("the program asks for {count} {what}; the limit is {MAX_WANTED}");
                return Err(SetupError::setting(".", problem));
            }
        }
        let mut interests = Interests::new();
        interests.messages = self.messages || !self.keywords.is_empty();
        interests.private_messages = self.private_messages;
        interests.presence = self.presence;
        interests.mail_to.clone_from(&self.mail_to);
        for wanted in &self.schedules {
            let spec = wanted
                .spec(setup.folder())
                .map_err(|problem| asked("schedule", &wanted.id, problem))?;
            interests.schedules.push(spec);
        }
        for wanted in &self.feeds {
            let spec = wanted
                .spec(setup.folder())
                .map_err(|problem| asked("feed", &wanted.id, problem))?;
            interests.feeds.push(spec);
        }
        Ok(interests)
    }
}

fn asked(what: &str, id: &str, problem: String) -> SetupError {
    SetupError::setting(".", format!("the program asks for the {what} `{id}`: {problem}"))
}

impl From<Interests> for Wanted {
    fn from(interests: Interests) -> Self {
        Self {
            messages: interests.messages,
            keywords: Vec::new(),
            private_messages: interests.private_messages,
            presence: interests.presence,
            mail_to: interests.mail_to,
            schedules: interests.schedules.into_iter().map(Into::into).collect(),
            feeds: interests.feeds.into_iter().map(Into::into).collect(),
        }
    }
}

impl WantedSchedule {
    fn spec(&self, folder: &Path) -> Result<ScheduleSpec, String> {
        let zone = self.zone;
        let mut schedule = match (&self.cron, self.every) {
            (Some(_), Some(_)) => return Err("`cron` and `every` exclude each other".to_owned()),
            (None, None) => return Err("it has neither `cron` nor `every`".to_owned()),
            (Some(cron), None) => Schedule::new(cron.clone(), zone),
            (None, Some(every)) => {
                let anchor = self.anchor.map(|anchor| anchor.start(zone));
                let anchor = anchor.unwrap_or_else(|| Interval::default_anchor(zone));
                let interval = Interval::new(every.duration(), anchor);
                Schedule::interval(interval.map_err(|problem| problem.to_string())?, zone)
            }
        };
        if let Some(gap) = self.gap {
            schedule = schedule.with_gap(gap);
        }
        if let Some(overlap) = self.overlap {
            schedule = schedule.with_overlap(overlap);
        }
        if let Some(from) = self.from {
            schedule = schedule.starting(from);
        }
        if let Some(until) = self.until {
            schedule = schedule.ending(until);
        }
        let mut days = Vec::new();
        for (files, kind) in [
            (&self.except, Days::Except as fn(_) -> _),
            (&self.only, Days::Only),
        ] {
            for file in files {
                let file = CalendarFile::open(folder.join(file)).map_err(|problem| problem.to_string())?;
                days.push(kind(Arc::new(file)));
            }
        }
        Ok(ScheduleSpec::new(&*self.id, schedule.with_days(days))
            .misfire(self.misfire)
            .busy(self.busy)
            .jitter(self.jitter))
    }
}

impl From<ScheduleSpec> for WantedSchedule {
    fn from(spec: ScheduleSpec) -> Self {
        let schedule = &spec.schedule;
        let mut wanted = Self {
            zone: schedule.zone(),
            from: schedule.from().map(Moment::Exact),
            until: schedule.until().map(Moment::Exact),
            misfire: spec.misfire,
            busy: spec.busy,
            jitter: spec.jitter,
            ..Self::default()
        };
        match schedule.times() {
            Times::Cron(cron) => {
                wanted.cron = Some(cron.clone());
                wanted.gap = Some(schedule.gap());
                wanted.overlap = Some(schedule.overlap());
            }
            Times::Every(interval) => {
                wanted.every = Some(Span(interval.every()));
                wanted.anchor = Some(Moment::Exact(interval.anchor()));
            }
        }
        for days in schedule.days() {
            let list = match days {
                Days::Except(_) => &mut wanted.except,
                Days::Only(_) => &mut wanted.only,
            };
            list.push(days.file().path().to_owned());
        }
        wanted.id = spec.id;
        wanted
    }
}

impl WantedFeed {
    fn spec(&self, folder: &Path) -> Result<FeedSpec, String> {
        let shortest = match self.url {
            FeedUrl::Web(_) => SHORTEST_WEB,
            FeedUrl::File(_) => SHORTEST_FILE,
        };
        if self.every < shortest {
            return Err(format!("`every` is less than {shortest}"));
        }
        Ok(FeedSpec {
            id: self.id.clone(),
            url: self.url.clone().relative_to(folder),
            every: self.every.duration(),
            first_run: self.first_run,
            per_poll: self.per_poll,
            allow_private: self.allow_private,
            identity: self.identity.clone(),
            on_edit: self.on_edit,
            digest_over: self.digest_over,
            expect_every: self.expect_every.map(Span::duration),
        })
    }
}

impl From<FeedSpec> for WantedFeed {
    fn from(spec: FeedSpec) -> Self {
        Self {
            id: spec.id,
            url: spec.url,
            every: Span(spec.every),
            first_run: spec.first_run,
            per_poll: spec.per_poll,
            allow_private: spec.allow_private,
            identity: spec.identity,
            on_edit: spec.on_edit,
            digest_over: spec.digest_over,
            expect_every: spec.expect_every.map(Span),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn setup(folder: &Path) -> Setup {
        let me = "sip:bot@example.com".parse().unwrap();
        Setup::new("test", me).with_folder(folder)
    }

    #[test]
    fn whatever_a_bot_wants_comes_through_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let calendar = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20261225\r\nSUMMARY:Christmas\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
        std::fs::write(folder.path().join("holidays.ics"), calendar).unwrap();
        let holidays = Arc::new(CalendarFile::open(folder.path().join("holidays.ics")).unwrap());
        let zone: Zone = "Europe/Berlin".parse().unwrap();
        let cron = Schedule::new("30 2 * * *".parse().unwrap(), zone)
            .with_gap(Gap::Skip)
            .with_overlap(Overlap::Second)
            .starting("2026-01-01".parse().unwrap())
            .ending("2026-12-31".parse().unwrap())
            .with_days([Days::Except(Arc::clone(&holidays)), Days::Only(holidays)]);
        let anchor = "2026-01-01T00:00:07Z".parse().unwrap();
        let every = Interval::new(std::time::Duration::from_secs(90), anchor).unwrap();
        let mut feed = FeedSpec::new("https://example.com/feed.xml".parse().unwrap());
        feed.identity = vec![IdentityField::Title, IdentityField::Published];
        feed.first_run = FirstRun::Last(3);
        feed.digest_over = Some(7);
        feed.expect_every = Some(std::time::Duration::from_secs(86_400));
        let interests = Interests::new()
            .messages()
            .private_messages()
            .presence()
            .mail_to("Ann <ann@example.com>".parse().unwrap())
            .schedule(
                ScheduleSpec::new("night", cron)
                    .misfire(Misfire::Latest)
                    .busy(Busy::One)
                    .jitter(Jitter::up_to(std::time::Duration::from_secs(60)).unwrap()),
            )
            .schedule(ScheduleSpec::new("often", Schedule::interval(every, zone)))
            .feed(feed);
        let line = serde_json::to_string(&Wanted::from(interests.clone())).unwrap();
        let back: Wanted = serde_json::from_str(&line).unwrap();
        let back = back.interests(&setup(folder.path())).unwrap();
        assert_eq!(format!("{back:?}"), format!("{interests:?}"));
    }

    #[test]
    fn little_is_needed_for_a_schedule_or_a_feed() {
        let wanted = json!({
            "keywords": ["tea"],
            "schedules": [{ "id": "noon", "cron": "0 12 * * *", "zone": "Europe/Berlin" }],
            "feeds": [{ "id": "news", "url": "file:news.xml" }],
        });
        let wanted: Wanted = serde_json::from_value(wanted).unwrap();
        let interests = wanted.interests(&setup(Path::new("/etc/parlor"))).unwrap();
        assert!(interests.messages, "words stand in posts");
        assert_eq!(interests.schedules[0].misfire, Misfire::default());
        assert_eq!(interests.feeds[0].url.to_string(), "file:///etc/parlor/news.xml");
        assert_eq!(interests.feeds[0].every.as_secs(), 900);
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        let wrong = |wanted: serde_json::Value| {
            let wanted: Wanted = serde_json::from_value(wanted).unwrap();
            wanted.interests(&setup(Path::new("."))).unwrap_err().to_string()
        };
        for (wanted, expected) in [
            (
                json!({ "schedules": [{ "id": "x" }] }),
                "it has neither `cron` nor `every`",
            ),
            (
                json!({ "schedules": [{ "id": "x", "cron": "@daily", "every": "1h" }] }),
                "exclude each other",
            ),
            (
                json!({ "schedules": [{ "id": "x", "cron": "@daily", "except": ["none.ics"] }] }),
                "cannot read",
            ),
            (
                json!({ "feeds": [{ "id": "x", "url": "https://example.com/", "every": "59s" }] }),
                "less than 1m",
            ),
        ] {
            let told = wrong(wanted);
            assert!(told.contains(expected), "{told}");
        }
        let many: Vec<_> = (0..=MAX_WANTED)
            .map(|n| json!({ "id": n.to_string(), "cron": "@daily" }))
            .collect();
        assert!(wrong(json!({ "schedules": many })).contains("the limit is 10000"));
    }
}
