//! `parlor schedule why`: what the settings make of a time, and what the ledger says became of it.

use chrono::{DateTime, NaiveTime, Utc};
use parlor_bot::schedule::{Explanation, Moment, Times, Zone};
use parlor_host::{ConfiguredSchedule, LedgerEntry};
use serde::Serialize;

use crate::cli::Global;
use crate::commands::ledger::{Ledger, tell};
use crate::commands::run::host_config;
use crate::config::Settings;
use crate::failure::Failure;
use crate::terminal::{BAD, FAINT, GOOD, STRONG, json_document, line, styled};

/// All that is told, in JSON.
#[derive(Debug, Serialize)]
struct Answer {
    instance: String,
    schedule: String,
    /// The expression or interval.
    rule: String,
    zone: Zone,
    /// The time asked about, by the clock of the zone.
    asked: String,
    /// When it comes: not at all, once, or twice where the clock shows it twice.
    comes: Vec<Coming>,
    /// What is to be said about it.
    findings: Vec<String>,
    before: Option<DateTime<Utc>>,
    after: Option<DateTime<Utc>>,
    /// What the ledger has of it, when it has passed.
    ledger: Vec<LedgerEntry>,
}

#[derive(Debug, Serialize)]
struct Coming {
    due: DateTime<Utc>,
    /// Later than `due` by the jitter.
    at: DateTime<Utc>,
    past: bool,
    /// What the ledger calls it.
    item: String,
}

pub(super) async fn run(
    global: &Global,
    settings: &Settings,
    name: &str,
    time: Option<&str>,
) -> Result<(), Failure> {
    let all = parlor_host::schedules(&host_config(settings)?, super::kinds(settings));
    let found = find(&all, name)?;
    let now = Utc::now();
    let explanation = match time {
        Some(time) => found.explain(moment(time, found.zone(), now)?),
        None => found.explain(lately(found, now)?),
    };
    let mut answer = Answer::new(found, &explanation, now);
    let passed: Vec<_> = explanation
        .due
        .iter()
        .chain(&explanation.hindered)
        .filter(|due| found.comes_at(**due) <= now)
        .collect();
    for due in &passed {
        answer.ledger.extend(recorded(settings, found, **due).await);
    }
    if global.json {
        json_document(&answer);
    } else {
        show(&answer, found.zone());
        if !passed.is_empty() {
            show_ledger(&answer.ledger);
        }
    }
    Ok(())
}

/// What became of a time. Without a ledger that can be read the settings are explained all the same.
async fn recorded(settings: &Settings, found: &ConfiguredSchedule, due: DateTime<Utc>) -> Vec<LedgerEntry> {
    let asked = async { Ledger::of(settings)?.about(&found.item(due)).await };
    match asked.await {
        Ok(entries) => entries
            .into_iter()
            .filter(|entry| entry.instance == found.instance)
            .collect(),
        Err(failure) => {
            failure.show();
            Vec::new()
        }
    }
}

/// The schedule called `name` or `bot/name`.
fn find<'a>(all: &'a [ConfiguredSchedule], name: &str) -> Result<&'a ConfiguredSchedule, Failure> {
    let full = |one: &ConfiguredSchedule| format!("{}/{}", one.instance, one.spec.id);
    let found: Vec<_> = all
        .iter()
        .filter(|one| one.spec.id == name || full(one) == name)
        .collect();
    match found[..] {
        [one] => Ok(one),
        [] => {
            let names: Vec<_> = all.iter().take(NAMED).map(full).collect();
            let help = if names.is_empty() {
                "no bot has a schedule".to_owned()
            } else {
                format!("schedules: {}", names.join(", "))
            };
            Err(Failure::new(format!("there is no schedule `{name}`")).with_help(help))
        }
        _ => {
            let names: Vec<_> = found.into_iter().map(full).collect();
            let help = format!("write one of: {}", names.join(", "));
            Err(Failure::new(format!("several bots have a schedule `{name}`")).with_help(help))
        }
    }
}

/// Schedules that are named to somebody who asked for one that is not there.
const NAMED: usize = 20;

/// The time asked about: as settings write it, or a time of today.
fn moment(text: &str, zone: Zone, now: DateTime<Utc>) -> Result<Moment, Failure> {
    let today = || {
        let forms = ["%H:%M", "%H:%M:%S"];
        let time = forms
            .iter()
            .find_map(|form| NaiveTime::parse_from_str(text, form).ok())?;
        Some(Moment::Local(zone.local(now).date().and_time(time)))
    };
    if let Some(moment) = today() {
        return Ok(moment);
    }
    match text.parse() {
        Ok(Moment::Day(_)) | Err(_) => Err(Failure::new(format!("`{text}` is not a time")).with_help(
            "Write \"08:55\" (today), \"2026-12-24T08:55\" (by the schedule's clock) or \"2026-12-24T07:55:00Z\".",
        )),
        Ok(moment) => Ok(moment),
    }
}

/// The last time of the rule, whether it came or not; the next one for a schedule that begins only.
fn lately(found: &ConfiguredSchedule, now: DateTime<Utc>) -> Result<Moment, Failure> {
    let schedule = &found.spec.schedule;
    schedule
        .latest(DateTime::UNIX_EPOCH, now)
        .or_else(|| schedule.next(now))
        .map(Moment::Exact)
        .ok_or_else(|| Failure::new(format!("`{}` never comes", found.spec.id)))
}

impl Answer {
    fn new(found: &ConfiguredSchedule, explanation: &Explanation, now: DateTime<Utc>) -> Self {
        let coming = |due: &DateTime<Utc>| Coming {
            due: *due,
            at: found.comes_at(*due),
            past: found.comes_at(*due) <= now,
            item: found.item(*due),
        };
        let schedule = &found.spec.schedule;
        Self {
            instance: found.instance.clone(),
            schedule: found.spec.id.clone(),
            rule: match schedule.times() {
                Times::Cron(cron) => cron.to_string(),
                Times::Every(interval) => interval.to_string(),
            },
            zone: schedule.zone(),
            asked: explanation.local.format("%Y-%m-%dT%H:%M:%S").to_string(),
            comes: explanation.due.iter().map(coming).collect(),
            findings: explanation.findings.iter().map(ToString::to_string).collect(),
            before: explanation.before,
            after: explanation.after,
            ledger: Vec::new(),
        }
    }
}

fn show(answer: &Answer, zone: Zone) {
    let Answer {
        instance,
        schedule,
        rule,
        asked,
        ..
    } = answer;
    let asked = asked.replace('T', " ");
    line(format_args!(
        "{}  {asked} {zone}",
        styled(STRONG, format_args!("{instance}/{schedule}"))
    ));
    line(styled(FAINT, format_args!("rule    {rule}")));
    for finding in &answer.findings {
        line(format_args!("        {finding}"));
    }
    if answer.comes.is_empty() {
        line(format_args!("{}", styled(BAD, "does not come")));
    }
    for coming in &answer.comes {
        let verb = if coming.past { "was due" } else { "will come" };
        line(format_args!("{} {}", styled(GOOD, verb), zone.shown(coming.at)));
    }
    for (word, time) in [("before  ", answer.before), ("after   ", answer.after)] {
        let time = time.map_or_else(|| "none".to_owned(), |time| zone.shown(time));
        line(styled(FAINT, format_args!("{word}{time}")));
    }
}

fn show_ledger(entries: &[LedgerEntry]) {
    if entries.is_empty() {
        let words = "the ledger knows nothing of it: no host ran with it then, or that is forgotten";
        return line(styled(FAINT, words));
    }
    for text in tell(entries) {
        line(text);
    }
}
