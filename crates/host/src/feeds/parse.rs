//! Bytes to items: feed-rs, after a repair where bytes need it, then limits and plain text.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use feed_rs::model;
use parlor_bot::FeedItem;
use sha2::{Digest, Sha256};

use super::{clean, repair};

/// Items are read up to this many; feeds have tens.
const MAX_ITEMS: usize = 1000;

/// Longer titles are cut, in characters.
const MAX_TITLE: usize = 500;

/// Longer summaries are cut, in characters: more than most rooms take in a message.
const MAX_SUMMARY: usize = 20_000;

/// Longer HTML is left out, in bytes.
const MAX_HTML: usize = 32 * 1024;

/// Longer ids are replaced by their hash, in bytes.
const MAX_ID: usize = 256;

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
    /// Its items, oldest first; `FeedItem::feed` is empty until they are handed to a subscriber.
    pub items: Vec<FeedItem>,
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

/// Reads a feed that was found at `base`.
pub(super) fn parse(bytes: &[u8], base: Option<&str>) -> Result<Feed, ParseError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(ParseError::Empty);
    }
    let bytes = &*repair::apart(bytes);
    // A parser that failed keeps half an item and panics when it is used again, so each attempt has its own.
    let attempt = |bytes: &[u8]| {
        feed_rs::parser::Builder::new()
            .base_uri(base)
            // Items without an id are told apart below; the library's answer could be a random one.
            .id_generator(|_, _, _| String::new())
            .build()
            .parse(bytes)
    };
    let read = match attempt(bytes) {
        Ok(feed) => feed,
        Err(problem) => match repair::repaired(bytes) {
            Some(repaired) => attempt(&repaired).map_err(|_| ParseError::Format(problem))?,
            None => return Err(ParseError::Format(problem)),
        },
    };
    let title = read
        .title
        .map(|title| limited(clean::line(&title.content), MAX_TITLE))
        .filter(|t| !t.is_empty());
    let mut ids = HashSet::new();
    let mut items: Vec<FeedItem> = read
        .entries
        .into_iter()
        .take(MAX_ITEMS)
        .map(|entry| item(entry, title.clone()))
        .filter(|item| ids.insert(item.id.clone()))
        .collect();
    put_oldest_first(&mut items);
    Ok(Feed { title, items })
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
    FeedItem {
        feed: String::new(),
        feed_title,
        id: identity(&entry.id, link.as_deref(), &title, &summary, entry.published),
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
    }
}

/// What identifies the item: its id, else its link, else a hash of what it says.
fn identity(
    id: &str,
    link: Option<&str>,
    title: &str,
    summary: &str,
    published: Option<DateTime<Utc>>,
) -> String {
    let id = id.trim();
    match (id.is_empty(), link) {
        (false, _) if id.len() <= MAX_ID && !id.contains(char::is_control) => id.to_owned(),
        (false, _) => hash(&[id]),
        (true, Some(link)) => link.to_owned(),
        (true, None) if !title.is_empty() => hash(&[title]),
        (true, None) => hash(&[
            summary,
            &published.map(|time| time.to_rfc3339()).unwrap_or_default(),
        ]),
    }
}

fn hash(texts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for text in texts {
        hasher.update(text.as_bytes());
        hasher.update([0]);
    }
    hasher.finalize()[..16]
        .iter()
        .fold("hash:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
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

    const RSS: &str = include_str!("testdata/news.rss");

    #[test]
    fn a_repair_after_half_an_item_works() {
        let rss =
            "<rss version='2.0'><channel><title>x</title><item><title>Q&A</title></item></channel></rss>";
        assert_eq!(parse(rss.as_bytes(), None).unwrap().items[0].title, "Q&A");
    }

    #[test]
    fn authors_outside_ascii_are_read() {
        let rss = "<rss version='2.0'><channel><title>x</title><item><title>t</title>\
            <author>ann@example.com（安）</author></item></channel></rss>";
        assert_eq!(
            parse(rss.as_bytes(), None).unwrap().items[0].author.as_deref(),
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
            assert!(parse(source.as_bytes(), None).is_err());
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
            if let Ok(feed) = parse(&bytes, Some("https://example.com/feed")) {
                for item in feed.items {
                    prop_assert!(!item.id.is_empty() && item.id.len() <= MAX_ID.max(MAX_LINK));
                    prop_assert!(!item.title.contains(char::is_control));
                    prop_assert!(item.link.is_none_or(|link| link.starts_with("http")));
                }
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&bytes, None);
        }
    }
}
