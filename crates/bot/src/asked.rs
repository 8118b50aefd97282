//! What a post asks for: a command, by its name and the text behind it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::blueprint::COMMAND_SIGN;
use crate::{Description, Event, arguments};

/// The command that lists the others.
const HELP: &str = "help";

/// A post that has the form of a command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) name: &'a str,
    pub(crate) arguments: &'a str,
}

impl<'a> Asked<'a> {
    pub(crate) fn of(event: &'a Event) -> Option<Self> {
        let text = match event {
            // Two bots that answer each other's usage never stop.
            Event::Message(said) if said.automated => return None,
            Event::Message(said) => &said.text,
            Event::PrivateMessage(said) => &said.text,
            _ => return None,
        };
        let line = text.trim().strip_prefix(COMMAND_SIGN)?;
        let end = line.find(char::is_whitespace).unwrap_or(line.len());
        let (name, arguments) = line.split_at(end);
        (!name.is_empty()).then_some(Self { name, arguments })
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        self.name.to_lowercase() == name
    }

    pub(crate) fn is_help(&self) -> bool {
        self.is(HELP)
    }
}

/// What a post asks a bot for that is known by its description alone.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Asking {
    /// One of its commands.
    Command(Command),
    /// One of its commands, with arguments that do not fit; what the one who asked is told.
    Unfitting(String),
    /// The list of its commands, or all about one of them; the answer.
    Help(String),
}

/// A command as it was written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Command {
    /// Its name.
    pub name: String,
    /// What was written for its arguments: texts, numbers, truth values and lists, as the description says. What was
    /// left out is not there.
    pub arguments: Map<String, Value>,
}

impl Description {
    /// What `event` asks for; none when it is no command of this bot.
    pub fn asking(&self, event: &Event) -> Option<Asking> {
        let asked = Asked::of(event)?;
        let Some(command) = self.commands.iter().find(|command| asked.is(&command.name)) else {
            let helps = !self.commands.is_empty() && asked.is_help();
            return helps.then(|| Asking::Help(self.help(asked.arguments.trim())));
        };
        Some(match arguments::read(&command.arguments, asked.arguments) {
            Ok(arguments) => Asking::Command(Command {
                name: command.name.clone(),
                arguments,
            }),
            Err(problem) => Asking::Unfitting(format!("{problem}. Usage: {}", command.usage())),
        })
    }
}
