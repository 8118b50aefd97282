//! Posts: checked against the room as it is, stored together, then shown; the author sees the post only when it is
//! durable.

use std::sync::atomic::Ordering;
use std::time::Instant;

use parlor_rooms::{Appended, Draft, EndpointId, NewPost, Refusal, Retention, StoreError};
use parlor_xccos::{ErrorCode, Post, ReplyData, Timestamp};
use tokio::sync::OwnedSemaphorePermit;

use super::{PostAnswer, PostFailure, RoomTask};
use crate::control::Posted;
use crate::refusals::NotPosted;
use crate::service::now;

/// A post that waits for its commit.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) draft: Draft,
    pub(super) endpoint: Option<EndpointId>,
    pub(super) answer: PostAnswer,
    pub(super) _slot: OwnedSemaphorePermit,
}

impl PostAnswer {
    pub(super) fn refused(self, refusal: Refusal) {
        match self {
            Self::Endpoint(ticket) => ticket.fail(refusal.code(), Some(&refusal)),
            Self::Operator(answer) => {
                let _ = answer.send(Err(PostFailure::Refused(refusal)));
            }
        }
    }

    pub(super) fn store_failed(self, error: &StoreError) {
        match self {
            Self::Endpoint(ticket) => ticket.fail(ErrorCode::DatabaseConnection, Some(error)),
            Self::Operator(answer) => {
                let _ = answer.send(Err(PostFailure::Store(error.to_string())));
            }
        }
    }

    fn stored(self, posted: Posted) {
        match self {
            // The echo says it.
            Self::Endpoint(ticket) => ticket.settle(),
            Self::Operator(answer) => {
                let _ = answer.send(Ok(posted));
            }
        }
    }
}

impl RoomTask {
    /// Stores everything that waits in one append and shows it in order.
    pub(super) async fn store_waiting(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let (accepted, posts) = self.check_waiting();
        if posts.is_empty() {
            return;
        }
        let stamps: Vec<Timestamp> = posts.iter().map(|post| post.timestamp).collect();
        let began = Instant::now();
        let appended = self.service.store.append(posts).await;
        let counters = &self.service.counters;
        counters.append_seconds.observe(began.elapsed().as_secs_f64());
        let appended = match appended {
            Ok(appended) => appended,
            Err(error) => {
                tracing::error!(%error, posts = accepted.len(), "the store did not take posts");
                counters.store_failed(&error);
                counters.refusals.posts(NotPosted::Store, accepted.len() as u64);
                for waiting in accepted {
                    waiting.answer.store_failed(&error);
                }
                return;
            }
        };
        counters.store_worked();
        for ((waiting, stamp), appended) in accepted.into_iter().zip(stamps).zip(appended) {
            self.show(waiting, stamp, appended);
        }
    }

    /// Splits what waits into what may be said, stamped, and what is refused.
    fn check_waiting(&mut self) -> (Vec<Waiting>, Vec<NewPost>) {
        let now = now();
        let service = std::sync::Arc::clone(&self.service);
        let directory = service.directory.read();
        let room = directory
            .room(self.id)
            .and_then(|room| Some((room, directory.category_of(room)?)));
        let mut accepted = Vec::with_capacity(self.waiting.len());
        let mut posts = Vec::with_capacity(self.waiting.len());
        for waiting in std::mem::take(&mut self.waiting) {
            let checked = match (room, waiting.endpoint) {
                (None, _) => Err(Refusal::NoSuchRoom(self.id)),
                (Some((room, _)), Some(endpoint)) => self.live.check_post(room, endpoint, &waiting.draft),
                (Some((room, _)), None) if room.settings.disabled => Err(Refusal::RoomDisabled),
                (Some((room, _)), None) if directory.access(room, waiting.draft.author()).post => Ok(()),
                (Some(_), None) => Err(Refusal::NotAuthorized),
            };
            match (checked, room) {
                (Ok(()), Some((_, category))) => {
                    posts.push(NewPost {
                        room: self.id,
                        timestamp: self.live.stamp(now),
                        draft: waiting.draft.clone(),
                        retention: if category.history {
                            Retention::Keep
                        } else {
                            Retention::LiveOnly
                        },
                    });
                    accepted.push(waiting);
                }
                (refused, _) => {
                    let refusal = refused.err().unwrap_or(Refusal::NoSuchRoom(self.id));
                    self.service.counters.refusals.posts((&refusal).into(), 1);
                    waiting.answer.refused(refusal);
                }
            }
        }
        (accepted, posts)
    }

    fn show(&self, waiting: Waiting, stamp: Timestamp, appended: Appended) {
        let id = match appended {
            Appended::Stored(id) => id,
            Appended::Repeated { id, timestamp } => {
                tracing::debug!(%id, "repeated post key");
                self.service.counters.repeated.fetch_add(1, Ordering::Relaxed);
                match waiting.answer {
                    PostAnswer::Endpoint(ticket) => ticket.reply(ReplyData::Posted(parlor_xccos::Posted {
                        room: self.uri.clone(),
                        id,
                        timestamp,
                        key: waiting.draft.key().cloned(),
                    })),
                    operator @ PostAnswer::Operator(_) => operator.stored(Posted {
                        id,
                        timestamp,
                        repeated: true,
                    }),
                }
                return;
            }
        };
        let post: Post = waiting.draft.stamp(self.uri.clone(), id, stamp);
        let body = self.service.wire.post(&post);
        let told = self.tell_everybody(&body);
        waiting.answer.stored(Posted {
            id,
            timestamp: stamp,
            repeated: false,
        });
        self.gate.posts.fetch_add(1, Ordering::Relaxed);
        self.service.counters.posts.fetch_add(1, Ordering::Relaxed);
        self.service
            .counters
            .deliveries
            .fetch_add(told, Ordering::Relaxed);
        self.service.counters.fan_out.observe(told as f64);
        tracing::debug!(%id, author = %post.author, told, "post");
        self.watch_post(post);
    }
}
