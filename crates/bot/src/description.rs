//! A kind of bot as a plain value: what it hears, its commands and its settings, for help texts, `parlor bot show`,
//! `parlor check`, and bots that are no Rust types.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Blueprint, Bot};

/// What a kind of bot does. The same for all its instances.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Description {
    /// The name by which the configuration selects it.
    pub kind: String,
    /// What it is for, in one sentence.
    pub about: String,
    /// Its commands.
    #[serde(default)]
    pub commands: Vec<CommandDescription>,
    /// What it handles besides commands.
    #[serde(default)]
    pub handlers: Vec<HandlerDescription>,
    /// The JSON Schema of its settings, without references.
    #[serde(default)]
    pub settings: Value,
}

/// A command: `!name` and its arguments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CommandDescription {
    /// Its name, without the sign before it.
    pub name: String,
    /// What it does, in one sentence.
    pub about: String,
    /// Its arguments, in the order in which they are written.
    #[serde(default)]
    pub arguments: Vec<ArgumentDescription>,
}

/// An argument of a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ArgumentDescription {
    /// Its name.
    pub name: String,
    /// What it means.
    #[serde(default)]
    pub about: String,
    /// What it is, in words: `text`, `whole number`.
    #[serde(default = "text")]
    pub form: String,
    /// The values that it may have, when there are few.
    #[serde(default)]
    pub choices: Vec<String>,
    /// Whether it has to be there.
    #[serde(default = "yes")]
    pub required: bool,
    /// Whether it takes all that is left of the line.
    #[serde(default)]
    pub rest: bool,
}

fn text() -> String {
    "text".to_owned()
}

fn yes() -> bool {
    true
}

/// Something that the bot handles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct HandlerDescription {
    /// What.
    pub on: Trigger,
    /// Which, when there may be several: the id of a schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the bot does then, in one sentence.
    pub about: String,
}

/// What leads to a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Trigger {
    /// The start of the instance.
    Start,
    /// Posts by others.
    Messages,
    /// Posts by others that hold words of the settings.
    Keywords,
    /// What others write to the instance's user alone.
    PrivateMessages,
    /// Others entering a room.
    Joined,
    /// Others leaving a room.
    Parted,
    /// The times of one schedule.
    Schedule,
    /// The times of schedules that stand in the settings.
    Schedules,
    /// A time that the bot asked for while it ran.
    Woken,
    /// Items of feeds that stand in the settings.
    Feeds,
    /// Many items of one feed together.
    Digests,
    /// Requests of webhooks that stand in the settings.
    Webhooks,
}

/// A mistake in a description.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DescriptionError {
    /// Two handlers for the same: the second would never be called.
    #[error("`{name}` is declared twice")]
    Twice {
        /// The command with its sign, the schedule, or what is handled.
        name: String,
    },
    /// Nobody could write it.
    #[error("`{name}` is no name of a command: lower-case letters, digits and `-`")]
    Name {
        /// As declared.
        name: String,
    },
}

impl Description {
    /// The description of `B`.
    pub fn of<B: Bot>() -> Self {
        Blueprint::<B>::description()
    }

    /// The first mistake of its author; the test kit starts no bot that has one.
    ///
    /// # Errors
    /// [`DescriptionError`]
    pub fn check(&self) -> Result<(), DescriptionError> {
        let mut names = BTreeSet::new();
        for command in &self.commands {
            let letters = |c: char| c.is_lowercase() || c.is_numeric() || c == '-';
            if command.name.is_empty() || !command.name.chars().all(letters) {
                return Err(DescriptionError::Name {
                    name: command.name.clone(),
                });
            }
            unique(&mut names, format!("!{}", command.name))?;
        }
        for handler in &self.handlers {
            let name = match &handler.name {
                Some(name) => format!("{} {name}", handler.on),
                None => handler.on.to_string(),
            };
            unique(&mut names, name)?;
        }
        Ok(())
    }

    pub(crate) fn hears(&mut self, on: Trigger, name: Option<&str>, about: &str) {
        self.handlers.push(HandlerDescription {
            on,
            name: name.map(str::to_owned),
            about: about.to_owned(),
        });
    }
}

fn unique(names: &mut BTreeSet<String>, name: String) -> Result<(), DescriptionError> {
    if names.insert(name.clone()) {
        Ok(())
    } else {
        Err(DescriptionError::Twice { name })
    }
}

impl std::fmt::Display for Trigger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Start => "start",
            Self::Messages => "messages",
            Self::Keywords => "keywords",
            Self::PrivateMessages => "private messages",
            Self::Joined => "joined",
            Self::Parted => "parted",
            Self::Schedule => "schedule",
            Self::Schedules => "schedules",
            Self::Woken => "woken",
            Self::Feeds => "feeds",
            Self::Digests => "digests",
            Self::Webhooks => "webhooks",
        })
    }
}
