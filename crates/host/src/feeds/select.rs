//! Which items of a feed are new to a subscriber.

use chrono::{DateTime, Utc};
use parlor_bot::settings::Span;
use parlor_bot::{FeedItem, FeedSpec, FirstRun};

use super::Feed;

/// What a subscriber gets of a feed, and what not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// To be handed over, oldest first, `feed` and `feed_title` filled in.
    pub fresh: Vec<FeedItem>,
    /// New to the subscriber but not handed over: to be stored as seen.
    pub passed: Vec<(String, Passed)>,
}

/// Why an item is passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Passed {
    /// It was there at the first look, and the policy does not want it.
    FirstRun,
    /// More came at once than the subscriber takes.
    TooMany,
}

impl Passed {
    /// In words, for a log or a ledger.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::FirstRun => "was in the feed at the first look",
            Self::TooMany => "more new items at once than per_poll",
        }
    }
}

/// Sorts out what is new to the subscriber of `spec`.
///
/// `first` says that it looks for the first time; `seen` whether an item's id was stored for it before. The ids of
/// `fresh` and `passed` are to be stored as seen, together with the feed's validators and in one transaction: with the
/// validators alone, a crash would lose the items, because the server then answers "not modified". Seen ids that the
/// feed still holds are not to be forgotten; dates are not asked, so an unordered feed repeats nothing.
pub fn select(
    spec: &FeedSpec,
    feed: &Feed,
    first: bool,
    now: DateTime<Utc>,
    seen: impl Fn(&str) -> bool,
) -> Selection {
    let mut selection = Selection::default();
    let new: Vec<&FeedItem> = feed.items.iter().filter(|item| !seen(&item.id)).collect();
    let wanted = |at: usize, item: &FeedItem| match spec.first_run {
        _ if !first => true,
        FirstRun::None => false,
        FirstRun::Last(count) => at + count >= new.len(),
        FirstRun::Since(span) => item
            .published
            .is_some_and(|time| time >= now - Span(span).delta()),
    };
    for (at, item) in new.iter().enumerate() {
        if wanted(at, item) {
            selection.fresh.push(FeedItem {
                feed: spec.id.clone(),
                ..(*item).clone()
            });
        } else {
            selection.passed.push((item.id.clone(), Passed::FirstRun));
        }
    }
    let over = selection.fresh.len().saturating_sub(spec.per_poll);
    selection.passed.extend(
        selection
            .fresh
            .drain(..over)
            .map(|item| (item.id, Passed::TooMany)),
    );
    selection
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
            id: number.to_string(),
            published: Some(now() - chrono::TimeDelta::days(count - number)),
            ..FeedItem::default()
        };
        Feed {
            title: None,
            items: (1..=count).map(item).collect(),
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
            let selection = select(&spec(policy, 20), &feed(5), true, now(), |_| false);
            assert_eq!(ids(&selection), expected, "{policy}");
            assert_eq!(selection.passed.len(), 5 - expected.len());
        }
        let mut undated = feed(1);
        undated.items[0].published = None;
        assert!(
            select(&spec("since(9d)", 20), &undated, true, now(), |_| false)
                .fresh
                .is_empty()
        );
    }

    #[test]
    fn later_looks_give_what_was_not_seen_whatever_its_date() {
        let mut shuffled = feed(4);
        shuffled.items.swap(0, 3);
        let selection = select(&spec("none", 20), &shuffled, false, now(), |id| {
            matches!(id, "2" | "4")
        });
        assert_eq!(ids(&selection), ["3", "1"]);
        assert_eq!(selection.fresh[0].feed, "https://example.com/feed");
    }

    #[test]
    fn a_burst_is_capped_to_the_newest() {
        let selection = select(&spec("none", 2), &feed(5), false, now(), |_| false);
        assert_eq!(ids(&selection), ["4", "5"]);
        let passed: Vec<_> = selection
            .passed
            .iter()
            .map(|(id, why)| (id.as_str(), *why))
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

    proptest! {
        #[test]
        fn nothing_is_handed_over_twice_and_nothing_is_lost(
            looks in prop::collection::vec(prop::collection::vec(0..20_i64, 0..10), 1..6),
            per_poll in 1..8_usize,
            last in 0..5_usize,
        ) {
            let mut spec = spec("none", per_poll);
            spec.first_run = if last == 0 { FirstRun::Since(Duration::from_secs(86_400)) } else { FirstRun::Last(last) };
            let mut seen = std::collections::HashSet::new();
            for (at, numbers) in looks.iter().enumerate() {
                let mut items: Vec<FeedItem> = Vec::new();
                for number in numbers {
                    if items.iter().all(|item| item.id != number.to_string()) {
                        items.push(FeedItem { id: number.to_string(), ..FeedItem::default() });
                    }
                }
                let unseen = items.iter().filter(|item| !seen.contains(&item.id)).count();
                let feed = Feed { title: None, items };
                let selection = select(&spec, &feed, at == 0, now(), |id| seen.contains(id));
                prop_assert!(selection.fresh.len() <= per_poll);
                prop_assert_eq!(selection.fresh.len() + selection.passed.len(), unseen);
                for id in selection.fresh.iter().map(|item| &item.id).chain(selection.passed.iter().map(|(id, _)| id)) {
                    prop_assert!(seen.insert(id.clone()));
                }
            }
        }
    }
}
