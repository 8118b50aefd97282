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

    fn describe(bot: &mut Blueprint<'_, Self>) {
        bot.about("Posts the items of feeds.");
        bot.feeds("Posts an item, if it is wanted.", Self::feeds, Self::item);
        bot.digests("Posts many items as one.", Self::digest);
    }
}

impl Feed {
    fn feeds(&self) -> Vec<FeedSpec> {
        self.sources.iter().map(|source| source.spec.clone()).collect()
    }

    async fn item(&self, context: &mut Context, item: &FeedItem) -> Result<(), BotError> {
        let Some(source) = self.source(&item.feed) else {
            return context.skip(gone(&item.feed));
        };
        match source.unwanted(item) {
            Some(reason) => context.skip(reason),
            None => source.post(item, context),
        }
    }

    async fn digest(&self, context: &mut Context, digest: &FeedDigest) -> Result<(), BotError> {
        match self.source(&digest.feed) {
            Some(source) => source.post_digest(digest, context),
            None => context.skip(gone(&digest.feed)),
        }
    }

    fn source(&self, feed: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.spec.id == feed)
    }
}

fn gone(feed: &str) -> String {
    format!("feed `{feed}` is not configured any more")
}
