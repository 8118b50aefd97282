//! Posts the items of RSS, Atom and JSON feeds. Fetching, and knowing which items are new, is the host's task; this
//! decides which ones are wanted and what a post looks like.
//!
//! ```toml
//! [settings]
//! post_as = "story"
//!
//! [[settings.feeds]]
//! url = "https://blog.rust-lang.org/feed.xml"
//! first_run = "last(3)"
//! ```

mod digest;
mod settings;
mod source;

pub use settings::{FeedSettings, PostAs, Settings};
pub use source::Variables;

use std::collections::BTreeSet;

use parlor_bot::prelude::*;
use source::Source;

/// The bot.
#[derive(Debug)]
pub struct Feed {
    sources: Vec<Source>,
}

impl Bot for Feed {
    const KIND: &'static str = "feed";
    type Settings = Settings;

    fn from_settings(settings: Settings, setup: &Setup) -> Result<Self, SetupError> {
        let mut ids = BTreeSet::new();
        let mut sources = Vec::new();
        for (at, entry) in settings.feeds.iter().enumerate() {
            let path = format!("feeds[{at}]");
            let source = Source::new(entry, &settings, &path, setup)?;
            if !ids.insert(source.spec.id.clone()) {
                let key = if entry.name.is_some() { "name" } else { "url" };
                let problem = format!(
                    "`{}` stands for an earlier feed; give each a `name` of its own",
                    source.spec.id
                );
                return Err(SetupError::setting(format!("{path}.{key}"), problem));
            }
            sources.push(source);
        }
        Ok(Self { sources })
    }

    fn interests(&self) -> Interests {
        self.sources.iter().fold(Interests::new(), |interests, source| {
            interests.feed(source.spec.clone())
        })
    }

    async fn handle(&mut self, event: &Event, context: &mut Context) -> Result<(), BotError> {
        let name = match event {
            Event::FeedItem(item) => &item.feed,
            Event::FeedDigest(digest) => &digest.feed,
            _ => return Ok(()),
        };
        let Some(source) = self.sources.iter().find(|source| source.spec.id == *name) else {
            return context.skip(format!("feed `{name}` is not configured any more"));
        };
        match event {
            Event::FeedItem(item) => match source.unwanted(item) {
                Some(reason) => context.skip(reason),
                None => source.post(item, context),
            },
            Event::FeedDigest(digest) => source.post_digest(digest, context),
            _ => Ok(()),
        }
    }
}
