//! The table of what waits to be sent or answered: one entry per XCCOS command or post, with its deadline.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use parlor_sip::ClientTransactionId;
use parlor_xccos::{Command as ChatCommand, EnvelopeId, MessageId, Post, ReplyData, RoomUri};
use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::command::{Membership, Reply};
use crate::error::{JoinError, PostError, RequestError};
use crate::message::{Message, Posted};

/// The first wait after a 503 is at most this.
const RETRY_BASE: Duration = Duration::from_millis(250);
/// Later waits after a 503 are at most this; the deadline ends them.
const RETRY_CAP: Duration = Duration::from_secs(10);
/// Sent and unanswered at a time, as many as UCMA's client allows and our server takes from a user. A post counts until
/// the server took it, a command until its reply came.
const WINDOW: usize = 20;

/// What is to be done, and who waits for it.
#[derive(Debug)]
pub(crate) enum Work {
    Request {
        command: ChatCommand,
        reply: Reply<Result<ReplyData, RequestError>>,
    },
    Join {
        room: RoomUri,
        after: Option<MessageId>,
        recent: Option<u32>,
        reply: Reply<Result<Membership, JoinError>>,
    },
    /// The second half of a join: which messages were the last before it.
    Baseline {
        room: RoomUri,
        /// How many posts the caller wants to see.
        recent: Option<u32>,
        reply: Reply<Result<Membership, JoinError>>,
        membership: Membership,
    },
    Leave {
        room: RoomUri,
        reply: Option<Reply<Result<(), RequestError>>>,
    },
    /// The one `bjoin` after a reconnect, with the rooms it has not been answered for.
    Rejoin { rooms: BTreeSet<RoomUri> },
    /// A page of what a room missed; by count when the server cannot page by id.
    CatchUp {
        room: RoomUri,
        question: u32,
        by_count: bool,
    },
    Post {
        room: RoomUri,
        message: Message,
        reply: Reply<Result<Posted, PostError>>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Waiting {
        not_before: Instant,
    },
    Sent {
        envelope: EnvelopeId,
        transaction: ClientTransactionId,
    },
}

#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) work: Work,
    pub(crate) deadline: Instant,
    pub(crate) stage: Stage,
    /// It was on the way when a connection was lost: it may have been taken.
    pub(crate) uncertain: bool,
    retry: Backoff,
}

impl Job {
    pub(crate) fn is_sent(&self) -> bool {
        matches!(self.stage, Stage::Sent { .. })
    }

    /// What to tell the author when this post is given up: `reason` if it certainly did not appear.
    pub(crate) fn unposted(&self, reason: PostError) -> PostError {
        if self.is_sent() || self.uncertain {
            PostError::OutcomeUnknown
        } else {
            reason
        }
    }
}

/// Identifies a job; grows, so that order of numbers is order of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct JobId(u64);

#[derive(Debug, Default)]
pub(crate) struct Jobs {
    table: BTreeMap<JobId, Job>,
    by_envelope: HashMap<EnvelopeId, JobId>,
    by_transaction: HashMap<ClientTransactionId, JobId>,
    last: u64,
}

impl Jobs {
    pub(crate) fn add(&mut self, work: Work, now: Instant, deadline: Instant, seed: u64) -> JobId {
        self.last += 1;
        let id = JobId(self.last);
        let retry = Backoff::new(RETRY_BASE, RETRY_CAP, seed);
        self.table.insert(
            id,
            Job {
                work,
                deadline,
                stage: Stage::Waiting { not_before: now },
                uncertain: false,
                retry,
            },
        );
        id
    }

    /// The job whose turn it is: asked first, due, accepted by `may_go`, and within the window.
    pub(crate) fn next_to_send(&self, now: Instant, may_go: impl Fn(&Work) -> bool) -> Option<JobId> {
        let mut next = None;
        let mut open = 0;
        for (id, job) in &self.table {
            match job.stage {
                Stage::Sent { transaction, .. } => {
                    let counts = !matches!(job.work, Work::Post { .. });
                    open += usize::from(counts || self.by_transaction.contains_key(&transaction));
                }
                Stage::Waiting { not_before } if next.is_none() && not_before <= now && may_go(&job.work) => {
                    next = Some(*id);
                }
                Stage::Waiting { .. } => {}
            }
        }
        next.filter(|_| open < WINDOW)
    }

    pub(crate) fn sent(&mut self, id: JobId, envelope: EnvelopeId, transaction: ClientTransactionId) {
        if let Some(job) = self.table.get_mut(&id) {
            job.stage = Stage::Sent {
                envelope,
                transaction,
            };
            self.by_envelope.insert(envelope, id);
            self.by_transaction.insert(transaction, id);
        }
    }

    pub(crate) fn get(&self, id: JobId) -> Option<&Job> {
        self.table.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: JobId) -> Option<&mut Job> {
        self.table.get_mut(&id)
    }

    pub(crate) fn of_envelope(&self, envelope: EnvelopeId) -> Option<JobId> {
        self.by_envelope.get(&envelope).copied()
    }

    /// The job whose INFO got its final SIP answer; that question is then closed.
    pub(crate) fn answered(&mut self, transaction: ClientTransactionId) -> Option<JobId> {
        self.by_transaction.remove(&transaction)
    }

    /// Puts a job back, to be sent again after a wait drawn by its back-off and at least `at_least`.
    pub(crate) fn retry(&mut self, id: JobId, now: Instant, at_least: Duration) {
        let Some(job) = self.table.get_mut(&id) else {
            return;
        };
        let wait = job.retry.wait().max(at_least);
        let stage = std::mem::replace(
            &mut job.stage,
            Stage::Waiting {
                not_before: now + wait,
            },
        );
        self.forget(stage);
    }

    /// Puts a job back, to be sent again at once.
    pub(crate) fn requeue(&mut self, id: JobId, now: Instant) {
        let Some(job) = self.table.get_mut(&id) else {
            return;
        };
        let stage = std::mem::replace(&mut job.stage, Stage::Waiting { not_before: now });
        self.forget(stage);
    }

    pub(crate) fn remove(&mut self, id: JobId) -> Option<Job> {
        let job = self.table.remove(&id)?;
        self.forget(job.stage);
        Some(job)
    }

    pub(crate) fn expired(&self, now: Instant) -> Option<JobId> {
        self.table
            .iter()
            .find(|(_, job)| job.deadline <= now)
            .map(|(id, _)| *id)
    }

    /// When something is due: a deadline, or a retry that `may_go`.
    pub(crate) fn next_deadline(&self, now: Instant, may_go: impl Fn(&Work) -> bool) -> Option<Instant> {
        let retry = |job: &Job| match job.stage {
            // What is due and was not sent waits for the window or for its room, not for the clock.
            Stage::Waiting { not_before } if not_before > now && may_go(&job.work) => Some(not_before),
            _ => None,
        };
        self.table
            .values()
            .map(|job| retry(job).map_or(job.deadline, |at| at.min(job.deadline)))
            .min()
    }

    pub(crate) fn ids(&self) -> Vec<JobId> {
        self.table.keys().copied().collect()
    }

    pub(crate) fn count(&self, of: impl Fn(&Work) -> bool) -> usize {
        self.table.values().filter(|job| of(&job.work)).count()
    }

    pub(crate) fn find(&self, of: impl Fn(&Job) -> bool) -> Option<JobId> {
        self.table.iter().find(|(_, job)| of(job)).map(|(id, _)| *id)
    }

    /// The post that `echo` is the echo of: by key, or by text in the order of posting when the server echoes no keys.
    /// Text alone proves nothing in history, where an older message may say the same.
    pub(crate) fn echoed(&self, echo: &Post, live: bool) -> Option<JobId> {
        let matches = |wanted: &dyn Fn(&Message) -> bool| {
            self.find(|job| matches!(&job.work, Work::Post { room, message, .. } if *room == echo.room && wanted(message)))
        };
        if let Some(key) = &echo.key {
            return matches(&|message| message.key() == Some(key));
        }
        if !live {
            return None;
        }
        let sent = |keyed: bool| {
            self.find(|job| {
                let Work::Post { room, message, .. } = &job.work else {
                    return false;
                };
                job.is_sent()
                    && *room == echo.room
                    && message.key().is_some() == keyed
                    && same_text(message.chat(), &echo.chat)
            })
        };
        sent(false).or_else(|| sent(true))
    }

    fn forget(&mut self, stage: Stage) {
        if let Stage::Sent {
            envelope,
            transaction,
        } = stage
        {
            self.by_envelope.remove(&envelope);
            self.by_transaction.remove(&transaction);
        }
    }
}

/// Equal but for line ends, which servers and XML parsers rewrite.
fn same_text(one: &str, other: &str) -> bool {
    one == other || one.replace("\r\n", "\n") == other.replace("\r\n", "\n")
}
