//! What the wire says about a room (`chanib`); the room itself is left to the server.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{CategoryUri, RoomUri};

/// Properties of a room as search results, joins and change notices carry them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomInfo {
    /// Address; never changes.
    pub uri: RoomUri,
    /// Unique on the server, at most 256 characters.
    pub name: String,
    /// At most 256 characters.
    pub description: String,
    /// Who may find and join it.
    pub privacy: Privacy,
    /// Who may post.
    pub behavior: Behavior,
    /// No joins, no history.
    pub disabled: bool,
    /// How many users are in it now, when the server said so.
    pub participants: Option<u32>,
    /// The category it is in, when the server said so.
    pub category: Option<CategoryUri>,
    /// Posts are kept.
    pub logged: bool,
    /// New members are invited.
    pub invite: bool,
    /// Files may be posted.
    pub filepost: bool,
}

impl RoomInfo {
    /// A logged, closed, normal room without further properties.
    pub fn new(uri: RoomUri, name: impl Into<String>) -> Self {
        Self {
            uri,
            name: name.into(),
            description: String::new(),
            privacy: Privacy::default(),
            behavior: Behavior::default(),
            disabled: false,
            participants: None,
            category: None,
            logged: true,
            invite: false,
            filepost: false,
        }
    }
}

/// Who may find and join a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Privacy {
    /// Anyone in the category's scope may join.
    Open,
    /// Anyone in scope may find it, members may join.
    #[default]
    Closed,
    /// Only members may find it.
    Secret,
}

/// Who may post in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Behavior {
    /// Every member.
    #[default]
    Normal,
    /// Presenters only.
    Auditorium,
}

/// The word is none of the known ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}")]
pub struct UnknownWord {
    /// The accepted words.
    pub expected: &'static str,
}

macro_rules! words {
    ($name:ident { $($variant:ident = $word:literal),+ }, $expected:literal) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(match self { $(Self::$variant => $word),+ })
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                $(if text.eq_ignore_ascii_case($word) {
                    return Ok(Self::$variant);
                })+
                Err(UnknownWord { expected: $expected })
            }
        }
    };
}

words!(Privacy { Open = "open", Closed = "closed", Secret = "secret" }, "open, closed or secret");
words!(Behavior { Normal = "normal", Auditorium = "auditorium" }, "normal or auditorium");
