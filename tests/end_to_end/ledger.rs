//! `parlor ledger`: what became of things, while the host runs and afterwards.

use serde_json::Value;

use crate::deployment::{CLOCK, Deployment, NEWS, complaint};

fn statuses(entries: &Value) -> Vec<&str> {
    let entries = entries.as_array().expect("a list");
    entries
        .iter()
        .filter_map(|entry| entry["status"].as_str())
        .collect()
}

#[test]
fn why_list_and_retry_answer_while_the_host_runs_and_when_it_does_not() {
    let deployment = Deployment::new(NEWS);
    let mut up = deployment.start("up");
    for _ in 0..3 {
        up.event("posted", |_| true);
    }
    let posted = deployment.json(&["ledger", "list", "--status", "acknowledged"]);
    assert_eq!(statuses(&posted), ["acknowledged"; 3]);
    let first = &posted[0];
    let item = first["item"].as_str().expect("an item");
    let story = deployment.json(&["ledger", "why", item]);
    assert_eq!(
        statuses(&story),
        ["seen", "handled", "queued", "sent", "acknowledged"]
    );
    let message = first["message"].to_string();
    let told = deployment.run(&["ledger", "why", &message]);
    let told = String::from_utf8_lossy(&told.stdout);
    assert!(
        told.contains(&format!("it is in News as message {message}")),
        "{told}"
    );
    let filtered = deployment.json(&["ledger", "list", "--room", "news", "--since", "1h"]);
    assert_eq!(
        statuses(&filtered).len(),
        9,
        "queued, sent and acknowledged of each"
    );
    up.interrupt();

    assert_eq!(deployment.json(&["ledger", "why", item]), story);
    let retried = deployment.json(&["ledger", "retry", "--dead"]);
    assert_eq!(retried["posts"], 0);
    let unknown = deployment.run(&["ledger", "why", "no-such-thing"]);
    assert_eq!(unknown.status.code(), Some(1));
    let unknown = complaint(&unknown);
    assert!(
        unknown.contains("the ledger knows nothing of no-such-thing"),
        "{unknown}"
    );
}

#[test]
fn a_schedule_tells_what_became_of_a_time() {
    let deployment = Deployment::new(CLOCK);
    let mut up = deployment.start("up");
    let fired = up.event("schedule_fired", |_| true);
    up.event("posted", |_| true);
    let due = fired["due"].as_str().expect("a time");
    let told = deployment.json(&["schedule", "why", "tick", due]);
    assert_eq!(told["comes"][0]["past"], true, "{told}");
    assert_eq!(
        statuses(&told["ledger"]),
        ["seen", "handled", "queued", "sent", "acknowledged"],
        "{told}"
    );
    up.interrupt();
    // Long before anybody ran it.
    let output = deployment.run(&["schedule", "why", "tick", "2020-01-01T00:00:00"]);
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(told.contains("the ledger knows nothing of it"), "{told}");
}

#[test]
fn tail_follows_what_happens_also_through_the_hosts_end() {
    let deployment = Deployment::new(NEWS);
    let mut up = deployment.start("up");
    up.event("posted", |_| true);
    let mut tail = deployment.interactive(&["ledger", "tail", "--status", "acknowledged", "--json"]);
    for _ in 0..3 {
        tail.wait_for("an acknowledged post", |line| {
            let entry: Value = serde_json::from_str(line).ok()?;
            (entry["status"] == "acknowledged").then_some(())
        });
    }
    up.interrupt();
    deployment.feed(&[1, 2, 3, 4]);
    let up = deployment.start("up");
    tail.wait_for("one more", |line| line.contains("acknowledged").then_some(()));
    tail.signal("INT");
    tail.end();
    up.interrupt();
}
