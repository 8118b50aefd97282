//! One list: what is blocked where, and what is said about it.

use parlor_bot::Template;
use parlor_bot::prelude::*;
use parlor_bot::words::WordSet;

use crate::settings::{ListSettings, Remove};

#[derive(Debug)]
pub(crate) struct List {
    words: WordSet,
    /// `None` for all rooms.
    rooms: Option<Vec<Room>>,
    pub(crate) warning: Template,
    pub(crate) remove: Remove,
}

impl List {
    /// Reads the settings that stand at `path`.
    pub(crate) fn new(
        entry: ListSettings,
        warning: &Template,
        remove: Remove,
        path: &str,
        setup: &Setup,
    ) -> Result<Self, SetupError> {
        if entry.words.is_empty() {
            return Err(SetupError::setting(format!("{path}.words"), "no words"));
        }
        let named = |names: Vec<String>| {
            let named = names.iter().enumerate();
            named
                .map(|(at, name)| setup.room(format!("{path}.rooms[{at}]"), name))
                .collect::<Result<_, _>>()
        };
        Ok(Self {
            words: entry.words,
            rooms: entry.rooms.map(named).transpose()?,
            warning: entry.warning.unwrap_or_else(|| warning.clone()),
            remove: entry.remove.unwrap_or(remove),
        })
    }

    /// The first blocked word of a text in `room`, as it is written there.
    pub(crate) fn find<'t>(&self, room: &Room, text: &'t str) -> Option<&'t str> {
        if self.rooms.as_ref().is_some_and(|rooms| !rooms.contains(room)) {
            return None;
        }
        self.words.first(text).map(|found| &text[found.range])
    }

    /// Whether a post is removed that earns its author so many strikes.
    pub(crate) fn removes(&self, strikes: usize) -> bool {
        match self.remove {
            Remove::Never => false,
            Remove::Repeated => strikes > 1,
            Remove::Always => true,
        }
    }
}
