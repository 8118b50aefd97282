//! A post under construction.

use super::{Emoticon, LinkTarget, LinkTargetError, MessagePart, parse, rtf, split};
use crate::RoomUri;

/// A post under construction: parts, story title, alert flag.
///
/// ```
/// use parlor_xccos::format::FormattedMessage;
///
/// let mut message = FormattedMessage::story("Release 2.0");
/// message.append_text("See the ").append_hyperlink("notes", "https://example.com/notes").unwrap();
/// assert_eq!(message.to_chat(), r#"[STORY]Release 2.0[/STORY]See the <a href="https://example.com/notes">notes</a>"#);
/// assert_eq!(message.display_text(), "Release 2.0\nSee the notes");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FormattedMessage {
    pub(super) parts: Vec<MessagePart>,
    pub(super) alert: bool,
}

impl FormattedMessage {
    /// An empty message.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty story; stories are alerts in the original.
    pub fn story(title: impl Into<String>) -> Self {
        Self {
            parts: vec![MessagePart::StoryTitle(title.into())],
            alert: true,
        }
    }

    /// What the text of a post says.
    pub fn from_chat(chat: &str, alert: bool) -> Self {
        Self {
            parts: parse(chat),
            alert,
        }
    }

    /// Marks it as high priority, or not.
    #[must_use]
    pub const fn with_alert(mut self, alert: bool) -> Self {
        self.alert = alert;
        self
    }

    /// Adds text.
    pub fn append_text(&mut self, text: &str) -> &mut Self {
        // Adjacent texts become one, so that a mark cannot be put together from two.
        match self.parts.last_mut() {
            Some(MessagePart::Text(last)) => last.push_str(text),
            _ if text.is_empty() => {}
            _ => self.parts.push(MessagePart::Text(text.to_owned())),
        }
        self
    }

    /// Adds a link.
    ///
    /// # Errors
    /// [`LinkTargetError`] when the target is not of a safe scheme.
    pub fn append_hyperlink(&mut self, text: &str, target: &str) -> Result<&mut Self, LinkTargetError> {
        let target: LinkTarget = target.parse()?;
        Ok(self.append_link(text, target))
    }

    /// Adds a link whose target is known to be safe.
    pub fn append_link(&mut self, text: &str, target: LinkTarget) -> &mut Self {
        self.parts.push(MessagePart::Hyperlink {
            text: text.to_owned(),
            target,
        });
        self
    }

    /// Adds a link to a room.
    pub fn append_room_link(&mut self, name: &str, room: &RoomUri) -> &mut Self {
        self.parts.push(MessagePart::RoomLink {
            name: name.to_owned(),
            room: room.clone(),
        });
        self
    }

    /// Adds an emoticon.
    pub fn append_emoticon(&mut self, emoticon: Emoticon) -> &mut Self {
        self.parts.push(MessagePart::Emoticon(emoticon));
        self
    }

    /// The parts so far.
    pub fn parts(&self) -> &[MessagePart] {
        &self.parts
    }

    /// Whether it is of high priority.
    pub const fn is_alert(&self) -> bool {
        self.alert
    }

    /// The title, when it is a story.
    pub fn story_title(&self) -> Option<&str> {
        match self.parts.first() {
            Some(MessagePart::StoryTitle(title)) => Some(title),
            _ => None,
        }
    }

    /// Whether a reader would see nothing.
    pub fn is_empty(&self) -> bool {
        self.parts
            .iter()
            .all(|part| part.display_text().trim().is_empty())
    }

    /// The text for [`crate::Post::chat`].
    pub fn to_chat(&self) -> String {
        let mut chat = String::new();
        self.parts.iter().for_each(|part| part.write(&mut chat));
        chat
    }

    /// Bytes of the text for [`crate::Post::chat`]: what a server's size limits count.
    pub fn wire_len(&self) -> usize {
        self.to_chat().len()
    }

    /// The same as RTF for [`crate::Post::rtf`].
    pub fn to_rtf(&self) -> String {
        rtf::from_parts(&self.parts)
    }

    /// What a reader sees, without marks; a story's title stands on a line of its own.
    pub fn display_text(&self) -> String {
        display_of(&self.parts)
    }

    /// Splits into messages whose chat text is at most `limit` bytes each, in order.
    ///
    /// Text is cut at a line end, else at a space, else anywhere between characters; the line end or space goes. Links
    /// and emoticons stay whole; a link that is longer than the limit becomes text. Each piece of a story is a story
    /// with the same title, numbered. A limit below 64 is taken as 64.
    pub fn split_to(&self, limit: usize) -> Vec<Self> {
        split::split(self, limit)
    }
}

pub(super) fn display_of(parts: &[MessagePart]) -> String {
    let mut text = String::new();
    for (index, part) in parts.iter().enumerate() {
        text.push_str(&part.display_text());
        if matches!(part, MessagePart::StoryTitle(_)) && index + 1 < parts.len() {
            text.push('\n');
        }
    }
    text
}
