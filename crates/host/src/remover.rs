//! Delivers what the outbox holds for the server's control socket: messages that bots want to be removed.
//!
//! They go another way than posts, so neither waits for the other: while the server's socket is away the bot goes on
//! posting, and while a room cannot be joined messages are removed from it. A room's removals keep their order. No rate
//! holds them back, for nobody in a room sees them come; one at a time is under way for each user.
//!
//! The server takes a repeat for what it is, so a removal that may have happened is asked for again. It is given up when
//! the server says that it cannot be done.

use std::sync::Arc;

use parlor_bot::{FormattedMessage, Message, QueuedRemoval, SipUri};
use parlor_control::{Client, ClientError, Method, escape};
use parlor_xccos::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::events::HostEvent;
use crate::fault::Point;
use crate::ground::{Ground, pause, reason};
use crate::ledger::LedgerStatus;
use crate::state::{NewEntry, OutboxRow};

/// Removals loaded at a time.
const BATCH: u32 = 32;
/// Under what the outbox keeps the removals of a room; no room is called so.
const REMOVALS: &str = "remove:";

/// Whether rows of the outbox under this name are removals.
pub(crate) fn is_removal(place: &str) -> bool {
    place.starts_with(REMOVALS)
}

/// The room from which the removals of a place are, if they are removals.
pub(crate) fn removed_from(place: &str) -> Option<&str> {
    place.strip_prefix(REMOVALS)
}

/// Under what name the outbox keeps the removals of a room, which is given as the outbox spells it.
pub(crate) fn removals_of(room: &str) -> String {
    format!("{REMOVALS}{room}")
}

/// Delivers the removals of one user's bots.
#[derive(Debug)]
pub(crate) struct Remover {
    pub(crate) ground: Ground,
    pub(crate) user: SipUri,
    /// The server's control socket.
    pub(crate) server: Client,
    /// Rung when a removal was committed.
    pub(crate) bell: Arc<Notify>,
    /// Deliver what can be delivered now, then end.
    pub(crate) finish: CancellationToken,
}

/// What the server is asked; its side is `RemoveMessage` of `parlor_server::control`.
#[derive(Debug, Serialize)]
struct Request<'r> {
    by: String,
    reason: Option<&'r str>,
    text: Option<String>,
    posted: Timestamp,
}

/// What of its answer counts.
#[derive(Debug, Deserialize)]
struct Answer {
    repeated: bool,
}

/// What became of one attempt.
#[derive(Debug)]
enum Outcome {
    Removed { repeated: bool },
    Later(String),
    Dead(String),
}

/// How a round ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Round {
    Done,
    /// What the server cannot do for one removal now it cannot do for the others.
    Stuck,
}

impl Remover {
    /// Delivers until told to finish.
    pub(crate) async fn run(self) {
        let mut backoff = self.ground.backoff();
        loop {
            let last = self.finish.is_cancelled();
            let round = self.round().await;
            match round {
                None => return,
                _ if last => return,
                Some(Round::Stuck) => {
                    pause(&self.finish, backoff.wait()).await;
                }
                Some(Round::Done) => {
                    backoff.reset();
                    tokio::select! {
                        () = self.bell.notified() => {}
                        () = self.finish.cancelled() => {}
                    }
                }
            }
        }
    }

    /// Delivers everything that waits; `None` when the state is gone.
    async fn round(&self) -> Option<Round> {
        let state = &self.ground.state;
        let places = self
            .ground
            .insist(&self.finish, || state.rooms_with_waiting_posts())
            .await?;
        for (user, place) in places {
            if user == self.user.as_str() && is_removal(&place) && self.serve(&place).await? == Round::Stuck {
                return Some(Round::Stuck);
            }
        }
        Some(Round::Done)
    }

    /// Delivers the removals of one room.
    async fn serve(&self, place: &str) -> Option<Round> {
        let state = &self.ground.state;
        loop {
            let load = || state.waiting(self.user.to_string(), place.to_owned(), Vec::new(), BATCH);
            let rows = self.ground.insist(&self.finish, load).await?;
            if rows.is_empty() {
                return Some(Round::Done);
            }
            for row in rows {
                let (removal, outcome) = match serde_json::from_str::<QueuedRemoval>(&row.body) {
                    Ok(removal) => {
                        let outcome = self.attempt(&row, &removal).await;
                        (Some(removal), outcome)
                    }
                    Err(error) => (
                        None,
                        Outcome::Dead(format!("the stored removal cannot be read: {error}")),
                    ),
                };
                self.record(place, &row, removal.as_ref(), &outcome).await?;
                if matches!(outcome, Outcome::Later(_)) {
                    return Some(Round::Stuck);
                }
            }
        }
    }

    async fn attempt(&self, row: &OutboxRow, removal: &QueuedRemoval) -> Outcome {
        let path = format!(
            "/rooms/{}/posts/{}/removal",
            escape(removal.room.as_str()),
            removal.id
        );
        let notice = |notice: &Message| FormattedMessage::from(notice.clone()).to_chat();
        let request = Request {
            by: format!("{} ({})", self.user, row.instance),
            reason: Some(removal.reason.as_str()).filter(|reason| !reason.trim().is_empty()),
            text: removal.notice.as_ref().map(notice),
            posted: Timestamp::from_millis(removal.posted.timestamp_millis()),
        };
        match self.server.send::<Answer>(Method::POST, &path, &request).await {
            Ok(Answer { repeated }) => {
                self.ground.faults.pass(Point::Acknowledged, &row.cause).await;
                Outcome::Removed { repeated }
            }
            Err(error) if is_final(&error) => Outcome::Dead(reason(&error)),
            Err(error) => Outcome::Later(reason(&error)),
        }
    }

    /// Stores what became of a removal; `None` when the state is gone.
    async fn record(
        &self,
        place: &str,
        row: &OutboxRow,
        removal: Option<&QueuedRemoval>,
        outcome: &Outcome,
    ) -> Option<()> {
        let (state, at) = (&self.ground.state, self.ground.clock.millis());
        let room = removal.map_or(place, |removal| removal.room.as_str());
        let message = removal.map(|removal| removal.id.0);
        let entry = |status, detail: &str| {
            let entry = NewEntry::new(&*row.instance, &*row.cause, status);
            entry.in_room(room).message(message).detail(detail)
        };
        let failed = |reason: &str, dead| HostEvent::DeliveryFailed {
            instance: row.instance.clone(),
            room: place.to_owned(),
            reason: reason.to_owned(),
            dead,
        };
        let event = match outcome {
            Outcome::Removed { repeated } => {
                let told = if *repeated { "it was removed already" } else { "" };
                let entries = vec![entry(LedgerStatus::Removed, told)];
                let stored = || state.delivered(row.seq, None, entries.clone(), at);
                self.ground.insist(&self.finish, stored).await?;
                self.ground.faults.pass(Point::Recorded, &row.cause).await;
                HostEvent::Removed {
                    instance: row.instance.clone(),
                    room: room.to_owned(),
                    id: message.unwrap_or_default(),
                    repeated: *repeated,
                }
            }
            Outcome::Later(reason) => {
                // The same failure again, for hours perhaps, is told once.
                let news = row.reason.as_ref() != Some(reason);
                let entries: Vec<_> = news
                    .then(|| entry(LedgerStatus::Failed, reason))
                    .into_iter()
                    .collect();
                let stored = || state.postponed(row.seq, reason.clone(), entries.clone(), at);
                self.ground.insist(&self.finish, stored).await?;
                failed(reason, false)
            }
            Outcome::Dead(reason) => {
                tracing::error!(instance = %row.instance, %room, ?message, %reason, "a removal was given up");
                let entries = vec![entry(LedgerStatus::Dead, reason)];
                let stored = || state.dead(row.seq, reason.clone(), entries.clone(), at);
                self.ground.insist(&self.finish, stored).await?;
                failed(reason, true)
            }
        };
        self.ground.announcer.tell(event);
        Some(())
    }
}

/// Whether trying again cannot help. A 404 without a word of ours is from a server that cannot remove messages: an update
/// brings it.
fn is_final(error: &ClientError) -> bool {
    match error {
        ClientError::Refused { status, body } => (400..500).contains(status) && body.error != "http",
        ClientError::Encode(_) | ClientError::Request(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use parlor_control::{ClientError, ErrorBody};

    use super::{is_final, is_removal, removals_of, removed_from};

    fn refused(status: u16, error: &str) -> ClientError {
        let (error, message) = (error.to_owned(), String::new());
        ClientError::Refused {
            status,
            body: ErrorBody { error, message },
        }
    }

    #[test]
    fn what_the_server_cannot_do_is_given_up_and_what_it_cannot_do_now_is_not() {
        assert!(is_final(&refused(404, "no_such_message")));
        assert!(is_final(&refused(409, "other_message")));
        assert!(!is_final(&refused(503, "store")));
        assert!(!is_final(&refused(404, "http")), "a server without this function");
        assert!(!is_final(&ClientError::Deadline));
        let path = "control.sock".into();
        let source = std::io::ErrorKind::NotFound.into();
        assert!(!is_final(&ClientError::Unreachable { path, source }));
    }

    #[test]
    fn removals_have_a_place_of_their_own_in_the_outbox() {
        assert!(is_removal(&removals_of("lounge")));
        assert!(!is_removal("lounge"));
        assert_eq!(removed_from(&removals_of("lounge")), Some("lounge"));
    }
}
