//! Bytes to items: feed-rs, after a repair where bytes need it, then limits and plain text.

use std::time::Duration;

use feed_rs::model;
use parlor_bot::FeedItem;

use super::decode::decode;
use super::identity::{bounded, identity};
use super::repair::Repair;
use super::{clean, repair, salvage};

/// Items are read up to this many; feeds have tens.
const MAX_ITEMS: usize = 1000;

/// Longer titles are cut, in characters.
const MAX_TITLE: usize = 500;

/// Longer summaries are cut, in characters: more than most rooms take in a message.
const MAX_SUMMARY: usize = 20_000;

/// Longer HTML is left out, in bytes.
const MAX_HTML: usize = 32 * 1024;

/// Longer links are left out, in bytes, as is the practice of browsers.
const MAX_LINK: usize = 2048;

/// More categories are left out.
const MAX_CATEGORIES: usize = 20;

/// Names of authors and categories are cut, in characters.
const MAX_NAME: usize = 200;

/// A feed as read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Feed {
    /// Its title.
    pub title: Option<String>,
    /// Its items, oldest first, as often as it lists them; `FeedItem::feed` is empty until they are handed to a subscriber.
    pub items: Vec<FeedItem>,
    /// How often it changes, it says: RSS `ttl`, or `sy:updatePeriod` of the syndication module.
    pub period: Option<Duration>,
    /// What was wrong with it.
    pub repairs: Vec<Repair>,
}

impl Feed {
    /// Whether all of it was read. What is missing may come with the next look, also when the server says that nothing
    /// has changed.
    pub fn is_whole(&self) -> bool {
        !self
            .repairs
            .iter()
            .any(|repair| matches!(repair, Repair::Items(_)))
    }
}

/// Why bytes are not a feed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// Nothing came.
    #[error("it is empty")]
    Empty,
    /// Neither RSS, Atom nor JSON Feed, or broken beyond what is repaired.
    #[error("neither RSS, Atom nor JSON Feed can be read from it")]
    Format(#[source] feed_rs::parser::ParseFeedError),
    /// The parser gave up in an unforeseen way.
    #[error("reading it crashed")]
    Crashed,
}

/// Reads a feed that was found at `base`; `charset` is what HTTP says of its encoding.
pub(super) fn parse(bytes: &[u8], base: Option<&str>, charset: Option<&str>) -> Result<Feed, ParseError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(ParseError::Empty);
    }
    let decoded = decode(bytes, charset);
    let (read, mut repairs) = read(&decoded.text, base)?;
    repairs.extend(decoded.other_than_named.map(Repair::Encoding));
    let period = read
        .ttl
        .map(|minutes| Duration::from_secs(u64::from(minutes) * 60))
        .or_else(|| update_period(&decoded.text));
    let title = read
        .title
        .map(|title| limited(clean::line(&title.content), MAX_TITLE))
        .filter(|t| !t.is_empty());
    let mut items: Vec<FeedItem> = read
        .entries
        .into_iter()
        .take(MAX_ITEMS)
        .map(|entry| item(entry, title.clone()))
        .collect();
    put_oldest_first(&mut items);
    Ok(Feed {
        title,
        items,
        period,
        repairs,
    })
}

/// As it is; else with its references repaired; else its whole items.
fn read(text: &str, base: Option<&str>) -> Result<(model::Feed, Vec<Repair>), ParseError> {
    let problem = match attempt(text, base) {
        Ok(feed) => return Ok((feed, Vec::new())),
        Err(problem) => problem,
    };
    let mut repairs = Vec::new();
    let referenced = repair::references(text);
    if let Some(text) = &referenced {
        repairs.push(Repair::References);
        if let Ok(feed) = attempt(text, base) {
            return Ok((feed, repairs));
        }
    }
    let salvaged = salvage::whole_items(referenced.as_deref().unwrap_or(text));
    match salvaged.map(|salvaged| (attempt(&salvaged.text, base), salvaged.dropped)) {
        Some((Ok(feed), dropped)) => {
            repairs.push(Repair::Items(dropped));
            Ok((feed, repairs))
        }
        _ => Err(ParseError::Format(problem)),
    }
}

/// A parser that failed keeps half an item and panics when it is used again, so each attempt has its own.
fn attempt(text: &str, base: Option<&str>) -> Result<model::Feed, feed_rs::parser::ParseFeedError> {
    feed_rs::parser::Builder::new()
        .base_uri(base)
        // Items without an id are told apart by `identity`; the library's answer could be a random one.
        .id_generator(|_, _, _| String::new())
        .build()
        .parse(&*repair::apart(text.as_bytes()))
}

/// `updatePeriod` and `updateFrequency` of the syndication module, which the parser does not know.
fn update_period(text: &str) -> Option<Duration> {
    let value = |name: &str| {
        let (_, after) = text.split_once(name)?;
        Some(after.split_once('<')?.0.trim())
    };
    let period: u64 = match value("<sy:updatePeriod>")?.to_ascii_lowercase().as_str() {
        "hourly" => 3600,
        "daily" => 24 * 3600,
        "weekly" => 7 * 24 * 3600,
        "monthly" => 30 * 24 * 3600,
        "yearly" => 365 * 24 * 3600,
        _ => return None,
    };
    let times = value("<sy:updateFrequency>").and_then(|times| times.parse().ok());
    Some(Duration::from_secs(
        period / times.filter(|times| *times > 0).unwrap_or(1),
    ))
}

/// By date where all have one; else as the feed has them, which is newest first.
fn put_oldest_first(items: &mut [FeedItem]) {
    items.reverse();
    if items.iter().all(|item| item.published.is_some()) {
        items.sort_by_key(|item| item.published);
    }
}

fn item(entry: model::Entry, feed_title: Option<String>) -> FeedItem {
    let link = link(&entry.links);
    let title = entry
        .title
        .map(|title| clean::line(&title.content))
        .unwrap_or_default();
    let (summary_html, summary) = summary(entry.summary, entry.content);
    let title = match (title.is_empty(), summary.lines().next()) {
        (true, Some(first)) => limited(first.to_owned(), 80),
        _ => limited(title, MAX_TITLE),
    };
    let mut authors = entry
        .authors
        .into_iter()
        .filter_map(|author| author.name)
        .map(|name| clean::line(&name));
    let mut item = FeedItem {
        feed: String::new(),
        feed_title,
        id: String::new(),
        guid: Some(entry.id.trim().to_owned()).filter(|guid| !guid.is_empty()),
        link,
        author: authors
            .find(|name| !name.is_empty())
            .map(|name| limited(name, MAX_NAME)),
        published: entry.published.or(entry.updated),
        categories: entry
            .categories
            .into_iter()
            .map(|category| limited(clean::line(&category.label.unwrap_or(category.term)), MAX_NAME))
            .filter(|name| !name.is_empty())
            .take(MAX_CATEGORIES)
            .collect(),
        title,
        summary: limited(summary, MAX_SUMMARY),
        summary_html: summary_html.filter(|html| html.len() <= MAX_HTML),
        edit: None,
    };
    item.id = identity(&[], &item);
    item.guid = item.guid.map(|guid| bounded(&guid));
    item
}

/// The item's page: a link that says so, else one that says nothing, else any; http and https only.
fn link(links: &[model::Link]) -> Option<String> {
    let web: Vec<_> = links
        .iter()
        .filter(|link| link.href.len() <= MAX_LINK && !link.href.contains(char::is_whitespace))
        .filter(|link| link.href.starts_with("https://") || link.href.starts_with("http://"))
        .collect();
    let rel = |wanted: Option<&str>| web.iter().find(|link| link.rel.as_deref() == wanted).copied();
    let found = rel(Some("alternate"))
        .or_else(|| rel(None))
        .or_else(|| web.first().copied());
    found.map(|link| link.href.clone())
}

/// The summary, or else the content: as HTML where it is that, and as text.
fn summary(summary: Option<model::Text>, content: Option<model::Content>) -> (Option<String>, String) {
    let source = summary
        .map(|text| text.content)
        .filter(|text| !text.trim().is_empty())
        .or_else(|| content.and_then(|content| content.body))
        .unwrap_or_default();
    if source.contains(['<', '&']) {
        let (safe, text) = clean::html(&source);
        (Some(safe).filter(|html| html.contains('<')), text)
    } else {
        (None, clean::tidy(&source))
    }
}

fn limited(text: String, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        None => text,
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    use crate::feeds::identity::MAX_ID;

    const RSS: &str = include_str!("testdata/news.rss");

    #[test]
    fn a_repair_after_half_an_item_works() {
        let rss =
            "<rss version='2.0'><channel><title>x</title><item><title>Q&A</title></item></channel></rss>";
        assert_eq!(parse(rss.as_bytes(), None, None).unwrap().items[0].title, "Q&A");
    }

    #[test]
    fn authors_outside_ascii_are_read() {
        let rss = "<rss version='2.0'><channel><title>x</title><item><title>t</title>\
            <author>ann@example.com（安）</author></item></channel></rss>";
        assert_eq!(
            parse(rss.as_bytes(), None, None).unwrap().items[0]
                .author
                .as_deref(),
            Some("（安）")
        );
    }

    #[test]
    fn nesting_without_end_does_not_end_the_program() {
        let deep = |open: &str, times: usize| {
            format!(
                "<rss version='2.0'><channel><title>x</title><item><title>t</title>{}",
                open.repeat(times)
            )
        };
        for source in [
            deep("<a>", 500_000),
            deep("<description>", 200_000),
            deep(
                "<media:group xmlns:media='http://search.yahoo.com/mrss/'>",
                50_000,
            ),
            format!(
                "<feed xmlns='http://www.w3.org/2005/Atom'><entry><content type='xhtml'>{}",
                "<div>".repeat(300_000)
            ),
            format!(
                "{{\"version\": \"https://jsonfeed.org/version/1\", \"items\": {}",
                "[".repeat(500_000)
            ),
        ] {
            assert!(parse(source.as_bytes(), None, None).is_err());
        }
    }

    proptest! {
        #[test]
        fn damaged_feeds_are_read_or_refused(
            edits in prop::collection::vec((0..RSS.len(), any::<u8>(), 0..40_usize), 1..8),
        ) {
            let mut bytes = RSS.as_bytes().to_vec();
            for (at, byte, cut) in edits {
                let at = at.min(bytes.len().saturating_sub(1));
                let end = (at + cut).min(bytes.len());
                bytes.splice(at..end, [byte]);
            }
            if let Ok(feed) = parse(&bytes, Some("https://example.com/feed"), None) {
                for item in feed.items {
                    prop_assert!(!item.id.is_empty() && item.id.len() <= MAX_ID.max(MAX_LINK));
                    prop_assert!(!item.title.contains(char::is_control));
                    prop_assert!(item.link.is_none_or(|link| link.starts_with("http")));
                }
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&bytes, None, None);
        }
    }
}
