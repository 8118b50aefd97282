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

/// The bot.
#[derive(Debug)]
pub struct Announcer {
    announcements: Vec<Announcement>,
}

impl Bot for Announcer {
    const KIND: &'static str = "announcer";
    type Settings = Settings;

    fn from_settings(settings: Settings, setup: &Setup) -> Result<Self, SetupError> {
        let mut names = BTreeSet::new();
        let mut announcements = Vec::new();
        for (at, entry) in settings.announcements.into_iter().enumerate() {
            let path = format!("announcements[{at}]");
            if !names.insert(entry.name.clone()) {
                let problem = format!("`{}` is the name of an earlier announcement", entry.name);
                return Err(SetupError::setting(format!("{path}.name"), problem));
            }
            announcements.push(Announcement::new(entry, settings.zone, &path, setup)?);
        }
        Ok(Self { announcements })
    }

    fn interests(&self) -> Interests {
        self.announcements
            .iter()
            .fold(Interests::new(), |interests, each| {
                interests.schedule(each.spec.clone())
            })
    }

    async fn handle(&mut self, event: &Event, context: &mut Context) -> Result<(), BotError> {
        let Event::Schedule(fired) = event else {
            return Ok(());
        };
        let Some(announcement) = self.announcements.iter().find(|each| each.spec.id == fired.id) else {
            return context.skip(format!("`{}` is not configured any more", fired.id));
        };
        for room in &announcement.rooms {
            context.post(
                room,
                announcement
                    .message(fired, room, context.now())
                    .map_err(BotError::reject)?,
            )?;
        }
        Ok(())
    }
}
