//! One attempt to bring a post into its room, and what its failures mean.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use parlor_bot::{FormattedMessage, Message};
use parlor_client::{PostError, Posted, RoomSession};
use parlor_xccos::{ErrorCode, PostKey};

use super::Sender;
use super::history::Trace;
use crate::fault::Point;
use crate::ground::reason;
use crate::ledger::LedgerStatus;
use crate::state::OutboxRow;

/// A 403 at SIP level means "not joined" (facts B4): a membership may be lost and come back, so it is tried this
/// often before it counts as refused.
const FORBIDDEN_ATTEMPTS: u32 = 5;

/// What became of one attempt.
#[derive(Debug)]
pub(super) struct Attempt {
    /// When the post was sent, where the ledger was not told before.
    pub(super) sent: Option<i64>,
    pub(super) outcome: Outcome,
}

#[derive(Debug)]
pub(super) enum Outcome {
    Delivered(Posted),
    Later(String),
    Dead(String),
}

impl From<Outcome> for Attempt {
    /// One that ended before the post was sent, or that told the ledger itself.
    fn from(outcome: Outcome) -> Self {
        Self { sent: None, outcome }
    }
}

impl Sender {
    /// One attempt; `None` when the state is gone.
    pub(super) async fn attempt(&self, session: &RoomSession, row: &OutboxRow) -> Option<Attempt> {
        let (message, key) = match (
            serde_json::from_str::<Message>(&row.body),
            row.key.parse::<PostKey>(),
        ) {
            (Ok(message), Ok(key)) => (message, key),
            (Err(error), _) => {
                return Some(Outcome::Dead(format!("the stored post cannot be read: {error}")).into());
            }
            (_, Err(error)) => return Some(Outcome::Dead(error.to_string()).into()),
        };
        let message = parlor_client::Message::formatted(&FormattedMessage::from(message))
            .within(self.ground.tuning.attempt);
        if session.keeps_post_keys() {
            let sent = self.ground.clock.millis();
            let result = self.send(session, row, message.with_key(key)).await;
            return Some(Attempt {
                sent: was_sent(&result).then_some(sent),
                outcome: outcome(result, row),
            });
        }
        self.attempt_without_key(session, row, message).await
    }

    /// With a server that keeps no keys: looks whether an earlier attempt succeeded, notes that there is one now, and
    /// only then sends.
    async fn attempt_without_key(
        &self,
        session: &RoomSession,
        row: &OutboxRow,
        message: parlor_client::Message,
    ) -> Option<Attempt> {
        let doubtful = row.attempted.is_some()
            || row.attempts > 0
            || self.started.is_some_and(|started| row.created < started);
        if doubtful {
            let unknown = "it may have appeared: this server keeps no post keys, and";
            let outcome = match self.trace(session, row, message.chat()).await {
                Ok(Trace::Nowhere) => None,
                Ok(Trace::There(id)) => Some(Outcome::Delivered(Posted {
                    id,
                    timestamp: None,
                    repeated: true,
                })),
                Ok(Trace::Untold(why)) => Some(Outcome::Dead(format!("{unknown} {why}"))),
                Err(error) => Some(Outcome::Later(reason(&error))),
            };
            if let Some(outcome) = outcome {
                return Some(outcome.into());
            }
        }
        let at = self.ground.clock.millis();
        let note = || {
            let entries = vec![self.entry(row, LedgerStatus::Sent)];
            self.ground.state.attempted(row.seq, entries, at)
        };
        self.ground.insist(&self.finish, note).await?;
        let result = self.send(session, row, message).await;
        Some(outcome(result, row).into())
    }

    /// Sends and waits for the echo; gives up when the host stops and the room cannot be reached.
    async fn send(
        &self,
        session: &RoomSession,
        row: &OutboxRow,
        message: parlor_client::Message,
    ) -> Result<Posted, PostError> {
        let hopeless = async {
            self.finish.cancelled().await;
            if session.is_joined() {
                std::future::pending::<()>().await;
            }
        };
        let mut post = Box::pin(session.post(message));
        let echo = async {
            // The first look hands it to the connection.
            match look_at(post.as_mut()).await {
                Some(result) => result,
                None => {
                    self.ground.faults.pass(Point::Sent, &row.cause).await;
                    post.await
                }
            }
        };
        tokio::select! {
            result = echo => result,
            () = hopeless => Err(PostError::OutcomeUnknown),
        }
    }
}

/// Polls once.
async fn look_at<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    poll_fn(|context| {
        Poll::Ready(match future.as_mut().poll(context) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        })
    })
    .await
}

fn outcome(result: Result<Posted, PostError>, row: &OutboxRow) -> Outcome {
    match result {
        Ok(posted) => Outcome::Delivered(posted),
        Err(error) if is_final(&error, row.attempts) => Outcome::Dead(reason(&error)),
        Err(error) => Outcome::Later(reason(&error)),
    }
}

/// Whether something certainly went to the server.
fn was_sent(result: &Result<Posted, PostError>) -> bool {
    matches!(
        result,
        Ok(_) | Err(PostError::OutcomeUnknown | PostError::Sip(_) | PostError::Refused(_))
    )
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
