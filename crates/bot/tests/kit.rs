//! The test kit itself: dialogues that go wrong are told, hosts that die hand over again, feeds are looked at as hosts do.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::sync::atomic::{AtomicU32, Ordering};

use parlor_bot::FirstRun;
use parlor_bot::prelude::*;
use parlor_bot::schedule::{Schedule, Zone};
use parlor_bot::testkit::TestKit;
use serde_json::{Value, json};

/// Counts in its memory what was said, and in its host's process how often it was asked.
struct Reader {
    settings: Settings,
    asked: AtomicU32,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    first_run: FirstRun,
    #[serde(default = "twenty")]
    per_poll: usize,
    digest_over: Option<usize>,
}

fn twenty() -> usize {
    20
}

#[derive(Default, Serialize, Deserialize)]
struct Count(u32);

impl Remembered for Count {
    const KEY: &'static str = "count";
}

impl Bot for Reader {
    const KIND: &'static str = "reader";
    type Settings = Settings;

    fn from_settings(settings: Settings, _: &Setup) -> Result<Self, SetupError> {
        Ok(Self {
            settings,
            asked: AtomicU32::new(0),
        })
    }

    fn describe(bot: &mut Blueprint<'_, Self>) {
        bot.messages("Counts.", Self::count);
        bot.schedule("nine", "Says the time.", |_| nine(), Self::nine);
        bot.feeds("Posts titles.", Self::specs, Self::item);
        bot.digests("Posts how many.", Self::digest);
    }
}

fn nine() -> Schedule {
    Schedule::new("30 9 * * *".parse().unwrap(), Zone::default())
}

impl Reader {
    fn specs(&self) -> Vec<FeedSpec> {
        let mut spec = FeedSpec::new("https://example.com/feed".parse().unwrap());
        "notes".clone_into(&mut spec.id);
        spec.first_run = self.settings.first_run;
        spec.per_poll = self.settings.per_poll;
        spec.digest_over = self.settings.digest_over;
        vec![spec]
    }

    async fn count(
        &self,
        context: &mut Context,
        said: &IncomingMessage,
        mut count: Memory<Count>,
    ) -> Result<(), BotError> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        match said.text.as_str() {
            "reject" => return Err(BotError::reject("as told")),
            "retry" => return Err(BotError::retry_after(std::time::Duration::from_secs(1), "busy")),
            "twice" => context.reply("first\nline")?,
            "elsewhere" => return context.post("Annex", "over here"),
            _ => {}
        }
        count.0 += 1;
        context.reply(format!("{} of {asked}", count.0))
    }

    async fn nine(&self, context: &mut Context, _: &ScheduleFired) -> Result<(), BotError> {
        context.post("Lobby", "half past nine")
    }

    async fn item(&self, context: &mut Context, item: &FeedItem) -> Result<(), BotError> {
        if item.title == "bad" {
            return Err(BotError::reject("a bad item"));
        }
        context.post("Lobby", &*item.title)
    }

    async fn digest(&self, context: &mut Context, digest: &FeedDigest) -> Result<(), BotError> {
        context.post("Lobby", format!("{} at once", digest.items.len()))
    }
}

async fn kit(settings: Value) -> TestKit {
    TestKit::of::<Reader>(settings)
        .rooms(["Lobby", "Annex"])
        .start()
        .await
        .unwrap()
}

const DIALOGUE: &str = "
    alice: hello
    bot: 1 of 1
    alice: twice
    bot: first
    | line
    bot: 2 of 2
    bob: elsewhere
    bot in Annex: over here
    alice: reject
    bot fails: set aside: as told
    alice: retry
    bot fails: failed, to be tried again: busy
    ... 29m
    ... 1m
    bot: half past nine
";

#[tokio::test]
async fn a_dialogue_is_played_as_it_is_written() {
    kit(json!({})).await.dialogue(DIALOGUE).await;
}

#[tokio::test]
#[should_panic(expected = "the dialogue went otherwise:\n\nalice: hello\nbot: 1 of 1\n\nexpected was:")]
async fn an_answer_that_is_not_expected_fails_the_test() {
    kit(json!({})).await.dialogue("alice: hello").await;
}

#[tokio::test]
#[should_panic(expected = "the dialogue went otherwise")]
async fn an_answer_that_does_not_come_fails_the_test() {
    kit(json!({}))
        .await
        .dialogue("alice: hello\nbot: 1 of 1\nbot: and more")
        .await;
}

#[tokio::test]
#[should_panic(expected = "`hello there` is not of a dialogue")]
async fn a_line_that_nobody_says_fails_the_test() {
    kit(json!({})).await.dialogue("hello there").await;
}

#[tokio::test]
#[should_panic(expected = "what alice said, \"reject\", was not handled: set aside: as told")]
async fn a_handler_that_fails_is_no_answer() {
    kit(json!({})).await.says("alice", "reject").await;
}

#[tokio::test]
async fn a_crash_before_the_commit_hands_the_event_over_again() {
    let mut kit = kit(json!({})).await;
    assert_eq!(kit.says("alice", "hello").await, ["1 of 1"]);
    kit.crash_before_commit();
    // The bot was made anew, so it was asked once; what it remembers was not counted twice.
    assert_eq!(kit.says("alice", "hello").await, ["2 of 1"]);
    assert_eq!(kit.says("alice", "hello").await, ["3 of 2"], "it dies once");
}

#[tokio::test]
#[should_panic(expected = "the bot describes itself wrongly: `messages` is declared twice")]
async fn a_bot_that_describes_itself_wrongly_is_not_started() {
    struct Twice;
    impl Bot for Twice {
        const KIND: &'static str = "twice";
        type Settings = parlor_bot::NoSettings;
        fn from_settings(_: Self::Settings, _: &Setup) -> Result<Self, SetupError> {
            Ok(Self)
        }
        fn describe(bot: &mut Blueprint<'_, Self>) {
            bot.messages("One.", Self::hear);
            bot.messages("Another.", Self::hear);
        }
    }
    impl Twice {
        async fn hear(&self, _: &mut Context, _: &IncomingMessage) -> Result<(), BotError> {
            Ok(())
        }
    }
    let _ = TestKit::of::<Twice>(json!({})).start().await;
}

/// Items with these titles, the newest first, each a day older than the one before it.
fn items(titles: &[&str], kit: &TestKit) -> Vec<FeedItem> {
    let item = |(days, title): (i64, &&str)| FeedItem {
        id: (*title).to_owned(),
        title: (*title).to_owned(),
        published: Some(kit.now() - chrono::TimeDelta::days(days)),
        ..FeedItem::default()
    };
    (0..).zip(titles).map(item).collect()
}

async fn look(kit: &mut TestKit, titles: &[&str]) -> Vec<String> {
    let items = items(titles, kit);
    kit.feed_holds("notes", &items).await.unwrap();
    kit.take_posts()
        .into_iter()
        .map(|post| post.message.display_text())
        .collect()
}

#[tokio::test]
async fn a_feed_hands_over_what_is_new() {
    let mut kit = kit(json!({})).await;
    assert_eq!(
        look(&mut kit, &["b", "a"]).await,
        [""; 0],
        "what is there at first counts as seen"
    );
    assert_eq!(
        look(&mut kit, &["d", "c", "b", "a"]).await,
        ["c", "d"],
        "the oldest first"
    );
    kit.restart().await.unwrap();
    assert_eq!(
        look(&mut kit, &["d", "c", "b", "a"]).await,
        [""; 0],
        "a restart forgets nothing"
    );
}

#[tokio::test]
async fn the_first_look_goes_by_the_policy() {
    let mut last = kit(json!({"first_run": "last(2)"})).await;
    assert_eq!(look(&mut last, &["c", "b", "a"]).await, ["b", "c"]);
    assert_eq!(look(&mut last, &["c", "b", "a"]).await, [""; 0]);
    let mut since = kit(json!({"first_run": "since(1d)"})).await;
    assert_eq!(look(&mut since, &["c", "b", "a"]).await, ["b", "c"]);
}

#[tokio::test]
async fn a_burst_is_cut_or_told_together() {
    let mut cut = kit(json!({"first_run": "last(9)", "per_poll": 2})).await;
    assert_eq!(look(&mut cut, &["c", "b", "a"]).await, ["b", "c"]);
    let mut told = kit(json!({"first_run": "last(9)", "digest_over": 2})).await;
    assert_eq!(look(&mut told, &["c", "b", "a"]).await, ["3 at once"]);
    assert_eq!(
        look(&mut told, &["e", "d", "c", "b", "a"]).await,
        ["d", "e"],
        "two are no burst"
    );
}

#[tokio::test]
async fn an_item_that_fails_is_told_to_the_test() {
    let mut kit = kit(json!({"first_run": "last(9)"})).await;
    let bad = items(&["good", "bad"], &kit);
    let error = kit.feed_holds("notes", &bad).await.unwrap_err();
    assert_eq!(error.to_string(), "set aside: a bad item");
}

#[tokio::test]
#[should_panic(expected = "the bot has no feed `other`")]
async fn a_feed_that_the_bot_does_not_want_fails_the_test() {
    let _ = kit(json!({})).await.feed_holds("other", &[]).await;
}
