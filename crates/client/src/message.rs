//! What a room is asked to show: text, story, alert or formatted, with an optional post key.

use std::time::Duration;

use parlor_xccos::format::FormattedMessage;
use parlor_xccos::{MessageId, PostKey, Timestamp};

/// A message to post.
///
/// With a [`PostKey`] the SDK may send it again after a broken connection, and a server that announces so shows it
/// once; without a key, or with another server, a post cut off in flight ends as [`crate::PostError::OutcomeUnknown`].
///
/// ```
/// use parlor_client::Message;
///
/// let plain = Message::text("the build is green");
/// let urgent = Message::alert("disk full on db1");
/// let story = Message::story("Weekly report", "Everything went well.");
/// assert!(!plain.is_alert() && urgent.is_alert() && story.is_story());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    chat: String,
    rtf: Option<String>,
    alert: bool,
    story: bool,
    key: Option<PostKey>,
    deadline: Option<Duration>,
}

impl Message {
    /// A plain message.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            chat: text.into(),
            rtf: None,
            alert: false,
            story: false,
            key: None,
            deadline: None,
        }
    }

    /// A high-priority message, shown in red by the old client.
    pub fn alert(text: impl Into<String>) -> Self {
        Self {
            alert: true,
            ..Self::text(text)
        }
    }

    /// A story: a title over a body, held to the server's larger story limit.
    pub fn story(title: &str, body: &str) -> Self {
        let mut message = FormattedMessage::story(title);
        message.append_text(body);
        Self::formatted(&message)
    }

    /// A message made of parts: text, links, room links, emoticons.
    pub fn formatted(message: &FormattedMessage) -> Self {
        Self {
            chat: message.to_chat(),
            rtf: None,
            alert: message.is_alert(),
            story: message.story_title().is_some(),
            key: None,
            deadline: None,
        }
    }

    /// Marks the message as high priority.
    #[must_use]
    pub fn as_alert(mut self) -> Self {
        self.alert = true;
        self
    }

    /// Adds an RTF version of the same text.
    #[must_use]
    pub fn with_rtf(mut self, rtf: impl Into<String>) -> Self {
        self.rtf = Some(rtf.into());
        self
    }

    /// Names the post, so that it appears once however often it is sent.
    #[must_use]
    pub fn with_key(mut self, key: PostKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Gives up waiting for the server's echo after this time instead of [`crate::Tuning::post`].
    #[must_use]
    pub fn within(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// How long the echo is waited for, when that was said.
    pub fn deadline(&self) -> Option<Duration> {
        self.deadline
    }

    /// The text as it goes on the wire (facts C).
    pub fn chat(&self) -> &str {
        &self.chat
    }

    /// The RTF version, if any.
    pub fn rtf(&self) -> Option<&str> {
        self.rtf.as_deref()
    }

    /// Whether it is high priority.
    pub fn is_alert(&self) -> bool {
        self.alert
    }

    /// Whether it is a story.
    pub fn is_story(&self) -> bool {
        self.story
    }

    /// The post key, if any.
    pub fn key(&self) -> Option<&PostKey> {
        self.key.as_ref()
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

impl From<&FormattedMessage> for Message {
    fn from(message: &FormattedMessage) -> Self {
        Self::formatted(message)
    }
}

/// A post the server has stored: the success signal is the author's own echo, sent after the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// Its number in the room; `None` from a server that numbers no echoes.
    pub id: Option<MessageId>,
    /// When the server took it.
    pub timestamp: Option<Timestamp>,
    /// Whether the server had this post key already and showed nothing new.
    pub repeated: bool,
}
