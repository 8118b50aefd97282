//! The whole items of a feed that is broken elsewhere: cut off in the middle, or with markup that does not fit in some
//! of its items.

use quick_xml::Reader;
use quick_xml::events::Event;

/// Items whose elements are nested deeper than this are left out; feeds have ten, feeds with XHTML thirty.
const MAX_DEPTH: usize = 100;

/// A feed made of what is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Salvaged {
    pub(super) text: String,
    /// Items that were left out.
    pub(super) dropped: usize,
}

/// The head of the feed, its whole items, and the ends that are missing; `None` when no item is whole.
pub(super) fn whole_items(text: &str) -> Option<Salvaged> {
    ["item", "entry"].into_iter().find_map(|name| salvage(text, name))
}

fn salvage(text: &str, name: &str) -> Option<Salvaged> {
    let tags = tags(text, name);
    let head = &text[..tags.first()?.at()];
    let (mut items, mut dropped, mut open) = (String::new(), 0, None);
    for tag in tags {
        match tag {
            Tag::Start(at) => dropped += usize::from(open.replace(at).is_some()),
            Tag::End(at) => match open.take().map(|start| &text[start..at]) {
                Some(item) if open_at_end(item).is_some_and(|open| open.is_empty()) => items.push_str(item),
                Some(_) => dropped += 1,
                None => {}
            },
        }
    }
    dropped += usize::from(open.is_some());
    if items.is_empty() {
        return None;
    }
    let ends: String = open_at_end(head)?
        .iter()
        .rev()
        .map(|name| format!("</{name}>"))
        .collect();
    Some(Salvaged {
        text: format!("{head}{items}{ends}"),
        dropped,
    })
}

/// Where an item starts, or where one has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tag {
    Start(usize),
    End(usize),
}

impl Tag {
    const fn at(self) -> usize {
        match self {
            Self::Start(at) | Self::End(at) => at,
        }
    }
}

/// The tags of this name outside of comments and CDATA sections.
fn tags(text: &str, name: &str) -> Vec<Tag> {
    let is_name = |rest: &str| {
        let after = rest.strip_prefix(name)?.chars().next();
        after
            .is_none_or(|c| c.is_whitespace() || matches!(c, '>' | '/'))
            .then_some(())
    };
    let (mut tags, mut at) = (Vec::new(), 0);
    while let Some(found) = text[at..].find('<') {
        let start = at + found;
        let rest = &text[start..];
        let section = [("<![CDATA[", "]]>"), ("<!--", "-->")]
            .into_iter()
            .find(|(opens, _)| rest.starts_with(opens));
        at = start + 1;
        if let Some((_, closes)) = section {
            match rest.find(closes) {
                Some(length) => at = start + length + closes.len(),
                None => break,
            }
        } else if is_name(&rest[1..]).is_some() {
            tags.push(Tag::Start(start));
        } else if rest.starts_with("</")
            && is_name(&rest[2..]).is_some()
            && let Some(length) = rest.find('>')
        {
            tags.push(Tag::End(start + length + 1));
        }
    }
    tags
}

/// The names of the elements that are open at the end of `text`; `None` when its tags do not fit together.
fn open_at_end(text: &str) -> Option<Vec<String>> {
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.expand_empty_elements = true;
    config.trim_markup_names_in_closing_tags = true;
    let mut open = Vec::new();
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) if open.len() < MAX_DEPTH => {
                // Attributes are not looked at by the reader unless asked for.
                start
                    .attributes()
                    .all(|attribute| attribute.is_ok())
                    .then_some(())?;
                open.push(start.name().as_ref().to_owned());
            }
            Event::Start(_) => return None,
            Event::End(_) => drop(open.pop()?),
            Event::Eof => return Some(open),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn salvaged(text: &str) -> Option<(String, usize)> {
        whole_items(text).map(|salvaged| (salvaged.text, salvaged.dropped))
    }

    #[test]
    fn whole_items_are_kept_and_the_feed_is_ended() {
        let head = "<rss><channel><title>x</title>";
        for (rest, items, dropped) in [
            ("<item><a>1</a></item><item><a>2</", "<item><a>1</a></item>", 1),
            ("<item>1</item>", "<item>1</item>", 0),
            (
                "<item><b>1</item><item>2</item></channel></rss>",
                "<item>2</item>",
                1,
            ),
            ("<item>1<item>2</item>", "<item>2</item>", 1),
            (
                "<item><![CDATA[</item>]]></item><item><![CDATA[ x",
                "<item><![CDATA[</item>]]></item>",
                1,
            ),
            (
                "<!-- <item>0</item> --><item a='1'>1</item >",
                "<!-- <item>0</item> --><item a='1'>1</item >",
                0,
            ),
            ("<item a=1 a=1>1</item><item>2</item>", "<item>2</item>", 1),
        ] {
            assert_eq!(
                salvaged(&format!("{head}{rest}")),
                Some((format!("{head}{items}</channel></rss>"), dropped)),
                "{rest}"
            );
        }
        assert_eq!(
            salvaged("<feed><entry>1</entry><entry>"),
            Some(("<feed><entry>1</entry></feed>".to_owned(), 1))
        );
        let rdf = "<r:RDF><channel><items>i</items></channel>";
        assert_eq!(
            salvaged(&format!("{rdf}<item>1</item><item>2")),
            Some((format!("{rdf}<item>1</item></r:RDF>"), 1))
        );
    }

    #[test]
    fn without_a_whole_item_nothing_is_kept() {
        let deep = format!(
            "<rss><item>{}{}</item></rss>",
            "<a>".repeat(200),
            "</a>".repeat(200)
        );
        for text in [
            "",
            "<rss><channel></rss>",
            "<rss><item>1",
            "</item><item>",
            "<a></b><item>1</item>",
            &deep,
        ] {
            assert_eq!(salvaged(text), None, "{text}");
        }
    }
}
