//! What a handler may ask for, and what becomes of it.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::time::Duration;

use parlor_bot::prelude::*;
use parlor_bot::testkit::TestKit;
use parlor_bot::{
    MAX_MAILS_PER_EVENT, MAX_POSTS_PER_EVENT, MAX_STATE_BYTES, Mail, MailAddress, Registry, State,
};
use serde_json::{Value, json};

/// Does what it is told in a message.
struct Puppet;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    #[expect(dead_code, reason = "only its reading is of interest")]
    limits: Vec<u8>,
}

fn address(text: &str) -> MailAddress {
    text.parse().unwrap()
}

/// What it does when it is told in private.
fn whisper(text: &str, context: &mut Context) -> Result<(), BotError> {
    match text {
        "link" => context.reply(
            Message::story("Title")
                .then("see ")
                .link("here", "https://example.com/"),
        ),
        "tell" => Err(BotError::tell("no")),
        "empty" => context.reply(" "),
        "flood" => (0..=MAX_POSTS_PER_EVENT).try_for_each(|_| context.reply("x")),
        "long" => context.reply("word ".repeat(4000)),
        _ => context.reply(format!("you said {text}")),
    }
}

impl Bot for Puppet {
    const KIND: &'static str = "puppet";
    type Settings = Settings;

    fn from_settings(_: Settings, _: &Setup) -> Result<Self, SetupError> {
        Ok(Self)
    }

    fn interests(&self) -> Interests {
        Interests::new()
            .messages()
            .private_messages()
            .presence()
            .mail_to(address("Ann <ann@example.com>"))
    }

    async fn handle(&mut self, event: &Event, context: &mut Context) -> Result<(), BotError> {
        let said = match event {
            Event::Message(said) => said,
            Event::Joined(who) => return context.reply(format!("hello {}", who.user.user())),
            Event::Parted(_) => return context.post_all("goodbye"),
            Event::Woken(at) => return context.post_all(format!("woken for {}", at.format("%H:%M"))),
            Event::PrivateMessage(said) => return whisper(&said.text, context),
            _ => return Ok(()),
        };
        match said.text.as_str() {
            "count" => {
                let count = context.state::<u32>("count")?.unwrap_or(0) + 1;
                context.set_state("count", &count)?;
                assert_eq!(
                    context.state::<u32>("count")?,
                    Some(count),
                    "it sees its own changes"
                );
                context.reply(count.to_string())
            }
            "forget" => {
                context.clear_state("count");
                assert_eq!(context.state::<u32>("count")?, None);
                Ok(())
            }
            "count as text" => context.state::<String>("count").map(|_| ()),
            "large" => context.set_state("large", &"x".repeat(MAX_STATE_BYTES)),
            "flood" => (0..=MAX_POSTS_PER_EVENT).try_for_each(|_| context.reply("x")),
            "elsewhere" => context.post("Nowhere", "x"),
            "nothing" => context.reply(" "),
            "wake" => context.wake_at(context.now() + chrono::TimeDelta::minutes(10)),
            "steal" => context.set_state("parlor:wake", &0),
            "mail" => context.mail(&address("ann@example.com"), Mail::new("Hello", "text")),
            "mail others" => context.mail(&address("eve@example.net"), Mail::new("Hello", "text")),
            "mail headers" => context.mail(&address("ann@example.com"), Mail::new("a\nBcc: b", "text")),
            "mail flood" => (0..=MAX_MAILS_PER_EVENT)
                .try_for_each(|_| context.mail(&address("ann@example.com"), Mail::new("Hello", "text"))),
            "long" => context.reply("word ".repeat(10_000)),
            "fail" => {
                context.reply("lost")?;
                context.set_state("count", &99)?;
                Err("no luck".parse::<u8>().unwrap_err())?
            }
            "tell" => {
                context.set_state("count", &99)?;
                Err(BotError::tell("use it properly"))
            }
            "later" => Err(BotError::retry_after(Duration::from_secs(5), "busy")),
            "stop" => Err(BotError::stop("no more")),
            _ => context.skip("not for me"),
        }
    }
}

async fn kit() -> TestKit {
    TestKit::of::<Puppet>(json!({}))
        .rooms(["Lobby", "Ops"])
        .start()
        .await
        .unwrap()
}

#[tokio::test]
async fn posts_and_state_are_committed_together_or_not_at_all() {
    let mut kit = kit().await;
    kit.message("Lobby", "alice", "count").await.unwrap();
    kit.message("Ops", "alice", "count").await.unwrap();
    kit.assert_posts(&[("Lobby", "1"), ("Ops", "2")]);

    let failed = kit.message("Lobby", "alice", "fail").await.unwrap_err();
    assert!(matches!(failed, BotError::Retry { after: None, .. }));
    assert_eq!(
        failed.to_string(),
        "failed, to be tried again: invalid digit found in string"
    );
    kit.message("Lobby", "alice", "tell").await.unwrap();
    kit.assert_posts(&[("Lobby", "use it properly")]);
    assert_eq!(kit.state::<u32>("count"), Some(2));

    kit.restart_after(Duration::from_secs(60)).await.unwrap();
    kit.message("Lobby", "alice", "count").await.unwrap();
    kit.assert_posts(&[("Lobby", "3")]);
    kit.message("Lobby", "alice", "forget").await.unwrap();
    assert_eq!(kit.all_state(), &State::default());
}

#[tokio::test]
async fn what_a_handler_may_not_do_sets_the_event_aside() {
    let mut kit = kit().await;
    kit.message("Lobby", "alice", "count").await.unwrap();
    kit.take_posts();
    for (order, expected) in [
        (
            "flood",
            "set aside: more than 100 posts or removals for one event",
        ),
        ("elsewhere", "set aside: `Nowhere` is not one of this bot's rooms"),
        ("nothing", "set aside: the message is empty"),
        ("large", "set aside: state of 1048601 bytes; the limit is 1048576"),
        (
            "count as text",
            "set aside: state `count` is not what it was stored as: invalid type: integer `1`, expected a string",
        ),
        ("later", "failed, to be tried again: busy"),
        ("stop", "stopped: no more"),
    ] {
        assert_eq!(
            kit.message("Lobby", "alice", order)
                .await
                .unwrap_err()
                .to_string(),
            expected
        );
    }
    kit.assert_posts(&[]);
}

#[tokio::test]
async fn long_posts_are_fitted_and_comings_and_goings_told() {
    let mut kit = kit().await;
    kit.message("lobby", "alice", "long").await.unwrap();
    let posts = kit.take_posts();
    assert!(posts[0].message.wire_len() <= 8000 && posts[0].message.wire_len() > 7900);
    kit.joined("Ops", "bob").await.unwrap();
    kit.parted("Ops", "bob").await.unwrap();
    kit.assert_posts(&[("Ops", "hello bob"), ("Lobby", "goodbye"), ("Ops", "goodbye")]);
    kit.message("Lobby", "alice", "something else").await.unwrap();
    assert_eq!(kit.skipped(), ["not for me"]);
}

#[test]
fn the_registry_builds_by_name_and_locates_errors() {
    let registry = Registry::new().with::<Puppet>();
    let setup = Setup::new("p", "sip:p@example.com".parse().unwrap());
    let problem = |kind: &str, settings: Value| registry.build(kind, &settings, &setup).unwrap_err();
    assert_eq!(
        registry.build("puppet", &json!({}), &setup).unwrap().kind(),
        "puppet"
    );
    assert_eq!(
        problem("pupet", json!({})).to_string(),
        "no bot of kind `pupet`; there are puppet"
    );
    let wrong = problem("puppet", json!({"limits": [1, 2, 300]}));
    assert_eq!(wrong.path(), Some("limits[2]"));
    assert_eq!(
        wrong.to_string(),
        "limits[2]: invalid value: integer `300`, expected u8"
    );
    assert_eq!(
        problem("puppet", json!({"limit": 1})).to_string(),
        "limit: unknown field `limit`, expected `limits`"
    );
}

#[tokio::test]
async fn who_writes_in_private_is_answered_in_private() {
    let mut kit = TestKit::of::<Puppet>(json!({}))
        .rooms(["News"])
        .start()
        .await
        .unwrap();
    for text in ["hi", "link", "tell"] {
        kit.private("alice", text).await.unwrap();
    }
    kit.assert_answers(&[
        ("alice", "you said hi"),
        ("sip:alice@example.com", "Title\nsee here <https://example.com/>"),
        ("alice", "no"),
    ]);
    assert!(kit.posts().is_empty());
    for refused in ["empty", "flood"] {
        assert!(
            matches!(kit.private("bob", refused).await, Err(BotError::Reject(_))),
            "{refused}"
        );
    }
    kit.private("bob", "long").await.unwrap();
    let cut = Message::text("word ".repeat(4000)).shortened(8000).plain_text();
    assert!(cut.len() <= 8000 && cut.trim_end().ends_with('…'));
    kit.assert_answers(&[("bob", &cut)]);
}

#[tokio::test]
async fn mail_goes_to_declared_recipients_in_bounded_number_or_nothing_happens() {
    let mut kit = kit().await;
    kit.message("Lobby", "alice", "mail").await.unwrap();
    for (text, problem) in [
        ("mail others", "eve@example.net was not declared by `mail_to`"),
        ("mail headers", "the subject of a mail holds a line break"),
        ("mail flood", "more than 100 mails for one event"),
    ] {
        let refused = kit.message("Lobby", "alice", text).await.unwrap_err();
        assert!(matches!(&refused, BotError::Reject(_)), "{text}");
        assert!(refused.to_string().contains(problem), "{refused}");
    }
    let mails = kit.take_mails();
    let sent: Vec<_> = mails
        .iter()
        .map(|one| (one.to.address(), one.mail.subject()))
        .collect();
    assert_eq!(sent, [("ann@example.com", "Hello")]);
}

#[tokio::test]
async fn a_bot_is_woken_at_the_first_time_that_it_asked_for_also_after_a_restart() {
    let mut kit = kit().await;
    kit.message("Lobby", "alice", "wake").await.unwrap();
    kit.advance(Duration::from_secs(300)).await.unwrap();
    kit.message("Lobby", "alice", "wake").await.unwrap();
    kit.assert_posts(&[]);
    kit.advance(Duration::from_secs(3600)).await.unwrap();
    kit.assert_posts(&[("Lobby", "woken for 09:10"), ("Ops", "woken for 09:10")]);
    kit.message("Lobby", "alice", "wake").await.unwrap();
    kit.restart_after(Duration::from_secs(7200)).await.unwrap();
    assert_eq!(kit.take_posts().len(), 2);
    assert!(
        kit.message("Lobby", "alice", "steal").await.is_err(),
        "that key is the host's"
    );
}
