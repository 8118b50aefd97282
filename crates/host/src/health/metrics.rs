//! The numbers, by name. docs/operations.md explains each; a test keeps the two together.

use std::collections::BTreeMap;

use parlor_metrics::{Exposition, Kind};

use super::{Snapshot, Thresholds, readiness};
use crate::mail::is_mail;
use crate::state::Waiting;
use crate::status::InstanceState;
use crate::tally::Fetches;

/// The states of an endpoint, in UCMA's words.
const ENDPOINT_STATES: [&str; 7] = [
    "idle",
    "establishing",
    "established",
    "recovering",
    "draining",
    "terminating",
    "terminated",
];

pub(super) fn write(exposition: &mut Exposition, snapshot: &Snapshot, thresholds: &Thresholds) {
    pool(exposition, snapshot);
    endpoints(exposition, snapshot);
    rooms(exposition, snapshot);
    instances(exposition, snapshot, thresholds);
    events(exposition, snapshot);
    posts(exposition, snapshot);
    outbox(exposition, snapshot);
    mails(exposition, snapshot);
    feeds(exposition, snapshot);
    schedules(exposition, snapshot);
    webhooks(exposition, snapshot);
    state(exposition, snapshot);
}

fn pool(exposition: &mut Exposition, snapshot: &Snapshot) {
    let mut family = exposition.family(
        "parlor_host_pool_hosts",
        Kind::Gauge,
        "Hosts of the pool that are there; 0 when this one is not a member.",
    );
    if let Some(pool) = &snapshot.pool {
        family.sample(&[], pool.hosts.len() as u64);
    }
    let mut family = exposition.family(
        "parlor_host_pool_leads",
        Kind::Gauge,
        "1 for an endpoint that this host leads, 0 for the others.",
    );
    for line in snapshot.pool.iter().flat_map(|pool| &pool.endpoints) {
        family.sample(&[("user", line.user.as_str())], line.here);
    }
}

fn endpoints(exposition: &mut Exposition, snapshot: &Snapshot) {
    let mut family = exposition.family(
        "parlor_host_endpoint_state",
        Kind::Gauge,
        "1 for the state an endpoint is in, 0 for the others.",
    );
    for line in &snapshot.endpoints {
        for state in ENDPOINT_STATES {
            family.sample(
                &[("user", line.user.as_str()), ("state", state)],
                line.state == state,
            );
        }
    }
    let mut family = exposition.family(
        "parlor_host_endpoint_losses_total",
        Kind::Counter,
        "Times an endpoint lost its server or could not sign in.",
    );
    for line in &snapshot.endpoints {
        let lost = snapshot.counted.lost.get(line.user.as_str());
        family.sample(&[("user", line.user.as_str())], lost.copied().unwrap_or_default());
    }
}

fn rooms(exposition: &mut Exposition, snapshot: &Snapshot) {
    let mut family = exposition.family(
        "parlor_host_room_joined",
        Kind::Gauge,
        "Whether an endpoint has joined a room.",
    );
    for line in &snapshot.rooms {
        family.sample(&[("user", line.user.as_str()), ("room", &line.room)], line.joined);
    }
    let mut family = exposition.family(
        "parlor_host_room_behind",
        Kind::Gauge,
        "Bots that are behind in a room and read from its history.",
    );
    for line in &snapshot.rooms {
        family.sample(
            &[("user", line.user.as_str()), ("room", &line.room)],
            line.behind.len(),
        );
    }
    let mut family = exposition.family(
        "parlor_host_room_last_message_timestamp_seconds",
        Kind::Gauge,
        "When the last message was heard in a room since the start; a quiet room is not an ill one.",
    );
    for line in &snapshot.rooms {
        if let Some(heard) = line.heard {
            let at = heard.timestamp_millis() as f64 / 1000.0;
            family.sample(&[("user", line.user.as_str()), ("room", &line.room)], at);
        }
    }
    let gaps = snapshot.counted.gaps;
    exposition.number(
        "parlor_host_history_gaps_total",
        Kind::Counter,
        "Times messages were missed that no history tells any more.",
        gaps,
    );
}

fn instances(exposition: &mut Exposition, snapshot: &Snapshot, thresholds: &Thresholds) {
    let states = [
        (InstanceState::Running, "running"),
        (InstanceState::Restarting, "restarting"),
        (InstanceState::Stopped, "stopped"),
        (InstanceState::Standby, "standby"),
    ];
    let mut family = exposition.family(
        "parlor_host_bot_state",
        Kind::Gauge,
        "1 for the state a bot is in, 0 for the others.",
    );
    for line in &snapshot.instances {
        for (state, word) in states {
            let labels = [("bot", &*line.id), ("kind", &*line.kind), ("state", word)];
            family.sample(&labels, line.state == state);
        }
    }
    let readiness = readiness::readiness(snapshot, thresholds);
    let mut family = exposition.family(
        "parlor_host_bot_ready",
        Kind::Gauge,
        "Whether a bot's input is fresh and its output young; /ready tells why not.",
    );
    for bot in &readiness.bots {
        family.sample(&[("bot", &*bot.bot)], bot.ready);
    }
    let mut family = exposition.family(
        "parlor_host_bot_restarts_total",
        Kind::Counter,
        "Times a bot panicked or passed its deadline.",
    );
    for line in &snapshot.instances {
        let restarts = snapshot.counted.restarts.get(&line.id);
        family.sample(&[("bot", &*line.id)], restarts.copied().unwrap_or_default());
    }
    let mut family = exposition.family(
        "parlor_host_input_age_seconds",
        Kind::Gauge,
        "How long a bot's oldest event has waited for its handler.",
    );
    for line in &snapshot.instances {
        family.sample(&[("bot", &*line.id)], snapshot.input_age(line));
    }
    let mut family = exposition.family(
        "parlor_host_presence_dropped_total",
        Kind::Counter,
        "Comings and goings that a bot was too slow for.",
    );
    for line in &snapshot.instances {
        family.sample(&[("bot", &*line.id)], line.presence_dropped);
    }
    let mut family = exposition.family(
        "parlor_host_quarantined",
        Kind::Gauge,
        "Events set aside because their handler failed for good, until they are retried.",
    );
    for line in &snapshot.instances {
        family.sample(&[("bot", &*line.id)], line.quarantined);
    }
}

fn events(exposition: &mut Exposition, snapshot: &Snapshot) {
    let events = &snapshot.counted.events;
    let mut family = exposition.family(
        "parlor_host_events_handled_total",
        Kind::Counter,
        "Events handled; those without a room, such as feed items, have an empty one.",
    );
    for ((bot, room), count) in events {
        family.sample(&[("bot", bot), ("room", room)], count.handled);
    }
    let mut family = exposition.family(
        "parlor_host_events_failed_total",
        Kind::Counter,
        "Attempts at events that failed.",
    );
    for ((bot, room), count) in events {
        family.sample(&[("bot", bot), ("room", room)], count.failed);
    }
    let mut family = exposition.family(
        "parlor_host_events_quarantined_total",
        Kind::Counter,
        "Events set aside since the start.",
    );
    for ((bot, room), count) in events {
        family.sample(&[("bot", bot), ("room", room)], count.quarantined);
    }
}

fn posts(exposition: &mut Exposition, snapshot: &Snapshot) {
    let posts = &snapshot.counted.posts;
    let mut family = exposition.family(
        "parlor_host_posts_sent_total",
        Kind::Counter,
        "Attempts to post that came to an end, good or bad.",
    );
    for ((bot, room), count) in posts {
        let sent = count.acknowledged + count.failed + count.dead;
        family.sample(&[("bot", bot), ("room", room)], sent);
    }
    let mut family = exposition.family(
        "parlor_host_posts_acknowledged_total",
        Kind::Counter,
        "Posts that are in their room.",
    );
    for ((bot, room), count) in posts {
        family.sample(&[("bot", bot), ("room", room)], count.acknowledged);
    }
    let mut family = exposition.family(
        "parlor_host_posts_repeated_total",
        Kind::Counter,
        "Posts that the server had already and showed once.",
    );
    for ((bot, room), count) in posts {
        family.sample(&[("bot", bot), ("room", room)], count.repeated);
    }
    let mut family = exposition.family(
        "parlor_host_posts_failed_total",
        Kind::Counter,
        "Attempts to post that failed and are repeated.",
    );
    for ((bot, room), count) in posts {
        family.sample(&[("bot", bot), ("room", room)], count.failed);
    }
    let mut family = exposition.family("parlor_host_posts_dead_total", Kind::Counter, "Posts given up.");
    for ((bot, room), count) in posts {
        family.sample(&[("bot", bot), ("room", room)], count.dead);
    }
}

fn outbox(exposition: &mut Exposition, snapshot: &Snapshot) {
    let Some(backlog) = &snapshot.backlog else { return };
    // The outbox spells rooms in its own way; a metric spells them as every other metric does.
    let shown = |key: &str| {
        let mut rooms = snapshot.rooms.iter();
        let line = rooms.find(|line| line.room.to_lowercase() == key);
        line.map_or_else(|| key.to_owned(), |line| line.room.clone())
    };
    let mut family = exposition.family(
        "parlor_host_outbox_waiting",
        Kind::Gauge,
        "Posts on their way; a bot and room without any has no series.",
    );
    let posts = || backlog.posts.iter().filter(|waiting| !is_mail(&waiting.room));
    for waiting in posts() {
        family.sample(
            &[("bot", &*waiting.instance), ("room", &shown(&waiting.room))],
            waiting.count,
        );
    }
    let mut family = exposition.family(
        "parlor_host_outbox_age_seconds",
        Kind::Gauge,
        "How long the oldest of them has waited.",
    );
    for waiting in posts() {
        let age = snapshot.since_millis(waiting.oldest);
        family.sample(
            &[("bot", &*waiting.instance), ("room", &shown(&waiting.room))],
            age,
        );
    }
    let mut family = exposition.family(
        "parlor_host_inbox_waiting",
        Kind::Gauge,
        "Feed items and due times that wait for their bot.",
    );
    for waiting in &backlog.events {
        family.sample(&[("bot", &*waiting.instance)], waiting.count);
    }
    exposition.number(
        "parlor_host_posts_dead",
        Kind::Gauge,
        "Posts, answers and mails given up that are kept for a retry.",
        backlog.dead,
    );
}

/// Mails by bot; their recipients are nobody's business here.
fn mails(exposition: &mut Exposition, snapshot: &Snapshot) {
    let mails = &snapshot.counted.mails;
    let mut family = exposition.family(
        "parlor_host_mails_acknowledged_total",
        Kind::Counter,
        "Mails that the mail server has taken.",
    );
    for (bot, count) in mails {
        family.sample(&[("bot", bot)], count.acknowledged);
    }
    let mut family = exposition.family(
        "parlor_host_mails_failed_total",
        Kind::Counter,
        "Attempts to send a mail that failed and are repeated.",
    );
    for (bot, count) in mails {
        family.sample(&[("bot", bot)], count.failed);
    }
    let mut family = exposition.family("parlor_host_mails_dead_total", Kind::Counter, "Mails given up.");
    for (bot, count) in mails {
        family.sample(&[("bot", bot)], count.dead);
    }
    let Some(backlog) = &snapshot.backlog else { return };
    let mut waiting: BTreeMap<&str, (u64, f64)> = BTreeMap::new();
    for Waiting {
        instance,
        count,
        oldest,
        ..
    } in backlog.posts.iter().filter(|one| is_mail(&one.room))
    {
        let (sum, age) = waiting.entry(instance).or_default();
        *sum += count;
        *age = age.max(snapshot.since_millis(*oldest));
    }
    let mut family = exposition.family(
        "parlor_host_mails_waiting",
        Kind::Gauge,
        "Mails on their way; a bot without any has no series.",
    );
    for (bot, (count, _)) in &waiting {
        family.sample(&[("bot", bot)], *count);
    }
    let mut family = exposition.family(
        "parlor_host_mail_age_seconds",
        Kind::Gauge,
        "How long the oldest of them has waited.",
    );
    for (bot, (_, age)) in &waiting {
        family.sample(&[("bot", bot)], *age);
    }
}

/// A feed as metrics name it: what comes after `?` is left out, because keys stand there.
fn feed_label(url: &str) -> &str {
    url.split_once('?').map_or(url, |(address, _)| address)
}

fn feeds(exposition: &mut Exposition, snapshot: &Snapshot) {
    let mut fetches: BTreeMap<&str, Fetches> = BTreeMap::new();
    for (url, count) in &snapshot.counted.feeds {
        let sum = fetches.entry(feed_label(url)).or_default();
        sum.new += count.new;
        sum.nothing += count.nothing;
        sum.failed += count.failed;
        sum.items += count.items;
    }
    let mut family = exposition.family(
        "parlor_host_feed_fetches_total",
        Kind::Counter,
        "Looks at a feed: new (with new items), nothing (without), failed.",
    );
    for (feed, count) in &fetches {
        family.sample(&[("feed", feed), ("outcome", "new")], count.new);
        family.sample(&[("feed", feed), ("outcome", "nothing")], count.nothing);
        family.sample(&[("feed", feed), ("outcome", "failed")], count.failed);
    }
    let mut family = exposition.family(
        "parlor_host_feed_items_total",
        Kind::Counter,
        "Items of a feed that were new to a bot.",
    );
    for (feed, count) in &fetches {
        family.sample(&[("feed", feed)], count.items);
    }
    // Addresses that differ only after `?` are one series: the worst of them counts.
    let mut ages: BTreeMap<&str, (Option<f64>, u32)> = BTreeMap::new();
    for line in &snapshot.feeds {
        let (age, failures) = ages.entry(feed_label(&line.url)).or_default();
        let this = line.last_fetched.map(|at| snapshot.since(at));
        *age = [*age, this].into_iter().flatten().reduce(f64::max);
        *failures = line.failures.max(*failures);
    }
    let mut family = exposition.family(
        "parlor_host_feed_age_seconds",
        Kind::Gauge,
        "Time since a feed was fetched without an error; one that never was has no series.",
    );
    for (feed, (age, _)) in &ages {
        if let Some(age) = age {
            family.sample(&[("feed", feed)], *age);
        }
    }
    let mut family = exposition.family(
        "parlor_host_feed_failures",
        Kind::Gauge,
        "Looks at a feed that failed since the last good one.",
    );
    for (feed, (_, failures)) in &ages {
        family.sample(&[("feed", feed)], *failures);
    }
    let mut family = exposition.family(
        "parlor_host_feed_silent",
        Kind::Gauge,
        "Whether a feed has had nothing new for longer than is expected of it.",
    );
    for ((bot, feed), silent) in &snapshot.counted.silent {
        family.sample(&[("bot", bot), ("feed", feed)], *silent);
    }
    exposition.number(
        "parlor_host_network_down",
        Kind::Gauge,
        "Whether no feed server answers, so that feeds wait for the own network.",
        snapshot.counted.network_down,
    );
}

fn schedules(exposition: &mut Exposition, snapshot: &Snapshot) {
    let mut family = exposition.family(
        "parlor_host_schedules_total",
        Kind::Counter,
        "Due times of a bot's schedules: fired, or skipped by policy.",
    );
    for (bot, count) in &snapshot.counted.schedules {
        family.sample(&[("bot", bot), ("outcome", "fired")], count.fired);
        family.sample(&[("bot", bot), ("outcome", "skipped")], count.skipped);
    }
}

fn webhooks(exposition: &mut Exposition, snapshot: &Snapshot) {
    let mut family = exposition.family(
        "parlor_host_webhook_requests_total",
        Kind::Counter,
        "Requests to a webhook: accepted, repeated, or the word for why not.",
    );
    for (hook, requests) in &snapshot.counted.webhooks {
        family.sample(&[("hook", hook), ("outcome", "accepted")], requests.accepted);
        family.sample(&[("hook", hook), ("outcome", "repeated")], requests.repeated);
        for (word, count) in &requests.refused {
            family.sample(&[("hook", hook), ("outcome", word)], *count);
        }
    }
}

fn state(exposition: &mut Exposition, snapshot: &Snapshot) {
    exposition.number(
        "parlor_host_state_answers",
        Kind::Gauge,
        "Whether the state file answers; without it outbox, inbox and ledger have no series.",
        snapshot.backlog.is_some(),
    );
    exposition.number(
        "parlor_host_state_failures_total",
        Kind::Counter,
        "Changes that the state file refused; each is repeated.",
        snapshot.counted.state_failures,
    );
    if let Some(backlog) = &snapshot.backlog {
        exposition.number(
            "parlor_host_ledger_entries",
            Kind::Gauge,
            "Entries of the ledger.",
            backlog.ledger_entries,
        );
        exposition.number(
            "parlor_host_state_bytes",
            Kind::Gauge,
            "Size of the state file.",
            backlog.bytes,
        );
    }
}
