//! One room of one endpoint: joined once, its events handed to every instance that listens.
//!
//! Owns the membership and the order of messages. Recovering a lost connection is the SDK's task; handling a message
//! is the workers', posting the senders'.

mod arrivals;
mod incoming;
mod listener;

use std::sync::Arc;

use parlor_bot::{Event, Room, SipUri};
use parlor_client::{
    JoinError, PersistentChatEndpoint, RequestError, RoomClosed, RoomEvent, RoomEvents, RoomSession,
    RoomTarget,
};
use parlor_xccos::{ErrorCode, MessageId, Post, RoomUri};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::config::Replay;
use crate::events::HostEvent;
use crate::ground::{Ground, pause, reason};
use crate::ledger::LedgerStatus;
use crate::state::NewEntry;
use crate::status::RoomStatus;

pub(crate) use arrivals::Arrivals;
pub(crate) use listener::{Authors, Bots, Listening};
use listener::{Hole, Listener};

/// Messages asked for at a time when an instance catches up: one reply of moderate size.
const PAGE: u32 = 100;
/// Recent messages looked at for an instance that wants a time span and has no cursor; the most a server of this
/// kind tells (facts B4).
const RECENT: u32 = 500;

/// One room of one endpoint.
#[derive(Debug)]
pub(crate) struct RoomTask {
    ground: Ground,
    user: SipUri,
    /// As configured, in the spelling that the outbox and the status use.
    room: String,
    listeners: Vec<Listener>,
    /// Who wants to listen from now on.
    arrivals: Arc<Arrivals>,
    authors: Authors,
    /// Told when a lane has space again.
    drained: Arc<Notify>,
    chat: watch::Receiver<Option<PersistentChatEndpoint>>,
    /// The senders' way to the room; `None` while it is not joined.
    session: watch::Sender<Option<RoomSession>>,
    intake: CancellationToken,
    leave: CancellationToken,
    /// Every listener knows its place in the room as it was joined last.
    placed: bool,
    /// Tells apart the comings and goings of one millisecond.
    presences: u64,
}

/// What a room task is started with.
#[derive(Debug)]
pub(crate) struct RoomJob {
    pub(crate) user: SipUri,
    pub(crate) room: String,
    pub(crate) arrivals: Arc<Arrivals>,
    pub(crate) authors: Authors,
    pub(crate) chat: watch::Receiver<Option<PersistentChatEndpoint>>,
    pub(crate) session: watch::Sender<Option<RoomSession>>,
    /// Stops taking in; the room stays joined for the senders.
    pub(crate) intake: CancellationToken,
    /// Ends the membership.
    pub(crate) leave: CancellationToken,
}

/// Why a room is not served any more.
#[derive(Debug)]
enum Ended {
    Closed(String),
    Stopping,
}

impl RoomTask {
    pub(crate) fn new(ground: Ground, job: RoomJob) -> Self {
        Self {
            ground,
            user: job.user,
            room: job.room,
            listeners: Vec::new(),
            drained: job.arrivals.drained(),
            arrivals: job.arrivals,
            authors: job.authors,
            chat: job.chat,
            session: job.session,
            intake: job.intake,
            leave: job.leave,
            placed: false,
            presences: 0,
        }
    }

    /// Joins, serves, and joins again until told to stop.
    pub(crate) async fn run(mut self) {
        let mut backoff = self.ground.backoff();
        loop {
            let Some(chat) = self.chat().await else { return };
            self.welcome();
            let reason = match self.join(&chat).await {
                Ok((session, events, recent)) => {
                    backoff.reset();
                    match self.serve(session, events, recent).await {
                        Ended::Closed(reason) => reason,
                        Ended::Stopping => return,
                    }
                }
                Err(error) => reason(&error),
            };
            let now = self.ground.clock.now();
            self.ground.board.room(&self.user, &self.room, |line| {
                line.is_lost(now);
                line.last_error = Some(reason.clone());
            });
            let (user, room) = (self.user.clone(), self.room.clone());
            self.ground
                .announcer
                .tell(HostEvent::JoinFailed { user, room, reason });
            if !pause(&self.intake, backoff.wait()).await {
                return;
            }
        }
    }

    /// The chat session, when there is one; `None` when the host stops.
    async fn chat(&mut self) -> Option<PersistentChatEndpoint> {
        tokio::select! {
            biased;
            () = self.intake.cancelled() => None,
            chat = self.chat.wait_for(Option::is_some) => chat.ok()?.clone(),
        }
    }

    /// Joins; the recent posts come with it when listeners have to find their places in them.
    async fn join(
        &self,
        chat: &PersistentChatEndpoint,
    ) -> Result<(RoomSession, RoomEvents, Option<Vec<Post>>), JoinError> {
        let target = match self.room.parse::<RoomUri>() {
            Ok(uri) => RoomTarget::Uri(uri),
            Err(_) => RoomTarget::Name(self.room.clone()),
        };
        if self.placed {
            let (session, events) = chat.join(target).await?;
            return Ok((session, events, None));
        }
        chat.join_with_recent(target, self.needed("").unwrap_or(1)).await
    }

    /// Hands on what is said in the room until it closes or the host stops.
    async fn serve(
        &mut self,
        session: RoomSession,
        mut events: RoomEvents,
        recent: Option<Vec<Post>>,
    ) -> Ended {
        self.session.send_replace(Some(session.clone()));
        let ended = self.listen(&session, &mut events, recent).await;
        if matches!(ended, Ended::Stopping) {
            // The senders may still have something to deliver here.
            self.leave.cancelled().await;
        }
        self.session.send_replace(None);
        ended
    }

    async fn listen(
        &mut self,
        session: &RoomSession,
        events: &mut RoomEvents,
        recent: Option<Vec<Post>>,
    ) -> Ended {
        if let Err(ended) = self.take_places(session, recent).await {
            return ended;
        }
        self.placed = true;
        self.announce_joined(session);
        let mut backoff = self.ground.backoff();
        let mut recovered = false;
        loop {
            let retry = match self.catch_up(session).await {
                Ok(()) => {
                    backoff.reset();
                    None
                }
                Err(error) => {
                    tracing::debug!(room = %self.room, reason = %reason(&error), "history is not available now");
                    Some(Instant::now() + backoff.wait())
                }
            };
            let behind = self.note_behind();
            tokio::select! {
                biased;
                () = self.intake.cancelled() => return Ended::Stopping,
                event = events.next() => match event {
                    Some(RoomEvent::Closed(closed)) => return Ended::Closed(words(&closed)),
                    None => return Ended::Closed("the room's events ended".to_owned()),
                    Some(event) => self.on_event(session, event, &mut recovered).await,
                },
                () = self.arrivals.came() => {
                    self.welcome();
                    if let Err(ended) = self.take_places(session, None).await {
                        return ended;
                    }
                }
                () = self.drained.notified(), if behind => {}
                () = wait_until(retry) => {}
            }
        }
    }

    /// Takes in who came, and lets go of those whose worker has ended.
    fn welcome(&mut self) {
        self.listeners.retain(Listener::is_there);
        let arrived = self.arrivals.take().into_iter();
        self.listeners
            .extend(arrived.map(|one| Listener::new(one, self.authors.clone())));
    }

    async fn on_event(&mut self, session: &RoomSession, event: RoomEvent, recovered: &mut bool) {
        match event {
            RoomEvent::Post(post) => {
                let now = self.ground.clock.now();
                self.ground
                    .board
                    .room(&self.user, &self.room, |line| line.heard = Some(now));
                for listener in &mut self.listeners {
                    listener.live(&post, *recovered);
                }
            }
            RoomEvent::Joined(person) => {
                let name = Some(person.display);
                self.presence("joined", session.uri(), person.user, name, Event::Joined);
            }
            RoomEvent::Parted(user) => self.presence("parted", session.uri(), user, None, Event::Parted),
            RoomEvent::Disconnected => {
                *recovered = true;
                let now = self.ground.clock.now();
                self.listeners.iter_mut().for_each(Listener::doubt);
                self.ground
                    .board
                    .room(&self.user, &self.room, |line| line.is_lost(now));
            }
            RoomEvent::Recovered { .. } => {
                *recovered = false;
                self.ground
                    .board
                    .room(&self.user, &self.room, RoomStatus::is_joined);
                self.check_history(session).await;
            }
            RoomEvent::Gap { after } => {
                self.announce_gap(match after {
                    Some(after) => format!("messages after {after} could not be fetched"),
                    None => "earlier messages could not be fetched".to_owned(),
                })
                .await;
                for listener in &mut self.listeners {
                    listener.fall_behind();
                }
            }
            // What did not fit follows by itself; other changes are none of a bot's business.
            _ => {}
        }
    }

    fn presence(
        &mut self,
        what: &str,
        uri: &RoomUri,
        user: SipUri,
        name: Option<String>,
        event: impl Fn(parlor_bot::Presence) -> Event,
    ) {
        if user == self.user {
            return;
        }
        self.presences += 1;
        let cause = format!(
            "{what}:{uri}:{user}:{}:{}",
            self.ground.clock.millis(),
            self.presences
        );
        for listener in &self.listeners {
            let presence = incoming::presence(&listener.listening.room, uri, user.clone(), name.clone());
            if !listener.presence(event(presence), cause.clone()) {
                self.ground
                    .board
                    .instance(&listener.listening.instance, |line| line.presence_dropped += 1);
            }
        }
    }

    /// Finds out for every listener where to begin. Until that is known nothing is handed on; the SDK keeps what is
    /// posted meanwhile, or fetches it again.
    async fn take_places(&mut self, session: &RoomSession, recent: Option<Vec<Post>>) -> Result<(), Ended> {
        let room: Arc<str> = session.uri().to_string().into();
        let Some(count) = self.needed(&room) else {
            return Ok(());
        };
        let recent = match recent {
            Some(recent) => recent,
            None => self.recent(session, count).await?,
        };
        let now = self.ground.clock.millis();
        let mut cut_short = Vec::new();
        for (index, listener) in self.listeners.iter_mut().enumerate() {
            if !listener.hears_messages() || !listener.is_new_in(&room) {
                continue;
            }
            let (state, instance) = (&self.ground.state, &listener.listening.instance);
            let read = || state.cursor(instance.clone(), room.to_string());
            let cursor = self
                .ground
                .insist(&self.intake, read)
                .await
                .ok_or(Ended::Stopping)?;
            if cursor.is_none() && listener.wants_more_than(&recent, RECENT as usize, now) {
                cut_short.push(index);
            }
            let Some(place) = listener.take_place(&room, &recent, cursor, now) else {
                continue;
            };
            if cursor.is_some_and(|cursor| cursor > place) {
                tracing::warn!(room = %self.room, "the room's history began anew; its new messages count from now on");
            }
            let instance = &listener.listening.instance;
            let store = || state.place_cursor(instance.clone(), room.to_string(), place);
            self.ground
                .insist(&self.intake, store)
                .await
                .ok_or(Ended::Stopping)?;
        }
        for index in cut_short {
            let reason = format!("of the time wanted only the last {RECENT} messages can be fetched");
            let note = self.missed(&self.listeners[index], &reason);
            self.tell_gap(vec![note], reason).await;
        }
        Ok(())
    }

    /// How many recent messages tell the listeners that are new in the room where to begin; `None` without such.
    fn needed(&self, room: &str) -> Option<u32> {
        let new = self
            .listeners
            .iter()
            .filter(|one| one.hears_messages() && one.is_new_in(room));
        let counts = new.map(|one| {
            if matches!(one.listening.replay, Replay::Since(_)) {
                RECENT
            } else {
                1
            }
        });
        counts.max()
    }

    /// The room's last messages, asked for until the answer comes.
    async fn recent(&self, session: &RoomSession, count: u32) -> Result<Vec<Post>, Ended> {
        let mut backoff = self.ground.backoff();
        loop {
            match session.recent_history(count).await {
                Ok(posts) => return Ok(posts),
                // A room that keeps no history, or does not show it: everything counts from now on.
                Err(RequestError::Refused(refusal)) => {
                    self.announce_gap(format!("the history cannot be read: {refusal}"))
                        .await;
                    return Ok(Vec::new());
                }
                Err(RequestError::NotJoined) => {
                    return Err(Ended::Closed("the room is not joined".to_owned()));
                }
                Err(error) => tracing::debug!(room = %self.room, %error, "history is not available now"),
            }
            if !pause(&self.intake, backoff.wait()).await {
                return Err(Ended::Stopping);
            }
        }
    }

    /// After a reconnect: a server that lost its history starts to count anew.
    async fn check_history(&mut self, session: &RoomSession) {
        let Ok(recent) = session.recent_history(1).await else {
            return;
        };
        let latest = recent
            .iter()
            .filter_map(|post| post.id)
            .map(|id| id.0)
            .max()
            .unwrap_or(0);
        let mut anew = false;
        for listener in &mut self.listeners {
            let Some(place) = listener.check_history(latest) else {
                continue;
            };
            anew = true;
            let (state, instance) = (&self.ground.state, &listener.listening.instance);
            let store = || state.place_cursor(instance.clone(), session.uri().to_string(), place);
            if self.ground.insist(&self.intake, store).await.is_none() {
                return;
            }
        }
        if anew {
            self.announce_gap("the room's history began anew".to_owned())
                .await;
        }
        for index in 0..self.listeners.len() {
            let Some(last) = self.listeners[index].doubted() else {
                continue;
            };
            // Without an answer the next recovery asks again.
            if let Ok(posts) = session.history_after(MessageId(last - 1), 1).await {
                let first = posts.first().and_then(|post| post.id).map(|id| id.0);
                if let Some(hole) = self.listeners[index].prove(first) {
                    self.announce_hole(index, hole).await;
                }
            }
        }
    }

    /// Fetches pages for listeners that are behind, as long as there is more and they have space.
    async fn catch_up(&mut self, session: &RoomSession) -> Result<(), RequestError> {
        for index in 0..self.listeners.len() {
            while let Some((after, space)) = self.listeners[index].wants_page() {
                if self.intake.is_cancelled() {
                    return Ok(());
                }
                let limit = PAGE.min(u32::try_from(space).unwrap_or(PAGE));
                let hole = match session.history_after(MessageId(after), limit).await {
                    Ok(posts) => self.listeners[index].page(&posts),
                    Err(RequestError::Refused(refusal)) if refusal.code == ErrorCode::MessageNotSupported => {
                        let recent = session.recent_history(RECENT).await?;
                        self.listeners[index].last_resort(&recent, RECENT as usize)
                    }
                    Err(RequestError::Refused(refusal)) => {
                        self.listeners[index].catch_up();
                        self.announce_gap(format!("messages after {after} cannot be fetched: {refusal}"))
                            .await;
                        None
                    }
                    Err(error) => return Err(error),
                };
                if let Some(hole) = hole {
                    self.announce_hole(index, hole).await;
                }
            }
        }
        Ok(())
    }

    /// Tells of messages that one listener cannot be given any more.
    async fn announce_hole(&self, index: usize, hole: Hole) {
        let reason = match hole.before {
            Some(before) => format!(
                "message {} is not in the history any more, and what followed it before {before} may be missing too",
                hole.after
            ),
            None => format!(
                "message {} and what followed it is not in the history any more",
                hole.after
            ),
        };
        tracing::warn!(room = %self.room, %reason, "history gap");
        let note = self.missed(&self.listeners[index], &reason);
        self.tell_gap(vec![note], reason).await;
    }

    /// Writes who is behind on the board; whether anybody is.
    fn note_behind(&self) -> bool {
        let behind = self.listeners.iter().filter(|one| one.is_behind());
        let behind: Vec<_> = behind.map(|one| one.listening.instance.clone()).collect();
        let any = !behind.is_empty();
        let now = self.ground.clock.now();
        self.ground.board.room(&self.user, &self.room, |line| {
            if line.behind != behind {
                line.is_behind(behind, now);
            }
        });
        any
    }

    fn announce_joined(&self, session: &RoomSession) {
        let uri = session.uri().to_string();
        self.ground.board.room(&self.user, &self.room, |line| {
            line.uri = Some(uri.clone());
            line.is_joined();
            line.last_error = None;
        });
        let (user, room) = (self.user.clone(), self.room.clone());
        self.ground.announcer.tell(HostEvent::Joined { user, room, uri });
    }

    /// Tells, also the ledger, that messages were missed which nobody can fetch any more.
    async fn announce_gap(&self, reason: String) {
        tracing::warn!(room = %self.room, %reason, "history gap");
        let listeners = self.listeners.iter().filter(|one| one.hears_messages());
        let entries = listeners.map(|one| self.missed(one, &reason)).collect();
        self.tell_gap(entries, reason).await;
    }

    fn missed(&self, listener: &Listener, reason: &str) -> NewEntry {
        let instance = &*listener.listening.instance;
        NewEntry::new(instance, format!("room:{}", self.room), LedgerStatus::Missed)
            .in_room(listener.listening.room.as_str())
            .detail(reason)
    }

    async fn tell_gap(&self, entries: Vec<NewEntry>, reason: String) {
        let at = self.ground.clock.millis();
        let note = || self.ground.state.note(entries.clone(), at);
        if self.ground.insist(&self.intake, note).await.is_none() {
            return;
        }
        let (user, room) = (self.user.clone(), self.room.clone());
        self.ground
            .announcer
            .tell(HostEvent::HistoryGap { user, room, reason });
    }
}

fn words(closed: &RoomClosed) -> String {
    match closed {
        RoomClosed::Left => "the room was left".to_owned(),
        RoomClosed::Kicked => "the server removed the bot from the room".to_owned(),
        RoomClosed::Refused(Some(refusal)) => refusal.to_string(),
        RoomClosed::Refused(None) => "the server did not let the bot in again".to_owned(),
        _ => "the chat session ended".to_owned(),
    }
}

async fn wait_until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// The spelling under which rooms are the same: names are found without regard to case.
pub(crate) fn room_key(room: &Room) -> String {
    room.as_str().to_lowercase()
}
