//! The host's part of the status.

use std::time::Duration;

use chrono::{DateTime, Utc};
use parlor_host::{FeedStatus, InstanceState, InstanceStatus, PoolStatus, RoomStatus, Status};

use super::{duration, more};
use crate::terminal::{BAD, FAINT, GOOD, STRONG, WARNING, harmless, line, styled, table};

/// Feeds and schedules shown; a host may have thousands.
const SHOWN: usize = 20;

pub(super) fn show(status: &Status) {
    let outbox = &status.outbox;
    let waiting = match (outbox.waiting, outbox.oldest_seconds) {
        (0, _) | (_, None) => "nothing on its way".to_owned(),
        (count, Some(age)) => format!(
            "{count} on their way, the oldest for {}",
            duration(Duration::from_secs(age))
        ),
    };
    let dead = match outbox.dead {
        0 => String::new(),
        count => styled(
            BAD,
            format_args!(", {count} given up (`parlor ledger retry --dead`)"),
        ),
    };
    line(format_args!("{}", styled(STRONG, "host")));
    line(format_args!("outbox       {waiting}{dead}"));
    if let Some(pool) = &status.pool {
        show_pool(pool);
    }
    for endpoint in &status.endpoints {
        let style = if endpoint.state == "established" {
            GOOD
        } else {
            WARNING
        };
        line(format_args!(
            "endpoint     {} {}{}",
            endpoint.user,
            styled(style, &endpoint.state),
            because(endpoint.last_error.as_deref())
        ));
    }
    section(
        &["bot", "kind", "state", "handled", "failed", "set aside", ""],
        status.instances.iter().map(bot),
    );
    let at = status.at;
    section(
        &["room", "as", "", ""],
        status.rooms.iter().map(|room| row(room, at)),
    );
    feeds(&status.feeds, at);
    let due = status.schedules.iter().take(SHOWN).map(|schedule| {
        vec![
            schedule.instance.clone(),
            harmless(&schedule.schedule),
            schedule.local.clone(),
        ]
    });
    section(&["next", "schedule", "due"], due);
    more(status.schedules.len(), SHOWN);
}

fn section(headings: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    let rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        line("");
        table(headings, &rows);
    }
}

fn bot(bot: &InstanceStatus) -> Vec<String> {
    let state = match bot.state {
        InstanceState::Running => styled(GOOD, "running"),
        InstanceState::Restarting => styled(WARNING, "restarting"),
        InstanceState::Stopped => styled(BAD, "stopped"),
        InstanceState::Standby => styled(FAINT, "standby"),
        _ => String::new(),
    };
    vec![
        bot.id.clone(),
        bot.kind.clone(),
        state,
        bot.handled.to_string(),
        bot.failed.to_string(),
        bot.quarantined.to_string(),
        styled(FAINT, harmless(bot.last_error.as_deref().unwrap_or_default())),
    ]
}

fn show_pool(pool: &PoolStatus) {
    if !pool.member {
        line(format_args!(
            "pool         {}",
            styled(WARNING, "not a member; it runs no bots")
        ));
        return;
    }
    line(format_args!("pool         {}", pool.hosts.join(", ")));
    for endpoint in &pool.endpoints {
        let leader = match (&endpoint.host, endpoint.here) {
            (_, true) => styled(GOOD, "led here"),
            (Some(host), false) => styled(FAINT, format_args!("led by {host}")),
            (None, false) => styled(WARNING, "led by nobody yet"),
        };
        line(format_args!("             {} {leader}", endpoint.user));
    }
}

fn row(room: &RoomStatus, now: DateTime<Utc>) -> Vec<String> {
    let state = match (room.joined, room.lost_since) {
        (true, _) if !room.behind.is_empty() => styled(
            WARNING,
            format_args!("joined, behind: {}", room.behind.join(", ")),
        ),
        (true, _) => styled(GOOD, "joined"),
        (false, Some(since)) => styled(WARNING, format_args!("lost {}", ago(since, now))),
        (false, None) => styled(BAD, "not joined"),
    };
    let detail = match (&room.last_error, room.heard) {
        (Some(error), _) => harmless(error),
        (None, Some(heard)) => format!("last message {}", ago(heard, now)),
        (None, None) => String::new(),
    };
    vec![
        harmless(&room.room),
        room.user.to_string(),
        state,
        styled(FAINT, detail),
    ]
}

/// Those that fail come first.
fn feeds(feeds: &[FeedStatus], now: DateTime<Utc>) {
    let mut feeds: Vec<_> = feeds.iter().collect();
    feeds.sort_by_key(|feed| std::cmp::Reverse(feed.failures));
    let rows = feeds.iter().take(SHOWN).map(|feed| {
        let fetched = feed
            .last_fetched
            .map_or_else(|| "never".to_owned(), |at| ago(at, now));
        let failures = match feed.failures {
            0 => String::new(),
            count => styled(BAD, format_args!("{count} failed")),
        };
        let error = harmless(feed.last_error.as_deref().unwrap_or_default());
        vec![harmless(&feed.url), fetched, failures, styled(FAINT, error)]
    });
    section(&["feed", "fetched", "", ""], rows);
    more(feeds.len(), SHOWN);
}

fn ago(moment: DateTime<Utc>, now: DateTime<Utc>) -> String {
    format!("{} ago", duration((now - moment).to_std().unwrap_or_default()))
}

fn because(error: Option<&str>) -> String {
    error.map_or_else(String::new, |error| format!(": {}", harmless(error)))
}
