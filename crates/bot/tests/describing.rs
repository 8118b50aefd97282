//! Bots that describe themselves: which method handles what, what it is handed, and what becomes of its memory.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use parlor_bot::prelude::*;
use parlor_bot::schedule::{Cron, Schedule, Zone};
use parlor_bot::testkit::TestKit;
use parlor_bot::words::WordSet;
use parlor_bot::{
    Description, DescriptionError, Extract, FeedUrl, MAX_STATE_BYTES, NoSettings, PrivateMessage, Speech,
    Trigger,
};
use serde_json::json;

/// Hears everything and says which method heard it.
struct Ears {
    words: WordSet,
    url: FeedUrl,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Count(u32);

impl Remembered for Count {
    const KEY: &'static str = "count";
}

/// The length of what was said; long speeches are refused.
struct Length(usize);

impl Extract<Speech> for Length {
    fn extract(event: &Event, _: &mut Context) -> Result<Self, BotError> {
        match event {
            Event::Message(said) if said.text.len() < 100 => Ok(Self(said.text.len())),
            _ => Err(BotError::tell("too long")),
        }
    }
}

impl Bot for Ears {
    const KIND: &'static str = "ears";
    type Settings = NoSettings;

    fn from_settings(_: NoSettings, _: &Setup) -> Result<Self, SetupError> {
        Ok(Self {
            words: WordSet::new(vec!["tea".to_owned(), "cake".to_owned()])
                .map_err(|problem| SetupError::setting("", problem))?,
            url: "file:news.xml"
                .parse()
                .map_err(|problem: parlor_bot::FeedUrlError| SetupError::setting("", problem))?,
        })
    }

    fn describe(bot: &mut Blueprint<'_, Self>) {
        bot.about("Hears.");
        bot.keywords("Words.", |ears| &ears.words, Self::keywords);
        bot.messages("The rest.", Self::messages);
        bot.private_messages("What is said to it alone.", |_| true, Self::alone);
        bot.joined("Who comes.", Self::joined);
        bot.parted("Who goes.", Self::parted);
        bot.schedules("Hours.", |_| [times("hour", "0 * * * *")], Self::hours);
        bot.schedule("noon", "Noon.", |_| times("", "0 12 * * *"), Self::noon);
        bot.woken("A time of its own.", Self::woken);
        bot.feeds("News.", |ears| [FeedSpec::new(ears.url.clone())], Self::news);
        bot.digests("Much news.", Self::digest);
        bot.started("The start.", Self::started);
    }
}

fn times(id: &str, cron: &str) -> ScheduleSpec {
    let cron: Cron = cron.parse().unwrap();
    ScheduleSpec::new(id, Schedule::new(cron, Zone::default()))
}

impl Ears {
    async fn woken(&self, context: &mut Context, at: DateTime<Utc>) -> Result<(), BotError> {
        context.post_all(format!("woken for {}", at.format("%H:%M")))
    }

    async fn keywords(&self, context: &mut Context, heard: Heard<'_>, who: Author) -> Result<(), BotError> {
        let words: Vec<&str> = heard.words().collect();
        context.reply(format!("{who}: {}", words.join("+")))
    }

    async fn messages(
        &self,
        context: &mut Context,
        said: &IncomingMessage,
        Length(length): Length,
        mut count: Memory<Count>,
    ) -> Result<(), BotError> {
        match said.text.as_str() {
            "look" => return context.reply(count.0.to_string()),
            "too much" => {
                let mut large: Memory<Large> = Extract::<Speech>::extract(&Event::Started, context)?;
                large.0 = "x".repeat(MAX_STATE_BYTES);
            }
            _ => {}
        }
        count.0 += 1;
        if said.text == "fail" {
            return Err(BotError::reject("as told"));
        }
        context.reply(format!("{length} letters, message {}", count.0))
    }

    async fn joined(&self, context: &mut Context, _: &Presence, who: Author) -> Result<(), BotError> {
        context.reply(format!("hello {who}"))
    }

    async fn parted(&self, context: &mut Context, who: &Presence) -> Result<(), BotError> {
        context.reply(format!("goodbye {}", who.user.user()))
    }

    async fn hours(&self, context: &mut Context, fired: &ScheduleFired) -> Result<(), BotError> {
        context.post_all(format!("{} {}", fired.id, fired.local().format("%H")))
    }

    async fn noon(
        &self,
        context: &mut Context,
        _: &ScheduleFired,
        mut count: Memory<Count>,
    ) -> Result<(), BotError> {
        count.0 = 0;
        context.post_all("noon")
    }

    async fn news(&self, context: &mut Context, item: &FeedItem) -> Result<(), BotError> {
        context.post_all(&*item.title)
    }

    async fn alone(&self, context: &mut Context, said: &PrivateMessage, who: Author) -> Result<(), BotError> {
        context.reply(format!("{who} alone: {}", said.text))
    }

    async fn digest(&self, context: &mut Context, digest: &FeedDigest) -> Result<(), BotError> {
        context.post_all(format!("{} headlines", digest.items.len()))
    }

    async fn started(&self, context: &mut Context, (): ()) -> Result<(), BotError> {
        context.post_all("here")
    }
}

#[derive(Default, Serialize, Deserialize)]
struct Large(String);

impl Remembered for Large {
    const KEY: &'static str = "large";
}

async fn ears() -> TestKit {
    let mut kit = TestKit::of::<Ears>(json!({}))
        .rooms(["Lobby"])
        .start()
        .await
        .unwrap();
    kit.assert_posts(&[("Lobby", "here")]);
    kit
}

async fn says(kit: &mut TestKit, text: &str) -> String {
    kit.message("Lobby", "alice", text).await.unwrap();
    kit.take_posts()[0].message.display_text()
}

#[tokio::test]
async fn each_event_reaches_its_method() {
    let mut kit = ears().await;
    assert_eq!(says(&mut kit, "Cake and tea!").await, "alice: Cake+tea");
    assert_eq!(says(&mut kit, "coffee").await, "6 letters, message 1");
    kit.joined("Lobby", "bob").await.unwrap();
    kit.parted("Lobby", "bob").await.unwrap();
    kit.feed_item(FeedItem {
        title: "headline".to_owned(),
        ..FeedItem::default()
    })
    .await
    .unwrap();
    kit.deliver(Event::FeedDigest(FeedDigest::default()))
        .await
        .unwrap();
    kit.assert_posts(&[
        ("Lobby", "hello bob"),
        ("Lobby", "goodbye bob"),
        ("Lobby", "headline"),
        ("Lobby", "0 headlines"),
    ]);
}

#[tokio::test]
async fn a_named_schedule_goes_before_those_of_the_settings() {
    let mut kit = ears().await;
    kit.advance_to("2026-01-05T12:30:00Z").await.unwrap();
    kit.assert_posts(&[
        ("Lobby", "hour 10"),
        ("Lobby", "hour 11"),
        ("Lobby", "hour 12"),
        ("Lobby", "noon"),
    ]);
}

#[tokio::test]
async fn memory_is_kept_when_the_method_succeeds() {
    let mut kit = ears().await;
    assert_eq!(says(&mut kit, "one").await, "3 letters, message 1");
    assert!(kit.message("Lobby", "alice", "fail").await.is_err());
    assert_eq!(
        kit.state::<u32>("count"),
        Some(1),
        "the failed one is not counted"
    );
    kit.restart_after(std::time::Duration::from_secs(1))
        .await
        .unwrap();
    kit.take_posts();
    assert_eq!(says(&mut kit, "two").await, "3 letters, message 2");
}

#[tokio::test]
async fn memory_that_is_only_looked_at_is_not_written() {
    let mut kit = ears().await;
    assert_eq!(says(&mut kit, "look").await, "0");
    assert_eq!(kit.state::<u32>("count"), None);
}

#[tokio::test]
async fn memory_has_the_limit_of_all_state() {
    let mut kit = ears().await;
    let error = kit.message("Lobby", "alice", "too much").await.unwrap_err();
    assert!(error.to_string().starts_with("set aside: state of "), "{error}");
    assert_eq!(kit.state::<u32>("count"), None, "and nothing is kept");
}

#[tokio::test]
async fn an_argument_may_refuse_the_event() {
    let mut kit = ears().await;
    assert_eq!(says(&mut kit, &"x".repeat(100)).await, "too long");
}

#[tokio::test]
async fn what_is_said_to_a_bot_alone_is_answered_alone() {
    let mut kit = ears().await;
    kit.take_posts();
    kit.private("alice", "!help").await.unwrap();
    kit.assert_answers(&[("alice", "alice alone: !help")]);
    assert!(kit.posts().is_empty());
}

#[test]
fn the_description_lists_what_is_declared() {
    let description = Description::of::<Ears>();
    description.check().unwrap();
    let handlers: Vec<_> = description
        .handlers
        .iter()
        .map(|each| (each.on, each.about.as_str()))
        .collect();
    assert_eq!(
        handlers,
        [
            (Trigger::Keywords, "Words."),
            (Trigger::Messages, "The rest."),
            (Trigger::PrivateMessages, "What is said to it alone."),
            (Trigger::Joined, "Who comes."),
            (Trigger::Parted, "Who goes."),
            (Trigger::Schedules, "Hours."),
            (Trigger::Schedule, "Noon."),
            (Trigger::Woken, "A time of its own."),
            (Trigger::Feeds, "News."),
            (Trigger::Digests, "Much news."),
            (Trigger::Start, "The start."),
        ]
    );
}

#[test]
fn mistakes_of_a_description_are_found() {
    let described = |change: fn(&mut Description)| {
        let mut description = Description::of::<Ears>();
        change(&mut description);
        description.check()
    };
    let twice = |name: &str| {
        Err(DescriptionError::Twice {
            name: name.to_owned(),
        })
    };
    assert_eq!(
        described(|d| d.handlers.push(d.handlers[1].clone())),
        twice("messages")
    );
    assert_eq!(
        described(|d| d.handlers.push(d.handlers[6].clone())),
        twice("schedule noon")
    );
    assert_eq!(
        described(|d| for _ in 0..2 {
            let value = json!({"name": "tea", "about": "", "arguments": []});
            d.commands.push(serde_json::from_value(value).unwrap());
        }),
        twice("!tea")
    );
    assert_eq!(
        described(|d| {
            let value = json!({"name": "Green Tea", "about": "", "arguments": []});
            d.commands.push(serde_json::from_value(value).unwrap());
        }),
        Err(DescriptionError::Name {
            name: "Green Tea".to_owned()
        })
    );
}

#[tokio::test]
async fn a_bot_is_woken_in_its_own_method() {
    let mut kit = ears().await;
    kit.take_posts();
    let at = kit.now();
    kit.deliver(Event::Woken(at)).await.unwrap();
    kit.assert_posts(&[("Lobby", "woken for 09:00")]);
}
