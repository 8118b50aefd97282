//! The bot of docs/writing-a-bot.md: it collects who wants tea, and says so at tea time. Its tests run with
//! `cargo test -p parlor-bot --example tea`.

use parlor_bot::prelude::*;
use parlor_bot::schedule::{Cron, Misfire, Schedule, Zone};
use parlor_bot::testkit::TestKit;

/// Settings of the tea bot.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// When tea is made. Default: `"30 15 * * MON-FRI"`.
    #[serde(default = "half_past_three")]
    cron: Cron,
    /// The zone of that time, by IANA name. Default: `"UTC"`.
    #[serde(default)]
    zone: Zone,
    /// How many cups the pot holds.
    cups: usize,
}

fn half_past_three() -> Cron {
    "30 15 * * MON-FRI".parse().expect("a cron expression")
}

struct Tea {
    schedule: Schedule,
    cups: usize,
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

    fn interests(&self) -> Interests {
        let tea_time = ScheduleSpec::new("tea-time", self.schedule.clone()).misfire(Misfire::Skip);
        Interests::new().messages().schedule(tea_time)
    }

    async fn handle(&mut self, event: &Event, context: &mut Context) -> Result<(), BotError> {
        match event {
            Event::Message(said) if said.text == "tea please" => self.pour(said.author.user(), context),
            Event::Schedule(_) => self.serve(context),
            _ => Ok(()),
        }
    }
}

impl Tea {
    fn pour(&self, who: &str, context: &mut Context) -> Result<(), BotError> {
        let mut wanted: Vec<String> = context.state("wanted")?.unwrap_or_default();
        if wanted.iter().any(|name| name == who) {
            return context.skip("already on the list");
        }
        if wanted.len() == self.cups {
            return Err(BotError::tell(format!(
                "Sorry {who}, the pot holds {} cups.",
                self.cups
            )));
        }
        wanted.push(who.to_owned());
        context.set_state("wanted", &wanted)?;
        context.reply(format!("A cup for {who}."))
    }

    fn serve(&self, context: &mut Context) -> Result<(), BotError> {
        let wanted: Vec<String> = context.state("wanted")?.unwrap_or_default();
        if wanted.is_empty() {
            return context.skip("nobody wants tea");
        }
        context.clear_state("wanted");
        let tea = Message::text(format!("Tea for {}! ", wanted.join(", ")))
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
    kit.message("Kitchen", "alice", "tea please")
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
        for who in ["alice", "alice", "bob", "carol"] {
            kit.message("Kitchen", who, "tea please").await.unwrap();
        }
        kit.assert_posts(&[
            ("Kitchen", "A cup for alice."),
            ("Kitchen", "A cup for bob."),
            ("Kitchen", "Sorry carol, the pot holds 2 cups."),
        ]);
        assert_eq!(kit.skipped(), ["already on the list"]);

        kit.restart_after(Duration::from_secs(60)).await.unwrap();
        kit.advance_to("2026-06-01T14:30:00Z").await.unwrap();
        let posts = kit.take_posts();
        assert!(posts[0].message.display_text().starts_with("Tea for alice, bob!"));
        assert_eq!(kit.state::<Vec<String>>("wanted"), None);
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
