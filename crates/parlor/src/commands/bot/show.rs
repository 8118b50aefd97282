//! A description for people.

use parlor_bot::schema::{about, form, is_list};
use parlor_bot::{Description, HandlerDescription};
use serde_json::Value;

use crate::terminal::{FAINT, STRONG, line, styled};

pub(super) fn print(description: &Description) {
    line(format_args!(
        "{}  {}",
        styled(STRONG, &description.kind),
        description.about
    ));
    if !description.commands.is_empty() {
        heading("Commands");
        for command in &description.commands {
            indented(2, &command.help());
        }
    }
    if !description.handlers.is_empty() {
        heading("Handles");
        for handler in &description.handlers {
            line(format_args!(
                "  {}  {}",
                styled(STRONG, called(handler)),
                handler.about
            ));
        }
    }
    heading("Settings");
    if description.settings["properties"].is_object() {
        table(&description.settings, 2);
    } else {
        line("  none");
    }
}

fn heading(text: &str) {
    line(format_args!("\n{text}"));
}

fn called(handler: &HandlerDescription) -> String {
    match &handler.name {
        Some(name) => format!("{} {name}", handler.on),
        None => handler.on.to_string(),
    }
}

/// The keys of a table, those that must be there first, with the tables below them.
fn table(schema: &Value, indent: usize) {
    let required: Vec<&str> = schema["required"]
        .as_array()
        .map_or_else(Vec::new, |names| names.iter().filter_map(Value::as_str).collect());
    let Some(properties) = schema["properties"].as_object() else {
        return;
    };
    let first = required.iter().filter_map(|&name| properties.get_key_value(name));
    let others = properties
        .iter()
        .filter(|(name, _)| !required.contains(&name.as_str()));
    for (name, property) in first.chain(others) {
        let need = if required.contains(&name.as_str()) {
            ", required"
        } else {
            ""
        };
        let pad = " ".repeat(indent);
        let what = styled(FAINT, format_args!("{}{need}", form(property)));
        line(format_args!("{pad}{}  {what}", styled(STRONG, name)));
        indented(indent + 4, &about(property));
        let inner = if is_list(property) {
            &property["items"]
        } else {
            property
        };
        table(inner, indent + 4);
    }
}

/// Lines are broken between words; a narrow terminal breaks them once more.
const WIDTH: usize = 100;

fn indented(indent: usize, text: &str) {
    let pad = " ".repeat(indent);
    for part in text.lines() {
        let mut row = String::new();
        for word in part.split_whitespace() {
            if !row.is_empty() && indent + row.chars().count() + word.chars().count() >= WIDTH {
                line(format_args!("{pad}{row}"));
                row.clear();
            }
            if !row.is_empty() {
                row.push(' ');
            }
            row.push_str(word);
        }
        if !row.is_empty() {
            line(format_args!("{pad}{row}"));
        }
    }
}
