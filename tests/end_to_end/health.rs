//! /metrics, /live, /ready and `parlor status`, as monitoring and people see them.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::deployment::{CLOCK, Deployment, HELP, NEWS, complaint};
use crate::program::{PATIENCE, Program};

const METRICS: &str = "\n[metrics]\nlisten = \"127.0.0.1:0\"\n";

/// Where the program answers.
fn address(up: &mut Program) -> String {
    let event = up.event("metrics", |_| true);
    event["address"].as_str().expect("an address").to_owned()
}

/// One request: the status and the body.
fn get(address: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").expect("the request is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the answer ends");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.expect("a status"), body.to_owned())
}

fn readiness(address: &str) -> (u16, Value) {
    let (status, body) = get(address, "/ready");
    (status, serde_json::from_str(&body).expect("JSON"))
}

/// Asks again until the answer is as wanted; the program may take a moment, and holds answers for a second.
fn until_ready(address: &str, wanted: u16) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (status, body) = readiness(address);
        if status == wanted {
            return body;
        }
        assert!(Instant::now() < deadline, "/ready stays {status}: {body}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The names of families in an exposition.
fn families(text: &str) -> BTreeSet<String> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types
        .filter_map(|rest| rest.split(' ').next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_number_is_told_and_documented() {
    let deployment = Deployment::new(&format!("{NEWS}{HELP}{CLOCK}{METRICS}"));
    let mut up = deployment.start("up");
    let address = address(&mut up);
    for _ in 0..3 {
        up.event("posted", |event| event["instance"] == "news");
    }
    assert_eq!(get(&address, "/live"), (200, "alive\n".to_owned()));
    assert_eq!(get(&address, "/elsewhere").0, 404);
    let (status, text) = get(&address, "/metrics");
    assert_eq!(status, 200);
    assert!(
        text.contains("parlor_host_posts_acknowledged_total{bot=\"news\",room=\"News\"} 3\n"),
        "{text}"
    );
    assert!(text.contains("\nparlor_server_commit_changes_count "), "{text}");
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let series: Vec<_> = samples
        .filter_map(|line| Some(line.rsplit_once(' ')?.0))
        .collect();
    assert_eq!(
        series.len(),
        series.iter().collect::<BTreeSet<_>>().len(),
        "no series twice"
    );

    let guide = include_str!("../../docs/operations.md");
    let documented: BTreeSet<String> = guide
        .lines()
        .filter_map(|line| line.strip_prefix("| `parlor_"))
        .filter_map(|rest| rest.split(['`', '{']).next())
        .map(|name| format!("parlor_{name}"))
        .collect();
    assert_eq!(
        families(&text),
        documented,
        "docs/operations.md lists what there is"
    );
    up.interrupt();
}

#[test]
fn ready_names_the_bot_that_is_not() {
    let lost = HELP
        .replace("\"Help\"", "\"Nowhere\"")
        .replace("id = \"help\"", "id = \"lost\"");
    let deployment = Deployment::new(&format!("{HELP}{lost}{METRICS}"));
    let mut up = deployment.start("up");
    let address = address(&mut up);
    up.event("joined", |_| true);
    up.event("join_failed", |_| true);
    let body = until_ready(&address, 503);
    assert_eq!(body["ready"], false);
    assert_eq!(body["server"]["ready"], true, "{body}");
    let lost = body["bots"]
        .as_array()
        .and_then(|bots| bots.iter().find(|bot| bot["bot"] == "lost"))
        .expect("the bot is named");
    let reason = lost["reasons"][0].as_str().unwrap_or_default();
    assert!(reason.starts_with("room Nowhere is not joined"), "{body}");
    deployment.json(&[
        "room",
        "create",
        "Nowhere",
        "--category",
        "General",
        "--privacy",
        "open",
    ]);
    let body = until_ready(&address, 200);
    assert_eq!(body["ready"], true);
    up.interrupt();
}

#[test]
fn status_shows_both_sides_and_lives_with_one() {
    let deployment = Deployment::new(&format!("{NEWS}{CLOCK}"));
    let nobody = deployment.run(&["status"]);
    assert_eq!(nobody.status.code(), Some(4), "{}", complaint(&nobody));
    let mut serve = deployment.start("serve");
    serve.event("listening", |_| true);
    let mut host = deployment.start("host");
    host.event("posted", |event| event["instance"] == "news");
    let status = deployment.json(&["status"]);
    assert_eq!(status["server"]["rooms"], 3, "{status}");
    assert_eq!(status["host"]["instances"][0]["id"], "clock", "{status}");
    let shown = deployment.run(&["status"]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    for part in [
        "server 0.1.0",
        "outbox ",
        "news",
        "feed.xml",
        "tick",
        "sip:newsbot@example.com",
    ] {
        assert!(shown.contains(part), "`{part}` is missing:\n{shown}");
    }
    assert!(!shown.contains('\u{1b}'), "no colours without a terminal");
    serve.interrupt();
    let shown = deployment.run(&["status"]);
    assert!(String::from_utf8_lossy(&shown.stdout).contains("server is not running"));
    host.interrupt();

    let mut serve = deployment.start("serve");
    serve.event("listening", |_| true);
    let status = deployment.json(&["status"]);
    assert!(
        status["host"].is_null() && status["server"].is_object(),
        "{status}"
    );
    serve.interrupt();
}

#[test]
fn an_address_in_use_ends_the_start_with_advice() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    let deployment = Deployment::new(HELP);
    let output = deployment.run(&["serve", "--metrics", &address]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        complaint(&output).contains("--metrics ADDRESS:PORT"),
        "{}",
        complaint(&output)
    );
}
