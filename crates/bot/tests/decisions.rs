//! What is decided about each time of a schedule: on time, after an absence, across clock changes with restarts.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use parlor_bot::ScheduleSpec;
use parlor_bot::schedule::{
    Busy, CatchUp, Interval, Jitter, MAX_DECISIONS, Misfire, Moment, Outcome, Schedule, Seed, Skipped, Zone,
};
use proptest::prelude::*;

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn schedule(cron: &str, zone: &str) -> Schedule {
    Schedule::new(cron.parse().unwrap(), zone.parse().unwrap())
}

fn spec(schedule: Schedule, misfire: &str) -> ScheduleSpec {
    ScheduleSpec::new("test", schedule).misfire(misfire.parse().unwrap())
}

fn seed() -> Seed {
    Seed::of("bot", "test")
}

/// What came of each time, as `21 09:00 fires` or `21 09:00 missed ...`.
fn told(caught: &CatchUp) -> Vec<String> {
    let line = |decision: &parlor_bot::schedule::Decision| {
        let due = decision.due.format("%d %H:%M");
        match &decision.outcome {
            Outcome::Fires { missed: 0 } => format!("{due} fires"),
            Outcome::Fires { missed } => format!("{due} fires after {missed}"),
            Outcome::Skipped(reason) => format!("{due} {reason}"),
        }
    };
    caught.decisions.iter().map(line).collect()
}

#[test]
fn a_start_after_an_absence_decides_about_each_time_by_the_policy() {
    let decide = |policy: &str, now: &str| {
        spec(schedule("0 9 * * *", "UTC"), policy).catch_up(seed(), utc("2026-11-20T09:00:00Z"), utc(now))
    };
    assert_eq!(decide("latest", "2026-11-21T08:59:59Z"), None, "nothing was due");
    for policy in ["skip", "latest", "all", "within(1m)"] {
        let caught = decide(policy, "2026-11-21T09:00:30Z").unwrap();
        assert_eq!(
            told(&caught),
            ["21 09:00 fires"],
            "{policy}: a little late is on time"
        );
        assert_eq!(caught.decided, utc("2026-11-21T09:00:00Z"));
    }
    for (policy, now, expected) in [
        (
            "skip",
            "2026-11-21T09:20:00Z",
            vec!["21 09:00 missed by 20m, policy skip"],
        ),
        (
            "within(15m)",
            "2026-11-21T09:20:00Z",
            vec!["21 09:00 missed by 20m, policy within(15m)"],
        ),
        ("within(30m)", "2026-11-21T09:20:00Z", vec!["21 09:00 fires"]),
        ("latest", "2026-11-21T23:00:00Z", vec!["21 09:00 fires"]),
        (
            "latest",
            "2026-11-23T09:00:30Z",
            vec![
                "21 09:00 missed, a later time came instead, policy latest",
                "22 09:00 missed, a later time came instead, policy latest",
                "23 09:00 fires after 2",
            ],
        ),
        (
            "skip",
            "2026-11-23T09:00:30Z",
            vec![
                "21 09:00 missed by 2d30s, policy skip",
                "22 09:00 missed by 1d30s, policy skip",
                "23 09:00 fires after 2",
            ],
        ),
        (
            "all",
            "2026-11-23T23:00:00Z",
            vec!["21 09:00 fires", "22 09:00 fires", "23 09:00 fires"],
        ),
    ] {
        assert_eq!(told(&decide(policy, now).unwrap()), expected, "{policy} {now}");
    }
}

#[test]
fn what_is_made_up_for_is_bounded_and_the_rest_is_counted() {
    let caught = spec(schedule("* * * * * *", "Europe/Berlin"), "all")
        .catch_up(seed(), utc("2020-01-01T00:00:00Z"), utc("2026-01-01T00:00:00.5Z"))
        .unwrap();
    assert_eq!(caught.decisions.len(), MAX_DECISIONS);
    assert_eq!(caught.earlier, 1000, "counted up to a thousand");
    assert_eq!(caught.decisions[0].outcome, Outcome::Fires { missed: 1000 });
    assert!(
        caught.decisions[1..]
            .iter()
            .all(|decision| decision.outcome == Outcome::Fires { missed: 0 })
    );
    assert_eq!(caught.decided, utc("2026-01-01T00:00:00Z"));
}

#[test]
fn nothing_is_made_up_for_after_the_end() {
    let ended = schedule("0 9 * * *", "UTC").ending("2026-11-21".parse().unwrap());
    let ended = spec(ended, "latest");
    let catch_up = |now: &str| {
        told(
            &ended
                .catch_up(seed(), utc("2026-11-20T09:00:00Z"), utc(now))
                .unwrap(),
        )
    };
    assert_eq!(
        catch_up("2026-11-21T20:00:00Z"),
        ["21 09:00 fires"],
        "the last day goes on"
    );
    assert_eq!(
        catch_up("2026-11-22T07:00:00Z"),
        ["21 09:00 missed, and the schedule ended at 2026-11-21 23:59:59 UTC"]
    );
}

#[test]
fn rules_for_waiting_fires_have_names_and_limits() {
    for (text, limit) in [("queue", 1440), ("one", 1), ("skip", 0)] {
        let busy: Busy = text.parse().unwrap();
        assert_eq!((busy.to_string().as_str(), busy.limit()), (text, limit));
    }
    assert_eq!(
        "forbid".parse::<Busy>().unwrap_err().to_string(),
        "not a rule for times that come while earlier ones wait; write \"queue\", \"one\" or \"skip\""
    );
}

fn jittered(schedule: Schedule, seconds: u64) -> ScheduleSpec {
    spec(schedule, "latest").jitter(Jitter::up_to(Duration::from_secs(seconds)).unwrap())
}

#[test]
fn jitter_is_the_same_at_every_start_and_differs_between_schedules_and_times() {
    let daily = jittered(schedule("0 9 * * *", "UTC"), 3600);
    let due = utc("2026-11-21T09:00:00Z");
    assert_eq!(
        (daily.comes_at(seed(), due) - due).num_seconds(),
        3087,
        "a number that no later version may change: it is part of when a fire comes"
    );
    let late: std::collections::BTreeSet<_> = (0..1000)
        .map(|n| (daily.comes_at(Seed::of("bot", &format!("s{n}")), due) - due).num_seconds())
        .collect();
    assert!(
        late.len() > 800 && *late.last().unwrap() <= 3600,
        "{}",
        late.len()
    );
    let average = late.iter().sum::<i64>() / late.len() as i64;
    assert!((1600..2000).contains(&average), "{average}");
    assert!(Jitter::up_to(Duration::from_secs(86_401)).is_err());
}

#[test]
fn a_jittered_time_comes_late_but_never_past_the_next_one() {
    let minutely = jittered(schedule("* * * * *", "UTC"), 3600);
    let mut due = utc("2026-11-21T09:00:00Z");
    for _ in 0..100 {
        let next = minutely.schedule.next(due).unwrap();
        let comes = minutely.comes_at(seed(), due);
        assert!(due <= comes && comes <= next);
        let just_before = comes - TimeDelta::milliseconds(1);
        let last = due - TimeDelta::seconds(1);
        assert_eq!(minutely.catch_up(seed(), last, just_before), None);
        assert_eq!(minutely.catch_up(seed(), last, comes).unwrap().decided, due);
        due = next;
    }
}

/// Zones with the nights of 2026 in which their clocks change: both of the year.
const CHANGES: [(&str, [&str; 2]); 4] = [
    ("Europe/Berlin", ["2026-03-28", "2026-10-24"]),
    ("America/New_York", ["2026-03-07", "2026-10-31"]),
    ("Australia/Lord_Howe", ["2026-04-04", "2026-10-03"]),
    // Back for Ramadan and forward after it.
    ("Africa/Casablanca", ["2026-02-14", "2026-03-21"]),
];

fn around_a_change() -> impl Strategy<Value = (&'static str, DateTime<Utc>)> {
    (0..CHANGES.len(), 0..2_usize).prop_map(|(zone, change)| {
        let (zone, nights) = CHANGES[zone];
        (zone, utc(&format!("{}T06:00:00Z", nights[change])))
    })
}

fn rule() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "30 2 * * *",
        "15 1 * * *",
        "*/10 * * * *",
        "0 * * * *",
        "5,35 1-3 * * *",
        "0 2 * * SUN",
        "45m",
        "1h",
    ])
}

fn by_rule(rule: &str, zone: &str) -> Schedule {
    let zone: Zone = zone.parse().unwrap();
    match rule.parse::<parlor_bot::settings::Span>() {
        Ok(every) => {
            let interval = Interval::new(every.duration(), Interval::default_anchor(zone)).unwrap();
            Schedule::interval(interval, zone)
        }
        Err(_) => Schedule::new(rule.parse().unwrap(), zone),
    }
}

#[test]
fn what_comes_before_and_after_a_gap_is_told() {
    let explain = |cron: &str| schedule(cron, "Europe/Berlin").explain("2026-03-29T02:30".parse().unwrap());
    let around = |cron: &str| {
        let told = explain(cron);
        let show = |time: DateTime<Utc>| time.format("%H:%M").to_string();
        (
            told.due.into_iter().map(show).collect::<Vec<_>>(),
            told.before.map(show),
            told.after.map(show),
        )
    };
    let some = |time: &str| Some(time.to_owned());
    assert_eq!(
        around("*/5 * * * *"),
        (vec![], some("00:55"), some("01:00")),
        "the end of the gap comes next"
    );
    assert_eq!(
        around("30 2,3 * * *"),
        (vec!["01:00".to_owned()], some("02:30"), some("01:30"))
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// A host that is stopped and started at random moments of the days around a clock change decides about each time
    /// exactly once, and with the policy `all` each time fires exactly once.
    #[test]
    fn restarts_around_clock_changes_neither_skip_nor_repeat(
        (zone, start) in around_a_change(),
        rule in rule(),
        jitter in prop::sample::select(vec![0_u64, 90, 7200]),
        // How long it runs and how long it is away then, in seconds.
        lives in prop::collection::vec((1..9000_i64, 0..9000_i64), 1..40),
    ) {
        let spec = jittered(by_rule(rule, zone), jitter).misfire(Misfire::All);
        let (mut now, mut last) = (start, start);
        let mut fired = Vec::new();
        let mut wake = |now: DateTime<Utc>, last: &mut DateTime<Utc>| {
            while let Some(caught) = spec.catch_up(seed(), *last, now) {
                assert!(caught.decided > *last);
                assert_eq!(caught.earlier, 0);
                *last = caught.decided;
                fired.extend(caught.decisions.iter().map(|decision| decision.due));
                let skipped = caught.decisions.iter().find(|one| matches!(one.outcome, Outcome::Skipped(_)));
                assert!(skipped.is_none(), "{skipped:?}");
            }
        };
        for (run, away) in lives {
            wake(now, &mut last);
            let stop = now + TimeDelta::seconds(run);
            while let Some(next) = spec.schedule.next(last).map(|due| spec.comes_at(seed(), due)).filter(|at| *at <= stop) {
                now = now.max(next);
                wake(now, &mut last);
            }
            now = stop + TimeDelta::seconds(away);
        }
        wake(now, &mut last);
        let expected: Vec<_> = spec
            .schedule
            .upcoming(start)
            .take_while(|due| spec.comes_at(seed(), *due) <= now)
            .collect();
        prop_assert_eq!(fired, expected);
    }

    /// Whatever the policy, restarts and jitter: no time is decided twice, none is left undecided, and a fire is a time
    /// of the schedule.
    #[test]
    fn each_time_is_decided_once_whatever_the_policy(
        (zone, start) in around_a_change(),
        rule in rule(),
        policy in prop::sample::select(vec!["skip", "latest", "all", "within(1h)"]),
        jitter in prop::sample::select(vec![0_u64, 1800]),
        steps in prop::collection::vec(1..20_000_i64, 1..40),
    ) {
        let spec = jittered(by_rule(rule, zone), jitter).misfire(policy.parse().unwrap());
        let (mut now, mut last) = (start, start);
        let mut decided = Vec::new();
        for step in steps {
            now += TimeDelta::seconds(step);
            let Some(caught) = spec.catch_up(seed(), last, now) else { continue };
            last = caught.decided;
            let fires = caught.decisions.iter().filter(|one| matches!(one.outcome, Outcome::Fires { .. })).count();
            if policy != "all" {
                prop_assert!(fires <= 1, "{:?}", caught);
            }
            let left_out = caught.decisions.iter().any(|one| {
                matches!(&one.outcome, Outcome::Skipped(Skipped::Excluded(_) | Skipped::Ended { .. } | Skipped::Busy { .. }))
            });
            prop_assert!(!left_out);
            decided.extend(caught.decisions.iter().map(|one| one.due));
        }
        let expected: Vec<_> = spec.schedule.upcoming(start).take_while(|due| *due <= last).collect();
        prop_assert_eq!(decided, expected);
    }

    #[test]
    fn an_explanation_agrees_with_the_times(
        (zone, start) in around_a_change(),
        rule in rule(),
        minutes in 0..2880_i64,
    ) {
        let schedule = by_rule(rule, zone);
        let asked = start + TimeDelta::minutes(minutes);
        let explained = schedule.explain(Moment::Exact(asked));
        let comes = schedule.next(asked - TimeDelta::seconds(1)) == Some(asked);
        prop_assert_eq!(explained.due == [asked], comes, "{:?}", explained);
        prop_assert_eq!(explained.after, schedule.next(asked));
        prop_assert_eq!(explained.before, schedule.latest(start - TimeDelta::days(30), asked - TimeDelta::seconds(1)));
        if !comes {
            prop_assert!(!explained.findings.is_empty());
        }
    }
}
