//! Feeds that the test makes up, looked at as a host does.

use std::collections::{BTreeMap, BTreeSet};

use super::TestKit;
use crate::{BotError, Event, FeedDigest, FeedItem, FirstRun};

/// What has been seen, by feed. A feed that is not in it was never looked at.
pub(super) type Seen = BTreeMap<String, BTreeSet<String>>;

impl TestKit {
    /// A feed has a new item. With an empty `item.feed` it comes from the bot's first feed.
    ///
    /// # Errors
    /// What the handler returned.
    ///
    /// # Panics
    /// When the bot has no such feed.
    pub async fn feed_item(&mut self, mut item: FeedItem) -> Result<(), BotError> {
        if item.feed.is_empty() {
            item.feed = self
                .interests
                .feeds
                .first()
                .map(|feed| feed.id.clone())
                .unwrap_or_default();
        }
        let known = self.interests.feeds.iter().any(|feed| feed.id == item.feed);
        assert!(known, "the bot has no feed `{}`", item.feed);
        self.deliver(Event::FeedItem(item)).await
    }

    /// The host looks at the bot's feed `id`, which holds `items` now, the newest first as feeds are: what is new is handed
    /// over, the oldest first, one by one or as a digest, as the bot's [`crate::FeedSpec`] says. Items are known by
    /// their `id`. Edits are not looked for: hand them over with [`TestKit::feed_item`].
    ///
    /// # Errors
    /// What the handler returned first; what comes after it counts as seen.
    ///
    /// # Panics
    /// When the bot has no such feed.
    pub async fn feed_holds(&mut self, id: &str, items: &[FeedItem]) -> Result<(), BotError> {
        let found = self.interests.feeds.iter().find(|spec| spec.id == id);
        let spec = found
            .cloned()
            .unwrap_or_else(|| panic!("the bot has no feed `{id}`"));
        let first = !self.seen.contains_key(id);
        let seen = self.seen.entry(id.to_owned()).or_default();
        let mut fresh: Vec<FeedItem> = items
            .iter()
            .filter(|item| seen.insert(item.id.clone()))
            .cloned()
            .collect();
        if first {
            let now = self.now;
            match spec.first_run {
                FirstRun::None => fresh.clear(),
                FirstRun::Last(count) => fresh.truncate(count),
                FirstRun::Since(age) => fresh.retain(|item| item.published.is_some_and(|at| at + age >= now)),
            }
        }
        let digest = spec.digest_over.is_some_and(|limit| fresh.len() > limit);
        let most = if digest {
            FeedDigest::MAX_ITEMS
        } else {
            spec.per_poll
        };
        let more = fresh.len().saturating_sub(most);
        fresh.truncate(most);
        fresh.reverse();
        for item in &mut fresh {
            id.clone_into(&mut item.feed);
        }
        if digest {
            let feed_title = fresh.iter().find_map(|item| item.feed_title.clone());
            let digest = FeedDigest {
                feed: id.to_owned(),
                feed_title,
                items: fresh,
                more,
            };
            return self.deliver(Event::FeedDigest(digest)).await;
        }
        for item in fresh {
            self.deliver(Event::FeedItem(item)).await?;
        }
        Ok(())
    }
}
