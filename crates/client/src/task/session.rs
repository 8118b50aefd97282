//! The chat session of an endpoint: its rooms and what is asked in them. It survives connections; what needs one gets
//! the [`Line`] as an argument. Nothing here waits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use parlor_sip::DialogGone;
use parlor_xccos::{
    Command as ChatCommand, EnvelopeId, MessageId, Post, RoomUri, ServerInfo, SipUri, Timestamp, encode,
};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::chat::ChatSettings;
use crate::command::{Command, answer};
use crate::error::{JoinError, PostError, RequestError};
use crate::events::RoomClosed;
use crate::message::Message;
use crate::state::EndpointState;
use crate::task::jobs::{JobId, Jobs, Work};
use crate::task::line::Line;
use crate::task::rooms::Room;
use crate::task::sign_in::Envelopes;
use crate::tuning::{BACKCHAT_LIMIT, POSTS_IN_FLIGHT, REQUESTS_IN_FLIGHT, ROOMS_PER_ENDPOINT, Tuning};

/// How far the session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// None was opened, or it was terminated.
    Absent,
    /// It was opened and the connection is lost.
    Down,
    /// Open again; the rooms are being joined again.
    Rejoining,
    /// Open.
    Up,
}

#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) owner: SipUri,
    pub(crate) tuning: Tuning,
    pub(crate) phase: Phase,
    pub(crate) settings: Option<ChatSettings>,
    pub(crate) info: ServerInfo,
    pub(crate) rooms: BTreeMap<RoomUri, Room>,
    pub(crate) jobs: Jobs,
    pub(crate) envelopes: Envelopes,
    pub(crate) wake: Arc<Notify>,
    pub(crate) draining: bool,
    random: fastrand::Rng,
}

impl Session {
    pub(crate) fn new(owner: SipUri, tuning: Tuning, mut random: fastrand::Rng) -> Self {
        Self {
            owner,
            tuning,
            phase: Phase::Absent,
            settings: None,
            info: ServerInfo::default(),
            rooms: BTreeMap::new(),
            jobs: Jobs::default(),
            envelopes: Envelopes::starting_at(random.u32(..)),
            wake: Arc::new(Notify::new()),
            draining: false,
            random,
        }
    }

    /// The session is open, for the first time or again.
    pub(crate) fn opened(&mut self, info: ServerInfo, now: Instant) {
        self.info = info;
        if !self.info.post_keys {
            self.forgo_repeats();
        }
        if self.rooms.is_empty() {
            self.phase = Phase::Up;
            return;
        }
        self.phase = Phase::Rejoining;
        let rooms = self.rooms.keys().cloned().collect();
        self.add(Work::Rejoin { rooms }, now, self.tuning.request);
    }

    /// Takes in what a handle asked; it is sent by [`Session::pump`].
    pub(crate) fn command(&mut self, command: Command, now: Instant) {
        match command {
            Command::Request { command, reply } => match self.may_request() {
                Ok(()) => self.add(Work::Request { command, reply }, now, self.tuning.request),
                Err(error) => answer(reply, Err(error)),
            },
            Command::Join {
                room,
                after,
                recent,
                reply,
            } => match self.may_join(&room) {
                Ok(()) => self.add(
                    Work::Join {
                        room,
                        after,
                        recent,
                        reply,
                    },
                    now,
                    self.tuning.request,
                ),
                Err(error) => answer(reply, Err(error)),
            },
            Command::Post { room, message, reply } => match self.may_post(&room, &message) {
                Ok(()) => {
                    let deadline = message.deadline().unwrap_or(self.tuning.post);
                    self.add(Work::Post { room, message, reply }, now, deadline);
                }
                Err(error) => answer(reply, Err(error)),
            },
            Command::Leave { room, reply } => match self.rooms.remove(&room) {
                Some(gone) => {
                    gone.close(RoomClosed::Left);
                    self.forget_room(&room);
                    if matches!(self.phase, Phase::Up | Phase::Rejoining) {
                        self.add(
                            Work::Leave {
                                room,
                                reply: Some(reply),
                            },
                            now,
                            self.tuning.request,
                        );
                    } else {
                        answer(reply, Ok(()));
                    }
                }
                None => answer(reply, Err(RequestError::NotJoined)),
            },
            // The rest concerns the connection and is the endpoint's.
            _ => {}
        }
    }

    fn may_request(&self) -> Result<(), RequestError> {
        if self.phase == Phase::Absent {
            return Err(RequestError::NoChat);
        }
        let asked = self
            .jobs
            .count(|work| matches!(work, Work::Request { .. } | Work::Join { .. }));
        if asked >= REQUESTS_IN_FLIGHT {
            Err(RequestError::TooManyRequests)
        } else {
            Ok(())
        }
    }

    fn may_join(&self, room: &RoomUri) -> Result<(), JoinError> {
        if self.draining {
            return Err(RequestError::State(EndpointState::Draining).into());
        }
        let joining = |work: &Work| matches!(work, Work::Join { room: other, .. } if other == room);
        if self.rooms.contains_key(room) || self.jobs.count(joining) > 0 {
            return Err(JoinError::AlreadyJoined(room.clone()));
        }
        let joining = self.jobs.count(|work| matches!(work, Work::Join { .. }));
        if self.rooms.len() + joining >= ROOMS_PER_ENDPOINT {
            return Err(JoinError::TooManyRooms(ROOMS_PER_ENDPOINT));
        }
        Ok(self.may_request()?)
    }

    fn may_post(&self, room: &RoomUri, message: &Message) -> Result<(), PostError> {
        if self.draining {
            return Err(PostError::State(EndpointState::Draining));
        }
        if !self.rooms.contains_key(room) {
            return Err(PostError::NotJoined);
        }
        if message.chat().is_empty() {
            return Err(PostError::Empty);
        }
        let limit = if message.is_story() {
            self.info.story_size_limit
        } else {
            self.info.message_size_limit
        };
        let bytes = message.chat().len();
        if let Some(limit) = limit.map(|limit| limit as usize)
            && bytes > limit
        {
            return Err(PostError::TooLong { bytes, limit });
        }
        let waiting = self
            .jobs
            .count(|work| matches!(work, Work::Post { room: other, .. } if other == room));
        if waiting >= POSTS_IN_FLIGHT {
            Err(PostError::TooManyPosts)
        } else {
            Ok(())
        }
    }

    pub(crate) fn add(&mut self, work: Work, now: Instant, within: Duration) {
        let seed = self.random.u64(..);
        self.jobs.add(work, now, now + within, seed);
    }

    /// Sends everything whose turn it is.
    pub(crate) fn pump(&mut self, line: &mut Line, now: Instant) -> Result<(), DialogGone> {
        while let Some(id) = self.jobs.next_to_send(now, |work| self.may_go(work)) {
            let envelope = self.envelopes.next();
            match self.encode(id, envelope) {
                Some(body) => {
                    let transaction = line.info(body)?;
                    self.jobs.sent(id, envelope, transaction);
                }
                // The room went away under a question of our own.
                None => drop(self.jobs.remove(id)),
            }
        }
        Ok(())
    }

    fn may_go(&self, work: &Work) -> bool {
        match self.phase {
            Phase::Up => true,
            Phase::Rejoining => matches!(work, Work::Rejoin { .. }),
            Phase::Absent | Phase::Down => false,
        }
    }

    fn encode(&self, id: JobId, envelope: EnvelopeId) -> Option<Bytes> {
        let command = match &self.jobs.get(id)?.work {
            Work::Request { command, .. } => return Some(encode::command(envelope, command)),
            Work::Post { room, message, .. } => {
                return Some(encode::post(envelope, &self.outgoing(room, message)));
            }
            Work::Join { room, .. } => ChatCommand::Join(room.clone()),
            Work::Baseline { room, recent, .. } => ChatCommand::Backchat {
                room: room.clone(),
                count: recent.unwrap_or(1),
            },
            Work::Leave { room, .. } => ChatCommand::Part(room.clone()),
            Work::Rejoin { rooms } => ChatCommand::BatchJoin(rooms.iter().cloned().collect()),
            Work::CatchUp {
                room, by_count: true, ..
            } => ChatCommand::Backchat {
                room: room.clone(),
                count: BACKCHAT_LIMIT,
            },
            Work::CatchUp { room, .. } => {
                let after = self.rooms.get(room)?.last?;
                ChatCommand::HistoryAfter {
                    room: room.clone(),
                    after,
                    limit: self.page(),
                }
            }
        };
        Some(encode::command(envelope, &command))
    }

    fn outgoing(&self, room: &RoomUri, message: &Message) -> Post {
        // The sender's clock, for servers that look at it; ours puts in its own.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let timestamp = Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
        let mut post = Post::new(room.clone(), self.owner.clone(), timestamp, message.chat());
        post.alert = message.is_alert();
        post.rtf = message.rtf().map(str::to_owned);
        post.key = message.key().cloned();
        post
    }

    /// Posts asked for at a time: never more than half of what waits for a reader, and never more than the server gives
    /// at most, so that a full page means that there may be another.
    pub(crate) fn page(&self) -> u32 {
        let half = u32::try_from(self.tuning.events / 2).unwrap_or(u32::MAX);
        let server = self.info.search_limit.unwrap_or(u32::MAX);
        self.tuning.page.min(half).min(server).max(1)
    }

    /// Looks after rooms whose reader has caught up or went away.
    pub(crate) fn tend(&mut self, now: Instant) {
        let page = self.page();
        let mut abandoned = Vec::new();
        let mut asking = Vec::new();
        for (uri, room) in &mut self.rooms {
            if room.shared.abandoned.load(Ordering::Acquire) {
                abandoned.push(uri.clone());
            } else if room.resume(page as usize) {
                asking.push(uri.clone());
            }
        }
        asking.into_iter().for_each(|uri| self.ask_history(uri, now));
        for uri in abandoned {
            if let Some(room) = self.rooms.remove(&uri) {
                room.close(RoomClosed::Left);
            }
            self.forget_room(&uri);
            if self.phase != Phase::Down {
                self.add(
                    Work::Leave {
                        room: uri,
                        reply: None,
                    },
                    now,
                    self.tuning.request,
                );
            }
        }
    }

    /// Sends the current question of a room's catch-up.
    pub(crate) fn ask_history(&mut self, uri: RoomUri, now: Instant) {
        let Some(room) = self.rooms.get(&uri) else { return };
        let question = room.question;
        self.add(
            Work::CatchUp {
                room: uri,
                question,
                by_count: false,
            },
            now,
            self.tuning.request,
        );
    }

    /// Fails the posts of a room that is no longer joined, and drops its catch-up.
    pub(crate) fn forget_room(&mut self, uri: &RoomUri) {
        for id in self.jobs.ids() {
            let of_room = self.jobs.get(id).is_some_and(|job| match &job.work {
                Work::Post { room, .. } | Work::CatchUp { room, .. } => room == uri,
                _ => false,
            });
            if of_room && let Some(job) = self.jobs.remove(id) {
                let error = job.unposted(PostError::NotJoined);
                if let Work::Post { reply, .. } = job.work {
                    answer(reply, Err(error));
                }
            }
        }
    }

    /// When something of the session is due.
    pub(crate) fn next_deadline(&self, now: Instant) -> Option<Instant> {
        self.jobs.next_deadline(now, |work| self.may_go(work))
    }

    /// Posts whose authors still wait.
    pub(crate) fn posts_waiting(&self) -> usize {
        self.jobs.count(|work| matches!(work, Work::Post { .. }))
    }
}

/// The newest number in a list of posts; zero for a room that is empty and numbers its messages.
pub(crate) fn newest(posts: &[Post]) -> Option<MessageId> {
    if posts.is_empty() {
        Some(MessageId(0))
    } else {
        posts.iter().filter_map(|post| post.id).max()
    }
}
