//! Cutting a message that is longer than a server takes.

use super::{FormattedMessage, MessagePart};

/// The smallest limit: a title's mark and a few words fit.
const SMALLEST: usize = 64;

/// Pieces of a story that are numbered; a longer one only repeats its title.
const MOST_NUMBERED: usize = 9_999;
/// Room for ` (9999/9999)` behind a title.
const NUMBERING: usize = 12;

pub(super) fn split(message: &FormattedMessage, limit: usize) -> Vec<FormattedMessage> {
    let limit = limit.max(SMALLEST);
    if message.wire_len() <= limit {
        return vec![message.clone()];
    }
    let Some(title) = message.story_title() else {
        let bodies = Splitter::new(limit).split(&message.parts);
        return bodies
            .into_iter()
            .map(|parts| FormattedMessage {
                parts,
                alert: message.alert,
            })
            .collect();
    };
    // A long title must leave room for the text: it gets half of the limit.
    let title = shortened(title, limit / 2 - NUMBERING);
    let bodies = Splitter::new(limit - raw_len(&title) - NUMBERING).split(&message.parts[1..]);
    let count = bodies.len().max(1);
    let number = |(index, body): (usize, Vec<MessagePart>)| {
        let title = if count == 1 || count > MOST_NUMBERED {
            title.clone()
        } else {
            format!("{title} ({}/{count})", index + 1)
        };
        let mut parts = vec![MessagePart::StoryTitle(title)];
        parts.extend(body);
        FormattedMessage {
            parts,
            alert: message.alert,
        }
    };
    // A story that is all title has no body to number.
    let bodies = if bodies.is_empty() {
        vec![Vec::new()]
    } else {
        bodies
    };
    bodies.into_iter().enumerate().map(number).collect()
}

/// The beginning of a title whose mark takes at most `limit` bytes.
fn shortened(title: &str, limit: usize) -> String {
    let mut title = title.to_owned();
    while raw_len(&title) > limit {
        let kept = title.strip_suffix('…').unwrap_or(&title);
        let end = kept.char_indices().next_back().map_or(0, |(at, _)| at);
        title = kept[..end].to_owned();
        if title.is_empty() {
            break;
        }
        title.push('…');
    }
    title
}

fn raw_len(title: &str) -> usize {
    MessagePart::StoryTitle(title.to_owned()).raw_text().len()
}

struct Splitter {
    limit: usize,
    done: Vec<Vec<MessagePart>>,
    parts: Vec<MessagePart>,
    len: usize,
}

impl Splitter {
    const fn new(limit: usize) -> Self {
        Self {
            limit,
            done: Vec::new(),
            parts: Vec::new(),
            len: 0,
        }
    }

    fn split(mut self, parts: &[MessagePart]) -> Vec<Vec<MessagePart>> {
        for part in parts {
            let raw = part.raw_text();
            match part {
                MessagePart::Text(_) => self.add_text(&raw),
                _ if raw.len() <= self.limit => self.add_whole(part.clone(), raw.len()),
                MessagePart::Hyperlink { text, target } => {
                    // Together they are too long for a link; apart, both can still be read.
                    self.add_instead(&format!("{text} {target}"));
                }
                other => self.add_instead(&other.display_text()),
            }
        }
        self.finish_piece();
        self.done
    }

    fn add_whole(&mut self, part: MessagePart, len: usize) {
        if self.len + len > self.limit {
            self.finish_piece();
        }
        self.parts.push(part);
        self.len += len;
    }

    /// Adds text as it goes on the wire: what looks like a mark is already harmless and stays so wherever it is cut.
    fn add_text(&mut self, mut text: &str) {
        while self.len + text.len() > self.limit {
            let (head, tail) = cut(text, self.limit - self.len, self.len > 0);
            self.push_text(head);
            self.finish_piece();
            text = tail;
        }
        self.push_text(text);
    }

    /// Adds text in place of a part, apart from the text before it.
    fn add_instead(&mut self, text: &str) {
        let text = MessagePart::Text(format!(" {text}")).raw_text();
        self.add_text(&text);
    }

    fn push_text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if let Some(MessagePart::Text(last)) = self.parts.last_mut() {
            let joined = MessagePart::Text(format!("{last}{text}"));
            // `<a` and ` b`, each harmless, begin a link together. Guarding it would make the piece too long.
            if joined.raw_text().len() > last.len() + text.len() {
                self.finish_piece();
            } else {
                last.push_str(text);
                self.len += text.len();
                return;
            }
        }
        self.parts.push(MessagePart::Text(text.to_owned()));
        self.len += text.len();
    }

    fn finish_piece(&mut self) {
        self.len = 0;
        let parts = std::mem::take(&mut self.parts);
        if parts.iter().any(|part| !part.display_text().trim().is_empty()) {
            self.done.push(parts);
        }
    }
}

/// Cuts so that the head has at most `limit` bytes; the line end or space at the cut goes. Where something stands before
/// the text, the head may be empty.
fn cut(text: &str, limit: usize, may_be_empty: bool) -> (&str, &str) {
    let limit = text.floor_char_boundary(limit);
    // One character more, for a line end or space right behind the limit.
    let window = &text[..text.ceil_char_boundary(limit + 1)];
    let half = limit / 2;
    if let Some(at) = window.rfind('\n').filter(|at| *at >= half) {
        let head = &text[..at];
        return (head.strip_suffix('\r').unwrap_or(head), &text[at + 1..]);
    }
    let space = window
        .char_indices()
        .rev()
        .find(|(_, character)| character.is_whitespace());
    match space {
        Some((at, character)) if at >= half || may_be_empty => {
            (&text[..at], &text[at + character.len_utf8()..])
        }
        _ if may_be_empty && limit < text.len().min(32) => ("", text),
        _ => text.split_at(limit),
    }
}
