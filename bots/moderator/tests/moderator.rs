//! Whom the moderator warns, what it counts, and what operators are told.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::time::Duration;

use parlor_bot::Event;
use parlor_bot::testkit::TestKit;
use parlor_bot_moderator::Moderator;
use serde_json::{Value, json};

const WARNING: &str = "alice, please mind your words in Lounge.";

/// Settings with one list for all rooms, and `extra`.
fn settings(extra: Value) -> Value {
    let mut settings = json!({"lists": [{"words": ["darn", "go jump in the lake"]}]});
    settings
        .as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    settings
}

async fn kit(extra: Value) -> TestKit {
    TestKit::of::<Moderator>(settings(extra))
        .rooms(["Lounge", "Garage", "Operators"])
        .start()
        .await
        .unwrap()
}

async fn problem(extra: Value) -> String {
    let kit = TestKit::of::<Moderator>(settings(extra)).rooms(["Lounge", "Garage", "Operators"]);
    kit.start().await.unwrap_err().to_string()
}

#[tokio::test]
async fn blocked_words_and_phrases_are_warned_of_and_others_are_not() {
    let mut kit = kit(json!({"cooldown": "0s", "warning": "{{ author }}: not `{{ matched }}` here"})).await;
    for (text, expected) in [
        ("nice day", vec![]),
        ("darning socks", vec![]),
        ("DARN it", vec![("Lounge", "alice: not `DARN` here")]),
        (
            "go jump  in the\nLake!",
            vec![("Lounge", "alice: not `go jump  in the\nLake` here")],
        ),
    ] {
        kit.message("Lounge", "alice", text).await.unwrap();
        kit.assert_posts(&expected);
    }
    let mut story = kit.incoming("Lounge", "alice", "nothing bad in the text");
    story.title = Some("Darn".to_owned());
    kit.deliver(Event::Message(story)).await.unwrap();
    kit.assert_posts(&[("Lounge", "alice: not `Darn` here")]);
}

#[tokio::test]
async fn lists_hold_in_their_rooms_with_their_warnings() {
    let mut kit = kit(json!({"cooldown": "0s", "lists": [
        {"words": ["darn"], "rooms": ["lounge"]},
        {"words": ["spanner"], "rooms": ["Garage"], "warning": "{{ matched }}? In {{ room }}?"},
        {"words": ["lake"]},
    ]}))
    .await;
    for (room, text, expected) in [
        ("Lounge", "darn", vec![("Lounge", WARNING)]),
        ("Garage", "darn", vec![]),
        ("Lounge", "spanner", vec![]),
        ("Garage", "spanner", vec![("Garage", "spanner? In Garage?")]),
        (
            "Garage",
            "lake",
            vec![("Garage", "alice, please mind your words in Garage.")],
        ),
    ] {
        kit.message(room, "alice", text).await.unwrap();
        kit.assert_posts(&expected);
    }
}

#[tokio::test]
async fn a_private_warning_is_for_the_author_alone() {
    let mut kit = kit(json!({"warn": "private"})).await;
    assert!(!kit.wants_private_messages());
    kit.message("Lounge", "alice", "darn").await.unwrap();
    kit.assert_posts(&[]);
    kit.assert_answers(&[("alice", WARNING)]);
}

#[tokio::test]
async fn nobody_is_warned_twice_in_a_moment_even_across_a_restart() {
    let mut kit = kit(json!({"cooldown": "5m"})).await;
    kit.message("Lounge", "alice", "darn").await.unwrap();
    kit.message("Garage", "alice", "darn").await.unwrap();
    kit.message("Lounge", "bob", "darn").await.unwrap();
    kit.assert_posts(&[
        ("Lounge", WARNING),
        ("Lounge", "bob, please mind your words in Lounge."),
    ]);
    assert_eq!(kit.skipped(), ["warned a moment ago"]);

    kit.restart_after(Duration::from_secs(299)).await.unwrap();
    kit.message("Lounge", "alice", "darn").await.unwrap();
    kit.assert_posts(&[]);
    kit.advance(Duration::from_secs(1)).await.unwrap();
    kit.message("Lounge", "alice", "darn").await.unwrap();
    kit.assert_posts(&[("Lounge", WARNING)]);
}

#[tokio::test]
async fn strikes_count_across_restarts_and_expire() {
    let mut kit =
        kit(json!({"cooldown": "0s", "forget_after": "1h", "warning": "strike {{ strikes }}"})).await;
    kit.message("Lounge", "alice", "darn").await.unwrap();
    kit.restart_after(Duration::from_secs(1800)).await.unwrap();
    kit.message("Garage", "alice", "darn").await.unwrap();
    kit.message("Lounge", "bob", "darn").await.unwrap();
    kit.assert_posts(&[
        ("Lounge", "strike 1"),
        ("Garage", "strike 2"),
        ("Lounge", "strike 1"),
    ]);
    kit.advance(Duration::from_secs(1800)).await.unwrap();
    kit.message("Lounge", "alice", "darn").await.unwrap();
    kit.assert_posts(&[("Lounge", "strike 2")]);
}

#[tokio::test]
async fn operators_get_a_note_with_an_excerpt_and_a_link_and_an_alert_at_the_limit() {
    let mut kit = kit(json!({"warn": "private", "operator_room": "operators", "alert_at": 3})).await;
    let long = format!("darn {}", "word ".repeat(100));
    kit.message("Lounge", "alice", &long).await.unwrap();
    let posts = kit.take_posts();
    let [note] = &posts[..] else { panic!("{posts:?}") };
    assert_eq!(note.room.as_str(), "Operators");
    let text = note.message.plain_text();
    let begin = "alice (sip:alice@example.com) said \u{201c}darn\u{201d} in message 1 of Lounge, strike 1: darn word word";
    assert!(text.starts_with(begin), "{text}");
    assert!(text.contains('…') && text.chars().count() < 400, "{text}");
    let linked = note
        .message
        .parts()
        .iter()
        .any(|part| matches!(part, parlor_bot::MessagePart::RoomLink { name, .. } if name == "Lounge"));
    assert!(linked && !note.message.is_alert());

    // While the author is not warned again only the strike that reaches the limit is told.
    kit.message("Lounge", "alice", "darn").await.unwrap();
    kit.assert_posts(&[]);
    kit.message("Lounge", "alice", "darn").await.unwrap();
    let alert = kit.take_posts();
    assert!(alert.len() == 1 && alert[0].message.is_alert());
    kit.message("Lounge", "alice", "darn").await.unwrap();
    kit.assert_posts(&[]);
    kit.assert_answers(&[("alice", WARNING)]);

    kit.message("Operators", "alice", "darn").await.unwrap();
    kit.assert_posts(&[]);
    kit.assert_answers(&[]);
}

#[tokio::test]
async fn old_posts_count_but_are_not_warned_of() {
    let mut kit = kit(json!({"operator_room": "Operators", "note": "{{ author }} {{ strikes }} "})).await;
    let mut old = kit.incoming("Lounge", "alice", "darn");
    old.sent -= chrono::TimeDelta::minutes(11);
    kit.deliver(Event::Message(old)).await.unwrap();
    kit.message("Lounge", "alice", "darn").await.unwrap();
    kit.assert_posts(&[
        ("Operators", "alice 1  Lounge"),
        ("Lounge", WARNING),
        ("Operators", "alice 2  Lounge"),
    ]);
    assert_eq!(kit.skipped(), ["posted too long ago for a warning"]);
}

#[tokio::test]
async fn bots_and_exempt_users_are_left_alone() {
    let mut kit = kit(json!({"exempt": ["sip:boss@example.com"], "operator_room": "Operators"})).await;
    kit.message("Lounge", "boss", "darn").await.unwrap();
    let mut automated = kit.incoming("Lounge", "newsbot", "darn");
    automated.automated = true;
    kit.deliver(Event::Message(automated)).await.unwrap();
    kit.assert_posts(&[]);
    assert_eq!(kit.all_state().iter().count(), 0);
    assert_eq!(kit.skipped().len(), 2);
}

#[tokio::test]
async fn what_is_remembered_is_bounded() {
    let mut kit = kit(json!({"cooldown": "0s", "warning": "{{ strikes }}"})).await;
    for person in 0..1001 {
        kit.message("Lounge", &format!("user{person}"), "darn")
            .await
            .unwrap();
        kit.advance(Duration::from_secs(1)).await.unwrap();
    }
    assert_eq!(kit.all_state().iter().count(), 1000);
    let known = |kit: &TestKit, person: &str| {
        kit.all_state()
            .get(&format!("strikes/sip:{person}@example.com"))
            .is_some()
    };
    assert!(!known(&kit, "user0") && known(&kit, "user1") && known(&kit, "user1000"));

    kit.take_posts();
    for _ in 0..25 {
        kit.message("Lounge", "user1", "darn").await.unwrap();
    }
    assert_eq!(kit.take_posts().last().unwrap().message.display_text(), "20");
    // A thousand people with as many strikes, and addresses four times as long, stay below the limit.
    let one = kit
        .all_state()
        .get("strikes/sip:user1@example.com")
        .unwrap()
        .to_string()
        .len();
    assert!(1000 * (one + 100) < parlor_bot::MAX_STATE_BYTES, "{one}");
}

/// As [`kit`], where messages can be removed.
async fn eraser(extra: Value) -> TestKit {
    TestKit::of::<Moderator>(settings(extra))
        .rooms(["Lounge", "Garage", "Operators"])
        .can_remove()
        .start()
        .await
        .unwrap()
}

#[tokio::test]
async fn a_post_is_removed_and_author_and_operators_are_told() {
    let mut kit = eraser(json!({"remove": "always", "operator_room": "Operators"})).await;
    kit.message("Lounge", "alice", "nice day").await.unwrap();
    kit.assert_removals(&[]);
    kit.message("Lounge", "alice", "Darn it").await.unwrap();
    kit.assert_removals(&[("Lounge", 2, "blocked word: Darn")]);
    let posts = kit.take_posts();
    assert_eq!(
        posts[0].message.display_text(),
        "alice, please mind your words in Lounge. Your message was removed."
    );
    let note = posts[1].message.display_text();
    assert!(
        note.contains("message 2 of Lounge, strike 1, removed: Darn it"),
        "{note}"
    );

    // During a cooldown nobody is warned again, and what is blocked goes all the same.
    kit.message("Garage", "alice", "darn").await.unwrap();
    kit.assert_posts(&[]);
    kit.assert_removals(&[("Garage", 3, "blocked word: darn")]);
}

#[tokio::test]
async fn repeated_means_from_the_second_strike_on_and_lists_may_differ() {
    let mut kit = eraser(json!({"remove": "repeated", "cooldown": "0s", "lists": [
        {"words": ["darn"]},
        {"words": ["lake"], "remove": "never"},
        {"words": ["secret"], "remove": "always"},
    ]}))
    .await;
    for (text, removed) in [
        ("darn", false),
        ("darn", true),
        ("lake", false),
        ("secret", true),
        // The first list warns, and any of them removes.
        ("a lake is no secret", true),
    ] {
        kit.message("Lounge", "alice", text).await.unwrap();
        let says_so = kit.take_posts()[0].message.display_text().ends_with("removed.");
        assert_eq!((kit.removals().len() == 1, says_so), (removed, removed), "{text}");
        let id = kit.removals().first().map(|removal| removal.id.0);
        if let Some(id) = id {
            let word = if text == "darn" { "darn" } else { "secret" };
            kit.assert_removals(&[("Lounge", id, &format!("blocked word: {word}"))]);
        }
    }
    kit.message("Lounge", "bob", "darn").await.unwrap();
    kit.assert_removals(&[]);
}

#[tokio::test]
async fn old_posts_are_removed_without_a_warning_and_others_may_say_what_they_like() {
    let mut kit =
        eraser(json!({"remove": "always", "notice": "(language)", "exempt": ["sip:boss@example.com"]})).await;
    let mut old = kit.incoming("Lounge", "alice", "darn");
    old.sent -= chrono::TimeDelta::hours(5);
    let posted = old.sent;
    kit.crash_before_commit();
    kit.deliver(Event::Message(old)).await.unwrap();
    kit.assert_posts(&[]);
    let removal = &kit.removals()[0];
    assert_eq!(removal.posted, posted);
    assert_eq!(
        removal
            .notice
            .as_ref()
            .map(|notice| notice.display_text())
            .as_deref(),
        Some("(language)")
    );
    kit.assert_removals(&[("Lounge", 1, "blocked word: darn")]);
    kit.message("Lounge", "boss", "darn").await.unwrap();
    kit.assert_removals(&[]);
}

#[tokio::test]
async fn operators_see_strikes_and_forgive_them_and_nobody_else_does() {
    let mut kit = kit(json!({
        "cooldown": "0s", "warn": "private", "operator_room": "Operators", "note": "noted", "forget_after": "1h",
    }))
    .await;
    for person in ["alice", "bob", "alice"] {
        kit.message("Lounge", person, "darn").await.unwrap();
        kit.advance(Duration::from_secs(60)).await.unwrap();
    }
    kit.take_posts();
    let asked = async |kit: &mut TestKit, text: &str| {
        kit.message("Operators", "olga", text).await.unwrap();
        let posts = kit.take_posts();
        posts
            .iter()
            .map(|post| post.message.display_text())
            .collect::<Vec<_>>()
            .join("|")
    };
    assert_eq!(
        asked(&mut kit, "!strikes").await,
        "sip:alice@example.com: 2, the last 2026-01-05 09:02 UTC\n\
         sip:bob@example.com: 1, the last 2026-01-05 09:01 UTC"
    );
    assert_eq!(
        asked(&mut kit, "!strikes Bob@example.com").await,
        "sip:bob@example.com: 1, the last 2026-01-05 09:01 UTC"
    );
    assert_eq!(
        asked(&mut kit, "!forgive alice@example.com").await,
        "The strikes of sip:alice@example.com are forgotten."
    );
    assert_eq!(
        asked(&mut kit, "!forgive alice@example.com").await,
        "sip:alice@example.com has no strikes."
    );
    assert_eq!(
        asked(&mut kit, "!strikes sip:alice@example.com").await,
        "sip:alice@example.com has no strikes."
    );
    assert_eq!(
        asked(&mut kit, "!forgive everybody").await,
        "Write `!forgive` and an address, as in `!forgive alice@example.com`."
    );
    assert_eq!(asked(&mut kit, "darn, what now").await, "");

    // Elsewhere it is a post like any other.
    kit.message("Lounge", "bob", "!forgive bob@example.com darn")
        .await
        .unwrap();
    kit.assert_posts(&[("Operators", "noted Lounge")]);
    assert!(
        asked(&mut kit, "!strikes bob@example.com")
            .await
            .starts_with("sip:bob@example.com: 2")
    );
    kit.advance(Duration::from_secs(3600)).await.unwrap();
    assert_eq!(asked(&mut kit, "!strikes").await, "Nobody has strikes.");
    for person in 0..21 {
        kit.message("Lounge", &format!("user{person}"), "darn")
            .await
            .unwrap();
    }
    kit.take_posts();
    let listed = asked(&mut kit, "!strikes").await;
    assert_eq!(listed.lines().count(), 21);
    assert!(listed.ends_with("and 1 more"), "{listed}");
}

#[tokio::test]
async fn wrong_settings_are_located() {
    for (extra, expected) in [
        (json!({"lists": []}), "lists: no list of words"),
        (json!({"lists": [{"words": []}]}), "lists[0].words: no words"),
        (
            json!({"lists": [{"words": ["x", ""]}]}),
            "lists[0].words: word 2 is empty",
        ),
        (
            json!({"lists": [{"words": ["x"], "rooms": ["Nowhere"]}]}),
            "lists[0].rooms[0]: `Nowhere` is not one of this bot's rooms (Lounge, Garage, Operators)",
        ),
        (
            json!({"operator_room": "Nowhere"}),
            "operator_room: `Nowhere` is not one of this bot's rooms (Lounge, Garage, Operators)",
        ),
        (
            json!({"alert_at": 3}),
            "alert_at: there is no `operator_room` to alert",
        ),
        (
            json!({"alert_at": 21, "operator_room": "Operators"}),
            "alert_at: 21 is not in 1-20",
        ),
        (
            json!({"warn": "loudly"}),
            "warn: unknown variant `loudly`, expected `room` or `private`",
        ),
        (
            json!({"remove": "sometimes"}),
            "remove: unknown variant `sometimes`, expected one of `never`, `repeated`, `always`",
        ),
        (
            json!({"remove": "always"}),
            "remove: nothing can be removed: `server_control` in [host] must name the server's control socket",
        ),
        (
            json!({"lists": [{"words": ["x"]}, {"words": ["y"], "remove": "repeated"}]}),
            "lists[1].remove: nothing can be removed: `server_control` in [host] must name the server's control socket",
        ),
        (json!({"notice": " "}), "notice: it is empty"),
        (
            json!({"warning": "{{ autor }}"}),
            "warning: there is no variable `autor`; there are `author`, `author_uri`, `room`, `matched`, `text`, `id`, `strikes`, `removed`",
        ),
    ] {
        assert_eq!(problem(extra).await, expected);
    }
    let alone =
        TestKit::of::<Moderator>(settings(json!({"operator_room": "Operators"}))).rooms(["Operators"]);
    let problem = alone.start().await.unwrap_err().to_string();
    assert!(problem.contains("there is no room to moderate"), "{problem}");
}
