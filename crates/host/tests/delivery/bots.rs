//! One bot for each way in: a feed, a clock, a question.

use parlor_bot::prelude::*;
use parlor_bot::schedule::{Misfire, Schedule};
use parlor_bot::{FeedUrl, FirstRun, Registry};

/// The feed's file, beside the host's state.
pub(crate) const FEED: &str = "feed.xml";
/// Every third second of one minute.
const DUE: &str = "*/3 0 9 20 11 *";
/// How often that is.
pub(crate) const DUES: usize = 20;

/// Posts the title of each item.
pub(crate) struct Reader(FeedUrl);

/// Answers `ping …` with a count that it keeps.
pub(crate) struct Ponger;

/// Says the time of each due time.
pub(crate) struct Crier;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct None {}

pub(crate) fn registry() -> Registry {
    Registry::new().with::<Reader>().with::<Ponger>().with::<Crier>()
}

impl Bot for Reader {
    const KIND: &'static str = "reader";
    type Settings = None;

    fn from_settings(_: None, setup: &Setup) -> Result<Self, SetupError> {
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
    type Settings = None;

    fn from_settings(_: None, _: &Setup) -> Result<Self, SetupError> {
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
    type Settings = None;

    fn from_settings(_: None, _: &Setup) -> Result<Self, SetupError> {
        Ok(Self)
    }

    fn interests(&self) -> Interests {
        let schedule = Schedule::new(DUE.parse().unwrap(), "UTC".parse().unwrap());
        Interests::new().schedule(ScheduleSpec::new("third", schedule).misfire(Misfire::All))
    }

    async fn handle(&mut self, event: &Event, context: &mut Context) -> Result<(), BotError> {
        match event {
            Event::Schedule(fired) => context.post_all(format!("due {}", fired.due.format("%H:%M:%S"))),
            _ => Ok(()),
        }
    }
}
