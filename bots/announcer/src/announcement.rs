//! One announcement: when, where, and what it says.

use chrono::Datelike;
use parlor_bot::prelude::*;
use parlor_bot::settings::Timings;
use parlor_bot::{Template, TemplateError};

use crate::AnnouncementSettings;

#[derive(Debug)]
pub(crate) struct Announcement {
    pub(crate) spec: ScheduleSpec,
    pub(crate) rooms: Vec<Room>,
    text: Template,
    title: Option<Template>,
    alert: Option<bool>,
}

/// What an announcement's templates may use.
#[derive(Clone, Debug, Serialize)]
pub struct Variables {
    /// The announcement's name.
    pub name: String,
    /// The room that it is posted in.
    pub room: String,
    /// The day that it was due, in its zone: `2026-03-29`.
    pub date: String,
    /// The time that it was due, in its zone: `08:55`.
    pub time: String,
    /// The day of the week: `Monday`.
    pub weekday: String,
    /// The ISO week number.
    pub week: u32,
    /// The zone's IANA name.
    pub zone: &'static str,
    /// How late it is, in minutes; 0 when it is on time.
    pub late: i64,
    /// How many times were missed before this one while the host was away.
    pub missed: u32,
}

impl Announcement {
    /// Reads the settings that stand at `path`.
    pub(crate) fn new(
        entry: AnnouncementSettings,
        defaults: &mut Timings<'_>,
        path: &str,
        setup: &Setup,
    ) -> Result<Self, SetupError> {
        let rooms = match &entry.rooms {
            None => setup.rooms().to_vec(),
            Some(names) => names
                .iter()
                .enumerate()
                .map(|(at, name)| setup.room(format!("{path}.rooms[{at}]"), name))
                .collect::<Result<_, _>>()?,
        };
        if rooms.is_empty() {
            return Err(SetupError::setting(
                format!("{path}.rooms"),
                "no room to announce in",
            ));
        }
        let (name, schedule) = (entry.name.clone(), defaults.schedule(&entry.timing(), path)?);
        let spec = ScheduleSpec::new(name, schedule)
            .misfire(entry.missed)
            .busy(entry.busy)
            .jitter(entry.jitter);
        let announcement = Self {
            spec,
            rooms,
            text: entry.text,
            title: entry.title,
            alert: entry.alert,
        };
        announcement.check(path)?;
        Ok(announcement)
    }

    /// Renders both templates once, so that a misspelt variable is found now and not on the first occasion.
    fn check(&self, path: &str) -> Result<(), SetupError> {
        let zone = self.spec.schedule.zone();
        let fired = ScheduleFired {
            id: self.spec.id.clone(),
            due: DateTime::UNIX_EPOCH,
            zone,
            missed: 0,
        };
        let variables = Variables::new(&fired, &self.rooms[0], fired.due);
        self.text
            .render(&variables)
            .map_err(|problem| SetupError::setting(format!("{path}.text"), problem))?;
        if let Some(title) = &self.title {
            title
                .render(&variables)
                .map_err(|problem| SetupError::setting(format!("{path}.title"), problem))?;
        }
        Ok(())
    }

    pub(crate) fn message(
        &self,
        fired: &ScheduleFired,
        room: &Room,
        now: DateTime<Utc>,
    ) -> Result<Message, TemplateError> {
        let variables = Variables::new(fired, room, now);
        let text = self.text.render(&variables)?;
        let message = match &self.title {
            Some(title) => Message::story(title.render(&variables)?).then(text),
            None => Message::text(text),
        };
        Ok(match self.alert {
            Some(alert) => message.with_alert(alert),
            None => message,
        })
    }
}

impl Variables {
    fn new(fired: &ScheduleFired, room: &Room, now: DateTime<Utc>) -> Self {
        let local = fired.local();
        Self {
            name: fired.id.clone(),
            room: room.to_string(),
            date: local.format("%Y-%m-%d").to_string(),
            time: local.format("%H:%M").to_string(),
            weekday: local.format("%A").to_string(),
            week: local.iso_week().week(),
            zone: fired.zone.name(),
            late: (now - fired.due).num_minutes().max(0),
            missed: fired.missed,
        }
    }
}
