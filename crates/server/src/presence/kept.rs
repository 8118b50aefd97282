//! What survives the server: each thing in a document of its own, so that a change writes no more than what changed.
//!
//! | document | holds |
//! |---|---|
//! | `contacts` | the number of the contact list |
//! | `contact/ADDRESS`, `group/ID` | one entry of it |
//! | `container/ID` | who is in a container, and its version |
//! | `publication/CONTAINER/INSTANCE/CATEGORY` | a publication that does not end by itself |
//! | `subscriber/ADDRESS` | somebody who is to be told of |

use parlor_rooms::{Document, DocumentChange};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::person::Person;

/// The document `name` with `value` in it.
pub(super) fn put(name: String, value: &impl Serialize) -> DocumentChange {
    let content = serde_json::to_string(value).expect("texts and numbers can always be written");
    DocumentChange::Put { name, content }
}

/// The document `name` is not needed any more.
pub(super) fn remove(name: String) -> DocumentChange {
    DocumentChange::Remove { name }
}

/// What stands in a document, if it is what it should be.
pub(super) fn value<T: DeserializeOwned>(content: &str) -> Option<T> {
    serde_json::from_str(content).ok()
}

impl Person {
    /// Takes in what was kept; false when the document makes no sense.
    pub(super) fn recall(&mut self, document: &Document) -> bool {
        let content = &document.content;
        let (kind, rest) = document.name.split_once('/').unwrap_or((&document.name, ""));
        let recalled = match kind {
            "contacts" | "contact" | "group" => self.contacts.recall(kind, rest, content),
            "container" => self.containers.recall(rest, content),
            "publication" => self.publications.recall(rest, content),
            "subscriber" => self.subscribers.recall(rest, content),
            _ => None,
        };
        recalled.is_some()
    }
}
