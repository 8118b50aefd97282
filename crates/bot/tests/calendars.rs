//! iCalendar files as schedules keep off them or keep to them.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::sync::Arc;

use chrono::{DateTime, Utc};
use parlor_bot::schedule::calendar::{MAX_EVENTS, MAX_OCCURRENCES};
use parlor_bot::schedule::{Calendar, CalendarFile, Days, Moment, Schedule, Zone};
use proptest::prelude::*;

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A calendar of events, each given by its lines.
fn text(events: &[&str]) -> String {
    let events: String = events
        .iter()
        .map(|lines| {
            format!(
                "BEGIN:VEVENT\r\n{}\r\nEND:VEVENT\r\n",
                lines.replace('\n', "\r\n")
            )
        })
        .collect();
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{events}END:VCALENDAR\r\n")
}

fn calendar(events: &[&str]) -> Calendar {
    text(events).parse().unwrap()
}

/// Which of these wall-clock times of a zone are covered, and by what.
fn covered(calendar: &Calendar, zone: &str, times: &[&str]) -> Vec<String> {
    let zone: Zone = zone.parse().unwrap();
    times
        .iter()
        .filter_map(|time| {
            let at = time.parse::<Moment>().unwrap().start(zone);
            Some(format!("{time} {}", calendar.event_at(at, zone)?))
        })
        .collect()
}

#[test]
fn days_are_those_of_the_zone_and_their_end_is_exclusive() {
    let calendar = calendar(&[
        "SUMMARY:Christmas\nDTSTART;VALUE=DATE:20261225\nDTEND;VALUE=DATE:20261227",
        "SUMMARY:New Year\nDTSTART;VALUE=DATE:20270101",
        "SUMMARY:Long week-end\nDTSTART;VALUE=DATE:20270501\nDURATION:P2D",
        "SUMMARY:Of a program that ends days on the same day\nDTSTART;VALUE=DATE:20270601\nDTEND;VALUE=DATE:20270601",
    ]);
    for zone in ["Europe/Berlin", "Pacific/Auckland", "America/New_York"] {
        assert_eq!(
            covered(
                &calendar,
                zone,
                &[
                    "2026-12-24T23:59:59",
                    "2026-12-25T00:00",
                    "2026-12-26T23:59:59",
                    "2026-12-27T00:00",
                    "2027-01-01T12:00",
                    "2027-05-02T12:00",
                    "2027-05-03T00:00",
                    "2027-06-01T12:00",
                ]
            ),
            [
                "2026-12-25T00:00 Christmas",
                "2026-12-26T23:59:59 Christmas",
                "2027-01-01T12:00 New Year",
                "2027-05-02T12:00 Long week-end",
                "2027-06-01T12:00 Of a program that ends days on the same day",
            ],
            "{zone}"
        );
    }
}

#[test]
fn times_are_of_their_own_zone_or_of_whoever_asks() {
    let calendar = calendar(&[
        "SUMMARY:Maintenance\nDTSTART;TZID=America/New_York:20261130T090000\nDTEND;TZID=America/New_York:20261130T110000",
        "SUMMARY:In UTC\nDTSTART:20261201T100000Z\nDURATION:PT1H30M",
        "SUMMARY:Lunch\nDTSTART:20261202T120000\nDTEND:20261202T130000",
    ]);
    assert_eq!(
        covered(
            &calendar,
            "Europe/Berlin",
            &[
                "2026-11-30T14:59:59",
                "2026-11-30T15:00",
                "2026-11-30T16:59:59",
                "2026-11-30T17:00",
                "2026-12-01T10:59",
                "2026-12-01T12:29:59",
                "2026-12-01T12:30",
                "2026-12-02T12:00",
                "2026-12-02T13:00",
            ]
        ),
        [
            "2026-11-30T15:00 Maintenance",
            "2026-11-30T16:59:59 Maintenance",
            "2026-12-01T12:29:59 In UTC",
            "2026-12-02T12:00 Lunch",
        ]
    );
}

#[test]
fn recurrence_rules_exceptions_and_moved_occurrences_are_followed() {
    let calendar = calendar(&[
        "SUMMARY:Labour Day\nDTSTART;VALUE=DATE:20200501\nRRULE:FREQ=YEARLY",
        "SUMMARY:Thanksgiving\nDTSTART;VALUE=DATE:20201126\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH",
        "SUMMARY:Last Friday\nDTSTART;VALUE=DATE:20260130\nRRULE:FREQ=MONTHLY;BYDAY=-1FR;UNTIL=20260331",
        "UID:w\nSUMMARY:Week-end\nDTSTART;VALUE=DATE:20260704\nDTEND;VALUE=DATE:20260706\nRRULE:FREQ=WEEKLY;BYDAY=SA;COUNT=4\nEXDATE;VALUE=DATE:20260711",
        "UID:w\nRECURRENCE-ID;VALUE=DATE:20260718\nSUMMARY:Moved\nDTSTART;VALUE=DATE:20260717",
        "UID:w\nRECURRENCE-ID;VALUE=DATE:20260725\nSTATUS:CANCELLED\nDTSTART;VALUE=DATE:20260725",
        "SUMMARY:Additions\nDTSTART;VALUE=DATE:20260801\nRDATE;VALUE=DATE:20260803,20260805",
        "SUMMARY:Cancelled\nSTATUS:CANCELLED\nDTSTART;VALUE=DATE:20260901",
    ]);
    let days = [
        "2026-05-01",
        "2099-05-01",
        "2019-05-01",
        "2026-11-26",
        "2027-11-25",
        "2026-01-30",
        "2026-02-27",
        "2026-03-27",
        "2026-04-24",
        "2026-07-04",
        "2026-07-05",
        "2026-07-11",
        "2026-07-17",
        "2026-07-18",
        "2026-07-25",
        "2026-08-01",
        "2026-08-02",
        "2026-08-03",
        "2026-08-05",
        "2026-09-01",
    ];
    assert_eq!(
        covered(&calendar, "Europe/Berlin", &days),
        [
            "2026-05-01 Labour Day",
            "2099-05-01 Labour Day",
            "2026-11-26 Thanksgiving",
            "2027-11-25 Thanksgiving",
            "2026-01-30 Last Friday",
            "2026-02-27 Last Friday",
            "2026-03-27 Last Friday",
            "2026-07-04 Week-end",
            "2026-07-05 Week-end",
            "2026-07-17 Moved",
            "2026-08-01 Additions",
            "2026-08-03 Additions",
            "2026-08-05 Additions",
        ]
    );
}

#[test]
fn a_rule_keeps_its_hour_across_clock_changes_and_ends_at_its_until() {
    let calendar = calendar(&[
        "SUMMARY:Board\nDTSTART;TZID=Europe/Berlin:20260323T100000\nDTEND;TZID=Europe/Berlin:20260323T110000\n\
         RRULE:FREQ=WEEKLY;UNTIL=20260406T080000Z",
    ]);
    let at = |time: &str| calendar.event_at(utc(time), Zone::UTC).is_some();
    assert!(at("2026-03-23T09:30:00Z") && !at("2026-03-23T08:30:00Z"));
    assert!(at("2026-03-30T08:30:00Z") && !at("2026-03-30T09:30:00Z"));
    assert!(at("2026-04-06T08:30:00Z"), "08:00 UTC is its last start");
    assert!(!at("2026-04-13T08:30:00Z"));
}

#[test]
fn files_as_programs_write_them_are_read() {
    let folded = "\u{feff}BEGIN:VCALENDAR\nPRODID:-//x//y\nX-WR-CALNAME:Feier\n tage\nBEGIN:VTIMEZONE\nTZID:Europe/Berlin\n\
        BEGIN:STANDARD\nDTSTART:16010101T030000\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\nEND:STANDARD\nEND:VTIMEZONE\n\
        BEGIN:VEVENT\nSUMMARY;LANGUAGE=de:Tag der\n  Arbeit\\, frei\nDTSTART;VALUE=\"DATE\":20270501\nBEGIN:VALARM\n\
        TRIGGER:-PT15M\nDURATION:nonsense\nEND:VALARM\nX-EMPTY:\nEND:VEVENT\n\nEND:VCALENDAR\n";
    let calendar: Calendar = folded.parse().unwrap();
    assert_eq!(
        covered(&calendar, "UTC", &["2027-05-01"]),
        ["2027-05-01 Tag der Arbeit, frei"]
    );
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_its_line() {
    let broken = |text: &str| text.parse::<Calendar>().unwrap_err().to_string();
    for (text, expected) in [
        (
            "",
            "line 1: not an iCalendar file: it does not begin with BEGIN:VCALENDAR",
        ),
        (
            "<html>\n</html>",
            "line 1: not a line of an iCalendar file: `<html>`",
        ),
        (
            "BEGIN:VEVENT\nEND:VEVENT",
            "line 1: not an iCalendar file: it does not begin with BEGIN:VCALENDAR",
        ),
        (
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR",
            "line 3: END:VCALENDAR where END:VEVENT belongs",
        ),
        (
            "BEGIN:VCALENDAR\n\nBEGIN:VEVENT\n",
            "line 3: BEGIN:VEVENT has no END:VEVENT",
        ),
        (
            "BEGIN:VCALENDAR\nEND:VCALENDAR\nX:1",
            "line 3: not an iCalendar file: it does not begin with BEGIN:VCALENDAR",
        ),
    ] {
        assert_eq!(broken(text), expected);
    }
    for (event, expected) in [
        ("SUMMARY:x", "line 3: the event has no DTSTART"),
        (
            "DTSTART;VALUE=DATE:20261301",
            "line 4: DTSTART: `20261301` is not a day, YYYYMMDD",
        ),
        (
            "DTSTART:2026-12-25",
            "line 4: DTSTART: `2026-12-25` is not a time, YYYYMMDDTHHMMSS, or a day, YYYYMMDD",
        ),
        (
            "DTSTART;TZID=W. Europe Standard Time:20261225T100000",
            "line 4: DTSTART: no time zone `W. Europe Standard Time`; IANA names such as Europe/Berlin are understood",
        ),
        (
            "DTSTART:20261225T100000Z\nDTEND:20261225T090000Z",
            "line 3: the event ends before it starts",
        ),
        (
            "DTSTART:20261225T100000Z\nDURATION:1h",
            "line 5: DURATION: `1h` is not a length of time such as P1D or PT1H30M",
        ),
        (
            "DTSTART:20261225T100000Z\nDURATION:P1W1W1W1W1W1W",
            "line 5: DURATION: `P1W1W1W1W1W1W` is not a length of time such as P1D or PT1H30M",
        ),
        (
            "DTSTART:20261225T100000Z\nRRULE:FREQ=HOURLY",
            "line 5: RRULE: FREQ=HOURLY is not understood; there are DAILY, WEEKLY, MONTHLY and YEARLY",
        ),
        (
            "DTSTART:20261225T100000Z\nRRULE:FREQ=YEARLY;BYDAY=XX",
            "line 5: RRULE: `XX` is not a valid weekday. Valid values are `MO`, `TU`, `WE`, `TH`, `FR`, `SA` and `SU`.",
        ),
        (
            "DTSTART:20261225T100000Z\nnonsense",
            "line 5: not a line of an iCalendar file: `nonsense`",
        ),
    ] {
        let text = format!("BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\n{event}\nEND:VEVENT\nEND:VCALENDAR");
        assert_eq!(broken(&text), expected);
    }
}

#[test]
fn a_calendar_is_bounded() {
    let many = text(&vec!["DTSTART;VALUE=DATE:20261225"; MAX_EVENTS + 1]);
    let error = many.parse::<Calendar>().unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("line {}: more than 10000 events", 3 + 3 * MAX_EVENTS)
    );
    // Six daily events since 1970 are more occurrences than one calendar may have.
    let frequent = text(&["DTSTART;VALUE=DATE:19700101\nRRULE:FREQ=DAILY"; 6]);
    let error = frequent.parse::<Calendar>().unwrap_err().to_string();
    assert!(
        error.contains(&format!("more than {MAX_OCCURRENCES} occurrences")),
        "{error}"
    );
}

fn file(folder: &tempfile::TempDir, name: &str, events: &[&str]) -> Arc<CalendarFile> {
    let path = folder.path().join(name);
    std::fs::write(&path, text(events)).unwrap();
    Arc::new(CalendarFile::open(path).unwrap())
}

#[test]
fn a_schedule_keeps_off_some_days_and_to_others() {
    let folder = tempfile::tempdir().unwrap();
    let holidays = file(
        &folder,
        "holidays.ics",
        &["SUMMARY:Christmas\nDTSTART;VALUE=DATE:20261225"],
    );
    let shifts = file(
        &folder,
        "shifts.ics",
        &["SUMMARY:Early\nDTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261227"],
    );
    let schedule = Schedule::new("0 9 * * *".parse().unwrap(), "Europe/Berlin".parse().unwrap())
        .with_days([Days::Only(shifts), Days::Except(holidays)]);
    let told: Vec<_> = schedule
        .upcoming(utc("2026-12-23T00:00:00Z"))
        .take(5)
        .map(|time| {
            schedule
                .excluded(time)
                .map_or_else(|| "comes".to_owned(), |reason| reason.to_string())
        })
        .collect();
    assert_eq!(
        told,
        [
            "no event of shifts.ics covers it",
            "comes",
            "Christmas (holidays.ics)",
            "comes",
            "no event of shifts.ics covers it",
        ]
    );
}

#[test]
fn a_changed_file_is_taken_and_a_broken_one_keeps_the_old() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(
        &folder,
        "holidays.ics",
        &["SUMMARY:Old\nDTSTART;VALUE=DATE:20261225"],
    );
    let title = || {
        let calendar = file.calendar();
        calendar
            .event_at(utc("2026-12-25T12:00:00Z"), Zone::UTC)
            .map(str::to_owned)
    };
    assert!(!file.refresh().unwrap(), "nothing has changed");
    std::fs::write(file.path(), text(&["SUMMARY:Newer\nDTSTART;VALUE=DATE:20261225"])).unwrap();
    assert!(file.refresh().unwrap());
    assert_eq!(title().as_deref(), Some("Newer"));
    std::fs::write(file.path(), "BEGIN:VCALENDAR\nBEGIN:VEVENT\n").unwrap();
    let error = file.refresh().unwrap_err().to_string();
    assert!(
        error.ends_with("holidays.ics, line 2: BEGIN:VEVENT has no END:VEVENT"),
        "{error}"
    );
    assert!(!file.refresh().unwrap(), "it is said once");
    assert_eq!(title().as_deref(), Some("Newer"));
    std::fs::remove_file(file.path()).unwrap();
    assert!(
        file.refresh()
            .unwrap_err()
            .to_string()
            .starts_with("cannot read ")
    );
    assert_eq!(title().as_deref(), Some("Newer"));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        let _ = text.parse::<Calendar>();
    }

    #[test]
    fn texts_like_events_are_read_or_refused(
        lines in prop::collection::vec(
            prop::sample::select(vec![
                "DTSTART;VALUE=DATE:20260101", "DTSTART:20260101T000000", "DTSTART;TZID=Europe/Berlin:20260329T023000",
                "DTEND;VALUE=DATE:20260105", "DTEND:99991231T235959Z", "DURATION:PT999999H", "DURATION:P999999W",
                "RRULE:FREQ=YEARLY;BYMONTHDAY=31;BYMONTH=2", "RRULE:FREQ=MONTHLY;BYDAY=5MO;INTERVAL=65535",
                "RRULE:FREQ=WEEKLY;UNTIL=20260101", "RRULE:", "RRULE:FREQ=DAILY;COUNT=4294967295",
                "EXDATE:20260101T000000", "RDATE:20270101T000000Z", "RECURRENCE-ID:20260101", "BEGIN:VALARM", "END:VALARM",
            ]),
            0..6,
        ),
    ) {
        let text = format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\n{}\nEND:VEVENT\nEND:VCALENDAR", lines.join("\n"));
        if let Ok(calendar) = text.parse::<Calendar>() {
            let _ = calendar.event_at(utc("2026-06-01T00:00:00Z"), Zone::UTC);
        }
    }
}
