//! Commands: how they are recognised, how their arguments are read, and what those are told who get them wrong.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use parlor_bot::prelude::*;
use parlor_bot::settings::Span;
use parlor_bot::testkit::TestKit;
use parlor_bot::{Description, NoSettings, PrivateMessage};
use serde_json::json;

/// Repeats what its commands were given.
struct Parrot;

#[derive(Debug, Deserialize, JsonSchema)]
#[expect(dead_code, reason = "read by Debug")]
struct Remind {
    /// After which time.
    after: Span,
    /// Of what.
    what: String,
    /// More about it.
    note: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[expect(dead_code, reason = "read by Debug")]
struct Mix {
    size: Size,
    count: u8,
    #[serde(default)]
    hot: bool,
    #[serde(default)]
    with: Vec<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Size {
    Small,
    Large,
}

impl Bot for Parrot {
    const KIND: &'static str = "parrot";
    type Settings = NoSettings;

    fn from_settings(_: NoSettings, _: &Setup) -> Result<Self, SetupError> {
        Ok(Self)
    }

    fn describe(bot: &mut Blueprint<'_, Self>) {
        bot.about("Repeats.");
        bot.messages("Says that it heard something.", Self::hear);
        bot.private_messages("Says that it heard something.", |_| true, Self::hear_alone);
        bot.command("remind", "Reminds you.", Self::remind);
        bot.command("mix", "Mixes.", Self::mix);
        bot.command("ping", "Answers.", Self::ping);
    }
}

impl Parrot {
    async fn hear(&self, context: &mut Context, said: &IncomingMessage) -> Result<(), BotError> {
        context.reply(format!("heard {}", said.text))
    }

    async fn hear_alone(&self, context: &mut Context, said: &PrivateMessage) -> Result<(), BotError> {
        context.reply(format!("heard alone {}", said.text))
    }

    async fn remind(&self, context: &mut Context, remind: Remind, who: Author) -> Result<(), BotError> {
        context.reply(format!("{who} {remind:?}"))
    }

    async fn mix(&self, context: &mut Context, mix: Mix) -> Result<(), BotError> {
        context.reply(format!("{mix:?}"))
    }

    async fn ping(&self, context: &mut Context, (): ()) -> Result<(), BotError> {
        context.reply("pong")
    }
}

async fn answer(text: &str) -> String {
    let mut kit = TestKit::of::<Parrot>(json!({}))
        .rooms(["Lobby"])
        .start()
        .await
        .unwrap();
    kit.message("Lobby", "alice", text).await.unwrap();
    let posts = kit.take_posts();
    assert_eq!(posts.len(), 1, "one answer to {text}");
    posts[0].message.display_text()
}

#[tokio::test]
async fn words_fill_the_fields_in_their_order() {
    for (text, expected) in [
        ("!ping", "pong"),
        ("  !PING  ", "pong"),
        (
            "!remind 15m cake",
            "alice Remind { after: Span(900s), what: \"cake\", note: None }",
        ),
        (
            "!remind 1h \"the cake\"  take  it out",
            "alice Remind { after: Span(3600s), what: \"the cake\", note: Some(\"take  it out\") }",
        ),
        (
            "!mix large 3",
            "Mix { size: Large, count: 3, hot: false, with: [] }",
        ),
        (
            "!mix SMALL 3 yes milk 'brown sugar'",
            "Mix { size: Small, count: 3, hot: true, with: [\"milk\", \"brown sugar\"] }",
        ),
    ] {
        assert_eq!(answer(text).await, expected, "{text}");
    }
}

#[tokio::test]
async fn what_does_not_fit_is_told_with_the_usage() {
    for (text, expected) in [
        (
            "!ping pong",
            "`pong` is more than the command takes. Usage: !ping",
        ),
        (
            "!remind",
            "`after` is missing. Usage: !remind <after> <what> [note...]",
        ),
        (
            "!remind 15m",
            "`what` is missing. Usage: !remind <after> <what> [note...]",
        ),
        (
            "!remind soon cake",
            "`after`: `soon`: not a length of time; write for example \"90s\", \"15m\", \"2h\", \"1d\" or \"1h30m\". \
             Usage: !remind <after> <what> [note...]",
        ),
        (
            "!mix huge 3",
            "`size`: `huge` is none of small, large. Usage: !mix <small|large> <count> [hot] [with...]",
        ),
        (
            "!mix large 300",
            "`count`: `300` is not a whole number in its range. \
             Usage: !mix <small|large> <count> [hot] [with...]",
        ),
        (
            "!mix large 3 maybe",
            "`hot`: `maybe` is not yes or no. Usage: !mix <small|large> <count> [hot] [with...]",
        ),
    ] {
        assert_eq!(answer(text).await, expected, "{text}");
    }
}

#[tokio::test]
async fn what_is_no_command_of_the_bot_is_a_message() {
    for text in ["ping", "!", "! ping", "!pingpong", "wow!ping"] {
        assert_eq!(answer(text).await, format!("heard {text}"));
    }
}

#[tokio::test]
async fn bots_give_no_commands() {
    let mut kit = TestKit::of::<Parrot>(json!({}))
        .rooms(["Lobby"])
        .start()
        .await
        .unwrap();
    let mut said = kit.incoming("Lobby", "otherbot", "!ping pong");
    said.automated = true;
    kit.deliver(Event::Message(said)).await.unwrap();
    kit.assert_posts(&[("Lobby", "heard !ping pong")]);
}

#[tokio::test]
async fn commands_work_in_private() {
    let mut kit = TestKit::of::<Parrot>(json!({}))
        .rooms(["Lobby"])
        .start()
        .await
        .unwrap();
    for text in ["!remind 15m cake", "!ping pong", "ping", "!help ping"] {
        kit.private("alice", text).await.unwrap();
    }
    kit.assert_answers(&[
        (
            "alice",
            "alice Remind { after: Span(900s), what: \"cake\", note: None }",
        ),
        ("alice", "`pong` is more than the command takes. Usage: !ping"),
        ("alice", "heard alone ping"),
        ("alice", "!ping - Answers."),
    ]);
    assert!(kit.posts().is_empty(), "nothing of it is said in a room");
}

#[tokio::test]
async fn help_is_made_from_the_declarations() {
    assert_eq!(
        answer("!help").await,
        "Repeats.\n\
         !remind <after> <what> [note...] - Reminds you.\n\
         !mix <small|large> <count> [hot] [with...] - Mixes.\n\
         !ping - Answers."
    );
    assert_eq!(
        answer("!help !remind").await,
        "!remind <after> <what> [note...] - Reminds you.\n\
         after: length of time. After which time.\n\
         what: text. Of what.\n\
         note: text. More about it."
    );
    assert!(answer("!help nothing").await.starts_with("Repeats.\n"));
}

#[test]
fn a_description_is_a_plain_value() {
    let description = Description::of::<Parrot>();
    let text = serde_json::to_string(&description).unwrap();
    let read: Description = serde_json::from_str(&text).unwrap();
    assert_eq!(read, description);
    assert_eq!(
        serde_json::to_value(&description.commands[1].arguments[0]).unwrap(),
        json!({
            "name": "size", "about": "", "form": "\"small\" or \"large\"", "choices": ["small", "large"],
            "required": true, "rest": false,
        })
    );
}
