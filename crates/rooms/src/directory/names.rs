//! Names and descriptions: their limits and when two names are the same.

use parlor_xccos::{CategoryId, RoomId};

use crate::draft::is_unfit;
use crate::refusal::{Refusal, Subject};

use super::{Directory, Named};

/// The longest name of a room or category, in characters (product 1.8).
pub const MAX_NAME: usize = 256;

/// The longest description, in characters (product 1.8).
pub const MAX_DESCRIPTION: usize = 256;

/// The longest display name, in characters; as the names in the original's directory.
pub const MAX_DISPLAY_NAME: usize = 256;

/// The form in which names are compared: without case and without surrounding white space. Stores use it for the one
/// namespace of rooms and categories.
pub fn fold_name(name: &str) -> String {
    name.trim().to_lowercase()
}

/// A name as it is stored.
pub(super) fn check_name(name: &str) -> Result<(), Refusal> {
    if name.trim().is_empty() {
        return Err(Refusal::Empty {
            subject: Subject::Name,
        });
    }
    check_line(name, Subject::Name, MAX_NAME)
}

pub(super) fn check_description(description: &str) -> Result<(), Refusal> {
    check_line(description, Subject::Description, MAX_DESCRIPTION)
}

/// A text of one line.
pub(super) fn check_line(text: &str, subject: Subject, limit: usize) -> Result<(), Refusal> {
    let size = text.chars().count();
    if size > limit {
        return Err(Refusal::TooLong { subject, size, limit });
    }
    match text.chars().find(|&c| is_unfit(c)) {
        Some(character) => Err(Refusal::ControlCharacter { subject, character }),
        None => Ok(()),
    }
}

impl Directory {
    /// Whether `name` is free for `bearer`, who may have it already.
    pub(super) fn check_free(&self, name: &str, bearer: Named) -> Result<(), Refusal> {
        match self.names.get(fold_name(name).as_str()) {
            Some(other) if *other != bearer => Err(Refusal::NameTaken),
            _ => Ok(()),
        }
    }

    /// Whether a room or category has this name.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        self.names.contains_key(fold_name(name).as_str())
    }

    pub(crate) fn may_be_named_category(&self, name: &str, id: CategoryId) -> bool {
        self.check_free(name, Named::Category(id)).is_ok()
    }

    pub(crate) fn may_be_named_room(&self, name: &str, id: RoomId) -> bool {
        self.check_free(name, Named::Room(id)).is_ok()
    }
}
