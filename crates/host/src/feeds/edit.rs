//! What an item says, kept small, to be compared with what it says later.

use parlor_bot::{FeedEdit, FeedItem};
use serde::{Deserialize, Serialize};

use super::identity::{hash, untracked};

/// Changes of one item that are told; feeds with a counter in their texts change with every look.
const MAX_EDITS: u32 = 5;

/// What an item said when it was handed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Version {
    title: String,
    /// Hashes, because only the title is shown again.
    text: String,
    link: String,
    edits: u32,
}

impl Version {
    pub(super) fn of(item: &FeedItem) -> Self {
        // White space is what markup makes of it.
        let words: Vec<_> = item.summary.split_whitespace().collect();
        Self {
            title: item.title.clone(),
            text: hash(words),
            link: hash([untracked(item.link.as_deref().unwrap_or_default()).as_str()]),
            edits: 0,
        }
    }

    /// What `item` says, having said `old` before.
    pub(super) fn after(old: &Self, item: &FeedItem) -> Self {
        Self {
            edits: old.edits.saturating_add(1),
            ..Self::of(item)
        }
    }

    pub(super) fn edit_since(&self, old: &Self) -> Option<FeedEdit> {
        let edit = FeedEdit {
            title: (self.title != old.title).then(|| old.title.clone()),
            text: self.text != old.text,
            link: self.link != old.link,
        };
        (edit != FeedEdit::default()).then_some(edit)
    }

    pub(super) const fn is_restless(&self) -> bool {
        self.edits > MAX_EDITS
    }

    /// The same for the same words, whenever they are said.
    pub(super) fn name(&self) -> String {
        hash([self.title.as_str(), &self.text, &self.link])
    }

    pub(super) fn store(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What an older program stored in another form is not compared.
    pub(super) fn read(stored: &str) -> Option<Self> {
        serde_json::from_str(stored).ok()
    }
}
