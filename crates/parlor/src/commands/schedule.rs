//! `parlor schedule`: when the configured bots will next speak by themselves.

use chrono::Utc;

use crate::bots;
use crate::cli::{Global, ScheduleCommand};
use crate::commands::run::host_config;
use crate::config::Settings;
use crate::failure::Failure;
use crate::terminal::{json_document, line, table};

pub(crate) fn run(global: &Global, settings: &Settings, command: &ScheduleCommand) -> Result<(), Failure> {
    let ScheduleCommand::Next { count } = command;
    let coming = parlor_host::upcoming(&host_config(settings)?, &bots::registry(), *count, Utc::now());
    if global.json {
        json_document(&coming);
    } else if coming.is_empty() {
        line("no bot has a schedule that is due again");
    } else {
        let rows: Vec<_> = coming
            .iter()
            .map(|next| vec![next.local.clone(), next.instance.clone(), next.schedule.clone()])
            .collect();
        table(&["due", "bot", "schedule"], &rows);
    }
    Ok(())
}
