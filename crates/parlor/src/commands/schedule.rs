//! `parlor schedule`: when the configured bots will next speak by themselves, and why they do or do not.

mod why;

use chrono::Utc;
use parlor_bot::Registry;
use parlor_bot::schedule::Zone;
use parlor_host::ScheduleStatus;

use crate::bots;
use crate::cli::{Global, ScheduleCommand};
use crate::commands::run::host_config;
use crate::config::Settings;
use crate::failure::Failure;
use crate::terminal::{FAINT, json_document, line, styled, table};

pub(crate) async fn run(
    global: &Global,
    settings: &Settings,
    command: &ScheduleCommand,
) -> Result<(), Failure> {
    match command {
        ScheduleCommand::Next { count, zone } => next(global, settings, *count, *zone),
        ScheduleCommand::Why { name, time } => why::run(global, settings, name, time.as_deref()).await,
    }
}

/// The kinds of bots that the configuration can name.
fn kinds(settings: &Settings) -> &Registry {
    settings
        .host
        .as_ref()
        .map_or_else(|| bots::registry(), |host| &host.kinds)
}

fn next(global: &Global, settings: &Settings, count: usize, zone: Option<Zone>) -> Result<(), Failure> {
    let mut coming = parlor_host::upcoming(&host_config(settings)?, kinds(settings), count, Utc::now());
    if let Some(zone) = zone {
        for next in &mut coming {
            next.local = zone.shown(next.due);
        }
    }
    if global.json {
        json_document(&coming);
    } else if coming.is_empty() {
        line("no bot has a schedule that is due again");
    } else {
        let rows: Vec<_> = coming.iter().map(row).collect();
        table(&["due", "bot", "schedule", ""], &rows);
    }
    Ok(())
}

fn row(next: &ScheduleStatus) -> Vec<String> {
    let late = (next.comes - next.due).num_seconds();
    let remark = match &next.excluded {
        Some(reason) => format!("does not come: {reason}"),
        None if late > 0 => format!("comes {late} s later, by its jitter"),
        None => String::new(),
    };
    vec![
        next.local.clone(),
        next.instance.clone(),
        next.schedule.clone(),
        styled(FAINT, remark),
    ]
}
