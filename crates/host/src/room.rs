//! One room of one endpoint: joined once, its events handed to every instance that listens.
//!
//! Owns the membership and the order of messages; what is fetched from history is in [`history`]. Recovering a lost
//! connection is the SDK's task; handling a message is the workers', posting the senders'.

mod arrivals;
mod history;
mod incoming;
mod listener;

use std::sync::Arc;

use parlor_bot::{Event, Room, SipUri};
use parlor_client::{
    JoinError, PersistentChatEndpoint, RoomClosed, RoomEvent, RoomEvents, RoomSession, RoomTarget,
};
use parlor_xccos::{Post, RoomUri};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::events::HostEvent;
use crate::ground::{Ground, pause, reason};
use crate::status::RoomStatus;

pub(crate) use arrivals::Arrivals;
use listener::Listener;
pub(crate) use listener::{Authors, Bots, Listening};

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
