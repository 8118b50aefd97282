//! Makes announcements on time: a list of cron schedules, each with its rooms and its text.
//!
//! ```toml
//! [settings]
//! zone = "Europe/Berlin"
//!
//! [[settings.announcements]]
//! name = "stand-up"
//! cron = "55 8 * * MON-FRI"
//! text = "Stand-up in five minutes ({{ time }})"
//! ```

mod announcement;
mod settings;

pub use announcement::Variables;
pub use settings::{AnnouncementSettings, Settings};

use std::collections::BTreeSet;

use announcement::Announcement;
use parlor_bot::prelude::*;
use parlor_bot::settings::Timings;

/// The bot.
#[derive(Debug)]
pub struct Announcer {
    announcements: Vec<Announcement>,
}

impl Bot for Announcer {
    const KIND: &'static str = "announcer";
    type Settings = Settings;

    fn from_settings(settings: Settings, setup: &Setup) -> Result<Self, SetupError> {
        let mut defaults = Timings::new(settings.zone, &settings.except, setup);
        let mut problems = defaults.check();
        let mut names = BTreeSet::new();
        let mut announcements = Vec::new();
        for (path, entry) in settings.announcements.read("announcements") {
            let made = entry.and_then(|entry| {
                if !names.insert(entry.name.clone()) {
                    let problem = format!("`{}` is the name of an earlier announcement", entry.name);
                    return Err(SetupError::setting(format!("{path}.name"), problem));
                }
                Announcement::new(entry, &mut defaults, &path, setup)
            });
            match made {
                Ok(made) => announcements.push(made),
                Err(problem) => problems.push(problem),
            }
        }
        SetupError::all(problems)?;
        Ok(Self { announcements })
    }

    fn describe(bot: &mut Blueprint<'_, Self>) {
        bot.about("Makes announcements on time.");
        bot.schedules(
            "Makes the announcement that is due.",
            Self::schedules,
            Self::announce,
        );
    }
}

impl Announcer {
    fn schedules(&self) -> Vec<ScheduleSpec> {
        self.announcements.iter().map(|each| each.spec.clone()).collect()
    }

    async fn announce(&self, context: &mut Context, fired: &ScheduleFired) -> Result<(), BotError> {
        let Some(announcement) = self.announcements.iter().find(|each| each.spec.id == fired.id) else {
            return context.skip(format!("`{}` is not configured any more", fired.id));
        };
        for room in &announcement.rooms {
            let message = announcement.message(fired, room, context.now());
            context.post(room, message.map_err(BotError::reject)?)?;
        }
        Ok(())
    }
}
