//! A bot that uses everything a bot has, so that it can be compared with itself as a program of its own.

use chrono::TimeDelta;
use parlor_bot::prelude::*;
use parlor_bot::schedule::{Cron, Misfire, Schedule, Zone};
use parlor_bot::words::WordSet;
use parlor_bot::{Mail, MailAddress, PrivateMessage};

/// Settings of the tea bot.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// How many cups the pot holds.
    cups: u32,
    /// Words that are answered.
    #[serde(default = "nothing")]
    words: WordSet,
    /// Who is told by mail when tea is poured.
    #[serde(default)]
    mail: Vec<MailAddress>,
    /// The zone of tea time.
    #[serde(default)]
    zone: Zone,
}

fn nothing() -> WordSet {
    WordSet::new(Vec::new()).unwrap_or_else(|error| panic!("no words: {error}"))
}

/// Collects who wants tea, and serves it at half past three.
#[derive(Debug)]
pub struct Tea {
    settings: Settings,
    time: Cron,
}

/// What `!tea` takes.
#[derive(Debug, Deserialize, JsonSchema)]
struct Order {
    /// How many cups. Default: one.
    #[serde(default = "one")]
    cups: u32,
    /// What goes into them.
    with: Option<Addition>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Addition {
    Milk,
    Sugar,
}

fn one() -> u32 {
    1
}

/// Who wants tea.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Wanted(Vec<String>);

impl Remembered for Wanted {
    const KEY: &'static str = "wanted";
}

impl Bot for Tea {
    const KIND: &'static str = "tea";
    type Settings = Settings;

    fn from_settings(settings: Settings, setup: &Setup) -> Result<Self, SetupError> {
        let mut problems = Vec::new();
        if settings.cups == 0 {
            problems.push(SetupError::setting("cups", "a pot holds at least one cup"));
        }
        if setup.rooms().is_empty() {
            problems.push(SetupError::setting(".", "there is no room to serve tea in"));
        }
        SetupError::all(problems)?;
        let time = "30 15 * * MON-FRI".parse();
        Ok(Self {
            settings,
            time: time.map_err(|error| SetupError::setting(".", error))?,
        })
    }

    fn describe(bot: &mut Blueprint<'_, Self>) {
        bot.about("Collects who wants tea, and serves it at tea time.");
        bot.command("tea", "Puts you on the list for the next pot.", Self::pour);
        bot.command("spill", "Is not what one says.", Self::spill);
        bot.command("fail", "Fails in one of the ways there are.", Self::fail);
        bot.keywords("Answers words.", |bot| &bot.settings.words, Self::heard);
        bot.private_messages("Tells how many cups are taken.", |_| true, Self::whisper);
        bot.joined("Offers tea to who enters.", Self::offer);
        bot.schedule("tea-time", "Serves the tea.", Self::tea_time, Self::serve);
        bot.mail_to(|bot| bot.settings.mail.clone());
        bot.woken("Says that the tea is ready.", Self::ready);
        bot.started("Says that the water boils.", Self::boil);
    }
}

impl Tea {
    async fn boil(&self, context: &mut Context, (): (), wanted: Memory<Wanted>) -> Result<(), BotError> {
        context.skip(format!("{} cups are taken", wanted.0.len()))
    }

    async fn pour(
        &self,
        context: &mut Context,
        order: Order,
        who: Author,
        mut wanted: Memory<Wanted>,
    ) -> Result<(), BotError> {
        if wanted.0.len() + order.cups as usize > self.settings.cups as usize {
            return Err(BotError::tell(format!(
                "Sorry {who}, the pot holds {}.",
                self.settings.cups
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
        for to in &self.settings.mail {
            context.mail(to, Mail::new("Tea", format!("{who} takes {}", order.cups)))?;
        }
        context.wake_at(context.now() + TimeDelta::minutes(3))?;
        context.reply(format!("Noted, {who}: {}{with}.", order.cups))
    }

    async fn ready(&self, context: &mut Context, at: DateTime<Utc>) -> Result<(), BotError> {
        context.post_all(format!("The tea is ready since {}.", at.format("%H:%M:%S")))
    }

    async fn spill(&self, context: &mut Context, (): (), what: What) -> Result<(), BotError> {
        context.remove(&what.0, "spilt")?;
        context.replace(
            &what.0,
            Message::text("Wiped up, ").link("see", "https://example.com/"),
            "wiped",
        )
    }

    async fn fail(&self, context: &mut Context, (): (), said: How) -> Result<(), BotError> {
        context.reply("this is never seen")?;
        match said {
            How::Retry => Err(BotError::retry_after(
                std::time::Duration::from_secs(7),
                "not now",
            )),
            How::Reject => Err(BotError::reject("not ever")),
            How::Stop => Err(BotError::stop("enough")),
        }
    }

    async fn heard(&self, context: &mut Context, heard: Heard<'_>) -> Result<(), BotError> {
        let words: Vec<&str> = heard.words().collect();
        context.post_all(
            Message::story("Heard")
                .then(words.join(", "))
                .link("more", "https://example.com/tea"),
        )
    }

    async fn whisper(
        &self,
        context: &mut Context,
        said: &PrivateMessage,
        wanted: Memory<Wanted>,
    ) -> Result<(), BotError> {
        if said.text == "forget" {
            context.clear_state(Wanted::KEY);
            return context.skip("forgotten");
        }
        context.reply(format!("{} cups are taken", wanted.0.len()))
    }

    async fn offer(&self, context: &mut Context, _: &Presence, who: Author) -> Result<(), BotError> {
        context.write_to(&who.uri, "Tea?")
    }

    fn tea_time(&self) -> ScheduleSpec {
        let schedule = Schedule::new(self.time.clone(), self.settings.zone);
        ScheduleSpec::from(schedule).misfire(Misfire::Latest)
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
        context.post_all(Message::text(format!("Tea for {}!", cups.join(", "))).alert())
    }
}

/// How `!fail` fails: as the flags of the post say.
#[derive(Debug)]
enum How {
    Retry,
    Reject,
    Stop,
}

/// What was said.
#[derive(Debug)]
struct What(IncomingMessage);

impl parlor_bot::Extract<parlor_bot::Speech> for What {
    fn extract(event: &Event, _: &mut Context) -> Result<Self, BotError> {
        match event {
            Event::Message(said) => Ok(Self(said.clone())),
            _ => Err(BotError::tell("Say it in a room.")),
        }
    }
}

impl parlor_bot::Extract<parlor_bot::Speech> for How {
    fn extract(event: &Event, _: &mut Context) -> Result<Self, BotError> {
        match event {
            Event::Message(said) if said.alert => Ok(Self::Stop),
            Event::Message(said) if said.missed => Ok(Self::Reject),
            _ => Ok(Self::Retry),
        }
    }
}
