//! How often what was refused, and why, in numbers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use parlor_rooms::Refusal;

use crate::diagnostics::Refused;

/// Why a post was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotPosted {
    /// The author is not the sender.
    Author,
    /// The room has as much to do as it may have.
    Busy,
    /// It cannot be read, is empty, or holds what it may not.
    Malformed,
    /// The sender is not in the room.
    NotJoined,
    /// The sender may not post in the room, or the room is disabled or gone.
    NotPermitted,
    /// The store did not take it.
    Store,
    /// It is longer than the server allows.
    TooLong,
}

impl NotPosted {
    /// All of them, in the order in which they are counted.
    const ALL: [(Self, &'static str); 7] = [
        (Self::Author, "author"),
        (Self::Busy, "busy"),
        (Self::Malformed, "malformed"),
        (Self::NotJoined, "not_joined"),
        (Self::NotPermitted, "not_permitted"),
        (Self::Store, "store"),
        (Self::TooLong, "too_long"),
    ];
}

impl From<&Refusal> for NotPosted {
    fn from(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::TooLong { .. } => Self::TooLong,
            Refusal::NotJoined => Self::NotJoined,
            Refusal::Empty { .. } | Refusal::ControlCharacter { .. } => Self::Malformed,
            _ => Self::NotPermitted,
        }
    }
}

/// Refusals since the start.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    posts: [AtomicU64; NotPosted::ALL.len()],
    /// By the reason's name, of which there are as many as [`Refused`] has.
    requests: Mutex<BTreeMap<String, u64>>,
}

impl Refusals {
    pub(crate) fn posts(&self, why: NotPosted, count: u64) {
        self.posts[why as usize].fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn request(&self, why: Refused) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *requests.entry(snake_case(&format!("{why:?}"))).or_default() += 1;
    }

    /// Posts by reason.
    pub(crate) fn of_posts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        NotPosted::ALL
            .iter()
            .map(|(why, word)| (*word, self.posts[*why as usize].load(Ordering::Relaxed)))
    }

    /// All posts.
    pub(crate) fn all_posts(&self) -> u64 {
        self.of_posts().map(|(_, count)| count).sum()
    }

    /// Requests by reason; a reason that never was is not told.
    pub(crate) fn of_requests(&self) -> BTreeMap<String, u64> {
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

fn snake_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for character in name.chars() {
        if character.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(character.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_counted_apart() {
        for (place, (why, _)) in NotPosted::ALL.iter().enumerate() {
            assert_eq!(*why as usize, place);
        }
        let refusals = Refusals::default();
        refusals.posts(NotPosted::Busy, 1);
        refusals.posts((&Refusal::NotAuthorized).into(), 2);
        refusals.request(Refused::NotInCertificate);
        refusals.request(Refused::NotInCertificate);
        let counted: Vec<_> = refusals.of_posts().filter(|(_, count)| *count > 0).collect();
        assert_eq!(counted, [("busy", 1), ("not_permitted", 2)]);
        assert_eq!(refusals.all_posts(), 3);
        assert_eq!(
            refusals.of_requests(),
            BTreeMap::from([("not_in_certificate".to_owned(), 2)])
        );
    }
}
