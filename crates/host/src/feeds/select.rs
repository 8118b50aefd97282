//! Which items of a feed are new to a subscriber, and which ones have changed.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use parlor_bot::settings::Span;
use parlor_bot::{FeedDigest, FeedItem, FeedSpec, FirstRun, IdentityField, OnEdit};

use super::Feed;
use super::edit::Version;
use super::identity::identity;

/// What is known of a subscriber's items from the looks before; `None` when it looks for the first time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Past {
    /// What items were known by at the last look.
    pub identity: Vec<IdentityField>,
    /// Items that were seen, by what they were known by, with their [`Listed::version`].
    pub seen: HashMap<String, Option<String>>,
}

/// What a subscriber gets of a feed, and what not. Items have `feed` and `id` filled in for the subscriber.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// To be handed over one by one, oldest first.
    pub fresh: Vec<FeedItem>,
    /// To be handed over together.
    pub digest: Option<FeedDigest>,
    /// Handed over before, and to be handed over again because they changed; each with a name for what it says now.
    pub edited: Vec<(FeedItem, String)>,
    /// New or changed but not handed over, and why not.
    pub passed: Vec<(FeedItem, Passed)>,
    /// Everything that is listed, to be stored as seen.
    pub listed: Vec<Listed>,
}

/// An item that the feed lists now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// What it is known by.
    pub id: String,
    /// What it says, to be compared at the next look; `None` keeps what is stored.
    pub version: Option<String>,
}

/// Why an item is passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Passed {
    /// It was there at the first look, and the policy does not want it.
    FirstRun,
    /// More came at once than the subscriber takes.
    TooMany,
    /// It has changed too often to be told again.
    Restless,
}

impl Passed {
    /// In words, for a log or a ledger.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::FirstRun => "was in the feed at the first look",
            Self::TooMany => "more at once than per_poll",
            Self::Restless => "changed too often to be told again",
        }
    }
}

/// What the items of the feed are known by to a subscriber that names these fields.
pub fn known_by(feed: &Feed, fields: &[IdentityField]) -> Vec<String> {
    feed.items.iter().map(|item| identity(fields, item)).collect()
}

/// Sorts out what is new to the subscriber of `spec`, and what has changed.
///
/// `past` has to hold what is stored of everything that [`known_by`] gives, for the fields of now and for those of
/// `past`. `listed` is to be stored together with the feed's validators and in one transaction: with the validators
/// alone, a crash would lose the items, because the server then answers "not modified". Seen items that the feed still
/// holds are not to be forgotten; dates are not asked, so an unordered feed repeats nothing.
pub fn select(spec: &FeedSpec, feed: &Feed, past: Option<&Past>, now: DateTime<Utc>) -> Selection {
    let mut selection = Selection::default();
    let mut new = Vec::new();
    for item in for_subscriber(spec, feed) {
        match past.and_then(|past| before(spec, past, &item)) {
            None => new.push(item),
            Some(version) => selection.compare(spec, item, version),
        }
    }
    let count = new.len();
    for (at, item) in new.into_iter().enumerate() {
        if past.is_some() || is_wanted_at_first(spec, &item, count - at, now) {
            selection.fresh.push(item);
        } else {
            selection.pass(item, Passed::FirstRun);
        }
    }
    selection.gather(spec, feed);
    selection
}

/// The items with the subscriber's ids, oldest first; of those that it cannot tell apart the newest.
fn for_subscriber(spec: &FeedSpec, feed: &Feed) -> Vec<FeedItem> {
    let mut ids = HashSet::new();
    let named = feed.items.iter().rev().map(|item| FeedItem {
        id: identity(&spec.identity, item),
        feed: spec.id.clone(),
        ..item.clone()
    });
    let mut items: Vec<_> = named.filter(|item| ids.insert(item.id.clone())).collect();
    items.reverse();
    items
}

/// What is stored of the item, under what it is known by now or was known by at the last look: a changed `identity` does
/// not make everything new.
fn before<'a>(spec: &FeedSpec, past: &'a Past, item: &FeedItem) -> Option<&'a Option<String>> {
    let found = past.seen.get(&item.id);
    if found.is_some() || past.identity == spec.identity {
        return found;
    }
    past.seen.get(&identity(&past.identity, item))
}

fn is_wanted_at_first(spec: &FeedSpec, item: &FeedItem, from_newest: usize, now: DateTime<Utc>) -> bool {
    match spec.first_run {
        FirstRun::None => false,
        FirstRun::Last(count) => from_newest <= count,
        FirstRun::Since(span) => item
            .published
            .is_some_and(|time| time >= now - Span(span).delta()),
    }
}

impl Selection {
    fn pass(&mut self, item: FeedItem, why: Passed) {
        self.list(&item, None);
        self.passed.push((item, why));
    }

    fn list(&mut self, item: &FeedItem, version: Option<&Version>) {
        self.listed.push(Listed {
            id: item.id.clone(),
            version: version.map(Version::store),
        });
    }

    /// Deals with an item that was seen before.
    fn compare(&mut self, spec: &FeedSpec, mut item: FeedItem, stored: &Option<String>) {
        let old = stored.as_deref().and_then(Version::read);
        let Some(old) = old.filter(|_| spec.on_edit != OnEdit::Ignore) else {
            return self.list(&item, None);
        };
        let version = Version::after(&old, &item);
        let Some(edit) = version.edit_since(&old) else {
            return self.list(&item, None);
        };
        self.list(&item, Some(&version));
        if version.is_restless() {
            self.passed.push((item, Passed::Restless));
        } else {
            item.edit = Some(edit);
            self.edited.push((item, version.name()));
        }
    }

    /// Decides whether what is new goes one by one, and keeps what is too much.
    fn gather(&mut self, spec: &FeedSpec, feed: &Feed) {
        for item in &self.fresh {
            let version = (spec.on_edit != OnEdit::Ignore).then(|| Version::of(item));
            self.listed.push(Listed {
                id: item.id.clone(),
                version: version.as_ref().map(Version::store),
            });
        }
        let too_many = |(item, _): (FeedItem, String)| (item, Passed::TooMany);
        let over = self.edited.len().saturating_sub(spec.per_poll);
        self.passed.extend(self.edited.drain(..over).map(too_many));
        if spec.digest_over.is_some_and(|limit| self.fresh.len() > limit) {
            let more = self.fresh.len().saturating_sub(FeedDigest::MAX_ITEMS);
            let older = self.fresh.drain(..more).map(|item| (item, Passed::TooMany));
            self.passed.extend(older);
            let without_html = |item| FeedItem {
                summary_html: None,
                ..item
            };
            self.digest = Some(FeedDigest {
                feed: spec.id.clone(),
                feed_title: feed.title.clone(),
                items: self.fresh.drain(..).map(without_html).collect(),
                more,
            });
        } else if spec.digest_over.is_none() {
            let over = self.fresh.len().saturating_sub(spec.per_poll);
            let older = self.fresh.drain(..over).map(|item| (item, Passed::TooMany));
            self.passed.extend(older);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-21T12:00:00Z".parse().unwrap()
    }

    /// Items called by their number, one per day, the last from today.
    fn feed(count: i64) -> Feed {
        let item = |number: i64| FeedItem {
            guid: Some(number.to_string()),
            published: Some(now() - chrono::TimeDelta::days(count - number)),
            ..FeedItem::default()
        };
        Feed {
            items: (1..=count).map(item).collect(),
            ..Feed::default()
        }
    }

    fn spec(first_run: &str, per_poll: usize) -> FeedSpec {
        let mut spec = FeedSpec::new("https://example.com/feed".parse().unwrap());
        spec.first_run = first_run.parse().unwrap();
        spec.per_poll = per_poll;
        spec
    }

    fn ids(selection: &Selection) -> Vec<&str> {
        selection.fresh.iter().map(|item| item.id.as_str()).collect()
    }

    /// After a look at `feed`.
    fn past(selection: Selection, before: Option<Past>) -> Past {
        let mut past = before.unwrap_or_default();
        for Listed { id, version } in selection.listed {
            let known = past.seen.entry(id).or_default();
            *known = version.or_else(|| known.take());
        }
        past
    }

    fn seen(ids: &[&str]) -> Past {
        Past {
            seen: ids.iter().map(|id| ((*id).to_owned(), None)).collect(),
            ..Past::default()
        }
    }

    #[test]
    fn the_first_look_follows_its_policy() {
        for (policy, expected) in [
            ("none", vec![]),
            ("last(2)", vec!["4", "5"]),
            ("last(99)", vec!["1", "2", "3", "4", "5"]),
            ("last(0)", vec![]),
            ("since(2d)", vec!["3", "4", "5"]),
            ("since(1h)", vec!["5"]),
        ] {
            let selection = select(&spec(policy, 20), &feed(5), None, now());
            assert_eq!(ids(&selection), expected, "{policy}");
            assert_eq!(selection.passed.len(), 5 - expected.len());
        }
        let mut undated = feed(1);
        undated.items[0].published = None;
        assert!(
            select(&spec("since(9d)", 20), &undated, None, now())
                .fresh
                .is_empty()
        );
    }

    #[test]
    fn later_looks_give_what_was_not_seen_whatever_its_date() {
        let mut shuffled = feed(4);
        shuffled.items.swap(0, 3);
        let selection = select(&spec("none", 20), &shuffled, Some(&seen(&["2", "4"])), now());
        assert_eq!(ids(&selection), ["3", "1"]);
        assert_eq!(selection.fresh[0].feed, "https://example.com/feed");
    }

    #[test]
    fn a_burst_is_capped_to_the_newest() {
        let selection = select(&spec("none", 2), &feed(5), Some(&Past::default()), now());
        assert_eq!(ids(&selection), ["4", "5"]);
        let passed: Vec<_> = selection
            .passed
            .iter()
            .map(|(item, why)| (item.id.as_str(), *why))
            .collect();
        assert_eq!(
            passed,
            [
                ("1", Passed::TooMany),
                ("2", Passed::TooMany),
                ("3", Passed::TooMany)
            ]
        );
    }

    #[test]
    fn of_items_that_cannot_be_told_apart_the_newest_counts() {
        let mut feed = feed(3);
        for item in &mut feed.items {
            item.link = Some("https://example.com/?utm_source=x".to_owned());
        }
        let mut spec = spec("last(9)", 20);
        spec.identity = vec![IdentityField::Link];
        let selection = select(&spec, &feed, None, now());
        assert_eq!(ids(&selection), ["https://example.com/"]);
        assert_eq!(selection.fresh[0].guid.as_deref(), Some("3"));
        assert_eq!(selection.listed.len(), 1);
    }

    #[test]
    fn another_identity_makes_nothing_new_again() {
        let mut spec = spec("none", 20);
        let mut feed = feed(3);
        let before = past(select(&spec, &feed, None, now()), None);
        spec.identity = vec![IdentityField::Title, IdentityField::Guid];
        feed.items.push(FeedItem {
            guid: Some("4".to_owned()),
            ..FeedItem::default()
        });
        let selection = select(&spec, &feed, Some(&before), now());
        assert_eq!(selection.fresh.len(), 1);
        let mut after = past(selection, Some(before));
        after.identity.clone_from(&spec.identity);
        assert!(select(&spec, &feed, Some(&after), now()).fresh.is_empty());
    }

    #[test]
    fn a_burst_becomes_a_digest_when_that_is_wanted() {
        let mut spec = spec("none", 2);
        spec.digest_over = Some(3);
        let one_by_one = select(&spec, &feed(3), Some(&Past::default()), now());
        assert_eq!((one_by_one.fresh.len(), one_by_one.digest), (3, None));

        let count = FeedDigest::MAX_ITEMS + 7;
        let selection = select(&spec, &feed(count as i64), Some(&Past::default()), now());
        let digest = selection.digest.unwrap();
        assert!(selection.fresh.is_empty());
        assert_eq!((digest.items.len(), digest.more), (FeedDigest::MAX_ITEMS, 7));
        assert_eq!(digest.items.last().unwrap().id, count.to_string());
        assert_eq!((selection.passed.len(), selection.listed.len()), (7, count));
    }

    #[test]
    fn a_changed_item_is_handed_over_again_with_what_changed() {
        let mut spec = spec("last(2)", 20);
        spec.on_edit = OnEdit::Note;
        let mut feed = feed(3);
        let mut known = past(select(&spec, &feed, None, now()), None);
        let same = select(&spec, &feed, Some(&known), now());
        assert_eq!((same.edited.len(), same.fresh.len()), (0, 0));

        // The first one was passed over: nobody knows what it said.
        for item in &mut feed.items {
            item.title = "New".to_owned();
        }
        feed.items[2].summary = "and words".to_owned();
        let selection = select(&spec, &feed, Some(&known), now());
        let edits: Vec<_> = selection
            .edited
            .iter()
            .map(|(item, _)| (item.id.as_str(), item.edit.clone().unwrap()))
            .collect();
        let edit = |text| parlor_bot::FeedEdit {
            title: Some(String::new()),
            text,
            link: false,
        };
        assert_eq!(edits, [("2", edit(false)), ("3", edit(true))]);
        assert_ne!(selection.edited[0].1, selection.edited[1].1);
        known = past(selection, Some(known));
        assert!(select(&spec, &feed, Some(&known), now()).edited.is_empty());

        spec.on_edit = OnEdit::Ignore;
        feed.items[2].title = "Newer".to_owned();
        assert!(select(&spec, &feed, Some(&known), now()).edited.is_empty());
    }

    #[test]
    fn an_item_that_does_not_rest_is_let_alone() {
        let mut spec = spec("last(1)", 20);
        spec.on_edit = OnEdit::Post;
        let mut feed = feed(1);
        let mut known = past(select(&spec, &feed, None, now()), None);
        let mut told = 0;
        for views in 0..20 {
            feed.items[0].summary = format!("{views} views");
            let selection = select(&spec, &feed, Some(&known), now());
            told += selection.edited.len();
            assert_eq!(selection.edited.len() + selection.passed.len(), 1);
            known = past(selection, Some(known));
        }
        assert_eq!(told, 5);
    }

    proptest! {
        #[test]
        fn nothing_is_handed_over_twice_and_nothing_is_lost(
            looks in prop::collection::vec(prop::collection::vec(0..20_i64, 0..10), 1..6),
            per_poll in 1..8_usize,
            last in 0..5_usize,
            digest_over in prop::option::of(1..6_usize),
        ) {
            let mut spec = spec("none", per_poll);
            spec.digest_over = digest_over;
            spec.first_run = if last == 0 { FirstRun::Since(Duration::from_secs(86_400)) } else { FirstRun::Last(last) };
            let mut known: Option<Past> = None;
            let mut handed = HashSet::new();
            for numbers in &looks {
                let item = |number: &i64| FeedItem { guid: Some(number.to_string()), ..FeedItem::default() };
                let feed = Feed { items: numbers.iter().map(item).collect(), ..Feed::default() };
                let unseen: HashSet<_> = numbers.iter().map(ToString::to_string)
                    .filter(|id| known.as_ref().is_none_or(|past| !past.seen.contains_key(id))).collect();
                let selection = select(&spec, &feed, known.as_ref(), now());
                if digest_over.is_none() {
                    prop_assert!(selection.fresh.len() <= per_poll);
                }
                let digest = selection.digest.iter().flat_map(|digest| &digest.items);
                let given: Vec<_> = selection.fresh.iter().chain(digest).map(|item| item.id.clone()).collect();
                prop_assert_eq!(given.len() + selection.passed.len(), unseen.len());
                for id in given {
                    prop_assert!(unseen.contains(&id));
                    prop_assert!(handed.insert(id));
                }
                known = Some(past(selection, known));
            }
        }
    }
}
