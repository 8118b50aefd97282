//! `parlor ledger`: why a thing was or was not posted, what happened lately, and another try for what was given up.
//! A running host is asked through its control socket; of a stopped one the state file is read.

mod story;

pub(crate) use story::tell;

use std::time::Duration;

use chrono::{DateTime, Local, Utc};
use parlor_host::control::{Client, ClientError};
use parlor_host::{LedgerEntry, LedgerQuery, LedgerReader, LedgerStatus, Place, Retried, Retry, StateError};

use crate::cli::{Global, LedgerCommand, LedgerFilter, LedgerRetry};
use crate::commands::{host_socket, host_state};
use crate::config::Settings;
use crate::failure::{Failure, chain};
use crate::terminal::{
    BAD, FAINT, GOOD, WARNING, harmless, json_document, json_line, line, remark, styled, table,
};

/// How often `tail` looks for news.
const LOOK: Duration = Duration::from_millis(500);

pub(crate) async fn run(global: &Global, settings: &Settings, command: LedgerCommand) -> Result<(), Failure> {
    let ledger = Ledger::of(settings)?;
    match command {
        LedgerCommand::Why { what } => why(global, &ledger, &what).await,
        LedgerCommand::List { filter, last } => list(global, &ledger, &filter, last).await,
        LedgerCommand::Tail { filter, last } => tail(global, &ledger, &filter, last).await,
        LedgerCommand::Retry(which) => retry(global, &ledger, which).await,
    }
}

/// The ledger of a configuration's host, running or not.
#[derive(Debug)]
pub(crate) struct Ledger {
    host: Client,
    state: Place,
}

impl Ledger {
    pub(crate) fn of(settings: &Settings) -> Result<Self, Failure> {
        Ok(Self {
            host: Client::new(host_socket(settings)),
            state: host_state(settings)?,
        })
    }

    async fn list(&self, query: &LedgerQuery) -> Result<Vec<LedgerEntry>, Failure> {
        match self.host.ledger(query).await {
            Err(ClientError::Unreachable { .. }) => Ok(self.read().await?.ledger(query).await?),
            answer => Ok(answer?),
        }
    }

    pub(crate) async fn about(&self, what: &str) -> Result<Vec<LedgerEntry>, Failure> {
        match self.host.ledger_about(what).await {
            Err(ClientError::Unreachable { .. }) => Ok(self.read().await?.ledger_about(what).await?),
            answer => Ok(answer?),
        }
    }

    async fn retry(&self, retry: Retry) -> Result<Retried, Failure> {
        match self.host.retry(&retry).await {
            Err(ClientError::Unreachable { .. }) => {
                // Only to say so, instead of making an empty file.
                self.read().await?;
                Ok(parlor_host::retry_stopped(self.state.clone(), retry).await?)
            }
            answer => Ok(answer?),
        }
    }

    async fn read(&self) -> Result<LedgerReader, Failure> {
        Ok(LedgerReader::open(self.state.clone()).await?)
    }
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        let failure = Self::new(chain(&error));
        match error {
            StateError::Open { .. } => failure.with_help(
                "No host has run with this configuration; `parlor up` or `parlor host` starts one.",
            ),
            _ => failure,
        }
    }
}

async fn why(global: &Global, ledger: &Ledger, what: &str) -> Result<(), Failure> {
    let entries = ledger.about(what).await?;
    if global.json {
        json_document(&entries);
        return Ok(());
    }
    if entries.is_empty() {
        let help = "Name an item, its address, or a message id; `parlor ledger list` shows what is known.";
        return Err(Failure::new(format!("the ledger knows nothing of {what}")).with_help(help));
    }
    for text in tell(&entries) {
        line(text);
    }
    Ok(())
}

async fn list(global: &Global, ledger: &Ledger, filter: &LedgerFilter, last: u32) -> Result<(), Failure> {
    let entries = ledger.list(&query(filter, last)).await?;
    if global.json {
        json_document(&entries);
    } else if entries.is_empty() {
        line("nothing of that kind is in the ledger");
    } else {
        table(&HEADINGS, &entries.iter().map(row).collect::<Vec<_>>());
    }
    Ok(())
}

async fn tail(global: &Global, ledger: &Ledger, filter: &LedgerFilter, last: u32) -> Result<(), Failure> {
    let mut query = query(filter, last);
    let mut entries = ledger.list(&query).await?;
    query.limit = None;
    loop {
        for entry in &entries {
            if global.json {
                json_line(entry);
            } else {
                line(row(entry).join("  "));
            }
        }
        let seen = entries.last().map(|entry| entry.number);
        query.after = seen.or(query.after).or(Some(0));
        tokio::time::sleep(LOOK).await;
        entries = ledger.list(&query).await?;
    }
}

async fn retry(global: &Global, ledger: &Ledger, which: LedgerRetry) -> Result<(), Failure> {
    let LedgerRetry {
        which: named,
        dead,
        quarantined,
        instance,
    } = which;
    let mut total = Retried::default();
    let wanted = match named {
        Some(text) => vec![match text.parse::<i64>() {
            Ok(number) => Retry::Entry(number),
            Err(_) => Retry::Item(text),
        }],
        None => [
            dead.then(|| Retry::Dead(instance.clone())),
            quarantined.then(|| Retry::Quarantined(instance.clone())),
        ]
        .into_iter()
        .flatten()
        .collect(),
    };
    for one in wanted {
        let done = ledger.retry(one).await?;
        total.posts += done.posts;
        total.events += done.events;
        total.kept_back += done.kept_back;
        total.waiting_for_start += done.waiting_for_start;
    }
    if global.json {
        json_document(&total);
        return Ok(());
    }
    line(format_args!(
        "{} posts and {} events get another try",
        total.posts, total.events
    ));
    if total.waiting_for_start > 0 {
        remark(format_args!(
            "{} of them when a host with their bot or room starts",
            total.waiting_for_start
        ));
    }
    if total.kept_back > 0 {
        remark(format_args!(
            "{} events are not of a kind to try again",
            total.kept_back
        ));
    }
    Ok(())
}

fn query(filter: &LedgerFilter, last: u32) -> LedgerQuery {
    LedgerQuery {
        instance: filter.instance.clone(),
        room: filter.room.clone(),
        status: filter.status,
        since: filter.since.map(|since| since.from(Utc::now())),
        after: None,
        limit: Some(last),
    }
}

const HEADINGS: [&str; 7] = ["number", "time", "bot", "room", "status", "item", ""];

fn row(entry: &LedgerEntry) -> Vec<String> {
    vec![
        entry.number.to_string(),
        clock(entry.at),
        harmless(&entry.instance),
        harmless(entry.room.as_deref().unwrap_or("-")),
        mark(entry.status),
        harmless(&entry.item),
        remarks(entry),
    ]
}

/// What an entry says beside its status.
fn remarks(entry: &LedgerEntry) -> String {
    let message = entry.message.map(|id| format!("message {id}"));
    let detail = entry.detail.as_deref().map(harmless);
    [message, detail]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
}

/// The status as wide as the widest, in the colour of how good it is.
fn mark(status: LedgerStatus) -> String {
    let style = match status {
        LedgerStatus::Acknowledged | LedgerStatus::Removed => GOOD,
        LedgerStatus::Dead | LedgerStatus::Quarantined | LedgerStatus::Missed => BAD,
        LedgerStatus::Failed | LedgerStatus::Filtered | LedgerStatus::Skipped => WARNING,
        _ => FAINT,
    };
    styled(style, format_args!("{status:12}"))
}

/// The time of day here; with the date when it is not today.
fn clock(at: DateTime<Utc>) -> String {
    let local = at.with_timezone(&Local);
    let form = if local.date_naive() == Local::now().date_naive() {
        "%H:%M:%S"
    } else {
        "%Y-%m-%d %H:%M:%S"
    };
    local.format(form).to_string()
}
