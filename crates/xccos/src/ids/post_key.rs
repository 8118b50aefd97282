//! The key by which an author makes a post unrepeatable.

use std::fmt;
use std::str::FromStr;

use super::serde_as_text;

/// An author's key for one post: the server stores one post per (room, author, key) and answers a repeat with the first.
///
/// 1 to 64 visible ASCII characters, so that it can stand in an attribute, a log line and an index unescaped.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PostKey(Box<str>);

/// Why a text is not a post key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PostKeyError {
    /// No characters.
    #[error("post key is empty")]
    Empty,
    /// More than [`PostKey::MAX_LEN`] bytes.
    #[error("post key is longer than 64 bytes")]
    TooLong,
    /// A space, a control character or a non-ASCII character.
    #[error("post key holds a character that is not visible ASCII")]
    Character,
}

impl PostKey {
    /// A hash in hex or base64 fits; an index entry stays small.
    pub const MAX_LEN: usize = 64;

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PostKey {
    type Err = PostKeyError;

    fn from_str(text: &str) -> Result<Self, PostKeyError> {
        if text.is_empty() {
            return Err(PostKeyError::Empty);
        }
        if text.len() > Self::MAX_LEN {
            return Err(PostKeyError::TooLong);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(PostKeyError::Character);
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for PostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for PostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostKey({})", self.0)
    }
}

serde_as_text!(PostKey);
