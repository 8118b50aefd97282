//! What somebody wants to say, checked, before it has a place and a time in a room.

use parlor_xccos::{MessageId, Post, PostKey, RoomUri, SipUri, Timestamp};

use crate::refusal::{Refusal, Subject};

/// The rtf form may be this many times larger than the text it repeats (protocol C; markup and `\u` escapes
/// need about that).
pub const RTF_FACTOR: usize = 10;

/// How large posts may be, in bytes of UTF-8 (protocol C).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PostLimits {
    /// A message.
    pub message: usize,
    /// A story, title and markers included.
    pub story: usize,
}

impl Default for PostLimits {
    /// 8000 and 65536.
    fn default() -> Self {
        Self {
            message: 8000,
            story: 65536,
        }
    }
}

/// A post that fits the limits and can be carried by the protocol. It becomes a [`Post`] when it is stamped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    author: SipUri,
    author_name: Option<String>,
    alert: bool,
    chat: String,
    rtf: Option<String>,
    key: Option<PostKey>,
}

impl Draft {
    /// Takes the author and content of `post` as it came from a client; its room, time and id are not looked at.
    ///
    /// # Errors
    /// [`Refusal::Empty`], [`Refusal::TooLong`], [`Refusal::ControlCharacter`].
    pub fn check(post: Post, limits: &PostLimits) -> Result<Self, Refusal> {
        let story = post.is_story();
        let (subject, limit) = if story {
            (Subject::Story, limits.story)
        } else {
            (Subject::Message, limits.message)
        };
        if post.chat.trim().is_empty() {
            return Err(Refusal::Empty { subject });
        }
        check_text(&post.chat, subject, limit)?;
        if let Some(rtf) = &post.rtf {
            check_text(rtf, Subject::Rtf, limit.saturating_mul(RTF_FACTOR))?;
        }
        Ok(Self {
            author: post.author,
            author_name: post.author_name,
            alert: post.alert,
            chat: post.chat,
            rtf: post.rtf,
            key: post.key,
        })
    }

    /// The post, given its place and time.
    pub fn stamp(self, room: RoomUri, id: MessageId, timestamp: Timestamp) -> Post {
        Post {
            room,
            author: self.author,
            author_name: self.author_name,
            timestamp,
            id: Some(id),
            alert: self.alert,
            chat: self.chat,
            rtf: self.rtf,
            key: self.key,
        }
    }

    /// Who speaks.
    pub fn author(&self) -> &SipUri {
        &self.author
    }

    /// The author's display name.
    pub fn author_name(&self) -> Option<&str> {
        self.author_name.as_deref()
    }

    /// Whether it is of high importance.
    pub fn alert(&self) -> bool {
        self.alert
    }

    /// The plain text.
    pub fn chat(&self) -> &str {
        &self.chat
    }

    /// The RTF form.
    pub fn rtf(&self) -> Option<&str> {
        self.rtf.as_deref()
    }

    /// What makes a repeat recognisable.
    pub fn key(&self) -> Option<&PostKey> {
        self.key.as_ref()
    }
}

pub(crate) fn check_text(text: &str, subject: Subject, limit: usize) -> Result<(), Refusal> {
    if text.len() > limit {
        return Err(Refusal::TooLong {
            subject,
            size: text.len(),
            limit,
        });
    }
    match text
        .chars()
        .find(|&c| is_unfit(c) && !matches!(c, '\t' | '\n' | '\r'))
    {
        Some(character) => Err(Refusal::ControlCharacter { subject, character }),
        None => Ok(()),
    }
}

/// Characters that XML 1.0 cannot carry, and the other controls, which drive terminals.
pub(crate) fn is_unfit(character: char) -> bool {
    character.is_control() || matches!(character, '\u{FFFE}' | '\u{FFFF}')
}
