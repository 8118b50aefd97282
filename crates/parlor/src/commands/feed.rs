//! `parlor feed try`: a feed fetched once, and what a bot would post of it. Nothing is posted and nothing remembered.

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use parlor_bot::{DynBot, Event, FeedItem, FeedSpec, FeedUrl, Room, Setup};
use parlor_host::feeds::{Feed, Fetched, Fetcher, Past, Roots, Validators, select};
use serde::Serialize;
use serde_json::json;

use crate::bots;
use crate::cli::{FeedCommand, FeedTryArgs, Global, exit};
use crate::commands::preview::{Preview, make, wrong};
use crate::commands::run::feed_roots;
use crate::config::{Instance, Settings};
use crate::failure::{Failure, chain};
use crate::terminal::{FAINT, STRONG, WARNING, harmless, json_document, line, styled};

/// The room of a bot that is made only to try a feed.
const NO_ROOM: &str = "room";

/// `settings` are only needed for configured bots, so that an address can be tried without any.
pub(crate) async fn run(
    global: &Global,
    settings: Result<Settings, Failure>,
    command: FeedCommand,
) -> Result<(), Failure> {
    let FeedCommand::Try(arguments) = command;
    let roots = match settings.as_ref().ok().and_then(|settings| settings.host.as_ref()) {
        Some(host) => {
            feed_roots(host).map_err(|error| Failure::new(chain(&error)).with_code(exit::CONFIGURATION))?
        }
        None => Roots::default(),
    };
    let mut trial = match address(&arguments.feed) {
        Some(url) if arguments.bot.is_none() => Trial::alone(url)?,
        _ => Trial::configured(&settings?, &arguments)?,
    };
    trial.spec.allow_private |= arguments.allow_private;
    let fetcher = Fetcher::new(concat!("parlor/", env!("CARGO_PKG_VERSION")), &roots);
    let fetched = fetcher
        .fetch(&trial.spec.url, &Validators::default(), trial.spec.allow_private)
        .await
        .map_err(|error| Failure::caused(&trial.spec.url.to_string(), &error))?;
    let Fetched::Changed { feed, advice, .. } = fetched else {
        return Err(Failure::new(
            "the server says \"not modified\" to a first request",
        ));
    };
    let moved_to = advice.moved_to.as_ref().map(ToString::to_string);
    let items = trial.items(&feed, arguments.last).await;
    if global.json {
        json_document(&json!({
            "url": trial.spec.url,
            "title": feed.title,
            "items_in_feed": feed.items.len(),
            "repairs": feed.repairs.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "moved_to": moved_to,
            "fresh_seconds": advice.fresh_for.max(feed.period).map(|time| time.as_secs()),
            "items": items,
        }));
        return Ok(());
    }
    let title = feed.title.as_deref().unwrap_or("a feed without a title");
    line(format_args!(
        "{}: {} items, at {}",
        styled(STRONG, harmless(title)),
        feed.items.len(),
        trial.spec.url
    ));
    for repair in &feed.repairs {
        line(format_args!("  {} {repair}", styled(WARNING, "repaired:")));
    }
    if let Some(to) = moved_to {
        line(format_args!("  {} {to}", styled(WARNING, "moved for good to")));
    }
    if let Some(limit) = trial.spec.digest_over.filter(|limit| feed.items.len() > *limit) {
        line(styled(
            FAINT,
            format_args!("  more than {limit} of them at once would become one post"),
        ));
    }
    items.iter().for_each(show);
    Ok(())
}

/// A bot, and the feed that it is given items of.
#[derive(Debug)]
struct Trial {
    bot: Box<dyn DynBot>,
    setup: Arc<Setup>,
    spec: FeedSpec,
}

/// What becomes of an item.
#[derive(Debug, Serialize)]
struct Outcome {
    id: String,
    title: String,
    link: Option<String>,
    published: Option<DateTime<Utc>>,
    #[serde(flatten)]
    preview: Preview,
}

impl Trial {
    /// The feed bot with nothing but this feed.
    fn alone(url: FeedUrl) -> Result<Self, Failure> {
        let me = "sip:bot@example.com"
            .parse()
            .map_err(|error| Failure::caused("no bot can be made", &error))?;
        let setup = Setup::new("try", me).with_rooms([Room::new(NO_ROOM)]);
        let settings = json!({ "feeds": [{ "url": url }] });
        let bot = bots::registry().build("feed", &settings, &setup).map_err(wrong)?;
        Self::first(bot, setup).ok_or_else(|| Failure::new("the feed bot wants no feed"))
    }

    fn configured(settings: &Settings, arguments: &FeedTryArgs) -> Result<Self, Failure> {
        let instances = settings.host.as_ref().map_or(&[][..], |host| &host.instances);
        let asked = |instance: &&Instance| arguments.bot.as_ref().is_none_or(|id| instance.id == *id);
        let mut known = Vec::new();
        for instance in instances.iter().filter(asked) {
            let (bot, setup) = make(instance)?;
            let feeds = bot.interests().feeds;
            let is_meant = |spec: &&FeedSpec| {
                spec.id == arguments.feed || address(&arguments.feed).is_some_and(|url| url == spec.url)
            };
            let found = feeds.iter().find(is_meant).cloned();
            let other = address(&arguments.feed).filter(|_| arguments.bot.is_some());
            // An address that the bot does not know is tried as if it were its first feed.
            let as_first = other.and_then(|url| {
                Some(FeedSpec {
                    url,
                    ..feeds.first()?.clone()
                })
            });
            if let Some(spec) = found.or(as_first) {
                let setup = Arc::new(setup);
                return Ok(Self { bot, setup, spec });
            }
            known.extend(feeds.into_iter().map(|spec| spec.id));
        }
        let who = arguments
            .bot
            .as_ref()
            .map_or_else(|| "no bot".to_owned(), |id| format!("bot `{id}`"));
        let failure = Failure::new(format!(
            "`{}` is no address, no file, and {who} has a feed of that name",
            arguments.feed
        ));
        Err(if known.is_empty() {
            failure
        } else {
            failure.with_help(format!("feeds: {}", known.join(", ")))
        })
    }

    fn first(bot: Box<dyn DynBot>, setup: Setup) -> Option<Self> {
        let spec = bot.interests().feeds.into_iter().next()?;
        let setup = Arc::new(setup);
        Some(Self { bot, setup, spec })
    }

    /// The newest items and what becomes of each, newest first, as if none had been seen.
    async fn items(&mut self, feed: &Feed, last: usize) -> Vec<Outcome> {
        let spec = FeedSpec {
            per_poll: last,
            digest_over: None,
            ..self.spec.clone()
        };
        let selection = select(&spec, feed, Some(&Past::default()), Utc::now());
        let mut outcomes = Vec::new();
        for item in selection.fresh.into_iter().rev() {
            outcomes.push(self.outcome(item).await);
        }
        outcomes
    }

    async fn outcome(&mut self, item: FeedItem) -> Outcome {
        let (id, title) = (item.id.clone(), item.title.clone());
        let (link, published) = (item.link.clone(), item.published);
        let event = Event::FeedItem(item);
        Outcome {
            id,
            title,
            link,
            published,
            preview: Preview::of(&mut *self.bot, &self.setup, &event).await,
        }
    }
}

/// What the argument stands for when it is no name: an address, or a file that is there.
fn address(text: &str) -> Option<FeedUrl> {
    if let Ok(url) = text.parse::<FeedUrl>() {
        let here = std::env::current_dir().unwrap_or_default();
        return Some(url.relative_to(&here));
    }
    let path = Path::new(text);
    path.is_file()
        .then(|| std::path::absolute(path).ok().map(FeedUrl::File))
        .flatten()
}

fn show(outcome: &Outcome) {
    let at = outcome.published.map_or_else(
        || "no date".to_owned(),
        |time| time.format("%Y-%m-%d %H:%M").to_string(),
    );
    line(format_args!(
        "\n{}  {}",
        styled(FAINT, at),
        styled(STRONG, harmless(&outcome.title))
    ));
    line(styled(
        FAINT,
        format_args!("  known by {}", harmless(&outcome.id)),
    ));
    outcome.preview.show();
}
