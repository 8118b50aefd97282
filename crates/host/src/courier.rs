//! Delivers what the outbox holds for people: the answers to what they wrote to an endpoint's user alone.
//!
//! In order per person, and one person who is away does not hold up another. One-to-one messages have no post key and no
//! echo: an answer leaves the outbox when an endpoint of the person took it, and is sent again when that is not known.
//! So it arrives at least once; after a lost connection or a crash it may arrive twice.

use std::collections::HashSet;
use std::sync::Arc;

use parlor_bot::{Message, SipUri};
use parlor_client::{EndpointState, LocalEndpoint, PrivateError};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::events::HostEvent;
use crate::ground::{Ground, pause, reason};
use crate::ledger::LedgerStatus;
use crate::state::{NewEntry, OutboxRow};

/// People who are delivered to at once; half of the conversations that an endpoint has.
const PEOPLE: usize = 24;
/// Answers loaded at a time for one person.
const BATCH: u32 = 16;
/// An answer that its person cannot be given so often is given up: somebody who has signed off asks again some day.
/// With the waits in between it is one to three minutes, long enough for a client to come back after a restart.
const ATTEMPTS: u32 = 10;
/// Under what the outbox keeps answers instead of a room: addresses, which no room is called.
pub(crate) const PRIVATE: &str = "sip:";

/// Whether rows of the outbox under this name are for a person.
pub(crate) fn is_person(room: &str) -> bool {
    room.starts_with(PRIVATE)
}

/// Delivers the answers of one endpoint.
#[derive(Debug, Clone)]
pub(crate) struct Courier {
    pub(crate) ground: Ground,
    pub(crate) user: SipUri,
    /// Rung when an answer was committed.
    pub(crate) bell: Arc<Notify>,
    pub(crate) endpoint: watch::Receiver<Option<LocalEndpoint>>,
    /// Deliver what can be delivered now, then end.
    pub(crate) finish: CancellationToken,
}

/// What became of one attempt.
#[derive(Debug)]
enum Outcome {
    Delivered,
    Later(String),
    Dead(String),
}

impl Courier {
    /// Delivers until told to finish.
    pub(crate) async fn run(self) {
        let (mut rounds, mut busy) = (JoinSet::new(), HashSet::new());
        loop {
            if self.set_out(&mut rounds, &mut busy).await.is_none() {
                return;
            }
            tokio::select! {
                biased;
                () = self.bell.notified() => {}
                Some(ended) = rounds.join_next() => match ended {
                    Ok(person) => drop(busy.remove(&person)),
                    Err(error) => tracing::error!(%error, "a delivery failed"),
                },
                () = self.finish.cancelled() => break,
            }
        }
        self.set_out(&mut rounds, &mut busy).await;
        while rounds.join_next().await.is_some() {}
    }

    /// Starts a round to everybody for whom something waits and who has none; `None` when the state is gone.
    async fn set_out(&self, rounds: &mut JoinSet<String>, busy: &mut HashSet<String>) -> Option<()> {
        let state = &self.ground.state;
        let load = || state.people_waited_for(self.user.to_string());
        for person in self.ground.insist(&self.finish, load).await? {
            if busy.len() == PEOPLE {
                break;
            }
            if busy.insert(person.clone()) {
                rounds.spawn(self.clone().serve(person));
            }
        }
        Some(())
    }

    /// Delivers everything for one person; gives the name back.
    async fn serve(mut self, person: String) -> String {
        let mut backoff = self.ground.backoff();
        loop {
            let state = &self.ground.state;
            let load = || state.waiting(self.user.to_string(), person.clone(), Vec::new(), BATCH);
            let rows = self.ground.insist(&self.finish, load).await.unwrap_or_default();
            if rows.is_empty() {
                return person;
            }
            for row in rows {
                let Some(endpoint) = self.established().await else {
                    return person;
                };
                let outcome = deliver(&endpoint, &person, &row).await;
                if self.record(&person, &row, &outcome).await.is_none() {
                    return person;
                }
                match outcome {
                    Outcome::Later(_) if !pause(&self.finish, backoff.wait()).await => return person,
                    // Later answers wait for this one.
                    Outcome::Later(_) => break,
                    Outcome::Delivered | Outcome::Dead(_) => backoff.reset(),
                }
            }
        }
    }

    /// The endpoint when it is signed in; `None` when the host finishes before.
    async fn established(&mut self) -> Option<LocalEndpoint> {
        loop {
            let ready = async {
                let endpoint = self.endpoint.wait_for(Option::is_some).await.ok()?.clone()?;
                let mut states = endpoint.states();
                let settled = |state| matches!(state, EndpointState::Established | EndpointState::Terminated);
                let state = states.wait_for(|status| settled(status.state)).await.ok()?.state;
                (state == EndpointState::Established).then_some(endpoint)
            };
            tokio::select! {
                biased;
                ready = ready => if ready.is_some() { return ready },
                () = self.finish.cancelled() => return None,
            }
            // That endpoint has ended; the next one is offered soon.
            self.endpoint.changed().await.ok()?;
        }
    }

    /// Stores what became of an answer; `None` when the state is gone.
    async fn record(&self, person: &str, row: &OutboxRow, outcome: &Outcome) -> Option<()> {
        let (state, at) = (&self.ground.state, self.ground.clock.millis());
        let entry = |status| NewEntry::new(&*row.instance, &*row.cause, status).in_room(person);
        let (instance, room) = (row.instance.clone(), person.to_owned());
        let event = match outcome {
            Outcome::Delivered => {
                let stored = || state.delivered(row.seq, None, vec![entry(LedgerStatus::Acknowledged)], at);
                self.ground.insist(&self.finish, stored).await?;
                HostEvent::Answered {
                    instance,
                    person: room,
                }
            }
            Outcome::Later(reason) => {
                let news =
                    (row.reason.as_ref() != Some(reason)).then(|| entry(LedgerStatus::Failed).detail(reason));
                let stored = || state.postponed(row.seq, reason.clone(), news.iter().cloned().collect(), at);
                self.ground.insist(&self.finish, stored).await?;
                HostEvent::DeliveryFailed {
                    instance,
                    room,
                    reason: reason.clone(),
                    dead: false,
                }
            }
            Outcome::Dead(reason) => {
                tracing::error!(%instance, %room, %reason, "an answer was given up");
                let stored = || {
                    state.dead(
                        row.seq,
                        reason.clone(),
                        vec![entry(LedgerStatus::Dead).detail(reason)],
                        at,
                    )
                };
                self.ground.insist(&self.finish, stored).await?;
                HostEvent::DeliveryFailed {
                    instance,
                    room,
                    reason: reason.clone(),
                    dead: true,
                }
            }
        };
        self.ground.announcer.tell(event);
        Some(())
    }
}

async fn deliver(endpoint: &LocalEndpoint, person: &str, row: &OutboxRow) -> Outcome {
    let message = match serde_json::from_str::<Message>(&row.body) {
        Ok(message) => message,
        Err(error) => return Outcome::Dead(format!("the stored answer cannot be read: {error}")),
    };
    let person: SipUri = match person.parse() {
        Ok(person) => person,
        Err(_) => return Outcome::Dead(format!("`{person}` is not an address")),
    };
    match endpoint.send_private(&person, message.plain_text()).await {
        Ok(()) => Outcome::Delivered,
        Err(error) if is_final(&error, row.attempts) => Outcome::Dead(reason(&error)),
        Err(error) => Outcome::Later(reason(&error)),
    }
}

/// Whether trying again cannot help, or was tried enough. That this side was not there does not count.
fn is_final(error: &PrivateError, attempts: u32) -> bool {
    match error {
        PrivateError::State(_) | PrivateError::TooManyMessages | PrivateError::SignIn(_) => false,
        error => error.is_permanent() || attempts + 1 >= ATTEMPTS,
    }
}

#[cfg(test)]
mod tests {
    use parlor_client::{EndpointState, PrivateError, SipRefusal};

    use super::is_final;

    fn refused(status: u16) -> PrivateError {
        PrivateError::Refused(SipRefusal {
            method: "INVITE",
            status,
            reason: String::new(),
            diagnostics: None,
        })
    }

    #[test]
    fn who_is_away_is_tried_for_a_while_and_who_does_not_exist_is_not() {
        assert!(is_final(&refused(404), 0));
        assert!(!is_final(&refused(480), 8));
        assert!(is_final(&refused(480), 9));
        assert!(is_final(&PrivateError::OutcomeUnknown, 9));
        assert!(!is_final(&PrivateError::State(EndpointState::Recovering), 1000));
    }
}
