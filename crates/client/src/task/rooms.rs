//! The task's side of a joined room: what was delivered last, and how posts reach the reader once and in order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

use parlor_xccos::{MessageId, Participant, Post, RoomInfo, SipUri};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::events::{RoomClosed, RoomEvent};
use crate::room::{RoomShared, RoomView};
use crate::tuning::HELD_LIVE_POSTS;

#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) shared: Arc<RoomShared>,
    events: mpsc::Sender<RoomEvent>,
    /// The highest message number handed to the reader, or known to be from before the join.
    pub(crate) last: Option<MessageId>,
    flow: Flow,
    /// Messages fetched since the connection was lost, until the reader was told that it is back.
    missed: Option<usize>,
    /// Counts the pages asked for; the answer to an earlier question than the last is of no use.
    pub(crate) question: u32,
}

/// How posts flow to the reader.
#[derive(Debug)]
enum Flow {
    /// As they come.
    Live,
    /// History is being fetched; live posts are held back.
    CatchingUp(CatchUp),
    /// The reader is slow: posts are left to history until its queue has room.
    Full,
}

/// A catch-up under way.
#[derive(Debug)]
struct CatchUp {
    held: VecDeque<Post>,
    /// The first live post since the catch-up began.
    first_live: Option<MessageId>,
    /// Live posts had to be dropped since the last page was asked for, so another page is needed.
    dropped: bool,
    /// The next page waits for room in the reader's queue.
    paused: bool,
}

/// What to do after a page of history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Ask for another page.
    Page,
    /// Nothing; the reader's queue decides when to go on.
    Wait,
    /// The room is live.
    Done,
}

impl CatchUp {
    fn new() -> Self {
        Self {
            held: VecDeque::new(),
            first_live: None,
            dropped: false,
            paused: false,
        }
    }

    fn hold(&mut self, post: Post) {
        self.first_live = self.first_live.or(post.id);
        if self.held.len() >= HELD_LIVE_POSTS {
            self.held.clear();
            self.dropped = true;
        }
        if !self.dropped {
            self.held.push_back(post);
        }
    }
}

impl Room {
    pub(crate) fn new(
        shared: Arc<RoomShared>,
        events: mpsc::Sender<RoomEvent>,
        after: Option<MessageId>,
    ) -> Self {
        Self {
            shared,
            events,
            last: after,
            flow: Flow::CatchingUp(CatchUp::new()),
            missed: None,
            question: 0,
        }
    }

    /// A post that came over the wire just now.
    pub(crate) fn live(&mut self, post: Post) {
        match &mut self.flow {
            Flow::Live => self.deliver(post),
            Flow::CatchingUp(catch_up) => catch_up.hold(post),
            Flow::Full => {}
        }
    }

    /// Hands a post to the reader unless it had it already.
    fn deliver(&mut self, post: Post) {
        if post.id.is_some() && post.id <= self.last {
            return;
        }
        let id = post.id;
        if self.tell(RoomEvent::Post(post)) {
            self.last = id.or(self.last);
        }
    }

    /// Queues an event; `false` when the queue is full, which stops the flow until the reader has caught up.
    pub(crate) fn tell(&mut self, event: RoomEvent) -> bool {
        match self.events.try_send(event) {
            // Nobody reads: the room is held for posting only.
            Ok(()) | Err(TrySendError::Closed(_)) => true,
            Err(TrySendError::Full(_)) => {
                self.flow = Flow::Full;
                self.await_reader();
                false
            }
        }
    }

    /// Starts over after the connection was lost.
    pub(crate) fn lost(&mut self) {
        let was_joined = self
            .shared
            .view(|view| std::mem::replace(&mut view.joined, false));
        if was_joined {
            self.tell(RoomEvent::Disconnected);
        }
        self.flow = Flow::CatchingUp(CatchUp::new());
        self.missed = Some(0);
    }

    /// The room is joined again.
    pub(crate) fn rejoined(&self, info: RoomInfo, participants: Vec<Participant>) {
        self.shared.view(|view| {
            view.participants = participants
                .into_iter()
                .map(|person| (person.user.clone(), person))
                .collect();
            view.info = info;
            view.joined = true;
        });
    }

    /// Goes on with a catch-up that waited for the reader, and says so when it had lagged; `true` when a page is to be
    /// asked for.
    pub(crate) fn resume(&mut self, page: usize) -> bool {
        let waiting = match &self.flow {
            Flow::Live => false,
            Flow::CatchingUp(catch_up) => catch_up.paused,
            Flow::Full => true,
        };
        if !waiting || !self.has_space(page) {
            return false;
        }
        if matches!(self.flow, Flow::Full) {
            self.flow = Flow::CatchingUp(CatchUp::new());
            if !self.tell(RoomEvent::Lagged) {
                return false;
            }
            if self.last.is_none() {
                self.gap();
                return false;
            }
        }
        self.ask();
        true
    }

    /// The reader is shown all messages so far in another way, those that came live meanwhile too.
    pub(crate) fn shown(&mut self) {
        if let Flow::CatchingUp(catch_up) = &mut self.flow {
            catch_up.first_live = None;
        }
    }

    /// The last message of the room before the join is `id`, or an earlier one when later ones came live meanwhile.
    pub(crate) fn baseline(&mut self, id: Option<MessageId>, page: usize) -> Next {
        let Flow::CatchingUp(catch_up) = &mut self.flow else {
            return Next::Wait;
        };
        let before_live = catch_up
            .first_live
            .map(|first| MessageId(first.0.saturating_sub(1)));
        self.last = before_live.or(id);
        if catch_up.dropped {
            self.ask_page(page)
        } else {
            self.release()
        }
    }

    /// Makes the next page the current question; the caller sends it.
    pub(crate) fn ask(&mut self) {
        self.question += 1;
        self.shared.lagging.store(false, Ordering::Relaxed);
        if let Flow::CatchingUp(catch_up) = &mut self.flow {
            catch_up.paused = false;
            catch_up.dropped = false;
        }
    }

    /// A page of history, oldest first; `more` when the server may have more.
    pub(crate) fn page(&mut self, posts: Vec<Post>, more: bool, page: usize) -> Next {
        let before = self.last;
        for post in posts {
            if post.id.is_none() || post.id <= self.last {
                continue;
            }
            self.deliver(post);
            self.missed = self.missed.map(|missed| missed + 1);
            if !matches!(self.flow, Flow::CatchingUp(_)) {
                return Next::Wait;
            }
        }
        let Flow::CatchingUp(catch_up) = &self.flow else {
            return Next::Wait;
        };
        match (more, self.last > before) {
            (true, false) => self.gap(),
            (true, true) => self.ask_page(page),
            (false, _) if catch_up.dropped => self.ask_page(page),
            (false, _) => self.release(),
        }
    }

    /// History cannot be had: says so and goes on live.
    pub(crate) fn gap(&mut self) -> Next {
        // A queue that is full is emptied first; then history is asked again, and this comes again if it must.
        if matches!(self.flow, Flow::Full) || !self.tell(RoomEvent::Gap { after: self.last }) {
            return Next::Wait;
        }
        self.release()
    }

    /// Asks for a page as soon as the reader's queue has room for one.
    pub(crate) fn ask_page(&mut self, page: usize) -> Next {
        if self.has_space(page) {
            self.ask();
            return Next::Page;
        }
        if let Flow::CatchingUp(catch_up) = &mut self.flow {
            catch_up.paused = true;
        }
        self.await_reader();
        Next::Wait
    }

    /// Lets the reader wake the task when it has emptied half of its queue.
    fn await_reader(&self) {
        self.shared.lagging.store(true, Ordering::Relaxed);
        // Pairs with the one in `RoomEvents::next`: either the reader sees the flag, or its progress is seen here.
        fence(Ordering::SeqCst);
        if self.events.capacity() >= self.events.max_capacity() / 2 {
            self.shared.wake.notify_one();
        }
    }

    /// Ends a catch-up: what was held back follows what was fetched.
    fn release(&mut self) -> Next {
        let Flow::CatchingUp(catch_up) = std::mem::replace(&mut self.flow, Flow::Live) else {
            return Next::Wait;
        };
        self.shared.lagging.store(false, Ordering::Relaxed);
        catch_up.held.into_iter().for_each(|post| self.live(post));
        if let Some(missed) = self.missed
            && matches!(self.flow, Flow::Live)
            && self.tell(RoomEvent::Recovered { missed })
        {
            self.missed = None;
        }
        Next::Done
    }

    fn has_space(&self, page: usize) -> bool {
        self.events.is_closed() || self.events.capacity() > page.min(self.events.max_capacity() / 2)
    }

    pub(crate) fn came(&mut self, person: Participant) {
        self.shared
            .view(|view| view.participants.insert(person.user.clone(), person.clone()));
        self.tell(RoomEvent::Joined(person));
    }

    pub(crate) fn left(&mut self, user: &SipUri) {
        if self.shared.view(|view| view.participants.remove(user)).is_some() {
            self.tell(RoomEvent::Parted(user.clone()));
        }
    }

    pub(crate) fn rights(&mut self, person: Participant) {
        let known = self.shared.view(|view: &mut RoomView| {
            view.participants
                .get_mut(&person.user)
                .map(|known| known.rights = person.rights)
                .is_some()
        });
        if known {
            self.tell(RoomEvent::RightsChanged(person));
        }
    }

    pub(crate) fn changed(&mut self, info: RoomInfo) {
        self.shared.view(|view| view.info = info.clone());
        self.tell(RoomEvent::Changed(info));
    }

    /// Ends the event stream; the reason is read when the queue is empty, so it is never lost.
    pub(crate) fn close(self, why: RoomClosed) {
        self.shared.view(|view| {
            view.joined = false;
            view.closed = Some(why);
        });
    }
}

#[cfg(test)]
mod tests;
