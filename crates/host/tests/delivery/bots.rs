//! One bot for each way in: a feed, a clock, a question.

use std::time::Duration;

use parlor_bot::NoSettings;
use parlor_bot::prelude::*;
use parlor_bot::schedule::{Misfire, Schedule};
use parlor_bot::{FeedUrl, FirstRun, Registry};

/// The feed's file, beside the host's state.
pub(crate) const FEED: &str = "feed.xml";
/// Posts the title of each item.
pub(crate) struct Reader(FeedUrl);

/// Answers `ping …` with a count that it keeps.
pub(crate) struct Ponger;

/// Says its word and the due time, in UTC.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Crier {
    cron: String,
    zone: String,
    word: String,
}

pub(crate) fn registry() -> Registry {
    Registry::new().with::<Reader>().with::<Ponger>().with::<Crier>()
}

impl Bot for Reader {
    const KIND: &'static str = "reader";
    type Settings = NoSettings;

    fn from_settings(_: NoSettings, setup: &Setup) -> Result<Self, SetupError> {
        let url = format!("file:{FEED}")
            .parse::<FeedUrl>()
            .map_err(|error| SetupError::setting(".", error))?;
        Ok(Self(url.relative_to(setup.folder())))
    }

    fn interests(&self) -> Interests {
        let mut feed = FeedSpec::new(self.0.clone());
        feed.id = "news".to_owned();
        feed.first_run = FirstRun::Last(100);
        feed.per_poll = 100;
        // Items come while a host runs, too.
        feed.every = Duration::from_millis(300);
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
        let Some(number) = said.text.strip_prefix("ping ") else {
            return Ok(());
        };
        let count = context.state::<u32>("count")?.unwrap_or(0) + 1;
        context.set_state("count", &count)?;
        context.reply(format!("pong {number}, answer {count}"))
    }
}

impl Bot for Crier {
    const KIND: &'static str = "crier";
    type Settings = Self;

    fn from_settings(settings: Self, _: &Setup) -> Result<Self, SetupError> {
        Ok(settings)
    }

    fn interests(&self) -> Interests {
        let schedule = Schedule::new(self.cron.parse().unwrap(), self.zone.parse().unwrap());
        Interests::new().schedule(ScheduleSpec::new("bell", schedule).misfire(Misfire::All))
    }

    async fn handle(&mut self, event: &Event, context: &mut Context) -> Result<(), BotError> {
        match event {
            Event::Schedule(fired) => context.post_all(format!(
                "{} {}",
                self.word,
                fired.due.format("%Y-%m-%dT%H:%M:%SZ")
            )),
            _ => Ok(()),
        }
    }
}
