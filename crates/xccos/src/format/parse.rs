//! Text of a post to parts; every text has a reading, in time that grows with its length.

use super::part::{ANCHOR_END, STORY, STORY_END, is_anchor, starts_with};
use super::{Emoticon, FileLink, LinkTarget, MessagePart};
use crate::RoomUri;

/// Longest start tag of an anchor that is looked at: a target and a few attributes nobody reads.
const MAX_TAG: usize = LinkTarget::MAX_LEN + 1024;

/// Reads the parts of a post's text.
///
/// What looks like a link but leads nowhere safe stays text.
pub fn parse(chat: &str) -> Vec<MessagePart> {
    parse_with_raw(chat).into_iter().map(|(_, part)| part).collect()
}

/// Reads the parts of a post's text, each with the text it was read from; those make up the whole text.
pub fn parse_with_raw(chat: &str) -> Vec<(&str, MessagePart)> {
    let mut parts = Vec::new();
    let mut rest = chat;
    if let Some((raw, title)) = story_title(chat) {
        parts.push((raw, MessagePart::StoryTitle(title.to_owned())));
        rest = &chat[raw.len()..];
    }
    Parser {
        text: rest,
        from: 0,
        anchor_end: Some(0),
    }
    .read(&mut parts);
    parts
}

/// `[STORY]title[/STORY]`; without the end, the first line is the title.
fn story_title(chat: &str) -> Option<(&str, &str)> {
    if !starts_with(chat, STORY) {
        return None;
    }
    let rest = &chat[STORY.len()..];
    let (title, end) = match find(rest, STORY_END, 0) {
        Some(at) => (at, at + STORY_END.len()),
        None => {
            let line = rest.find(['\r', '\n']).unwrap_or(rest.len());
            let ending = if rest[line..].starts_with("\r\n") {
                2
            } else {
                (line < rest.len()).into()
            };
            (line, line + ending)
        }
    };
    Some((&chat[..STORY.len() + end], &rest[..title]))
}

struct Parser<'a> {
    text: &'a str,
    /// Where the text begins that no part was made of yet.
    from: usize,
    /// Where the next `</a>` is, as far as is known; `None` when there is no more. Looking it up anew for each `<a`
    /// would take quadratic time.
    anchor_end: Option<usize>,
}

impl<'a> Parser<'a> {
    fn read(mut self, parts: &mut Vec<(&'a str, MessagePart)>) {
        let mut at = 0;
        while let Some(found) = self.text[at..].find(['<', ':', ';', '8', '>']) {
            at += found;
            match self.part_at(at) {
                Some((len, part)) => {
                    self.take_text(at, parts);
                    parts.push((&self.text[at..at + len], part));
                    at += len;
                    self.from = at;
                }
                None => at += 1,
            }
        }
        self.take_text(self.text.len(), parts);
    }

    fn take_text(&self, to: usize, parts: &mut Vec<(&'a str, MessagePart)>) {
        let text = &self.text[self.from..to];
        if !text.is_empty() {
            parts.push((text, MessagePart::Text(text.to_owned())));
        }
    }

    fn part_at(&mut self, at: usize) -> Option<(usize, MessagePart)> {
        let rest = &self.text[at..];
        if is_anchor(rest) {
            return self.anchor(at);
        }
        let before = self.text[..at].chars().next_back();
        Emoticon::at(rest, before).map(|emoticon| (emoticon.as_str().len(), MessagePart::Emoticon(emoticon)))
    }

    fn anchor(&mut self, at: usize) -> Option<(usize, MessagePart)> {
        let rest = &self.text[at..];
        let window = &rest.as_bytes()[..rest.len().min(MAX_TAG)];
        let (href, tag_len) = start_tag(window)?;
        let label_from = at + tag_len;
        if self.anchor_end? < label_from {
            self.anchor_end = find(self.text, ANCHOR_END, label_from);
        }
        let label_to = self.anchor_end?;
        let target: LinkTarget = rest[href].parse().ok()?;
        let part = link(&self.text[label_from..label_to], target);
        Some((label_to + ANCHOR_END.len() - at, part))
    }
}

fn link(label: &str, target: LinkTarget) -> MessagePart {
    match target.scheme() {
        "ma-chan" => {
            if let Ok(room) = target.as_str().parse::<RoomUri>() {
                return MessagePart::RoomLink {
                    name: label.to_owned(),
                    room,
                };
            }
        }
        "ma-filelink" => return MessagePart::FileLink(FileLink::read(label, target)),
        _ => {}
    }
    MessagePart::Hyperlink {
        text: label.to_owned(),
        target,
    }
}

/// Where the value of `href` is in `<a …>`, and how long the tag is. Other attributes are passed over.
fn start_tag(tag: &[u8]) -> Option<(std::ops::Range<usize>, usize)> {
    let mut at = "<a".len();
    let mut href = None;
    loop {
        at += tag[at..]
            .iter()
            .take_while(|byte| byte.is_ascii_whitespace())
            .count();
        match tag.get(at)? {
            b'>' => return Some((href?, at + 1)),
            b'/' => return None,
            _ => {}
        }
        let name_len = tag[at..]
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-')
            .count();
        let name = &tag[at..at + name_len];
        at += name_len;
        if name_len == 0 || *tag.get(at)? != b'=' {
            return None;
        }
        let quote = *tag.get(at + 1)?;
        if !matches!(quote, b'"' | b'\'') {
            return None;
        }
        at += 2;
        let len = tag[at..].iter().position(|&byte| byte == quote)?;
        if name.eq_ignore_ascii_case(b"href") {
            href.get_or_insert(at..at + len);
        }
        at += len + 1;
    }
}

/// Where the mark is, in any case of letters, from a place on.
fn find(text: &str, mark: &str, from: usize) -> Option<usize> {
    let first = mark.as_bytes()[0] as char;
    let mut at = from;
    loop {
        at += text[at..].find(first)?;
        if starts_with(&text[at..], mark) {
            return Some(at);
        }
        at += 1;
    }
}
