//! What cron expressions mean in real zones, across clock changes.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use parlor_bot::schedule::{Cron, CronError, Field, Gap, Interval, Misfire, Moment, Overlap, Schedule, Zone};
use parlor_bot::settings::Span;
use proptest::prelude::*;

fn schedule(cron: &str, zone: &str) -> Schedule {
    Schedule::new(cron.parse().unwrap(), zone.parse().unwrap())
}

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// The times between two moments, as wall clock and offset: `03-29 03:00 +2`.
fn times(schedule: &Schedule, from: &str, to: &str) -> Vec<String> {
    let to = utc(to);
    let show = |time: DateTime<Utc>| {
        let zone = schedule.zone();
        let offset = zone.offset(time).num_minutes() as f64 / 60.0;
        format!("{} {offset:+}", zone.local(time).format("%m-%d %H:%M"))
    };
    schedule
        .upcoming(utc(from))
        .take_while(|time| *time <= to)
        .map(show)
        .collect()
}

struct Change {
    name: &'static str,
    zone: &'static str,
    cron: &'static str,
    from: &'static str,
    to: &'static str,
    expected: &'static [&'static str],
}

const CHANGES: &[Change] = &[
    Change {
        name: "Berlin, spring: a fixed time in the gap comes at its end",
        zone: "Europe/Berlin",
        cron: "30 2 * * *",
        from: "2026-03-27T12:00:00Z",
        to: "2026-03-31T00:00:00Z",
        expected: &["03-28 02:30 +1", "03-29 03:00 +2", "03-30 02:30 +2"],
    },
    Change {
        name: "Berlin, autumn: a fixed time comes once, the first time",
        zone: "Europe/Berlin",
        cron: "30 2 * * *",
        from: "2026-10-23T12:00:00Z",
        to: "2026-10-26T12:00:00Z",
        expected: &["10-24 02:30 +2", "10-25 02:30 +2", "10-26 02:30 +1"],
    },
    Change {
        name: "Berlin, spring: every hour has no extra run",
        zone: "Europe/Berlin",
        cron: "30 * * * *",
        from: "2026-03-28T23:45:00Z",
        to: "2026-03-29T02:45:00Z",
        expected: &["03-29 01:30 +1", "03-29 03:30 +2", "03-29 04:30 +2"],
    },
    Change {
        name: "Berlin, autumn: every hour means every hour",
        zone: "Europe/Berlin",
        cron: "30 * * * *",
        from: "2026-10-24T23:00:00Z",
        to: "2026-10-25T03:00:00Z",
        expected: &[
            "10-25 01:30 +2",
            "10-25 02:30 +2",
            "10-25 02:30 +1",
            "10-25 03:30 +1",
        ],
    },
    Change {
        name: "New York, spring",
        zone: "America/New_York",
        cron: "15 2 * * *",
        from: "2026-03-07T12:00:00Z",
        to: "2026-03-09T12:00:00Z",
        expected: &["03-08 03:00 -4", "03-09 02:15 -4"],
    },
    Change {
        name: "New York, autumn",
        zone: "America/New_York",
        cron: "15 1 * * *",
        from: "2026-10-31T12:00:00Z",
        to: "2026-11-02T12:00:00Z",
        expected: &["11-01 01:15 -4", "11-02 01:15 -5"],
    },
    Change {
        name: "Lord Howe, spring: half an hour is missing",
        zone: "Australia/Lord_Howe",
        cron: "15 2 * * *",
        from: "2026-10-02T20:00:00Z",
        to: "2026-10-04T20:00:00Z",
        expected: &["10-04 02:30 +11", "10-05 02:15 +11"],
    },
    Change {
        name: "Lord Howe, autumn: half an hour comes twice",
        zone: "Australia/Lord_Howe",
        cron: "*/15 1-2 * * *",
        from: "2026-04-04T14:00:00Z",
        to: "2026-04-04T15:59:00Z",
        expected: &[
            "04-05 01:15 +11",
            "04-05 01:30 +11",
            "04-05 01:45 +11",
            "04-05 01:30 +10.5",
            "04-05 01:45 +10.5",
            "04-05 02:00 +10.5",
            "04-05 02:15 +10.5",
        ],
    },
    Change {
        name: "Casablanca: the clock goes back for Ramadan",
        zone: "Africa/Casablanca",
        cron: "30 2 * * *",
        from: "2026-02-14T12:00:00Z",
        to: "2026-02-16T12:00:00Z",
        expected: &["02-15 02:30 +1", "02-16 02:30 +0"],
    },
    Change {
        name: "Casablanca: and forward after it",
        zone: "Africa/Casablanca",
        cron: "30 2 * * *",
        from: "2026-03-21T12:00:00Z",
        to: "2026-03-23T12:00:00Z",
        expected: &["03-22 03:00 +1", "03-23 02:30 +1"],
    },
    Change {
        name: "several fixed times of one gap come as one",
        zone: "Europe/Berlin",
        cron: "0,30 2,3 * * *",
        from: "2026-03-29T00:00:00Z",
        to: "2026-03-29T12:00:00Z",
        expected: &["03-29 03:00 +2", "03-29 03:30 +2"],
    },
];

#[test]
fn clock_changes_by_default() {
    for change in CHANGES {
        assert_eq!(
            times(&schedule(change.cron, change.zone), change.from, change.to),
            change.expected,
            "{}",
            change.name
        );
    }
}

#[test]
fn the_rules_for_clock_changes_can_be_said() {
    let spring = schedule("30 2 * * *", "Europe/Berlin").with_gap(Gap::Skip);
    assert_eq!(
        times(&spring, "2026-03-27T12:00:00Z", "2026-03-31T00:00:00Z"),
        ["03-28 02:30 +1", "03-30 02:30 +2"]
    );
    let autumn = |cron: &str, rule| {
        let schedule = schedule(cron, "Europe/Berlin").with_overlap(rule);
        times(&schedule, "2026-10-24T23:45:00Z", "2026-10-25T02:10:00Z")
    };
    assert_eq!(autumn("30 2 * * *", Overlap::Second), ["10-25 02:30 +1"]);
    assert_eq!(
        autumn("30 2 * * *", Overlap::Both),
        ["10-25 02:30 +2", "10-25 02:30 +1"]
    );
    assert_eq!(
        autumn("0 * * * *", Overlap::First),
        ["10-25 02:00 +2", "10-25 03:00 +1"]
    );
    assert_eq!(
        autumn("0,20,40 * * * *", Overlap::Second),
        [
            "10-25 02:00 +1",
            "10-25 02:20 +1",
            "10-25 02:40 +1",
            "10-25 03:00 +1"
        ]
    );
}

/// The next times after 2026-11-21 00:00 (a Saturday) in UTC.
fn next(cron: &str, count: usize) -> Vec<String> {
    let schedule = schedule(cron, "UTC");
    let times = schedule.upcoming(utc("2026-11-21T00:00:00Z")).take(count);
    times
        .map(|time| time.format("%a %m-%d %H:%M:%S").to_string())
        .collect()
}

#[test]
fn expressions_mean_what_crontab_means() {
    for (cron, expected) in [
        ("0 9 * * 1", vec!["Mon 11-23 09:00:00", "Mon 11-30 09:00:00"]),
        ("0 9 * * 0", vec!["Sun 11-22 09:00:00", "Sun 11-29 09:00:00"]),
        ("0 9 * * 7", vec!["Sun 11-22 09:00:00", "Sun 11-29 09:00:00"]),
        (
            "0 9 * * sat-sun",
            vec!["Sat 11-21 09:00:00", "Sun 11-22 09:00:00"],
        ),
        (
            "0 9 * * 5-7",
            vec!["Sat 11-21 09:00:00", "Sun 11-22 09:00:00", "Fri 11-27 09:00:00"],
        ),
        (
            "0 9 * * MON-FRI",
            vec!["Mon 11-23 09:00:00", "Tue 11-24 09:00:00"],
        ),
        ("10 0 9 ? * MON", vec!["Mon 11-23 09:00:10"]),
        (
            "0 9 13 * FRI",
            vec![
                "Fri 11-27 09:00:00",
                "Fri 12-04 09:00:00",
                "Fri 12-11 09:00:00",
                "Sun 12-13 09:00:00",
            ],
        ),
        ("0 9 */2 * MON", vec!["Mon 11-23 09:00:00", "Mon 12-07 09:00:00"]),
        (
            "*/20 8-9 * * *",
            vec![
                "Sat 11-21 08:00:00",
                "Sat 11-21 08:20:00",
                "Sat 11-21 08:40:00",
                "Sat 11-21 09:00:00",
            ],
        ),
        (
            "5/25 8 * * *",
            vec![
                "Sat 11-21 08:05:00",
                "Sat 11-21 08:30:00",
                "Sat 11-21 08:55:00",
                "Sun 11-22 08:05:00",
            ],
        ),
        ("0 0 29 2 *", vec!["Tue 02-29 00:00:00"]),
        ("@daily", vec!["Sun 11-22 00:00:00", "Mon 11-23 00:00:00"]),
        ("@hourly", vec!["Sat 11-21 01:00:00"]),
        ("@weekly", vec!["Sun 11-22 00:00:00"]),
        ("@monthly", vec!["Tue 12-01 00:00:00"]),
        ("@yearly", vec!["Fri 01-01 00:00:00"]),
        ("*/30 * * * * *", vec!["Sat 11-21 00:00:30", "Sat 11-21 00:01:00"]),
    ] {
        assert_eq!(next(cron, expected.len()), expected, "{cron}");
    }
}

#[test]
fn what_is_wrong_with_an_expression_is_said() {
    for (text, expected) in [
        (
            "* * *",
            "3 fields; a schedule has five (minute hour day-of-month month day-of-week) or six (second first)",
        ),
        ("61 * * * *", "minute: 61 is not in 0-59"),
        ("0 24 * * *", "hour: 24 is not in 0-23"),
        ("0 9 0 * *", "day of month: 0 is not in 1-31"),
        ("0 9 * * 8", "day of week: 8 is not in 0-7"),
        (
            "0 9 * * MONDAY",
            "day of week: `MONDAY` is not a number 0-7, SUN-SAT, a range, a step or `*`",
        ),
        (
            "0 9 L * *",
            "day of month: `L` is not a number 1-31, a range, a step or `*`",
        ),
        (
            "0 9 * * FRI-MON",
            "day of week: the range `FRI-MON` ends before it starts; write it as two ranges",
        ),
        ("*/0 * * * *", "minute: the step in `*/0` is not in 1-59"),
        (
            "*/x * * * *",
            "minute: `*/x` is not a number 0-59, a range, a step or `*`",
        ),
        (
            "0 9 30 2 *",
            "it never comes: no month of those given has a day 30",
        ),
        (
            "0 9 31 4,6,9,11 *",
            "it never comes: no month of those given has a day 31",
        ),
        (
            "@reboot",
            "no schedule `@reboot`; there are @yearly, @monthly, @weekly, @daily and @hourly",
        ),
        (
            "0 ?  * * *",
            "hour: `?` is not a number 0-23, a range, a step or `*`",
        ),
        (
            "0 9 1,,2 * *",
            "day of month: `` is not a number 1-31, a range, a step or `*`",
        ),
        ("99999999999 9 * * *", "minute: 4294967295 is not in 0-59"),
    ] {
        assert_eq!(text.parse::<Cron>().unwrap_err().to_string(), expected, "{text}");
    }
    assert_eq!(
        "0 9 30 2 *".parse::<Cron>().unwrap_err(),
        CronError::Never { day: 30 }
    );
    assert_eq!(
        "0 9 x * *".parse::<Cron>().unwrap_err(),
        CronError::Value {
            field: Field::DayOfMonth,
            text: "x".to_owned()
        }
    );
    assert!(
        "0 9 30 2 MON".parse::<Cron>().is_ok(),
        "a Monday in February is enough"
    );
}

#[test]
fn the_latest_time_of_a_long_stretch_is_found_quickly() {
    let each_leap_day = schedule("0 0 29 2 *", "UTC");
    assert_eq!(
        each_leap_day.latest(utc("1990-01-01T00:00:00Z"), utc("2026-01-01T00:00:00Z")),
        Some(utc("2024-02-29T00:00:00Z"))
    );
}

#[test]
fn an_interval_is_elapsed_time_from_its_anchor() {
    let berlin: Zone = "Europe/Berlin".parse().unwrap();
    let every = |text: &str, anchor: Option<&str>| {
        let anchor = match anchor {
            Some(anchor) => anchor.parse::<Moment>().unwrap().start(berlin),
            None => Interval::default_anchor(berlin),
        };
        let interval = Interval::new(text.parse::<Span>().unwrap().duration(), anchor).unwrap();
        Schedule::interval(interval, berlin)
    };
    let night = ("2026-03-28T23:30:00Z", "2026-03-29T02:30:00Z");
    assert_eq!(
        times(&every("45m", None), night.0, night.1),
        [
            "03-29 00:45 +1",
            "03-29 01:30 +1",
            "03-29 03:15 +2",
            "03-29 04:00 +2"
        ],
        "the clock jumps, the interval does not"
    );
    assert_eq!(
        times(&every("1w", None), "2026-11-20T00:00:00Z", "2026-12-01T00:00:00Z"),
        ["11-23 00:00 +1", "11-30 00:00 +1"],
        "a week begins on Monday"
    );
    assert_eq!(
        times(
            &every("1d", Some("2027-05-01T08:30")),
            "2026-11-20T00:00:00Z",
            "2026-11-21T12:00:00Z"
        ),
        ["11-20 07:30 +1", "11-21 07:30 +1"],
        "an anchor counts in both directions; summer's 08:30 is winter's 07:30"
    );
    for (seconds, text) in [(0, "0s"), (3654 * 86_400, "3654d")] {
        let wrong = Interval::new(Duration::from_secs(seconds), utc("2026-01-01T00:00:00Z"));
        assert_eq!(
            wrong.unwrap_err().to_string(),
            format!("`{text}` is not in 1s-3653d; write for example \"15m\", \"2h\" or \"1w\"")
        );
    }
}

#[test]
fn a_schedule_starts_and_ends_in_its_zone() {
    let day = |text: &str| text.parse::<Moment>().unwrap();
    let bounded = schedule("0 0,23 * * *", "Europe/Berlin")
        .starting(day("2026-12-01"))
        .ending(day("2026-12-02"));
    assert_eq!(
        times(&bounded, "2026-11-01T00:00:00Z", "2027-11-01T00:00:00Z"),
        [
            "12-01 00:00 +1",
            "12-01 23:00 +1",
            "12-02 00:00 +1",
            "12-02 23:00 +1"
        ]
    );
    let last = "2026-12-02T22:00:00Z";
    assert_eq!(bounded.next(utc(last)), None);
    assert_eq!(
        bounded.latest(utc("2026-01-01T00:00:00Z"), utc("2028-01-01T00:00:00Z")),
        Some(utc(last))
    );
}

const ZONES: [&str; 6] = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "UTC",
];

fn field(min: u32, max: u32) -> impl Strategy<Value = String> {
    prop_oneof![
        3 => Just("*".to_owned()),
        3 => (min..=max).prop_map(|value| value.to_string()),
        1 => (1..=max.min(20)).prop_map(|step| format!("*/{step}")),
        2 => (min..=max, min..=max).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
        2 => prop::collection::vec((min..=max).prop_map(|value| value.to_string()), 2..4)
            .prop_map(|values| values.join(",")),
    ]
}

fn expression() -> impl Strategy<Value = String> {
    (
        field(0, 59),
        field(0, 23),
        field(1, 31),
        field(1, 12),
        field(0, 7),
    )
        .prop_map(|(minute, hour, day, month, weekday)| format!("{minute} {hour} {day} {month} {weekday}"))
}

/// An independent reading of crontab's rules: does the wall-clock time match?
fn matches(expression: &str, local: NaiveDateTime) -> bool {
    use chrono::{Datelike, Timelike};
    let fields: Vec<&str> = expression.split(' ').collect();
    let holds = |text: &str, value: u32, min: u32| {
        text.split(',').any(|item| {
            let (range, step) = item
                .split_once('/')
                .map_or((item, 1), |(range, step)| (range, step.parse().unwrap()));
            let (from, to) = match range.split_once('-') {
                _ if range == "*" => (min, 99),
                Some((from, to)) => (from.parse().unwrap(), to.parse().unwrap()),
                None => (range.parse().unwrap(), range.parse().unwrap()),
            };
            (from..=to).contains(&value) && (value - from).is_multiple_of(step)
        })
    };
    let day = holds(fields[2], local.day(), 1);
    let sunday = local.weekday().num_days_from_sunday();
    let weekday =
        holds(fields[4], sunday, 0) || sunday == 0 && !fields[4].starts_with('*') && holds(fields[4], 7, 0);
    let either = !fields[2].starts_with('*') && !fields[4].starts_with('*');
    holds(fields[0], local.minute(), 0)
        && holds(fields[1], local.hour(), 0)
        && holds(fields[3], local.month(), 1)
        && if either { day || weekday } else { day && weekday }
        && local.second() == 0
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn times_increase_and_match(
        expression in expression(),
        zone in prop::sample::select(&ZONES),
        start in 1_735_689_600_i64..1_798_761_600,
    ) {
        let Ok(cron) = expression.parse::<Cron>() else { return Ok(()) };
        let start = DateTime::from_timestamp(start, 0).unwrap();
        let schedule = Schedule::new(cron, zone.parse().unwrap()).with_gap(Gap::Skip);
        let mut before = start;
        for time in schedule.upcoming(start).take(40) {
            prop_assert!(time > before);
            prop_assert!(matches(&expression, schedule.zone().local(time)), "{time}");
            before = time;
        }
    }

    #[test]
    fn no_time_is_left_out(
        expression in expression(),
        zone in prop::sample::select(&ZONES),
        // Around the clock changes of the zones above.
        day in prop::sample::select(&["2026-02-14", "2026-03-07", "2026-03-21", "2026-03-28", "2026-04-04", "2026-10-03", "2026-10-24", "2026-10-31"]),
    ) {
        let Ok(cron) = expression.parse::<Cron>() else { return Ok(()) };
        let schedule =
            Schedule::new(cron, zone.parse().unwrap()).with_gap(Gap::Skip).with_overlap(Overlap::Both);
        let start: DateTime<Utc> = format!("{day}T12:00:00Z").parse().unwrap();
        let end = start + TimeDelta::hours(36);
        let found: Vec<_> = schedule.upcoming(start).take_while(|time| *time <= end).collect();
        let mut expected = Vec::new();
        let mut time = start + TimeDelta::minutes(1);
        while time <= end {
            if matches(&expression, schedule.zone().local(time)) {
                expected.push(time);
            }
            time += TimeDelta::minutes(1);
        }
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
        let _ = text.parse::<Cron>();
        let _ = text.parse::<Misfire>();
        let _ = text.parse::<Moment>();
    }

    #[test]
    fn texts_like_expressions_are_read_or_refused(text in "[0-9*/,?A-Z-]{1,6}( [0-9*/,?A-Z-]{1,6}){4,5}") {
        if let Ok(cron) = text.parse::<Cron>() {
            let schedule = Schedule::new(cron, Zone::UTC);
            let _ = schedule.next(utc("2026-11-21T00:00:00Z"));
        }
    }
}
