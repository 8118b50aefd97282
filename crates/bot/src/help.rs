//! What `!help` says, and the usage of a command.

use std::fmt::Write as _;

use crate::blueprint::COMMAND_SIGN;
use crate::{ArgumentDescription, CommandDescription, Description};

impl Description {
    /// What `!help` answers: all commands, or all about the one that is `wanted`.
    pub fn help(&self, wanted: &str) -> String {
        let wanted = wanted.trim_start_matches(COMMAND_SIGN).to_lowercase();
        if let Some(command) = self.commands.iter().find(|command| command.name == wanted) {
            return command.help();
        }
        let mut text = if self.about.is_empty() {
            self.kind.clone()
        } else {
            self.about.clone()
        };
        for command in &self.commands {
            let _ = write!(text, "\n{} - {}", command.usage(), command.about);
        }
        text
    }
}

impl CommandDescription {
    /// How it is written: `!weather <city> [days]`.
    pub fn usage(&self) -> String {
        let mut usage = format!("{COMMAND_SIGN}{}", self.name);
        for argument in &self.arguments {
            let _ = write!(usage, " {}", argument.usage());
        }
        usage
    }

    /// All about it: usage, what it does, and each argument.
    pub fn help(&self) -> String {
        let mut text = format!("{} - {}", self.usage(), self.about);
        for argument in &self.arguments {
            let _ = write!(text, "\n{}: {}", argument.name, argument.form);
            if !argument.about.is_empty() {
                let _ = write!(text, ". {}", argument.about);
            }
        }
        text
    }
}

impl ArgumentDescription {
    fn usage(&self) -> String {
        let shown = if self.choices.is_empty() {
            self.name.clone()
        } else {
            self.choices.join("|")
        };
        let dots = if self.rest { "..." } else { "" };
        if self.required {
            format!("<{shown}{dots}>")
        } else {
            format!("[{shown}{dots}]")
        }
    }
}
