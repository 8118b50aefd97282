//! Digests by schedule and instant ones, their mails, and what they remember.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fmt::Write as _;
use std::time::Duration;

use parlor_bot::testkit::TestKit;
use parlor_bot::{Event, SetupError};
use parlor_bot_digest::Digests;
use serde_json::{Value, json};

const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);

/// A bot with this digest in News and Help, on a Monday at 09:00 UTC; `name` and `to` are given.
async fn kit(digest: Value) -> TestKit {
    kits(json!([digest])).await.unwrap()
}

async fn kits(mut digests: Value) -> Result<TestKit, SetupError> {
    for digest in digests.as_array_mut().unwrap() {
        let digest = digest.as_object_mut().unwrap();
        digest.entry("name").or_insert(json!("all"));
        digest.entry("to").or_insert(json!(["Ann <ann@example.com>"]));
    }
    let kit = TestKit::of::<Digests>(json!({ "zone": "Europe/Berlin", "digests": digests }));
    kit.rooms(["News", "Help"]).start().await
}

async fn say(kit: &mut TestKit, room: &str, text: &str) {
    kit.message(room, "alice", text).await.unwrap();
}

/// Subjects since the last look.
fn subjects(kit: &mut TestKit) -> Vec<String> {
    let mails = kit.take_mails().into_iter();
    mails.map(|one| one.mail.subject().to_owned()).collect()
}

#[tokio::test]
async fn a_digest_holds_what_was_said_since_the_last_one_and_nothing_twice() {
    let mut kit = kit(json!({ "cron": "0 * * * *", "to": ["ann@example.com", "bob@example.org"] })).await;
    say(&mut kit, "News", "one").await;
    say(&mut kit, "Help", "two").await;
    kit.advance(HOUR).await.unwrap();
    let mails = kit.take_mails();
    let to: Vec<_> = mails.iter().map(|one| one.to.address()).collect();
    assert_eq!(to, ["ann@example.com", "bob@example.org"]);
    assert_eq!(mails[0].mail, mails[1].mail);
    assert_eq!(mails[0].mail.subject(), "all: 2 posts in News, Help");

    say(&mut kit, "News", "three").await;
    kit.restart().await.unwrap();
    kit.crash_before_commit();
    kit.advance(HOUR).await.unwrap();
    let mails = kit.take_mails();
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0].mail.subject(), "all: alice in News");
    let text = mails[0].mail.text();
    assert!(text.contains("three") && !text.contains("one"), "{text}");

    kit.advance(HOUR).await.unwrap();
    assert_eq!(subjects(&mut kit), Vec::<String>::new());
    assert_eq!(kit.skipped(), ["nothing was said"]);
    assert_eq!(kit.all_state().iter().count(), 0, "nothing stays behind");
}

#[tokio::test]
async fn a_digest_that_was_due_while_nobody_ran_comes_once_at_the_start() {
    let mut kit = kit(json!({ "cron": "0 * * * *" })).await;
    say(&mut kit, "News", "one").await;
    kit.restart_after(5 * HOUR).await.unwrap();
    assert_eq!(subjects(&mut kit), ["all: alice in News"]);
}

#[tokio::test]
async fn the_mail_is_readable_and_nobody_can_post_markup_into_it() {
    let mut kit = kit(json!({ "cron": "0 * * * *", "bots": true, "limit": 4 })).await;
    say(&mut kit, "News", "too early").await;
    say(&mut kit, "News", "Grüße aus Köln,\nzweite Zeile").await;
    let mut story = kit.incoming("Help", "bob", "<script>alert(1)</script> & more");
    story.title = Some("A <b>story</b>".to_owned());
    story.alert = true;
    kit.deliver(Event::Message(story)).await.unwrap();
    let mut robot = kit.incoming("News", "robot", "beep");
    robot.automated = true;
    robot.author_name = Some("Röbot \"3\"".to_owned());
    kit.deliver(Event::Message(robot)).await.unwrap();
    say(&mut kit, "Help", "last").await;
    kit.advance(HOUR).await.unwrap();
    let mails = kit.take_mails();
    let mail = &mails[0].mail;
    let html = mail.html().unwrap();
    insta::assert_snapshot!(format!("{}\n\n{}\n\n{html}", mail.subject(), mail.text()));
    assert!(!html.contains("<script>"));
}

#[tokio::test]
async fn only_posts_that_fit_every_condition_are_kept() {
    let digest = json!({
        "cron": "0 * * * *", "rooms": ["News"], "words": ["fire"], "alerts": true,
        "authors": ["sip:alice@example.com"], "text": "{% for post in posts %}{{ post.text }};{% endfor %}"
    });
    let mut kit = kit(digest).await;
    for (room, author, text, alert, automated) in [
        ("News", "alice", "fire in one", true, false),
        ("Help", "alice", "fire elsewhere", true, false),
        ("News", "bob", "fire by bob", true, false),
        ("News", "alice", "all is well", true, false),
        ("News", "alice", "fire, no hurry", false, false),
        ("News", "alice", "fire by machine", true, true),
    ] {
        let mut post = kit.incoming(room, author, text);
        (post.alert, post.automated) = (alert, automated);
        kit.deliver(Event::Message(post)).await.unwrap();
    }
    kit.advance(HOUR).await.unwrap();
    assert_eq!(kit.take_mails()[0].mail.text(), "fire in one;");
}

#[tokio::test]
async fn a_burst_becomes_one_mail_and_what_follows_the_next() {
    let mut kit = kit(json!({ "when": "instant", "within": "2m" })).await;
    for number in 0..500 {
        say(&mut kit, "News", &format!("post {number}")).await;
    }
    kit.advance(MINUTE).await.unwrap();
    say(&mut kit, "News", "later").await;
    assert_eq!(subjects(&mut kit), Vec::<String>::new());
    kit.restart().await.unwrap();
    kit.crash_before_commit();
    kit.advance(MINUTE).await.unwrap();
    let mails = kit.take_mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].mail.subject(), "all: 501 posts in News");
    let text = mails[0].mail.text();
    assert!(
        text.starts_with("451 earlier posts did not fit into this mail.\n"),
        "{text}"
    );
    assert!(text.contains("post 451\n") && !text.contains("post 450\n") && text.contains("later\n"));

    say(&mut kit, "News", "much later").await;
    kit.restart_after(HOUR).await.unwrap();
    assert_eq!(
        subjects(&mut kit),
        ["all: alice in News"],
        "its time passed while nobody ran"
    );
    kit.advance(24 * HOUR).await.unwrap();
    assert_eq!(subjects(&mut kit), Vec::<String>::new());
}

#[tokio::test]
async fn instant_digests_keep_their_own_times() {
    let digests = json!([
        { "name": "slow", "when": "instant", "within": "10m" },
        { "name": "fast", "when": "instant", "within": "1m", "rooms": ["Help"] },
    ]);
    let mut kit = kits(digests).await.unwrap();
    say(&mut kit, "News", "one").await;
    kit.advance(5 * MINUTE).await.unwrap();
    say(&mut kit, "Help", "two").await;
    kit.advance(MINUTE).await.unwrap();
    assert_eq!(subjects(&mut kit), ["fast: alice in Help"]);
    kit.advance(4 * MINUTE).await.unwrap();
    assert_eq!(subjects(&mut kit), ["slow: 2 posts in News, Help"]);
}

#[tokio::test]
async fn more_mails_than_one_event_may_cause_come_with_the_next() {
    let people: Vec<_> = (0..50).map(|number| format!("p{number}@example.com")).collect();
    let digest = |name: &str| json!({ "name": name, "to": people, "when": "instant", "within": "1m" });
    let mut kit = kits(json!([digest("a"), digest("b"), digest("c")]))
        .await
        .unwrap();
    say(&mut kit, "News", "one").await;
    kit.advance(2 * MINUTE).await.unwrap();
    let mails = kit.take_mails();
    assert_eq!(mails.len(), 150);
    assert_eq!(mails[149].mail.subject(), "c: alice in News");
}

#[tokio::test]
async fn what_is_kept_fits_into_what_a_bot_remembers_and_into_a_mail() {
    let mut kit = kit(json!({ "cron": "0 * * * *", "limit": 300 })).await;
    for _ in 0..301 {
        // Each of these is escaped in JSON, and in HTML.
        say(&mut kit, "News", &"\"".repeat(1500)).await;
    }
    assert!(kit.all_state().bytes() < parlor_bot::MAX_STATE_BYTES);
    kit.advance(HOUR).await.unwrap();
    let mails = kit.take_mails();
    let text = mails[0].mail.text();
    assert_eq!(mails[0].mail.subject(), "all: 301 posts in News");
    let (more, _) = text.split_once(' ').unwrap();
    let shown = text.matches("2026-01-05 10:00").count();
    assert_eq!(more.parse::<usize>().unwrap() + shown, 301, "none is hushed up");
    assert!(shown >= 9, "{shown}");
}

#[tokio::test]
async fn changed_settings_keep_what_was_said_and_removed_digests_are_forgotten() {
    let mut kit = kit(json!({ "cron": "0 * * * *" })).await;
    say(&mut kit, "News", "one").await;
    let kept = kit.all_state().clone();
    let start = |digest: Value| {
        let settings = json!({ "digests": [digest] });
        let mut builder = TestKit::of::<Digests>(settings).rooms(["News", "Help"]);
        for (key, value) in kept.iter() {
            builder = builder.state(key, value.clone());
        }
        builder.start()
    };
    let instant = json!({ "name": "all", "to": ["ann@example.com"], "when": "instant" });
    let mut changed = start(instant).await.unwrap();
    changed.advance(2 * MINUTE).await.unwrap();
    assert_eq!(subjects(&mut changed), ["all: alice in News"]);

    let other = json!({ "name": "other", "to": ["ann@example.com"], "when": "instant" });
    let removed = start(other).await.unwrap();
    assert_eq!(
        removed.skipped(),
        ["posts of digests that are not configured any more: 1"]
    );
    assert_eq!(removed.all_state().iter().count(), 0);
}

#[tokio::test]
async fn own_templates_are_used_and_a_subject_stays_one_line() {
    let digest = json!({
        "cron": "0 * * * *", "plain": true,
        "subject": "{{ posts[0].text }}",
        "text": "{{ count }} of {{ total }} in {{ rooms[0].name }} <{{ rooms[0].uri }}> {{ zone }} {{ posts[0].time }}"
    });
    let mut kit = kit(digest).await;
    say(&mut kit, "News", "one\nBcc: eve@example.net\u{7}").await;
    kit.advance(HOUR).await.unwrap();
    let mail = &kit.take_mails()[0].mail;
    assert_eq!(mail.subject(), "one Bcc: eve@example.net");
    assert!(
        mail.text().starts_with("1 of 1 in News <ma-chan://"),
        "{}",
        mail.text()
    );
    assert!(mail.text().ends_with("> Europe/Berlin 10:00"), "{}", mail.text());
    assert_eq!(mail.html(), None);
}

#[tokio::test]
async fn wrong_settings_are_named() {
    let mut found = String::new();
    for digest in [
        json!({}),
        json!({ "when": "instant", "cron": "0 8 * * *" }),
        json!({ "when": "instant", "within": "2d" }),
        json!({ "when": "instant", "jitter": "5m" }),
        json!({ "when": "sometimes" }),
        json!({ "cron": "0 8 * * *", "within": "2m" }),
        json!({ "cron": "0 8 * * *", "to": [] }),
        json!({ "cron": "0 8 * * *", "to": ["ann@example.com\nBcc: eve@example.net"] }),
        json!({ "cron": "0 8 * * *", "limit": 0 }),
        json!({ "cron": "0 8 * * *", "rooms": ["Elsewhere"] }),
        json!({ "cron": "0 8 * * *", "subject": "{{ nmae }}" }),
        json!({ "cron": "0 8 * * *", "html": "{{ posts[0].word }}" }),
        json!({ "cron": "0 8 * * *", "html": "x", "plain": true }),
        json!({ "cron": "0 8 * * *", "name": "" }),
    ] {
        let error = kits(json!([digest])).await.unwrap_err();
        writeln!(found, "{error}").unwrap();
    }
    let twice = json!([{ "when": "instant" }, { "when": "instant" }]);
    writeln!(found, "{}", kits(twice).await.unwrap_err()).unwrap();
    let many = json!([{ "name": "a", "when": "instant", "limit": 200 }, { "when": "instant", "limit": 200 }]);
    writeln!(found, "{}", kits(many).await.unwrap_err()).unwrap();
    insta::assert_snapshot!(found);
}
