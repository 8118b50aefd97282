//! One instance listening to one room: how far its lane has been filled, and what goes in next.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use parlor_bot::{Event, Room, SipUri};
use parlor_xccos::Post;

use super::incoming;
use crate::config::Replay;
use crate::lane::{Input, LaneError, LaneSender};

/// What a listener is made from.
#[derive(Debug)]
pub(crate) struct Listening {
    pub(crate) instance: String,
    /// The room as the instance names it.
    pub(crate) room: Room,
    pub(crate) lane: LaneSender,
    pub(crate) messages: bool,
    pub(crate) presence: bool,
    pub(crate) replay: Replay,
    pub(crate) hears_bots: bool,
}

/// Authors whose posts are not handed on.
#[derive(Debug, Clone)]
pub(crate) struct Authors {
    /// The endpoint itself: own posts are never answered.
    pub(crate) own: SipUri,
    /// All endpoints of this host, whose posts only instances hear that ask for it.
    pub(crate) bots: Bots,
}

/// The endpoints of a host as they come and go; all clones know the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bots(Arc<RwLock<HashSet<SipUri>>>);

impl Bots {
    pub(crate) fn insert(&self, user: SipUri) {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(user);
    }

    /// From now on there are these, wherever in the pool they run, beside those that are signed in here.
    pub(crate) fn are(&self, users: impl IntoIterator<Item = SipUri>) {
        let users = users.into_iter().collect();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = users;
    }

    pub(crate) fn contains(&self, user: &SipUri) -> bool {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(user)
    }
}

/// One instance listening to one room.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) listening: Listening,
    authors: Authors,
    place: Option<Place>,
}

/// Where a listener is in its room's history.
#[derive(Debug)]
struct Place {
    room: Arc<str>,
    /// The last message that is in the lane or was passed over.
    last: i64,
    /// What comes after `last` must be fetched from history before live messages count again.
    behind: bool,
    /// Messages up to here were posted while the host was away.
    missed_until: i64,
    /// Missed messages older than this (milliseconds since the epoch) are passed over.
    not_before: Option<i64>,
    /// The last message dealt with before an absence, until the history has shown it: when that one is purged, later
    /// ones may be.
    unproved: Option<i64>,
}

/// Messages that cannot be fetched any more, if there were any: those between these two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hole {
    pub(super) after: i64,
    pub(super) before: Option<i64>,
}

impl Listener {
    pub(super) fn new(listening: Listening, authors: Authors) -> Self {
        Self {
            listening,
            authors,
            place: None,
        }
    }

    /// Whether its worker is alive.
    pub(super) fn is_there(&self) -> bool {
        !self.listening.lane.is_closed()
    }

    /// Whether it wants messages and its worker is alive.
    pub(super) fn hears_messages(&self) -> bool {
        self.listening.messages && self.is_there()
    }

    /// Whether it still has to find its place in the room with this address.
    pub(super) fn is_new_in(&self, room: &str) -> bool {
        self.place.as_ref().is_none_or(|place| &*place.room != room)
    }

    /// Takes its place: `recent` are the room's last messages, `cursor` how far the instance got. Returns the place
    /// when it is to be stored, because there was no cursor or it cannot be right.
    pub(super) fn take_place(
        &mut self,
        room: &Arc<str>,
        recent: &[Post],
        cursor: Option<i64>,
        now: i64,
    ) -> Option<i64> {
        let latest = recent.iter().filter_map(number).max().unwrap_or(0);
        let (last, not_before) = match (self.listening.replay, cursor) {
            // Numbers only grow; a cursor ahead of the room is of a history that is no more.
            (_, Some(cursor)) if cursor > latest => (latest, None),
            (Replay::Now, _) | (Replay::Cursor, None) => (latest, None),
            (Replay::Cursor, Some(cursor)) => (cursor, None),
            (Replay::Since(span), Some(cursor)) => (cursor, Some(earlier(now, span))),
            (Replay::Since(span), None) => {
                let oldest = earlier(now, span);
                let first = recent
                    .iter()
                    .filter(|post| post.timestamp.as_millis() >= oldest)
                    .filter_map(number)
                    .min();
                (first.map_or(latest, |first| first - 1), Some(oldest))
            }
        };
        self.place = Some(Place {
            room: room.clone(),
            last,
            behind: last < latest,
            missed_until: latest,
            not_before,
            unproved: cursor.filter(|cursor| *cursor == last && 0 < last && last < latest),
        });
        (cursor != Some(last)).then_some(last)
    }

    /// The room's history began anew when its last message is before the place; then the place is moved there.
    pub(super) fn check_history(&mut self, latest: i64) -> Option<i64> {
        let place = self.place.as_mut().filter(|place| place.last > latest)?;
        (place.last, place.missed_until) = (latest, latest);
        place.unproved = None;
        place.behind = false;
        Some(latest)
    }

    /// How much can be fetched for it now, and after which message; `None` when it needs nothing or is full. The first
    /// time it asks from the last message dealt with on, to see that it is still there.
    pub(super) fn wants_page(&self) -> Option<(i64, usize)> {
        let place = self
            .place
            .as_ref()
            .filter(|place| place.behind && self.hears_messages())?;
        let space = self.listening.lane.space()?;
        Some(match place.unproved {
            Some(last) => (last - 1, space + 1),
            None => (place.last, space),
        })
    }

    /// Whether it is behind.
    pub(super) fn is_behind(&self) -> bool {
        self.hears_messages() && self.place.as_ref().is_some_and(|place| place.behind)
    }

    /// From now on the history is to be asked before live messages count again.
    pub(super) fn fall_behind(&mut self) {
        if let Some(place) = &mut self.place {
            place.behind = true;
        }
    }

    /// A page of history after its place; an empty one means that it has caught up. The answer is a hole before the
    /// page, if there is one.
    pub(super) fn page(&mut self, posts: &[Post]) -> Option<Hole> {
        if posts.is_empty() {
            self.catch_up();
        }
        let hole = self.prove(posts.first().and_then(number));
        for post in posts {
            if self.offer(post, false) != Ok(()) {
                break;
            }
        }
        hole
    }

    /// Looks whether the history still holds the last message dealt with, at or after which `first` is the oldest.
    pub(super) fn prove(&mut self, first: Option<i64>) -> Option<Hole> {
        let after = self.place.as_mut()?.unproved.take()?;
        (first != Some(after)).then_some(Hole { after, before: first })
    }

    /// The newest messages, from a server that cannot tell what came after a given one.
    pub(super) fn last_resort(&mut self, recent: &[Post], most: usize) -> Option<Hole> {
        let place = self.place.as_mut()?;
        place.unproved = None;
        let (after, before) = (place.last, recent.iter().filter_map(number).min());
        let is_whole = recent.len() < most || before.is_none_or(|before| before <= after);
        let hole = (!is_whole).then_some(Hole { after, before });
        for post in recent {
            if self.offer(post, false) != Ok(()) {
                return hole;
            }
        }
        self.catch_up();
        hole
    }

    /// The connection is lost: the history has to prove itself again.
    pub(super) fn doubt(&mut self) {
        if let Some(place) = self.place.as_mut().filter(|place| place.last > 0) {
            place.unproved = place.unproved.or(Some(place.last));
        }
    }

    /// The message that is to be looked for after a recovery.
    pub(super) fn doubted(&self) -> Option<i64> {
        let place = self.place.as_ref().filter(|place| !place.behind)?;
        place.unproved
    }

    /// Whether more was posted in the wanted span than the newest messages, as which `recent` was asked for, go back.
    pub(super) fn wants_more_than(&self, recent: &[Post], most: usize, now: i64) -> bool {
        let Replay::Since(span) = self.listening.replay else {
            return false;
        };
        let oldest = recent.iter().map(|post| post.timestamp.as_millis()).min();
        recent.len() >= most && oldest.is_some_and(|oldest| oldest >= earlier(now, span))
    }

    /// Counts as caught up, because the history does not tell more.
    pub(super) fn catch_up(&mut self) {
        if let Some(place) = &mut self.place {
            place.behind = false;
        }
    }

    /// A message as it is posted. `recovered` says that it was posted while the connection was lost. A full lane
    /// leaves the listener behind, and the message to be fetched from history later.
    pub(super) fn live(&mut self, post: &Post, recovered: bool) {
        if !self.hears_messages() || self.is_behind() {
            return;
        }
        if self.offer(post, recovered) == Err(LaneError::Full) {
            if post.id.is_none() {
                tracing::warn!(instance = %self.listening.instance, room = %self.listening.room,
                    "a message without a number was dropped: the bot is too slow and the server has no history of it");
                return;
            }
            self.fall_behind();
        }
    }

    /// Somebody came or went; `false` when the lane was full. Presence has no history, so it is not caught up with.
    pub(super) fn presence(&self, event: Event, cause: String) -> bool {
        if !self.listening.presence {
            return true;
        }
        let input = Input::Presence {
            event: Arc::new(event),
            cause,
        };
        self.listening.lane.push(input) != Err(LaneError::Full)
    }

    fn offer(&mut self, post: &Post, recovered: bool) -> Result<(), LaneError> {
        let Some(place) = &mut self.place else {
            return Ok(());
        };
        let id = number(post);
        if id.is_some_and(|id| id <= place.last) {
            return Ok(());
        }
        let missed = recovered || id.is_some_and(|id| id <= place.missed_until);
        let too_old = missed
            && place
                .not_before
                .is_some_and(|oldest| post.timestamp.as_millis() < oldest);
        let room = place.room.clone();
        let handed_on = !too_old && self.authors.are_heard(&post.author, self.listening.hears_bots);
        match (handed_on, id) {
            (true, id) => {
                let message = incoming::message(&self.listening.room, post, missed);
                let event = Arc::new(Event::Message(message));
                self.listening.lane.push(Input::Message { event, room, id })?;
            }
            (false, Some(id)) => self.listening.lane.push(Input::Passed { room, id })?,
            (false, None) => {}
        }
        if let Some(id) = id {
            place.last = id;
        }
        Ok(())
    }
}

impl Authors {
    fn are_heard(&self, author: &SipUri, bots_too: bool) -> bool {
        *author != self.own && (bots_too || !self.bots.contains(author))
    }
}

fn number(post: &Post) -> Option<i64> {
    post.id.map(|id| id.0)
}

fn earlier(now: i64, span: Duration) -> i64 {
    now.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
