//! What the keyword bot answers, and what it keeps quiet about.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::time::Duration;

use parlor_bot::Event;
use parlor_bot::testkit::TestKit;
use parlor_bot_keywords::Keywords;
use serde_json::{Value, json};

async fn kit(settings: Value) -> TestKit {
    TestKit::of::<Keywords>(settings)
        .rooms(["Help", "Ops"])
        .start()
        .await
        .unwrap()
}

async fn problem(settings: Value) -> String {
    TestKit::of::<Keywords>(settings)
        .rooms(["Help", "Ops"])
        .start()
        .await
        .unwrap_err()
        .to_string()
}

#[tokio::test]
async fn words_and_patterns_are_answered() {
    let mut kit = kit(json!({"rules": [
        {"name": "vpn", "words": ["VPN", "remote access"], "reply": "{{ author }}: {{ matched }}? See the wiki."},
        {"name": "ticket", "patterns": [r"\bINC-(?<id>\d{4,})\b"], "rooms": ["Ops"],
         "reply": "https://t.example.com/{{ named.id }} ({{ captures[1] }}, {{ room }})"},
    ]}))
    .await;
    for (room, text, expected) in [
        (
            "Help",
            "how do I get vpn?",
            vec![("Help", "alice: vpn? See the wiki.")],
        ),
        (
            "Help",
            "I need remote  access",
            vec![("Help", "alice: remote  access? See the wiki.")],
        ),
        ("Help", "vpnish", vec![]),
        ("Help", "inc-12345", vec![]),
        (
            "Ops",
            "see inc-12345 please",
            vec![("Ops", "https://t.example.com/12345 (12345, Ops)")],
        ),
        (
            "Ops",
            "inc-12345 over vpn",
            vec![("Ops", "alice: vpn? See the wiki.")],
        ),
    ] {
        kit.message(room, "alice", text).await.unwrap();
        kit.assert_posts(&expected);
    }
}

#[tokio::test]
async fn several_rules_may_answer_when_allowed() {
    let rules = json!([
        {"name": "a", "words": ["tea"], "reply": "A"},
        {"name": "b", "words": ["tea"], "reply": "B"},
        {"name": "c", "words": ["coffee", "tea"], "patterns": ["(?<kind>green) tea"], "reply": "C{{ named.kind }}"},
    ]);
    for (answers, expected) in [
        (1, vec![("Help", "A")]),
        (3, vec![("Help", "A"), ("Help", "B"), ("Help", "C")]),
    ] {
        let mut kit = kit(json!({"answers": answers, "rules": rules})).await;
        kit.message("Help", "alice", "green tea").await.unwrap();
        kit.assert_posts(&expected);
    }
}

#[tokio::test]
async fn a_rule_rests_after_an_answer_per_room_and_across_restarts() {
    let mut kit = kit(json!({"cooldown": "5m", "rules": [
        {"name": "tea", "words": ["tea"], "reply": "Tea!"},
        {"name": "milk", "words": ["milk"], "reply": "Milk!", "cooldown": "0s"},
    ]}))
    .await;
    kit.message("Help", "alice", "tea").await.unwrap();
    kit.message("Help", "bob", "more tea").await.unwrap();
    kit.message("Ops", "bob", "tea").await.unwrap();
    kit.message("Help", "bob", "milk").await.unwrap();
    kit.message("Help", "bob", "milk").await.unwrap();
    kit.assert_posts(&[
        ("Help", "Tea!"),
        ("Ops", "Tea!"),
        ("Help", "Milk!"),
        ("Help", "Milk!"),
    ]);
    assert_eq!(kit.skipped(), ["rule `tea` is cooling down here"]);

    kit.restart_after(Duration::from_secs(60)).await.unwrap();
    kit.message("Help", "alice", "tea").await.unwrap();
    kit.assert_posts(&[]);
    kit.advance(Duration::from_secs(240)).await.unwrap();
    kit.message("Help", "alice", "tea").await.unwrap();
    kit.assert_posts(&[("Help", "Tea!")]);
}

#[tokio::test]
async fn bots_itself_and_the_past_are_not_answered() {
    let mut kit = kit(json!({"ignore": ["sip:pest@example.com"], "rules": [{"name": "tea", "words": ["tea"], "reply": "tea!"}]})).await;
    kit.message("Help", "bot", "tea").await.unwrap();
    kit.message("Help", "pest", "tea").await.unwrap();
    let mut automated = kit.incoming("Help", "other-bot", "tea");
    automated.automated = true;
    kit.deliver(Event::Message(automated.clone())).await.unwrap();
    let mut old = kit.incoming("Help", "alice", "tea");
    old.sent -= chrono::TimeDelta::minutes(11);
    kit.deliver(Event::Message(old)).await.unwrap();
    kit.assert_posts(&[]);
    assert_eq!(
        kit.skipped(),
        [
            "posted by this bot",
            "posted by somebody on the ignore list",
            "posted by a bot",
            "posted too long ago"
        ]
    );

    let mut open = self::kit(
        json!({"answer_bots": true, "rules": [{"name": "tea", "words": ["tea"], "reply": "tea!"}]}),
    )
    .await;
    open.deliver(Event::Message(automated)).await.unwrap();
    open.assert_posts(&[("Help", "tea!")]);
}

#[tokio::test]
async fn an_answer_can_be_a_story() {
    let mut kit = kit(json!({"rules": [
        {"name": "plan", "words": ["plan"], "title": "The plan for {{ author }}", "reply": "Step one", "alert": false},
    ]}))
    .await;
    kit.message("Help", "alice", "what is the plan").await.unwrap();
    let posts = kit.take_posts();
    assert_eq!(posts[0].message.title(), Some("The plan for alice"));
    assert!(!posts[0].message.is_alert());
}

#[tokio::test]
async fn wrong_settings_are_located() {
    let rule = |extra: Value| {
        let mut rule = json!({"name": "a", "words": ["x"], "reply": "y"});
        rule.as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        json!({"rules": [rule]})
    };
    for (extra, expected) in [
        (
            json!({"patterns": ["a("]}),
            "rules[0].patterns[0]: not a regular expression: unclosed group",
        ),
        (
            json!({"patterns": ["x", "a*"]}),
            "rules[0].patterns[1]: it matches the empty text, and so every message",
        ),
        (
            json!({"patterns": [r"\w{5000}"]}),
            "rules[0].patterns[0]: not a regular expression: Compiled regex exceeds size limit of 1048576 bytes.",
        ),
        (
            json!({"words": []}),
            "rules[0]: a rule needs `words` or `patterns`",
        ),
        (json!({"words": ["x", ""]}), "rules[0].words: word 2 is empty"),
        (
            json!({"rooms": ["Nowhere"]}),
            "rules[0].rooms[0]: `Nowhere` is not one of this bot's rooms (Help, Ops)",
        ),
        (
            json!({"reply": "{{ named.id }}"}),
            "rules[0].reply: there is no variable `named.id`; there are `matched`, `author`, `author_uri`, `room`, `text`, `rule`, `captures`, `named`",
        ),
        (
            json!({"cooldown": "5 parsecs"}),
            "rules[0].cooldown: `5 parsecs`: not a length of time; write for example \"90s\", \"15m\", \"2h\", \"1d\" or \"1h30m\"",
        ),
        (
            json!({"word": "x"}),
            "rules[0].word: unknown field `word`, expected one of `name`, `words`, `patterns`, `rooms`, `reply`, `title`, `alert`, `cooldown`",
        ),
    ] {
        assert_eq!(problem(rule(extra)).await, expected);
    }
    let same = json!({"name": "a", "words": ["x"], "reply": "y"});
    assert_eq!(
        problem(json!({"rules": [same, same]})).await,
        "rules[1].name: `a` is the name of an earlier rule"
    );
}

#[tokio::test]
async fn who_writes_to_the_bot_alone_is_answered_alone_where_that_is_configured() {
    let rules = json!([
        {"name": "vpn", "words": ["vpn"], "reply": "{{ author }}: see the wiki{% if room %} of {{ room }}{% endif %}."},
        {"name": "ops", "words": ["pager"], "rooms": ["Ops"], "reply": "not for everybody"},
    ]);
    let mut quiet = kit(json!({"rules": rules})).await;
    assert!(!quiet.wants_private_messages());
    quiet.message("Help", "alice", "vpn").await.unwrap();
    quiet.assert_posts(&[("Help", "alice: see the wiki of Help.")]);

    let mut kit = kit(json!({"private": true, "cooldown": "1m", "rules": rules})).await;
    for (author, text) in [
        ("alice", "vpn?"),
        ("alice", "vpn!"),
        ("bob", "VPN"),
        ("bob", "the pager"),
    ] {
        kit.private(author, text).await.unwrap();
    }
    kit.assert_answers(&[("alice", "alice: see the wiki."), ("bob", "bob: see the wiki.")]);
    kit.assert_posts(&[]);
    assert_eq!(kit.skipped(), ["rule `vpn` is cooling down here"]);
}
