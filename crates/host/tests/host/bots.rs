//! Small bots that do one thing each.

use std::collections::BTreeMap;

use parlor_bot::NoSettings;
use parlor_bot::prelude::*;
use parlor_bot::schedule::Misfire;
use parlor_bot::{FeedUrl, FirstRun, Mail, MailAddress, Registry};

/// Posts the title of each item of the file `feed.xml`, looking each quarter of an hour, or as `every_ms` says.
pub(crate) struct Reader(FeedUrl, Option<u64>);

/// Answers `ping`, counting; panics at `boom`, never comes back from `hang`, fails at `fail`.
pub(crate) struct Ponger;

/// Answers who writes to it alone, counting; refuses `no`.
pub(crate) struct Confidant;

/// Writes what is said to those in its settings; `elsewhere` to somebody who is not.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Clerk {
    to: Vec<MailAddress>,
}

/// Has messages with `bad` removed, and says so; of one with `wrong` it names another number.
pub(crate) struct Censor;

/// Says "nine o'clock" at nine.
pub(crate) struct Crier;

pub(crate) fn registry() -> Registry {
    Registry::new()
        .with::<Reader>()
        .with::<Ponger>()
        .with::<Confidant>()
        .with::<Clerk>()
        .with::<Crier>()
        .with::<parlor_bot_relay::Relay>()
        .with::<Censor>()
}

impl Bot for Reader {
    const KIND: &'static str = "reader";
    type Settings = BTreeMap<String, u64>;

    fn from_settings(settings: BTreeMap<String, u64>, setup: &Setup) -> Result<Self, SetupError> {
        let url = "file:feed.xml"
            .parse::<FeedUrl>()
            .map_err(|error| SetupError::setting(".", error))?;
        Ok(Self(
            url.relative_to(setup.folder()),
            settings.get("every_ms").copied(),
        ))
    }

    fn interests(&self) -> Interests {
        let mut feed = FeedSpec::new(self.0.clone());
        feed.id = "news".to_owned();
        feed.first_run = FirstRun::Last(100);
        feed.per_poll = 100;
        if let Some(every) = self.1 {
            feed.every = std::time::Duration::from_millis(every);
        }
        Interests::new().feed(feed)
    }

    async fn handle(&mut self, event: &Event, context: &mut Context) -> Result<(), BotError> {
        match event {
            Event::FeedItem(item) => context.post_all(&*item.title),
            _ => Ok(()),
        }
    }
}

impl Bot for Ponger {
    const KIND: &'static str = "ponger";
    type Settings = NoSettings;

    fn from_settings(_: NoSettings, _: &Setup) -> Result<Self, SetupError> {
        Ok(Self)
    }

    fn interests(&self) -> Interests {
        Interests::new().messages()
    }

    async fn handle(&mut self, event: &Event, context: &mut Context) -> Result<(), BotError> {
        let Event::Message(said) = event else {
            return Ok(());
        };
        match said.text.as_str() {
            "boom" => panic!("boom"),
            "hang" => std::future::pending().await,
            "fail" => return Err(std::io::Error::other("failing").into()),
            text if text.starts_with("ping") => {
                let count = context.state::<u32>("count")?.unwrap_or(0) + 1;
                context.set_state("count", &count)?;
                // Contains "ping": a bot that heard itself would never stop.
                context.reply(format!("ping number {count} was {text:?}"))?;
            }
            _ => {}
        }
        Ok(())
    }
}

impl Bot for Confidant {
    const KIND: &'static str = "confidant";
    type Settings = NoSettings;

    fn from_settings(_: NoSettings, _: &Setup) -> Result<Self, SetupError> {
        Ok(Self)
    }

    fn interests(&self) -> Interests {
        Interests::new().private_messages()
    }

    async fn handle(&mut self, event: &Event, context: &mut Context) -> Result<(), BotError> {
        let Event::PrivateMessage(said) = event else {
            return Ok(());
        };
        if said.text == "no" {
            return Err(BotError::tell("no to you"));
        }
        let count = context.state::<u32>("count")?.unwrap_or(0) + 1;
        context.set_state("count", &count)?;
        context.reply(format!("{} {count}: {}", context.instance(), said.text))
    }
}

impl Bot for Clerk {
    const KIND: &'static str = "clerk";
    type Settings = Self;

    fn from_settings(settings: Self, _: &Setup) -> Result<Self, SetupError> {
        Ok(settings)
    }

    fn describe(bot: &mut Blueprint<'_, Self>) {
        bot.mail_to(|clerk: &Self| clerk.to.clone());
        bot.messages("Writes it.", Self::write);
    }
}

impl Clerk {
    async fn write(&self, context: &mut Context, said: &IncomingMessage) -> Result<(), BotError> {
        let mail = Mail::new(said.text.trim(), &*said.text);
        if said.text == "elsewhere" {
            return context.mail(&"eve@example.net".parse().map_err(BotError::reject)?, mail);
        }
        self.to.iter().try_for_each(|to| context.mail(to, mail.clone()))
    }
}

impl Bot for Censor {
    const KIND: &'static str = "censor";
    type Settings = NoSettings;

    fn from_settings(_: NoSettings, _: &Setup) -> Result<Self, SetupError> {
        Ok(Self)
    }

    fn interests(&self) -> Interests {
        Interests::new().messages()
    }

    async fn handle(&mut self, event: &Event, context: &mut Context) -> Result<(), BotError> {
        let Event::Message(said) = event else {
            return Ok(());
        };
        if !said.text.contains("bad") {
            return Ok(());
        }
        let mut said = said.clone();
        if said.text.contains("wrong") {
            said.id.0 += 1000;
        }
        context.remove(&said, "bad words")?;
        context.reply("that is removed")
    }
}

impl Bot for Crier {
    const KIND: &'static str = "crier";
    type Settings = NoSettings;

    fn from_settings(_: NoSettings, _: &Setup) -> Result<Self, SetupError> {
        Ok(Self)
    }

    fn interests(&self) -> Interests {
        let cron = "0 9 * * *".parse().unwrap();
        let zone = "Europe/Berlin".parse().unwrap();
        let schedule = parlor_bot::schedule::Schedule::new(cron, zone);
        Interests::new().schedule(ScheduleSpec::new("nine", schedule).misfire(Misfire::Latest))
    }

    async fn handle(&mut self, event: &Event, context: &mut Context) -> Result<(), BotError> {
        match event {
            Event::Schedule(fired) => {
                context.post_all(format!("it is {}", fired.local().format("%d %b %H:%M")))
            }
            _ => Ok(()),
        }
    }
}
