//! `parlor up`: the main job, from nothing to posts and answers.

use serde_json::Value;

use crate::deployment::{CLOCK, Deployment, HELP, NEWS, has_mode};

fn posted_by(instance: &'static str) -> impl Fn(&Value) -> bool {
    move |event| event["instance"] == instance
}

#[test]
fn a_feed_is_posted_a_keyword_answered_and_nothing_twice_after_a_restart() {
    let deployment = Deployment::new(&format!("{NEWS}{HELP}"));
    let mut up = deployment.start("up");
    for _ in 0..3 {
        up.event("posted", posted_by("news"));
    }
    assert_eq!(deployment.texts("News").len(), 3);
    assert!(deployment.texts("News")[0].contains("Item"));

    deployment.json(&[
        "room",
        "post",
        "Help",
        "I need help",
        "--as",
        "sip:alice@example.com",
    ]);
    up.event("posted", posted_by("help"));
    assert_eq!(deployment.texts("Help"), ["I need help", "At your service."]);
    up.interrupt();

    // One more item while the host is away; the old ones stay in the feed.
    deployment.feed(&[1, 2, 3, 4]);
    let mut up = deployment.start("up");
    let event = up.event("posted", posted_by("news"));
    assert!(
        event["excerpt"]
            .as_str()
            .is_some_and(|text| text.contains("Item 4")),
        "{event}"
    );
    let texts = deployment.texts("News");
    assert_eq!(texts.len(), 4, "{texts:?}");
    assert_eq!(deployment.texts("Help").len(), 2);
    up.interrupt();
}

#[test]
fn an_announcement_is_made_on_time() {
    let deployment = Deployment::new(CLOCK);
    let mut up = deployment.start("up");
    up.event("posted", posted_by("clock"));
    up.event("posted", posted_by("clock"));
    up.interrupt();
    let mut up = deployment.start("up");
    up.event("posted", posted_by("clock"));
    assert!(deployment.texts("News").iter().all(|text| text == "tick"));
    up.interrupt();
}

#[test]
fn what_is_asked_for_while_the_bot_is_away_is_answered_when_it_returns() {
    let deployment = Deployment::new(HELP);
    let mut serve = deployment.start("serve");
    serve.event("listening", |_| true);
    let mut host = deployment.start("host");
    host.event("joined", |_| true);
    host.interrupt();
    deployment.json(&[
        "room",
        "post",
        "Help",
        "help, anyone?",
        "--as",
        "sip:bob@example.com",
    ]);
    let mut host = deployment.start("host");
    host.event("posted", posted_by("help"));
    assert_eq!(deployment.texts("Help"), ["help, anyone?", "At your service."]);
    host.interrupt();
    serve.interrupt();
}

#[test]
fn state_is_the_owners_alone() {
    let deployment = Deployment::new(HELP);
    let mut up = deployment.start("up");
    up.event("joined", |_| true);
    assert!(has_mode(&deployment.path("data"), 0o700));
    assert!(has_mode(&deployment.path("data/control.sock"), 0o600));
    assert!(has_mode(&deployment.path("certs"), 0o700));
    up.interrupt();
    assert!(
        !deployment.path("data/control.sock").exists(),
        "the socket is removed at the end"
    );
}

#[test]
fn rooms_and_users_are_administered_while_the_server_runs() {
    let deployment = Deployment::new("");
    let mut serve = deployment.start("serve");
    serve.event("listening", |_| true);
    deployment.json(&["user", "add", "sip:carol@example.com", "--name", "Carol"]);
    let room = deployment.json(&[
        "room",
        "create",
        "Deploys",
        "--category",
        "General",
        "--member",
        "sip:carol@example.com",
        "--manager",
        "sip:alice@example.com",
    ]);
    assert_eq!(room["privacy"], "closed");
    let refused = deployment.run(&["room", "post", "Deploys", "hello", "--as", "sip:bob@example.com"]);
    assert_eq!(refused.status.code(), Some(1), "bob is no member");
    deployment.json(&[
        "room",
        "post",
        "Deploys",
        "hello",
        "--as",
        "sip:carol@example.com",
    ]);
    let room = deployment.json(&["room", "members", "Deploys", "--add", "sip:bob@example.com"]);
    assert_eq!(room["members"].as_array().map(Vec::len), Some(2), "{room}");
    let status = deployment.json(&["status"]);
    assert_eq!(status["server"]["rooms"], 4, "{status}");
    let duplicate = deployment.run(&["room", "create", "deploys", "--category", "General"]);
    assert_eq!(
        duplicate.status.code(),
        Some(1),
        "names are unique whatever their case"
    );
    serve.interrupt();

    // It is all there after a restart.
    let mut serve = deployment.start("serve");
    serve.event("listening", |_| true);
    assert_eq!(deployment.texts("Deploys"), ["hello"]);
    serve.interrupt();
}
