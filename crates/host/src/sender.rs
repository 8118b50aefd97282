//! Delivers what the outbox holds for one room of one endpoint, in order, each post once.
//!
//! A post leaves the outbox when its echo came; until then it is sent again, after any failure and any restart, under
//! the same key, which the server shows once. What the server refuses for good is kept with the reason.

use std::sync::Arc;

use parlor_bot::{FormattedMessage, Message, SipUri};
use parlor_client::{PostError, Posted, RoomSession};
use parlor_xccos::{ErrorCode, PostKey};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::events::{HostEvent, excerpt};
use crate::fault::Point;
use crate::ground::{Ground, pause, reason};
use crate::ledger::LedgerStatus;
use crate::state::{NewEntry, OutboxRow};

/// Posts loaded at a time.
const BATCH: u32 = 32;
/// A 403 at SIP level means "not joined" (facts B4): a membership may be lost and come back, so it is tried this
/// often before it counts as refused.
const FORBIDDEN_ATTEMPTS: u32 = 5;

/// Delivers the posts of one room.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) ground: Ground,
    pub(crate) user: SipUri,
    /// The room under which the outbox keeps the posts.
    pub(crate) room: String,
    /// The same as configured, for people.
    pub(crate) shown: String,
    /// Rung when a post was committed.
    pub(crate) bell: Arc<Notify>,
    pub(crate) session: watch::Receiver<Option<RoomSession>>,
    /// Deliver what can be delivered now, then end.
    pub(crate) finish: CancellationToken,
}

/// What became of one attempt.
#[derive(Debug)]
enum Outcome {
    Delivered(Posted),
    Later(String),
    Dead(String),
}

impl Sender {
    /// Delivers until told to finish.
    pub(crate) async fn run(mut self) {
        let mut backoff = self.ground.backoff();
        loop {
            let ground = &self.ground;
            let load = || {
                ground
                    .state
                    .waiting(self.user.to_string(), self.room.clone(), BATCH)
            };
            let Some(rows) = ground.insist(&self.finish, load).await else {
                return;
            };
            if rows.is_empty() {
                tokio::select! {
                    biased;
                    () = self.bell.notified() => {}
                    () = self.finish.cancelled() => return,
                }
            }
            for row in rows {
                let Some(session) = self.session().await else {
                    return;
                };
                let sent = self.ground.clock.millis();
                let outcome = self.post(&session, &row).await;
                if self.record(&row, sent, &outcome).await.is_none() {
                    return;
                }
                match outcome {
                    Outcome::Later(_) if !pause(&self.finish, backoff.wait()).await => return,
                    // Later posts wait for this one: a room keeps its order.
                    Outcome::Later(_) => break,
                    Outcome::Delivered(_) | Outcome::Dead(_) => backoff.reset(),
                }
            }
        }
    }

    /// The joined room; `None` when the host finishes and the room cannot be reached now.
    async fn session(&mut self) -> Option<RoomSession> {
        let now = self.session.borrow_and_update().clone();
        if let Some(session) = now {
            // While it recovers a post waits for it, except at the end.
            return (session.is_joined() || !self.finish.is_cancelled()).then_some(session);
        }
        tokio::select! {
            biased;
            // First, because a room that was just joined is worth a last delivery.
            session = self.session.wait_for(Option::is_some) => session.ok()?.clone(),
            () = self.finish.cancelled() => None,
        }
    }

    async fn post(&self, session: &RoomSession, row: &OutboxRow) -> Outcome {
        let (message, key) = match (
            serde_json::from_str::<Message>(&row.body),
            row.key.parse::<PostKey>(),
        ) {
            (Ok(message), Ok(key)) => (message, key),
            (Err(error), _) => return Outcome::Dead(format!("the stored post cannot be read: {error}")),
            (_, Err(error)) => return Outcome::Dead(error.to_string()),
        };
        let formatted = FormattedMessage::from(message);
        let message = parlor_client::Message::formatted(&formatted).with_key(key);
        let hopeless = async {
            self.finish.cancelled().await;
            if session.is_joined() {
                std::future::pending::<()>().await;
            }
        };
        let result = tokio::select! {
            result = session.post(message) => result,
            () = hopeless => return Outcome::Later("the host stopped before the room could be reached".to_owned()),
        };
        match result {
            Ok(posted) => Outcome::Delivered(posted),
            Err(error) if is_final(&error, row.attempts) => Outcome::Dead(reason(&error)),
            Err(error) => Outcome::Later(reason(&error)),
        }
    }

    /// Stores what became of a post; `None` when the state is gone.
    async fn record(&self, row: &OutboxRow, sent: i64, outcome: &Outcome) -> Option<()> {
        let (state, at) = (&self.ground.state, self.ground.clock.millis());
        let (instance, room) = (row.instance.clone(), self.shown.clone());
        match outcome {
            Outcome::Delivered(posted) => {
                self.ground.faults.pass(Point::Acknowledged, &row.cause).await;
                let id = posted.id.map(|id| id.0);
                self.ground
                    .insist(&self.finish, || {
                        let entries = vec![
                            self.entry(row, LedgerStatus::Sent).at(sent),
                            self.entry(row, LedgerStatus::Acknowledged).message(id),
                        ];
                        state.delivered(row.seq, id, entries, at)
                    })
                    .await?;
                self.ground.faults.pass(Point::Recorded, &row.cause).await;
                let (excerpt, repeated) = (body_excerpt(&row.body), posted.repeated);
                self.ground.announcer.tell(HostEvent::Posted {
                    instance,
                    room,
                    id,
                    excerpt,
                    repeated,
                });
            }
            Outcome::Later(reason) => {
                // The same failure again, for hours perhaps, is told once.
                let news = (row.reason.as_ref() != Some(reason))
                    .then(|| self.entry(row, LedgerStatus::Failed).detail(reason));
                self.ground
                    .insist(&self.finish, || {
                        let entries = news.iter().cloned().collect();
                        state.postponed(row.seq, reason.clone(), entries, at)
                    })
                    .await?;
                let reason = reason.clone();
                self.ground.announcer.tell(HostEvent::DeliveryFailed {
                    instance,
                    room,
                    reason,
                    dead: false,
                });
            }
            Outcome::Dead(reason) => {
                tracing::error!(%instance, %room, %reason, "a post was given up");
                self.ground
                    .insist(&self.finish, || {
                        let entries = vec![self.entry(row, LedgerStatus::Dead).detail(reason)];
                        state.dead(row.seq, reason.clone(), entries, at)
                    })
                    .await?;
                let reason = reason.clone();
                self.ground.announcer.tell(HostEvent::DeliveryFailed {
                    instance,
                    room,
                    reason,
                    dead: true,
                });
            }
        }
        Some(())
    }

    /// An entry about a post on its way.
    fn entry(&self, row: &OutboxRow, status: LedgerStatus) -> NewEntry {
        NewEntry::new(&*row.instance, &*row.cause, status).in_room(&*self.shown)
    }
}

/// Whether trying again cannot help. In doubt it can: a post is rather late than lost.
fn is_final(error: &PostError, attempts: u32) -> bool {
    match error {
        PostError::Empty | PostError::TooLong { .. } => true,
        PostError::Sip(refusal) => match refusal.status {
            400 | 413 | 415 => true,
            403 => attempts + 1 >= FORBIDDEN_ATTEMPTS,
            _ => false,
        },
        PostError::Refused(refusal) => matches!(
            refusal.code,
            ErrorCode::Permission
                | ErrorCode::InvalidArgument
                | ErrorCode::LimitExceeded
                | ErrorCode::MessageNotSupported
                | ErrorCode::NoSuchNode
        ),
        _ => false,
    }
}

fn body_excerpt(body: &str) -> String {
    let message = serde_json::from_str::<Message>(body).unwrap_or_default();
    excerpt(&message.display_text())
}

#[cfg(test)]
mod tests {
    use super::is_final;
    use parlor_client::{ChatRefusal, PostError, SipRefusal};
    use parlor_xccos::ErrorCode;

    fn sip(status: u16) -> PostError {
        let (method, reason, diagnostics) = ("INFO", String::new(), None);
        PostError::Sip(SipRefusal {
            method,
            status,
            reason,
            diagnostics,
        })
    }

    fn chat(code: ErrorCode) -> PostError {
        PostError::Refused(ChatRefusal {
            code,
            text: String::new(),
        })
    }

    #[test]
    fn what_can_pass_is_tried_again_and_what_cannot_is_given_up() {
        assert!(is_final(&PostError::TooLong { bytes: 9, limit: 8 }, 0));
        assert!(is_final(&sip(413), 0));
        assert!(is_final(&chat(ErrorCode::Permission), 0));
        assert!(!is_final(&PostError::OutcomeUnknown, 1000));
        assert!(!is_final(&sip(503), 1000));
        assert!(!is_final(&chat(ErrorCode::DatabaseConnection), 1000));
        assert!(
            !is_final(&chat(ErrorCode::NodeDisabled), 1000),
            "a disabled room is enabled again some day"
        );
    }

    #[test]
    fn not_joined_is_given_time_before_it_counts_as_refused() {
        assert!(!is_final(&sip(403), 3));
        assert!(is_final(&sip(403), 4));
    }
}
