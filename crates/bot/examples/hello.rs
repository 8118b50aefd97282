//! A whole bot in twenty lines. See it answer: `cargo run -p parlor-bot --example hello`.

use parlor_bot::prelude::*;

/// What the operator may say.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Hello {
    /// The answer to a greeting.
    greeting: String,
}

impl Bot for Hello {
    const KIND: &'static str = "hello";
    type Settings = Self;

    fn from_settings(settings: Self, _: &Setup) -> Result<Self, SetupError> {
        Ok(settings)
    }

    fn describe(bot: &mut Blueprint<'_, Self>) {
        bot.about("Greets back.");
        bot.messages("Answers those who say hello.", Self::greet);
    }
}

impl Hello {
    async fn greet(&self, context: &mut Context, said: &IncomingMessage) -> Result<(), BotError> {
        if said.text.contains("hello") {
            context.reply(&*self.greeting)?;
        }
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "it shows what the bot posts")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let settings = serde_json::json!({"greeting": "Hello yourself!"});
    let mut kit = parlor_bot::testkit::TestKit::of::<Hello>(settings)
        .rooms(["Lobby"])
        .start()
        .await?;
    kit.message("Lobby", "alice", "hello, anybody here?")
        .await
        .map_err(|error| error.to_string())?;
    for post in kit.posts() {
        println!("[{}] {}", post.room, post.message.display_text());
    }
    Ok(())
}
