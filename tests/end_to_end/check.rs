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
