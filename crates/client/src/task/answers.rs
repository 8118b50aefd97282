//! What the server says, applied to the session: SIP answers, replies, posts, notices, and the silence after a
//! deadline. An `Err` means that the connection is of no more use.

use std::sync::Arc;
use std::time::Duration;

use parlor_sip::{ClientTransactionId, Name, Response};
use parlor_xccos::{
    Envelope, ErrorCode, JoinedRoom, MessageId, Notice, Post, Primitive, Reply, ReplyData, RoomUri, Timestamp,
};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::command::{Membership, Reply as ReplyTo, answer};
use crate::error::{ChatRefusal, EstablishError, JoinError, PostError, RequestError, SipRefusal};
use crate::events::{RoomClosed, RoomEvent};
use crate::message::Posted;
use crate::room::{RoomGuard, RoomShared};
use crate::task::jobs::{JobId, Work};
use crate::task::line::refusal;
use crate::task::rooms::{Next, Room};
use crate::task::session::{Phase, Session, newest};
use crate::tuning::BACKCHAT_LIMIT;

type Outcome = Result<(), EstablishError>;

impl Session {
    /// A SIP answer to one of our INFOs. Success means no more than "taken for processing" (facts A5).
    pub(crate) fn responded(
        &mut self,
        transaction: ClientTransactionId,
        response: &Response,
        now: Instant,
    ) -> Outcome {
        if !response.status().is_final() {
            return Ok(());
        }
        let Some(id) = self.jobs.answered(transaction) else {
            return Ok(());
        };
        let Some(refusal) = refusal("INFO", response) else {
            return Ok(());
        };
        match refusal.status {
            503 => {
                let seconds = response
                    .headers()
                    .get(Name::RetryAfter)
                    .and_then(|text| text.trim().parse().ok());
                self.jobs
                    .retry(id, now, Duration::from_secs(seconds.unwrap_or(0)));
                Ok(())
            }
            // The session is gone and the message was not taken: the end of the dialog follows, then a new session.
            408 | 481 | 487 => {
                self.jobs.requeue(id, now);
                Ok(())
            }
            _ => self.refused(id, refusal),
        }
    }

    fn refused(&mut self, id: JobId, refusal: SipRefusal) -> Outcome {
        let Some(job) = self.jobs.remove(id) else {
            return Ok(());
        };
        match job.work {
            Work::Request { reply, .. } => answer(reply, Err(refusal.into())),
            Work::Join { reply, .. } => answer(reply, Err(RequestError::from(refusal).into())),
            Work::Baseline {
                room,
                reply,
                membership,
                ..
            } => self.baseline(room, reply, membership, None, false),
            Work::Leave {
                reply: Some(reply), ..
            } => answer(reply, Err(refusal.into())),
            Work::Leave { reply: None, .. } => {}
            Work::Rejoin { .. } => return Err(refusal.into()),
            Work::CatchUp { room, question, .. } => self.no_history(&room, question),
            Work::Post { reply, .. } => answer(reply, Err(refusal.into())),
        }
        Ok(())
    }

    /// Everything in one document from the server.
    pub(crate) fn received(&mut self, envelope: Envelope, now: Instant) -> Outcome {
        for item in envelope.items {
            match item {
                Primitive::Reply(reply) => self.replied(reply, now)?,
                Primitive::Post(numbered) => self.posted(numbered.post),
                Primitive::Notice(notice) => self.noticed(notice),
                Primitive::SystemError { name, text } => {
                    tracing::warn!(name, text, "the server reports an error")
                }
                other => tracing::debug!(?other, "skipped what a client does not use"),
            }
        }
        Ok(())
    }

    fn replied(&mut self, reply: Reply, now: Instant) -> Outcome {
        let Some(id) = self.jobs.of_envelope(reply.to.envelope) else {
            self.stray(reply, now);
            return Ok(());
        };
        let unavailable = reply.error() == Some(ErrorCode::DatabaseConnection);
        match self.jobs.get(id).map(|job| &job.work) {
            Some(Work::Rejoin { .. }) => return self.rejoined(id, reply, now),
            // Taken; the echo says when it is stored.
            Some(Work::Post { .. }) if reply.is_ok() && !matches!(reply.data, ReplyData::Posted(_)) => {
                return Ok(());
            }
            // The store may have kept it before it failed, so only a key makes trying again safe.
            Some(Work::Post { message, .. })
                if unavailable && self.info.post_keys && message.key().is_some() =>
            {
                self.jobs.retry(id, now, Duration::ZERO);
                return Ok(());
            }
            Some(Work::CatchUp { .. } | Work::Baseline { .. }) if unavailable => {
                self.jobs.retry(id, now, Duration::ZERO);
                return Ok(());
            }
            _ => {}
        }
        if let Some(job) = self.jobs.remove(id) {
            self.settled(job.work, reply, now);
        }
        Ok(())
    }

    fn settled(&mut self, work: Work, reply: Reply, now: Instant) {
        let refusal = ChatRefusal::of(&reply);
        match work {
            Work::Request { reply: to, .. } => {
                answer(to, refusal.map_or(Ok(reply.data), |refusal| Err(refusal.into())));
            }
            Work::Join {
                room,
                after,
                recent,
                reply: to,
            } => match joined_room(&room, refusal, reply.data) {
                Ok(joined) => self.joined(joined, after, recent, to, now),
                Err(error) => answer(to, Err(error)),
            },
            Work::Baseline {
                room,
                reply: to,
                membership,
                recent: wanted,
            } => {
                let recent = match (refusal, reply.data) {
                    (None, ReplyData::History { posts, .. }) => Some(posts),
                    (None, _) => Some(Vec::new()),
                    (Some(_), _) => None,
                };
                self.baseline(room, to, membership, recent, wanted.is_some());
            }
            Work::Leave { reply: Some(to), .. } => {
                answer(to, refusal.map_or(Ok(()), |refusal| Err(refusal.into())));
            }
            Work::CatchUp {
                room,
                question,
                by_count,
            } => self.paged(room, question, by_count, reply, now),
            Work::Post { reply: to, .. } => answer(
                to,
                match (refusal, reply.data) {
                    (Some(refusal), _) => Err(refusal.into()),
                    (None, ReplyData::Posted(posted)) => Ok(Posted {
                        id: Some(posted.id),
                        timestamp: Some(posted.timestamp),
                        repeated: true,
                    }),
                    (None, _) => Err(PostError::OutcomeUnknown),
                },
            ),
            Work::Leave { reply: None, .. } | Work::Rejoin { .. } => {}
        }
    }

    /// A reply nobody waits for any more. A room that was joined too late is left again.
    fn stray(&mut self, reply: Reply, now: Instant) {
        let ReplyData::Joined { rooms, .. } = reply.data else {
            return;
        };
        for joined in rooms {
            let room = joined.info.uri;
            if !self.rooms.contains_key(&room) {
                self.add(Work::Leave { room, reply: None }, now, self.tuning.request);
            }
        }
    }

    fn joined(
        &mut self,
        joined: JoinedRoom,
        after: Option<MessageId>,
        recent: Option<u32>,
        reply: ReplyTo<Result<Membership, JoinError>>,
        now: Instant,
    ) {
        let uri = joined.info.uri.clone();
        let shared = Arc::new(RoomShared::new(
            joined.info,
            joined.participants,
            Arc::clone(&self.wake),
        ));
        let post_keys = self.info.post_keys;
        shared.view(|view| view.post_keys = post_keys);
        let (sender, events) = mpsc::channel(self.tuning.events.max(2));
        let membership = Membership {
            room: Arc::new(RoomGuard {
                shared: Arc::clone(&shared),
            }),
            events,
            recent: None,
        };
        let mut room = Room::new(shared, sender, after);
        if after.is_some() {
            room.ask();
            self.rooms.insert(uri.clone(), room);
            self.ask_history(uri, now);
            // A caller that has gone drops the membership here, which leaves the room again.
            answer(reply, Ok(membership));
        } else {
            self.rooms.insert(uri.clone(), room);
            self.add(
                Work::Baseline {
                    room: uri,
                    recent,
                    reply,
                    membership,
                },
                now,
                self.tuning.request,
            );
        }
    }

    /// The join is complete: the reader starts after what was there before, or with what comes next when nobody knows.
    fn baseline(
        &mut self,
        uri: RoomUri,
        reply: ReplyTo<Result<Membership, JoinError>>,
        membership: Membership,
        recent: Option<Vec<Post>>,
        wanted: bool,
    ) {
        let last = recent.as_deref().and_then(newest);
        let recent = recent.filter(|_| wanted);
        if recent.is_some()
            && let Some(room) = self.rooms.get_mut(&uri)
        {
            room.shown();
        }
        let page = self.page() as usize;
        let next = self.rooms.get_mut(&uri).map(|room| room.baseline(last, page));
        if next == Some(Next::Page) {
            self.ask_history(uri, Instant::now());
        }
        answer(reply, Ok(Membership { recent, ..membership }));
    }

    /// One reply to the `bjoin` after a reconnect; large ones come in several.
    fn rejoined(&mut self, id: JobId, reply: Reply, now: Instant) -> Outcome {
        if let Some(refusal) = ChatRefusal::of(&reply) {
            return Err(refusal.into());
        }
        let ReplyData::Joined { rooms, failed } = reply.data else {
            return Err(EstablishError::Unintelligible("bjoin"));
        };
        let mut settled = Vec::with_capacity(rooms.len() + failed.len());
        for joined in rooms {
            settled.push(joined.info.uri.clone());
            self.back_in(joined, now);
        }
        for uri in failed {
            tracing::warn!(room = %uri, "not let in again");
            if let Some(room) = self.rooms.remove(&uri) {
                room.close(RoomClosed::Refused(None));
            }
            self.forget_room(&uri);
            settled.push(uri);
        }
        let Some(Work::Rejoin { rooms: open }) = self.jobs.get_mut(id).map(|job| &mut job.work) else {
            return Ok(());
        };
        open.retain(|uri| !settled.contains(uri));
        if open.is_empty() {
            self.jobs.remove(id);
            self.phase = Phase::Up;
        }
        Ok(())
    }

    fn back_in(&mut self, joined: JoinedRoom, now: Instant) {
        let (uri, page) = (joined.info.uri.clone(), self.page() as usize);
        let Some(room) = self.rooms.get_mut(&uri) else {
            return;
        };
        room.rejoined(joined.info, joined.participants);
        let post_keys = self.info.post_keys;
        room.shared.view(|view| view.post_keys = post_keys);
        let next = if room.last.is_some() {
            room.ask_page(page)
        } else {
            room.gap()
        };
        if next == Next::Page {
            self.ask_history(uri, now);
        }
    }

    fn paged(&mut self, uri: RoomUri, question: u32, by_count: bool, reply: Reply, now: Instant) {
        let page = self.page() as usize;
        let refusal = ChatRefusal::of(&reply);
        let unsupported = refusal
            .as_ref()
            .is_some_and(|refusal| refusal.code == ErrorCode::MessageNotSupported);
        if unsupported && !by_count {
            return self.add(
                Work::CatchUp {
                    room: uri,
                    question,
                    by_count: true,
                },
                now,
                self.tuning.request,
            );
        }
        let (posts, exceeded) = match (refusal, reply.data) {
            (None, ReplyData::History { posts, exceeded, .. }) => (posts, exceeded),
            (None, ReplyData::None) => (Vec::new(), false),
            _ => return self.no_history(&uri, question),
        };
        posts.iter().for_each(|post| self.settle_echo(post, false));
        let Some(room) = self.rooms.get_mut(&uri).filter(|room| room.question == question) else {
            return;
        };
        let more = !by_count && (exceeded || posts.len() >= page);
        if by_count
            && posts.len() >= BACKCHAT_LIMIT as usize
            && posts.first().is_some_and(|post| post.id > room.last)
        {
            room.tell(RoomEvent::Gap { after: room.last });
        }
        if room.page(posts, more, page) == Next::Page {
            self.ask_history(uri, now);
        }
    }

    fn no_history(&mut self, uri: &RoomUri, question: u32) {
        if let Some(room) = self.rooms.get_mut(uri).filter(|room| room.question == question) {
            room.gap();
        }
    }

    fn posted(&mut self, post: Post) {
        self.settle_echo(&post, true);
        if let Some(room) = self.rooms.get_mut(&post.room) {
            room.live(post);
        }
    }

    /// The author's own message, back with its number, is the success of a post.
    fn settle_echo(&mut self, post: &Post, live: bool) {
        if post.author != self.owner {
            return;
        }
        let Some(id) = self.jobs.echoed(post, live) else {
            return;
        };
        if let Some(Work::Post { reply, .. }) = self.jobs.remove(id).map(|job| job.work) {
            let timestamp = (post.timestamp != Timestamp::EPOCH).then_some(post.timestamp);
            answer(
                reply,
                Ok(Posted {
                    id: post.id,
                    timestamp,
                    repeated: false,
                }),
            );
        }
    }

    fn noticed(&mut self, notice: Notice) {
        match notice {
            Notice::Joined { arrivals, .. } => {
                for arrival in arrivals {
                    if let Some(room) = self.rooms.get_mut(&arrival.room) {
                        room.came(arrival.participant);
                    }
                }
            }
            Notice::RightsChanged(arrivals) => {
                for arrival in arrivals {
                    if let Some(room) = self.rooms.get_mut(&arrival.room) {
                        room.rights(arrival.participant);
                    }
                }
            }
            Notice::Parted { room, users } => {
                if let Some(room) = self.rooms.get_mut(&room) {
                    users.iter().for_each(|user| room.left(user));
                }
            }
            Notice::Kicked { room, user } if user == self.owner => {
                if let Some(gone) = self.rooms.remove(&room) {
                    gone.close(RoomClosed::Kicked);
                }
                self.forget_room(&room);
            }
            Notice::Kicked { room, user } => {
                if let Some(room) = self.rooms.get_mut(&room) {
                    room.left(&user);
                }
            }
            Notice::RoomChanged(info) => {
                if let Some(room) = self.rooms.get_mut(&info.uri) {
                    room.changed(info);
                }
            }
            Notice::Quit(user) => self.rooms.values_mut().for_each(|room| room.left(&user)),
            other => tracing::debug!(?other, "skipped a notice"),
        }
    }

    /// Ends what waited too long. What the session itself asked must be answered, or the connection is given up.
    pub(crate) fn expire(&mut self, now: Instant) -> Outcome {
        while let Some(job) = self.jobs.expired(now).and_then(|id| self.jobs.remove(id)) {
            let error = job.unposted(PostError::Deadline);
            match job.work {
                Work::Request { reply, .. } => answer(reply, Err(RequestError::Deadline)),
                Work::Join { reply, .. } | Work::Baseline { reply, .. } => {
                    answer(reply, Err(RequestError::Deadline.into()));
                }
                Work::Leave {
                    reply: Some(reply), ..
                } => answer(reply, Err(RequestError::Deadline)),
                Work::Post { reply, .. } => answer(reply, Err(error)),
                Work::Leave { reply: None, .. } => {}
                Work::Rejoin { .. } | Work::CatchUp { .. } => return Err(EstablishError::Deadline),
            }
        }
        Ok(())
    }
}

/// The room that was asked for, out of the reply to a join.
fn joined_room(
    room: &RoomUri,
    refusal: Option<ChatRefusal>,
    data: ReplyData,
) -> Result<JoinedRoom, JoinError> {
    let refused = |cause| JoinError::Refused {
        room: room.clone(),
        cause,
    };
    match (refusal, data) {
        (Some(refusal), _) => Err(refused(Some(refusal))),
        (None, ReplyData::Joined { rooms, .. }) => rooms
            .into_iter()
            .find(|joined| joined.info.uri == *room)
            .ok_or_else(|| refused(None)),
        (None, _) => Err(RequestError::Unintelligible.into()),
    }
}
