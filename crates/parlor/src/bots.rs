//! The kinds of bot in this program, and how a configuration's settings are checked against them.

use parlor_bot::{Registry, Room, Setup};

use crate::config::{BotSettings, Instance, SettingsProblem};

/// Every kind of bot that a configuration can name.
pub(crate) fn registry() -> Registry {
    Registry::new()
        .with::<parlor_bot_announcer::Announcer>()
        .with::<parlor_bot_feed::Feed>()
        .with::<parlor_bot_keywords::Keywords>()
        .with::<parlor_bot_moderator::Moderator>()
}

/// The registry as the configuration's checker.
#[derive(Debug)]
pub(crate) struct Kinds;

impl BotSettings for Kinds {
    fn kinds(&self) -> Vec<&'static str> {
        registry().names().collect()
    }

    fn check(&self, instance: &Instance) -> Vec<SettingsProblem> {
        let setup = Setup::new(&instance.id, instance.user.clone())
            .with_rooms(instance.rooms.iter().map(Room::new))
            .with_folder(&instance.folder);
        match registry().build(&instance.kind, &instance.settings, &setup) {
            Ok(_) => Vec::new(),
            Err(error) => error
                .each()
                .into_iter()
                .map(|error| SettingsProblem {
                    path: error.path().unwrap_or_default().to_owned(),
                    message: error.to_string(),
                })
                .collect(),
        }
    }
}
