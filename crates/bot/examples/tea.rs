//! The bot of docs/writing-a-bot.md: it collects who wants tea, and says so at tea time. Its tests run with
//! `cargo test -p parlor-bot --example tea`.

use parlor_bot::prelude::*;
use parlor_bot::schedule::{Cron, Misfire, Schedule, Zone};
use parlor_bot::testkit::TestKit;

/// Settings of the tea bot.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// When tea is made. Default: `"30 15 * * MON-FRI"`.
    #[serde(default = "half_past_three")]
    cron: Cron,
    /// The zone of that time, by IANA name. Default: `"UTC"`.
    #[serde(default)]
    zone: Zone,
    /// How many cups the pot holds.
    cups: u32,
}

fn half_past_three() -> Cron {
    "30 15 * * MON-FRI".parse().expect("a cron expression")
}

struct Tea {
    schedule: Schedule,
    cups: u32,
}

impl Bot for Tea {
    const KIND: &'static str = "tea";
    type Settings = Settings;

    fn from_settings(settings: Settings, setup: &Setup) -> Result<Self, SetupError> {
        if settings.cups == 0 {
            return Err(SetupError::setting("cups", "a pot holds at least one cup"));
        }
        if setup.rooms().is_empty() {
            return Err(SetupError::setting("", "there is no room to serve tea in"));
        }
        Ok(Self {
            schedule: Schedule::new(settings.cron, settings.zone),
            cups: settings.cups,
        })
    }

    fn describe(bot: &mut Blueprint<'_, Self>) {
        bot.about("Collects who wants tea, and says so at tea time.");
        bot.command("tea", "Puts you on the list for the next pot.", Self::pour);
        bot.command("list", "Shows who is on it.", Self::list);
        bot.schedule("tea-time", "Serves the tea.", Self::tea_time, Self::serve);
    }
}

/// What `!tea` takes.
#[derive(Deserialize, JsonSchema)]
struct Order {
    /// How many cups. Default: one.
    #[serde(default = "one")]
    cups: u32,
    /// What goes into them.
    with: Option<Addition>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Addition {
    Milk,
    Sugar,
}

fn one() -> u32 {
    1
}

/// Who wants tea.
#[derive(Default, Serialize, Deserialize)]
struct Wanted(Vec<String>);

impl Remembered for Wanted {
    const KEY: &'static str = "wanted";
}

impl Tea {
    async fn pour(
        &self,
        context: &mut Context,
        order: Order,
        who: Author,
        mut wanted: Memory<Wanted>,
    ) -> Result<(), BotError> {
        if wanted.0.len() + order.cups as usize > self.cups as usize {
            return Err(BotError::tell(format!(
                "Sorry {who}, the pot holds {} cups.",
                self.cups
            )));
        }
        let with = match order.with {
            Some(Addition::Milk) => " with milk",
            Some(Addition::Sugar) => " with sugar",
            None => "",
        };
        for _ in 0..order.cups {
            wanted.0.push(format!("{who}{with}"));
        }
        context.reply(format!("Noted, {who}: {}{with}.", order.cups))
    }

    async fn list(&self, context: &mut Context, (): (), wanted: Memory<Wanted>) -> Result<(), BotError> {
        if wanted.0.is_empty() {
            return context.reply("Nobody wants tea yet.");
        }
        context.reply(format!("Tea for {}.", wanted.0.join(", ")))
    }

    fn tea_time(&self) -> ScheduleSpec {
        ScheduleSpec::from(self.schedule.clone()).misfire(Misfire::Skip)
    }

    async fn serve(
        &self,
        context: &mut Context,
        _: &ScheduleFired,
        mut wanted: Memory<Wanted>,
    ) -> Result<(), BotError> {
        let cups = std::mem::take(&mut wanted.0);
        if cups.is_empty() {
            return context.skip("nobody wants tea");
        }
        let tea = Message::text(format!("Tea for {}! ", cups.join(", ")))
            .link("How to brew it", "https://example.com/tea")
            .alert();
        context.post_all(tea)
    }
}

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "it shows what the bot posts")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut kit = TestKit::of::<Tea>(serde_json::json!({"cups": 4}))
        .rooms(["Kitchen"])
        .start()
        .await?;
    kit.message("Kitchen", "alice", "!tea")
        .await
        .map_err(|error| error.to_string())?;
    kit.advance_to("2026-01-05T16:00:00Z")
        .await
        .map_err(|error| error.to_string())?;
    for post in kit.posts() {
        println!(
            "{} [{}] {}",
            post.at.format("%H:%M"),
            post.room,
            post.message.display_text()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn tea_is_served_to_those_who_asked() {
        let mut kit = TestKit::of::<Tea>(json!({"zone": "Europe/London", "cups": 2}))
            .rooms(["Kitchen"])
            .at("2026-06-01T09:00:00Z") // a Monday, summer time
            .start()
            .await
            .unwrap();
        kit.dialogue(
            "
            alice: !tea
            bot: Noted, alice: 1.
            bob: !tea 1 milk
            bot: Noted, bob: 1 with milk.
            carol: !tea
            bot: Sorry carol, the pot holds 2 cups.
            ... 5h30m
            bot: Tea for alice, bob with milk! How to brew it
            carol: !list
            bot: Nobody wants tea yet.
            ",
        )
        .await;
    }

    #[tokio::test]
    async fn nobody_is_forgotten_when_the_machine_dies() {
        let mut kit = TestKit::of::<Tea>(json!({"cups": 2}))
            .rooms(["Kitchen"])
            .start()
            .await
            .unwrap();
        assert_eq!(kit.says("alice", "!tea").await, ["Noted, alice: 1."]);
        kit.crash_before_commit();
        assert_eq!(kit.says("bob", "!tea").await, ["Noted, bob: 1."]);
        kit.restart_after(Duration::from_secs(60)).await.unwrap();
        assert_eq!(kit.says("carol", "!list").await, ["Tea for alice, bob."]);
    }

    #[tokio::test]
    async fn wrong_settings_are_named() {
        let kit = TestKit::of::<Tea>(json!({"cron": "30 25 * * *", "cups": 2})).rooms(["Kitchen"]);
        let problem = kit.start().await.unwrap_err();
        assert_eq!(
            problem.to_string(),
            "cron: `30 25 * * *`: hour: 25 is not in 0-23"
        );
    }
}
