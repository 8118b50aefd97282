//! The task of one live room: the order of its inputs is everybody's order. Posts that wait are stored in one append,
//! encoded once each and handed to every participant's outbox; nothing is shown that is not stored.
//! Who may do what is `parlor_rooms`' word; finding and starting rooms is the registry's work.

mod posting;
mod presence;
mod watching;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use parlor_rooms::{Draft, EndpointId, LiveRoom, ParticipantUpdateLimit, Refusal, StoreError};
use parlor_xccos::{ErrorCode, JoinedRoom, ReplyData, RoomId, RoomInfo, RoomUri, SipUri};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tracing::Instrument;

use crate::batch_join::BatchJoin;
use crate::control::Posted;
use crate::registry::{Gate, SeatState};
use crate::room_info::room_info;
use crate::service::Service;
use crate::ticket::Ticket;
use crate::wire::Endpoint;

use posting::Waiting;
pub(crate) use watching::Watcher;

/// Inputs taken at once; also the most posts in one append of a room. One commit is worth a few hundred posts.
const MAX_BATCH: usize = 256;
/// How long an empty room keeps its task: a client that reconnects finds it warm.
const RETIRE_AFTER: Duration = Duration::from_secs(60);

/// What a room is asked to do. A slot bounds the queue until the input is done with.
#[derive(Debug)]
pub(crate) enum RoomInput {
    Join {
        user: SipUri,
        endpoint: EndpointId,
        at: Endpoint,
        seat: Arc<SeatState>,
        answer: JoinAnswer,
        slot: OwnedSemaphorePermit,
    },
    Leave {
        endpoint: EndpointId,
        ticket: Option<Ticket>,
    },
    Post {
        draft: Draft,
        /// None for the operator, who posts without being in the room.
        endpoint: Option<EndpointId>,
        answer: PostAnswer,
        slot: OwnedSemaphorePermit,
    },
    Participants {
        user: SipUri,
        ticket: Ticket,
        slot: OwnedSemaphorePermit,
    },
    Present {
        answer: oneshot::Sender<Vec<SipUri>>,
        slot: OwnedSemaphorePermit,
    },
    Watch {
        watcher: Watcher,
        slot: OwnedSemaphorePermit,
    },
    Barrier(oneshot::Sender<()>),
}

/// Who learns what became of a join.
#[derive(Debug)]
pub(crate) enum JoinAnswer {
    One(Ticket),
    Batch {
        join: Arc<BatchJoin>,
        index: usize,
    },
    /// Nobody: a seat moves to another dialog of its user, who never left.
    Nobody,
}

impl JoinAnswer {
    fn accept(self, room: JoinedRoom) {
        match self {
            Self::One(ticket) => ticket.reply(ReplyData::Joined {
                rooms: vec![room],
                failed: Vec::new(),
            }),
            Self::Batch { join, index } => join.joined(index, room),
            Self::Nobody => {}
        }
    }

    fn refuse(self, error: ErrorCode, reason: &dyn std::fmt::Display) {
        if let Self::One(ticket) = self {
            ticket.fail(error, Some(reason));
        }
        // A batch counts every room that did not accept as failed.
    }

    fn is_batch(&self) -> bool {
        matches!(self, Self::Batch { .. })
    }
}

/// Who learns what became of a post.
#[derive(Debug)]
pub(crate) enum PostAnswer {
    Endpoint(Ticket),
    Operator(oneshot::Sender<Result<Posted, PostFailure>>),
}

/// Why a post did not become visible.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PostFailure {
    /// The rules do not allow it.
    #[error(transparent)]
    Refused(Refusal),
    /// The store did not take it.
    #[error("the store did not take the post: {0}")]
    Store(String),
}

/// Somebody's place, as the room sees it.
#[derive(Debug)]
struct Seated {
    user: SipUri,
    at: Endpoint,
    seat: Arc<SeatState>,
}

impl Seated {
    /// The place is gone, and the session is to know.
    fn lose(&self) {
        self.seat.unseat();
        self.at.sweep_seats();
    }
}

#[derive(Debug)]
pub(crate) struct RoomTask {
    service: Arc<Service>,
    id: RoomId,
    uri: RoomUri,
    gate: Arc<Gate>,
    live: LiveRoom,
    seated: HashMap<EndpointId, Seated>,
    watchers: Vec<Watcher>,
    waiting: Vec<Waiting>,
    /// What participants were last told about the room.
    shown: Option<RoomInfo>,
}

impl RoomTask {
    /// Runs the room until it is idle and retired, or nobody can reach it any more.
    pub(crate) async fn run(
        service: Arc<Service>,
        id: RoomId,
        gate: Arc<Gate>,
        mut inputs: mpsc::Receiver<RoomInput>,
    ) {
        let span = tracing::info_span!("room", %id);
        async move {
            let head = match service.store.head(id).await {
                Ok(head) => head,
                Err(error) => return Self::refuse_all(&service, id, &mut inputs, &error).await,
            };
            let limit = ParticipantUpdateLimit(service.config.limits.participants);
            let uri = service.base.sibling(id);
            let mut task = Self {
                shown: None,
                live: LiveRoom::new(head, limit),
                seated: HashMap::new(),
                watchers: Vec::new(),
                waiting: Vec::new(),
                service,
                id,
                uri,
                gate,
            };
            task.shown = task.info();
            tracing::debug!("live");
            task.serve(&mut inputs).await;
            tracing::debug!("retired");
        }
        .instrument(span)
        .await;
    }

    async fn serve(&mut self, inputs: &mut mpsc::Receiver<RoomInput>) {
        let mut batch = Vec::new();
        loop {
            let idle = self.seated.is_empty() && self.watchers.is_empty();
            tokio::select! {
                biased;
                () = self.gate.changed.notified() => self.refresh(),
                count = inputs.recv_many(&mut batch, MAX_BATCH) => {
                    if count == 0 {
                        return;
                    }
                    self.work(&mut batch).await;
                }
                () = tokio::time::sleep(RETIRE_AFTER), if idle => {
                    if self.service.rooms.retire(self.id, inputs) {
                        return;
                    }
                }
            }
        }
    }

    /// Works through a batch in order. Posts are gathered until something else comes, so that a join sees every post
    /// before it in the history and hears every post after it.
    async fn work(&mut self, batch: &mut Vec<RoomInput>) {
        for input in batch.drain(..) {
            if let RoomInput::Post {
                draft,
                endpoint,
                answer,
                slot,
            } = input
            {
                self.waiting.push(Waiting {
                    draft,
                    endpoint,
                    answer,
                    _slot: slot,
                });
                continue;
            }
            self.store_waiting().await;
            match input {
                RoomInput::Post { .. } => {}
                RoomInput::Join {
                    user,
                    endpoint,
                    at,
                    seat,
                    answer,
                    slot: _slot,
                } => {
                    self.join(Seated { user, at, seat }, endpoint, answer);
                }
                RoomInput::Leave { endpoint, ticket } => self.leave(endpoint, ticket),
                RoomInput::Participants {
                    user,
                    ticket,
                    slot: _slot,
                } => self.hidden_roster(&user, ticket),
                RoomInput::Present { answer, slot: _slot } => {
                    let _ = answer.send(self.live.roster().map(|(user, _)| user.clone()).collect());
                }
                RoomInput::Watch { watcher, slot: _slot } => self.watchers.push(watcher),
                RoomInput::Barrier(done) => {
                    let _ = done.send(());
                }
            }
        }
        self.store_waiting().await;
        self.watchers.retain(Watcher::is_open);
    }

    /// The room as the directory has it now.
    fn info(&self) -> Option<RoomInfo> {
        let directory = self.service.directory.read();
        let room = directory.room(self.id)?;
        let category = directory.category_of(room)?;
        Some(room_info(
            self.uri.clone(),
            category,
            room,
            self.live.participants(),
        ))
    }

    fn tell_everybody(&self, body: &Bytes) -> u64 {
        let mut told = 0;
        for seated in self.seated.values() {
            told += u64::from(seated.at.deliver(body.clone()));
        }
        told
    }

    fn tell(&self, endpoints: impl IntoIterator<Item = EndpointId>, body: &Bytes) {
        for endpoint in endpoints {
            if let Some(seated) = self.seated.get(&endpoint) {
                seated.at.deliver(body.clone());
            }
        }
    }

    fn count_participants(&self) {
        self.gate
            .participants
            .store(self.live.participants(), Ordering::Relaxed);
    }

    /// The store does not say where the history ends, so nothing can be numbered after it.
    async fn refuse_all(
        service: &Service,
        id: RoomId,
        inputs: &mut mpsc::Receiver<RoomInput>,
        error: &StoreError,
    ) {
        tracing::error!(%error, "the room cannot start");
        service.counters.store_failed(error);
        service.rooms.remove(id);
        inputs.close();
        while let Some(input) = inputs.recv().await {
            match input {
                RoomInput::Join {
                    user,
                    at,
                    seat,
                    answer,
                    ..
                } => {
                    Seated { user, at, seat }.lose();
                    answer.refuse(ErrorCode::DatabaseConnection, error);
                }
                RoomInput::Post { answer, .. } => answer.store_failed(error),
                RoomInput::Participants { ticket, .. } => ticket.fail(ErrorCode::DatabaseConnection, None),
                RoomInput::Leave { ticket, .. } => {
                    if let Some(ticket) = ticket {
                        ticket.fail(ErrorCode::UserNotJoined, None);
                    }
                }
                RoomInput::Present { .. } | RoomInput::Watch { .. } | RoomInput::Barrier(_) => {}
            }
        }
    }
}
