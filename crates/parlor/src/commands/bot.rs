//! `parlor bot`: what the kinds of bots in this program do, and the beginning of a new one.

mod new;
mod show;

use serde_json::json;

use crate::bots;
use crate::cli::{BotCommand, Global};
use crate::config::nearest;
use crate::failure::Failure;
use crate::terminal::{json_document, table};

pub(crate) fn run(global: &Global, command: BotCommand) -> Result<(), Failure> {
    match command {
        BotCommand::List => {
            list(global);
            Ok(())
        }
        BotCommand::Show { kind } => show(global, &kind),
        BotCommand::New(arguments) => new::run(global, &arguments),
    }
}

fn list(global: &Global) {
    let registry = bots::registry();
    let all: Vec<_> = registry
        .names()
        .filter_map(|name| registry.kind(name))
        .map(|kind| (kind.name(), kind.description().about))
        .collect();
    if global.json {
        let all: Vec<_> = all
            .iter()
            .map(|(kind, about)| json!({ "kind": kind, "about": about }))
            .collect();
        json_document(&all);
    } else {
        let rows: Vec<_> = all
            .into_iter()
            .map(|(kind, about)| vec![kind.to_owned(), about])
            .collect();
        table(&["kind", ""], &rows);
    }
}

fn show(global: &Global, name: &str) -> Result<(), Failure> {
    let registry = bots::registry();
    let Some(kind) = registry.kind(name) else {
        let known: Vec<_> = registry.names().collect();
        let help = nearest(name, &known).map_or_else(
            || format!("kinds of bots: {}", known.join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        return Err(Failure::new(format!("there is no bot of kind `{name}`")).with_help(help));
    };
    let description = kind.description();
    if global.json {
        json_document(&description);
    } else {
        show::print(&description);
    }
    Ok(())
}
