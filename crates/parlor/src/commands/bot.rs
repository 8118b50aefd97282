//! `parlor bot`: what the kinds of bots in this program do, and the beginning of a new one.

mod new;
mod show;
mod trial;

use parlor_bot::{BotKind, Registry};
use serde_json::json;

use crate::bots::{self, Kinds};
use crate::cli::{BotCommand, Global};
use crate::config::{self, ConfigError, nearest};
use crate::failure::Failure;
use crate::terminal::{json_document, remark, table};

pub(crate) fn run(global: &Global, command: BotCommand) -> Result<(), Failure> {
    match command {
        BotCommand::List => {
            list(global);
            Ok(())
        }
        BotCommand::Show { kind } => show(global, &kind),
        BotCommand::New(arguments) => new::run(global, &arguments),
        BotCommand::Try(arguments) => trial::run(global, arguments),
    }
}

/// The kinds of this program, and those that the configuration names if there is one. What is wrong with it is for
/// `parlor check` to tell: the kinds of this program are there all the same.
fn kinds(global: &Global) -> Registry {
    match config::load(&global.config, &Kinds::asking()) {
        Ok(settings) => settings.host.map(|host| host.kinds),
        Err(ConfigError::Unreadable { .. }) => None,
        Err(ConfigError::Wrong(_)) => {
            remark(format_args!(
                "{} is wrong, so that its programs are not known: parlor check",
                global.config.display()
            ));
            None
        }
    }
    .unwrap_or_else(|| bots::registry().clone())
}

fn list(global: &Global) {
    let registry = kinds(global);
    let all: Vec<_> = registry
        .names()
        .filter_map(|name| registry.kind(name))
        .map(|kind| (kind.name().to_owned(), kind.description().about))
        .collect();
    if global.json {
        let all: Vec<_> = all
            .iter()
            .map(|(kind, about)| json!({ "kind": kind, "about": about }))
            .collect();
        json_document(&all);
    } else {
        let rows: Vec<_> = all.into_iter().map(|(kind, about)| vec![kind, about]).collect();
        table(&["kind", ""], &rows);
    }
}

/// The kind called `name`.
fn kind(global: &Global, name: &str) -> Result<BotKind, Failure> {
    let registry = kinds(global);
    registry.kind(name).cloned().ok_or_else(|| {
        let known: Vec<_> = registry.names().collect();
        let help = nearest(name, &known).map_or_else(
            || format!("kinds of bots: {}", known.join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        Failure::new(format!("there is no bot of kind `{name}`")).with_help(help)
    })
}

fn show(global: &Global, name: &str) -> Result<(), Failure> {
    let description = kind(global, name)?.description();
    if global.json {
        json_document(&description);
    } else {
        show::print(&description);
    }
    Ok(())
}
