//! `[host.program.NAME]`: programs that are bots.

use std::collections::BTreeMap;

use parlor_process::Program;
use serde_json::Value;
use toml::de::DeValue;

use super::BotSettings;
use super::document::{Form, Section};

/// Makes each program a kind of bot.
pub(super) fn read(section: &Section<'_, '_>, bots: &dyn BotSettings) {
    for (name, table) in section.named("program") {
        let Some(program) = program(&name, &table) else {
            continue;
        };
        if bots.names().contains(&name) {
            table.problem(
                "command",
                format!("there is a bot of kind `{name}` already"),
                None,
            );
            continue;
        }
        if let Err(problem) = bots.add(&program) {
            table.problem("command", problem, None);
        }
    }
}

fn program(name: &str, table: &Section<'_, '_>) -> Option<Program> {
    let command = table.required_located::<Vec<String>>("command");
    let memory = table.optional::<Memory>("memory");
    let start = table.optional("start");
    let inherit: Vec<String> = table.or("inherit", Vec::new());
    let environment = environment(table);
    table.finish();
    let command = command?;
    if command.value.first().is_none_or(String::is_empty) {
        table.problem_with(&command, "names no program", None);
        return None;
    }
    let mut program = Program::new(name, command.value);
    program.folder = table.folder();
    program.environment = environment;
    program.inherit = inherit;
    program.start = start.unwrap_or(program.start);
    if let Some(memory) = memory {
        program.memory = memory.0;
    }
    Some(program)
}

/// A table of texts.
fn environment(table: &Section<'_, '_>) -> BTreeMap<String, String> {
    let mut environment = BTreeMap::new();
    let help = || Some("write `environment = { NAME = \"value\" }`".to_owned());
    match table.json("environment") {
        None => {}
        Some(Value::Object(values)) => {
            for (name, value) in values {
                let right = !name.is_empty() && !name.contains(['=', '\0']);
                match value {
                    Value::String(text) if right && !text.contains('\0') => {
                        environment.insert(name, text);
                    }
                    // The value may be a secret.
                    _ => table.problem_below("environment", &name, "is not a variable with a text", help()),
                }
            }
        }
        Some(_) => table.problem("environment", "is not a table", help()),
    }
    environment
}

/// An amount of memory, or none.
struct Memory(Option<u64>);

impl Form for Memory {
    const ACCEPTED: &'static str =
        "an amount such as \"256MiB\" or \"2GiB\", 16MiB at least, or \"unlimited\"";

    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let text = String::read(value)?;
        if text == "unlimited" {
            return Ok(Self(None));
        }
        let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (digits, unit) = text.split_at(split);
        let unit: u64 = match unit.trim() {
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return Err(format!("`{text}` is not an amount of memory")),
        };
        let amount = digits
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(unit));
        match amount {
            Some(bytes) if bytes >= LEAST => Ok(Self(Some(bytes))),
            Some(_) => Err(format!("`{text}` is too little for any program")),
            None => Err(format!("`{text}` is not an amount of memory")),
        }
    }
}

/// With less no interpreter starts, and what it says then is of no help.
const LEAST: u64 = 16 << 20;
