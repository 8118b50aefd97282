//! The same bot in this process and in one of its own: the same settings are refused, the same dialogue has the same
//! effects.

use std::time::Duration;

use parlor_bot::testkit::{TestKit, TestKitBuilder};
use parlor_bot::{BotKind, Event, SetupError};
use parlor_process_test::Tea;
use serde_json::{Value, json};

use crate::programs::{kind, tea};

/// The test of each of the two.
fn both(settings: &Value) -> [TestKitBuilder; 2] {
    [
        TestKit::of::<Tea>(settings.clone()),
        TestKit::of_kind(kind(&tea()), settings.clone()),
    ]
}

/// Plays everything that the bot has a handler for, and writes down what comes of it.
async fn play(kit: TestKitBuilder) -> String {
    let mut kit = kit
        .rooms(["Kitchen", "Garden"])
        .can_remove()
        .at("2026-03-27T09:00:00Z")
        .start()
        .await
        .unwrap();
    let mut told = String::new();
    let schedules: Vec<_> = kit
        .schedules()
        .map(|(id, schedule)| format!("{id} {schedule:?}"))
        .collect();
    told += &format!("{schedules:?} {}\n", kit.wants_private_messages());
    for text in [
        "!help",
        "!help tea",
        "!tea",
        "!TEA 1 Milk",
        "!tea 1 lemon",
        "!tea one",
        "!tea 1 milk now",
        "!tea 9",
        "!coffee",
        "!spill",
        "nothing at all",
        "Earl Grey, or green  tea?",
    ] {
        kit.message("Kitchen", "alice", text).await.unwrap();
    }
    for (alert, missed) in [(false, false), (false, true), (true, false)] {
        let mut fails = kit.incoming("Garden", "bob", "!fail");
        (fails.alert, fails.missed) = (alert, missed);
        let outcome = kit.deliver(Event::Message(fails)).await;
        told += &format!("{}\n", outcome.unwrap_err());
    }
    let mut bot = kit.incoming("Garden", "robot", "!tea");
    bot.automated = true;
    kit.deliver(Event::Message(bot)).await.unwrap();
    kit.private("bob", "how many?").await.unwrap();
    kit.private("bob", "!help").await.unwrap();
    kit.joined("Garden", "carol").await.unwrap();
    kit.crash_before_commit();
    kit.message("Garden", "dave", "!tea 1 sugar").await.unwrap();
    // Friday's tea, and after a weekend without a host Monday's, late.
    kit.advance(Duration::from_secs(7 * 3600)).await.unwrap();
    kit.message("Kitchen", "alice", "!tea").await.unwrap();
    kit.restart_after(Duration::from_secs(3 * 86_400)).await.unwrap();
    kit.message("Kitchen", "alice", "!tea").await.unwrap();
    kit.private("bob", "forget").await.unwrap();
    told += &format!("{:#?}\n{:#?}\n", kit.take_mails(), kit.removals());
    told += &format!("{:#?}\n{:?}\n{:?}\n", kit.posts(), kit.skipped(), kit.all_state());
    kit.assert_answers(&[
        ("bob", "2 cups are taken"),
        ("bob", &parlor_bot::Description::of::<Tea>().help("")),
        ("carol", "Tea?"),
    ]);
    told
}

#[tokio::test]
async fn the_same_dialogue_has_the_same_effects() {
    let settings = json!({ "cups": 4, "words": ["earl grey", "green tea"], "zone": "Europe/Berlin",
        "mail": ["Ann <ann@example.com>"] });
    let [inside, outside] = both(&settings);
    let inside = play(inside).await;
    assert_eq!(play(outside).await, inside);
    // Not alike because nothing happened.
    for part in [
        "Noted, alice: 1 with milk.",
        "Tea for alice",
        "earl grey",
        "alice takes 1",
        "wiped up",
        "ready since 09:03:00",
        "tried again: not now",
        "set aside: not ever",
        "stopped: enough",
        "Usage: !tea",
    ] {
        assert!(
            inside.to_lowercase().contains(&part.to_lowercase()),
            "{part} is not in {inside}"
        );
    }
}

#[tokio::test]
async fn the_same_settings_are_refused_in_the_same_words() {
    for settings in [
        json!({}),
        json!({ "cups": "four" }),
        json!({ "cups": 4, "zone": "Europe/Berlni" }),
        json!({ "cups": 4, "words": [""] }),
        json!({ "cups": 0 }),
    ] {
        let mut told = Vec::new();
        for kit in both(&settings) {
            let refused = kit.start().await.unwrap_err();
            let each: Vec<(Option<String>, String)> = refused
                .each()
                .into_iter()
                .map(|error: SetupError| (error.path().map(str::to_owned), error.to_string()))
                .collect();
            assert!(!each.is_empty());
            told.push(each);
        }
        assert_eq!(told[0], told[1], "{settings}");
    }
}

#[test]
fn a_program_describes_itself_as_the_bot_does() {
    assert_eq!(kind(&tea()).description(), BotKind::of::<Tea>().description());
    let mut renamed = tea();
    renamed.name = "chai".to_owned();
    let renamed = kind(&renamed);
    assert_eq!(
        (renamed.name(), renamed.description().kind.as_str()),
        ("chai", "chai")
    );
}
