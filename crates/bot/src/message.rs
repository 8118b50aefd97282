//! What a bot posts: text, links, room links and emoticons; as a message, a story or an alert.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{Emoticon, FormattedMessage, MessagePart, RoomUri};

/// How long a post may be, in bytes of its wire form, as the server announces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// An ordinary message.
    pub message: usize,
    /// A story.
    pub story: usize,
}

impl Default for Limits {
    /// The limits of Parlor's server as shipped.
    fn default() -> Self {
        Self {
            message: 8000,
            story: 65_536,
        }
    }
}

/// A post in the making. Any text is a message by itself: `context.reply("hello")`.
///
/// ```
/// use parlor_bot::Message;
///
/// let message = Message::text("Build 42 failed: ").link("log", "https://ci.example.com/42").alert();
/// assert!(message.is_alert());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct Message {
    inner: FormattedMessage,
}

/// The form in which the host keeps a message: its wire text, which holds all parts, and the flag beside it.
#[derive(Serialize, Deserialize)]
struct Stored {
    chat: String,
    alert: bool,
}

impl Message {
    /// A message with this text.
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::default().then(text)
    }

    /// A story: a title, and text that readers unfold. In the original clients stories are alerts; so are they here
    /// until [`Message::with_alert`] says otherwise.
    pub fn story(title: impl AsRef<str>) -> Self {
        Self {
            inner: FormattedMessage::story(one_line(title.as_ref())),
        }
    }

    /// Adds text.
    #[must_use]
    pub fn then(mut self, text: impl AsRef<str>) -> Self {
        let text = text.as_ref();
        if !text.is_empty() {
            self.inner.append_text(text);
        }
        self
    }

    /// Adds a link. A target that clients would not follow (`javascript:`, over 2 KiB, no URI at all) is written out
    /// as text instead.
    #[must_use]
    pub fn link(mut self, text: impl AsRef<str>, target: impl AsRef<str>) -> Self {
        let (text, target) = (text.as_ref().trim(), target.as_ref().trim());
        let shown = if text.is_empty() { target } else { text };
        if self.inner.append_hyperlink(shown, target).is_ok() {
            return self;
        }
        match (text.is_empty() || text == target, target.is_empty()) {
            (_, true) => self.then(text),
            (true, false) => self.then(target),
            (false, false) => self.then(format!("{text} ({target})")),
        }
    }

    /// Adds a link to a room.
    #[must_use]
    pub fn room_link(mut self, name: impl AsRef<str>, room: &RoomUri) -> Self {
        self.inner.append_room_link(name.as_ref(), room);
        self
    }

    /// Adds an emoticon.
    #[must_use]
    pub fn emoticon(mut self, emoticon: Emoticon) -> Self {
        self.inner.append_emoticon(emoticon);
        self
    }

    /// Makes it an alert: of high importance.
    #[must_use]
    pub fn alert(self) -> Self {
        self.with_alert(true)
    }

    /// Makes it an alert, or not.
    #[must_use]
    pub fn with_alert(mut self, alert: bool) -> Self {
        self.inner = self.inner.with_alert(alert);
        self
    }

    /// Whether it is an alert.
    pub fn is_alert(&self) -> bool {
        self.inner.is_alert()
    }

    /// The title, when it is a story.
    pub fn title(&self) -> Option<&str> {
        self.inner.story_title()
    }

    /// Whether a reader would see nothing.
    pub fn is_empty(&self) -> bool {
        self.display_text().trim().is_empty() && self.title().is_none_or(|title| title.trim().is_empty())
    }

    /// What a reader sees.
    pub fn display_text(&self) -> String {
        self.inner.display_text()
    }

    /// As plain text, for a reader without links: a story's title on a line of its own, link targets behind their texts.
    pub fn plain_text(&self) -> String {
        let mut text = String::new();
        for part in self.parts() {
            match part {
                MessagePart::StoryTitle(title) => {
                    text.push_str(title);
                    text.push('\n');
                }
                MessagePart::Hyperlink { text: shown, target } if shown != target.as_str() => {
                    text.push_str(&format!("{shown} <{}>", target.as_str()));
                }
                other => text.push_str(&other.display_text()),
            }
        }
        text
    }

    /// The parts in order, a story's title first.
    pub fn parts(&self) -> &[MessagePart] {
        self.inner.parts()
    }

    /// Bytes of its wire form: what [`Limits`] counts.
    pub fn wire_len(&self) -> usize {
        self.inner.to_chat().len()
    }

    /// As it is, or shortened to `limit` bytes of wire form. Text goes first, from the end, at a word and with `…`;
    /// links stay as long as there is text to cut.
    #[must_use]
    pub fn shortened(mut self, limit: usize) -> Self {
        loop {
            let length = self.wire_len();
            if length <= limit {
                return self;
            }
            let Some(parts) = cut(self.parts(), length - limit) else {
                return self;
            };
            self = Self::from_parts(parts, self.is_alert());
        }
    }

    /// As it is, or shortened to the limit for what it is.
    pub(crate) fn fitted(self, limits: Limits) -> Self {
        let limit = if self.title().is_some() {
            limits.story
        } else {
            limits.message
        };
        self.shortened(limit)
    }

    fn from_parts(parts: Vec<MessagePart>, alert: bool) -> Self {
        let mut inner = FormattedMessage::new();
        for part in &parts {
            match part {
                MessagePart::StoryTitle(title) => inner = FormattedMessage::story(title.as_str()),
                MessagePart::Text(text) => {
                    inner.append_text(text);
                }
                MessagePart::Hyperlink { text, target } => {
                    // It was a link before, so its target is one.
                    let _ = inner.append_hyperlink(text, target.as_str());
                }
                MessagePart::RoomLink { name, room } => {
                    inner.append_room_link(name, room);
                }
                MessagePart::Emoticon(emoticon) => {
                    inner.append_emoticon(*emoticon);
                }
                _ => {}
            }
        }
        Self {
            inner: inner.with_alert(alert),
        }
    }
}

impl From<Stored> for Message {
    fn from(stored: Stored) -> Self {
        Self::from_parts(parlor_xccos::format::parse(&stored.chat), stored.alert)
    }
}

impl From<Message> for Stored {
    fn from(message: Message) -> Self {
        Self {
            chat: message.inner.to_chat(),
            alert: message.is_alert(),
        }
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<FormattedMessage> for Message {
    fn from(inner: FormattedMessage) -> Self {
        Self { inner }
    }
}

impl From<Message> for FormattedMessage {
    fn from(message: Message) -> Self {
        message.inner
    }
}

/// One step of shortening by about `excess` bytes; `None` when nothing is left to take. Every step takes something.
fn cut(parts: &[MessagePart], excess: usize) -> Option<Vec<MessagePart>> {
    let mut parts = parts.to_vec();
    let length = |part: &MessagePart| match part {
        MessagePart::Text(text) if text.trim() != "…" => text.len(),
        _ => 0,
    };
    let longest = (0..parts.len())
        .max_by_key(|at| length(&parts[*at]))
        .filter(|at| length(&parts[*at]) > 0);
    if let Some(at) = longest {
        let MessagePart::Text(text) = &parts[at] else {
            return None;
        };
        let said = text.trim_end();
        // A line's end before a link stays.
        let end = if text.len() - said.len() <= 2 {
            &text[said.len()..]
        } else {
            ""
        };
        let keep = text.len().saturating_sub(excess + '…'.len_utf8() + end.len());
        let kept = cut_at_word(said.trim_end_matches('…'), keep);
        parts[at] = MessagePart::Text(format!("{kept}…{end}"));
        return Some(parts);
    }
    match parts.pop()? {
        MessagePart::StoryTitle(title) => {
            let kept = cut_at_word(
                title.trim_end_matches('…'),
                title.len().saturating_sub(excess + '…'.len_utf8()),
            );
            (!kept.is_empty()).then(|| vec![MessagePart::StoryTitle(format!("{kept}…"))])
        }
        _ => Some(parts),
    }
}

/// The beginning of `text`, at most `limit` bytes, cut at a space when one is near.
fn cut_at_word(text: &str, limit: usize) -> &str {
    let head = &text[..text.floor_char_boundary(limit)];
    if text[head.len()..].chars().next().is_none_or(char::is_whitespace) {
        return head.trim_end();
    }
    match head.rfind(char::is_whitespace) {
        // A word longer than 40 bytes is an address or no word at all: cut inside it.
        Some(space) if head.len() - space <= 40 && space > 0 => head[..space].trim_end(),
        _ => head.trim_end(),
    }
}

/// `text`, or its beginning of at most `limit` characters, cut at a word, with `…`.
pub(crate) fn short(text: &str, limit: usize) -> Cow<'_, str> {
    match text.char_indices().nth(limit) {
        None => Cow::Borrowed(text),
        Some(_) => {
            let room = text
                .char_indices()
                .nth(limit.saturating_sub(1))
                .map_or(0, |(at, _)| at);
            Cow::Owned(format!("{}…", cut_at_word(text, room)))
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
