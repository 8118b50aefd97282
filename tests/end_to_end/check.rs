//! Bad configuration and command lines: specific words, the right exit code.

use std::fs;

use crate::deployment::{CLOCK, Deployment, HELP, complaint};

#[test]
fn every_mistake_is_named_at_once() {
    let deployment = Deployment::new(CLOCK);
    let path = deployment.path("parlor.toml");
    let text = fs::read_to_string(&path).expect("the configuration is there");
    let text = text
        .replace("* * * * * *", "* * *")
        .replace("domain =", "domian =")
        .replace("\"secret\"", "\"hidden\"");
    fs::write(&path, text).expect("the configuration is written");
    let output = deployment.run(&["check"]);
    assert_eq!(output.status.code(), Some(3));
    let words = complaint(&output);
    for expected in [
        "did you mean `domain`",
        "`hidden` is not a privacy",
        "announcements[0].cron",
        "parlor.toml:",
    ] {
        assert!(words.contains(expected), "`{expected}` is missing in:\n{words}");
    }
    let json = deployment.run(&["check", "--json"]);
    let value: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert!(
        value["problems"].as_array().is_some_and(|list| list.len() >= 3),
        "{value}"
    );
    assert!(
        value["problems"][0]["line"].as_u64().is_some_and(|line| line > 1),
        "{value}"
    );
}

/// Keyword rules with a mistake in nearly every line.
const CARELESS: &str = r#"
[[host.bot]]
id = "help"
kind = "keywords"
user = "sip:helpbot@example.com"
rooms = ["Help"]
[host.bot.settings]
cooldwn = "1m"
answers = "two"
[[host.bot.settings.rules]]
name = "a"
words = ["x"]
replay = "y"
"#;

#[test]
fn every_mistake_in_the_settings_of_a_bot_is_named_at_once() {
    let deployment = Deployment::new(CARELESS);
    let output = deployment.run(&["check"]);
    assert_eq!(output.status.code(), Some(3));
    let words = complaint(&output);
    for expected in [
        "there is no setting `cooldwn`",
        "did you mean `cooldown`?",
        "`\"two\"` is not a whole number",
        "rules[0].replay: there is no setting `replay`",
        "did you mean `reply`?",
        "`reply` is missing: a template",
    ] {
        assert!(words.contains(expected), "`{expected}` is missing in:\n{words}");
    }
    assert!(words.contains("4 problems"), "none is told twice:\n{words}");
}

#[test]
fn a_right_file_is_called_right_and_changes_nothing() {
    let deployment = Deployment::new(HELP);
    let output = deployment.run(&["check"]);
    assert!(output.status.success(), "{}", complaint(&output));
    assert!(
        !deployment.path("certs").exists() && !deployment.path("data").exists(),
        "checking leaves no trace"
    );
}

#[test]
fn the_coming_announcements_are_listed_without_a_server() {
    let deployment = Deployment::new(CLOCK);
    let coming = deployment.json(&["schedule", "next", "--count", "3"]);
    assert_eq!(coming.as_array().map(Vec::len), Some(3), "{coming}");
    assert_eq!(coming[0]["instance"], "clock");
}

/// An announcer that keeps off the days of a calendar.
const WORK: &str = r#"
[[host.bot]]
id = "clock"
kind = "announcer"
user = "sip:clock@example.com"
rooms = ["News"]
[[host.bot.settings.announcements]]
name = "work"
cron = "30 2 * * *"
zone = "Europe/Berlin"
from = 2026-01-01
except = ["holidays.ics"]
text = "work"
"#;

const HOLIDAYS: &str = "BEGIN:VCALENDAR
BEGIN:VEVENT
SUMMARY:Christmas
DTSTART;VALUE=DATE:20991225
DTEND;VALUE=DATE:20991227
END:VEVENT
END:VCALENDAR
";

#[test]
fn a_schedule_says_why_it_comes_or_not() {
    let deployment = Deployment::new(WORK);
    fs::write(deployment.path("holidays.ics"), HOLIDAYS).expect("the calendar is written");
    let why = |time: &str| deployment.json(&["schedule", "why", "clock/work", time]);
    let holiday = why("2099-12-26T02:30");
    assert_eq!(holiday["comes"], serde_json::json!([]), "{holiday}");
    assert_eq!(
        holiday["findings"],
        serde_json::json!(["kept off by a calendar: Christmas (holidays.ics)"])
    );
    assert_eq!(holiday["before"], "2099-12-24T01:30:00Z");
    assert_eq!(holiday["after"], "2099-12-27T01:30:00Z");
    let spring = why("2026-03-29T02:30");
    assert_eq!(
        spring["comes"][0]["item"], "schedule:work:2026-03-29T01:00:00+00:00",
        "{spring}"
    );
    for (time, words) in [
        (
            "2026-03-29T02:30",
            "the clock of Europe/Berlin jumps over it to 03:00",
        ),
        (
            "2026-10-25T02:30",
            "shows it twice, at 00:30 and 01:30 UTC; overlap = \"first\"",
        ),
        (
            "2026-10-26T03:00",
            "not a time of `30 2 * * *`: minute and hour do not match",
        ),
        (
            "2025-12-31T02:30",
            "the schedule starts later, at 2025-12-31 23:00:00 UTC",
        ),
    ] {
        let output = deployment.run(&["schedule", "why", "work", time]);
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(told.contains(words), "{time}: {told}");
    }
    let next = deployment.json(&["schedule", "next", "--count", "1", "--zone", "America/New_York"]);
    let local = next[0]["local"].as_str().expect("a time");
    assert!(local.ends_with(" America/New_York"), "{local}");

    let output = deployment.run(&["schedule", "why", "wrok"]);
    assert!(!output.status.success());
    assert!(
        complaint(&output).contains("schedules: clock/work"),
        "{}",
        complaint(&output)
    );
    let output = deployment.run(&["schedule", "why", "work", "tomorrow"]);
    assert!(
        complaint(&output).contains("`tomorrow` is not a time"),
        "{}",
        complaint(&output)
    );
}

#[test]
fn a_broken_calendar_is_named_with_its_line() {
    let deployment = Deployment::new(WORK);
    fs::write(
        deployment.path("holidays.ics"),
        HOLIDAYS.replace("20991225", "25.12.2099"),
    )
    .expect("written");
    let output = deployment.run(&["check"]);
    assert_eq!(output.status.code(), Some(3));
    let words = complaint(&output);
    assert!(words.contains("announcements[0].except[0]"), "{words}");
    // A terminal's lines may break anywhere between words.
    let words = words
        .replace(['\n', '│'], " ")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(
        words.contains("holidays.ics, line 4: DTSTART: `25.12.2099` is not a day, YYYYMMDD"),
        "{words}"
    );
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let deployment = Deployment::new("");
    fs::remove_file(deployment.path("parlor.toml")).expect("the file was there");
    let output = deployment.run(&["up"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(complaint(&output).contains("parlor.toml"));
}

#[test]
fn a_port_in_use_is_named() {
    let deployment = Deployment::new("");
    let _taken = std::net::TcpListener::bind(("127.0.0.1", deployment.port)).expect("the port is free");
    let output = deployment.run(&["serve"]);
    assert_eq!(output.status.code(), Some(1));
    let words = complaint(&output);
    assert!(
        words.contains(&deployment.port.to_string()) && words.contains("in use"),
        "{words}"
    );
}

#[test]
fn a_second_server_on_the_same_data_is_refused() {
    let deployment = Deployment::new("");
    let mut serve = deployment.start("serve");
    serve.event("listening", |_| true);
    let output = deployment.run(&["serve"]);
    assert_eq!(output.status.code(), Some(1), "{}", complaint(&output));
    serve.interrupt();
}

#[test]
fn administration_without_a_server_says_so() {
    let deployment = Deployment::new("");
    let output = deployment.run(&["room", "list"]);
    assert_eq!(output.status.code(), Some(4));
    assert!(complaint(&output).contains("parlor up"), "{}", complaint(&output));
}
