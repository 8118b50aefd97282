//! How a bot names a room: as its configuration does.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A room of an instance, named as the instance's configuration names it: by name (`"News"`) or by `ma-chan://` URI.
///
/// The host finds the room behind it; a post to a room that cannot be reached yet waits in the host's outbox.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Room(Arc<str>);

impl Room {
    /// The room with this name or URI.
    pub fn new(name: impl AsRef<str>) -> Self {
        Self(name.as_ref().into())
    }

    /// The name or URI.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `name` means this room. Rooms are found by name without regard to case, so are they here.
    pub fn is(&self, name: &str) -> bool {
        *self.0 == *name || self.0.to_lowercase() == name.to_lowercase()
    }
}

impl AsRef<str> for Room {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
