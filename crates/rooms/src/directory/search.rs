//! Finding rooms by words in their names and descriptions.

use std::sync::Arc;

use parlor_xccos::SipUri;

use crate::{Access, Room};

use super::names::fold_name;
use super::{Directory, Named};

/// The most words of a search that are looked at; more only cost time.
const MAX_WORDS: usize = 32;

/// What to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// Words divided by white space; empty finds every room.
    pub text: String,
    /// Whether descriptions are searched besides names (`extended`, protocol B3).
    pub descriptions: bool,
    /// How the words must occur.
    pub matching: Matching,
    /// The most rooms returned.
    pub limit: usize,
}

/// How the words of a search must occur, anywhere in the text and without case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matching {
    /// Every word.
    AllWords,
    /// At least one.
    AnyWord,
    /// The text as it is.
    Phrase,
}

/// What was found.
#[derive(Debug, Clone)]
pub struct Found {
    /// The first rooms in the order of their names, with what the asker may do there.
    pub rooms: Vec<(Arc<Room>, Access)>,
    /// How many there are without the limit.
    pub total: usize,
}

impl Directory {
    /// The enabled rooms that match and that `user` may see.
    pub fn search(&self, user: &SipUri, search: &Search) -> Found {
        let wanted = Wanted::new(search);
        let mut found = Found {
            rooms: Vec::new(),
            total: 0,
        };
        for (name, named) in &self.names {
            let Named::Room(id) = named else { continue };
            let Some(room) = self.rooms.get(id) else { continue };
            if room.settings.disabled || !wanted.matches(name, room) {
                continue;
            }
            let access = self.access(room, user);
            if !access.see {
                continue;
            }
            found.total += 1;
            if found.rooms.len() < search.limit {
                found.rooms.push((Arc::clone(room), access));
            }
        }
        found
    }
}

struct Wanted {
    words: Vec<String>,
    descriptions: bool,
    all: bool,
}

impl Wanted {
    fn new(search: &Search) -> Self {
        let text = fold_name(&search.text);
        let words = match search.matching {
            Matching::Phrase if text.is_empty() => Vec::new(),
            Matching::Phrase => vec![text],
            Matching::AllWords | Matching::AnyWord => text
                .split_whitespace()
                .take(MAX_WORDS)
                .map(str::to_owned)
                .collect(),
        };
        Self {
            words,
            descriptions: search.descriptions,
            all: search.matching != Matching::AnyWord,
        }
    }

    /// `name` is folded already.
    fn matches(&self, name: &str, room: &Room) -> bool {
        if self.words.is_empty() {
            return true;
        }
        let description = if self.descriptions {
            room.settings.description.to_lowercase()
        } else {
            String::new()
        };
        let mut occurs = self
            .words
            .iter()
            .map(|word| name.contains(word.as_str()) || description.contains(word.as_str()));
        if self.all {
            occurs.all(|hit| hit)
        } else {
            occurs.any(|hit| hit)
        }
    }
}
