//! Delivers what the outbox holds for one room of one endpoint, in order, each post once.
//!
//! A post leaves the outbox when its echo came; until then it is sent again, after any failure and any restart. A
//! server that keeps post keys shows the repeat once; with another one the room's history is looked at first. What the
//! server refuses for good is kept with the reason.
//!
//! A bot that has used up its rate holds up its own posts, not those of other bots in the room.

mod attempt;
mod history;
mod turns;

use std::collections::HashSet;
use std::sync::Arc;

use parlor_bot::{Message, SipUri};
use parlor_client::{Backoff, Posted, RoomSession};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::events::{HostEvent, excerpt};
use crate::fault::Point;
use crate::ground::{Ground, pause};
use crate::ledger::LedgerStatus;
use crate::state::{NewEntry, OutboxRow};

use attempt::{Attempt, Outcome};
pub(crate) use turns::{Budgets, Turns};

/// Posts loaded at a time.
const BATCH: u32 = 32;

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
    pub(crate) turns: Turns,
    /// When this host started, until the first attempt: that post an earlier run may have sent already.
    pub(crate) started: Option<i64>,
    /// Deliver what can be delivered now, then end.
    pub(crate) finish: CancellationToken,
}

/// Why a sender goes on or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    GoOn,
    End,
}

impl Sender {
    /// Delivers until told to finish.
    pub(crate) async fn run(mut self) {
        let mut backoff = self.ground.backoff();
        loop {
            let held = self.turns.held(Instant::now());
            let ground = &self.ground;
            let load = || {
                let (user, room) = (self.user.to_string(), self.room.clone());
                ground.state.waiting(user, room, held.clone(), BATCH)
            };
            let Some(rows) = ground.insist(&self.finish, load).await else {
                return;
            };
            let then = if rows.is_empty() {
                self.wait().await
            } else {
                self.deliver(rows, &mut backoff).await
            };
            if then == Then::End {
                return;
            }
        }
    }

    /// Nothing can be sent now: waits for a post, or for a bot's turn.
    async fn wait(&self) -> Then {
        let turn = async {
            match self.turns.next(Instant::now()) {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.bell.notified() => Then::GoOn,
            () = self.finish.cancelled() => Then::End,
            () = turn => Then::GoOn,
        }
    }

    async fn deliver(&mut self, rows: Vec<OutboxRow>, backoff: &mut Backoff) -> Then {
        let mut held = HashSet::new();
        for row in rows {
            let now = Instant::now();
            // Once a post of a bot is passed over, so are its later ones: its turn may come in the middle of the batch.
            if held.contains(&row.instance) || self.turns.of_bot(&row.instance, now) > now {
                held.insert(row.instance);
                continue;
            }
            let Some(session) = self.session().await else {
                return Then::End;
            };
            let quiet = self.turns.of_room(Instant::now());
            if !quiet.is_zero() && !pause(&self.finish, quiet).await {
                return Then::End;
            }
            self.turns.used(&row.instance);
            let Some(attempt) = self.attempt(&session, &row).await else {
                return Then::End;
            };
            self.started = None;
            if self.record(&row, &attempt).await.is_none() {
                return Then::End;
            }
            match attempt.outcome {
                Outcome::Later(_) if !pause(&self.finish, backoff.wait()).await => return Then::End,
                // Later posts wait for this one: a room keeps its order.
                Outcome::Later(_) => return Then::GoOn,
                Outcome::Delivered(_) | Outcome::Dead(_) => backoff.reset(),
            }
        }
        Then::GoOn
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

    /// Stores what became of a post; `None` when the state is gone.
    async fn record(&self, row: &OutboxRow, attempt: &Attempt) -> Option<()> {
        let (state, at) = (&self.ground.state, self.ground.clock.millis());
        let sent = attempt
            .sent
            .map(|sent| self.entry(row, LedgerStatus::Sent).at(sent));
        let with_sent = |entry: Option<NewEntry>| sent.clone().into_iter().chain(entry).collect::<Vec<_>>();
        match &attempt.outcome {
            Outcome::Delivered(posted) => {
                self.ground.faults.pass(Point::Acknowledged, &row.cause).await;
                let id = posted.id.map(|id| id.0);
                let told = if posted.repeated {
                    "it was there already"
                } else {
                    ""
                };
                let entry = self
                    .entry(row, LedgerStatus::Acknowledged)
                    .message(id)
                    .detail(told);
                let entries = with_sent(Some(entry));
                self.ground
                    .insist(&self.finish, || state.delivered(row.seq, id, entries.clone(), at))
                    .await?;
                self.ground.faults.pass(Point::Recorded, &row.cause).await;
                self.announce_posted(row, posted);
            }
            Outcome::Later(reason) => {
                // The same failure again, for hours perhaps, is told once.
                let news = row.reason.as_ref() != Some(reason);
                let entry = news.then(|| self.entry(row, LedgerStatus::Failed).detail(reason));
                let entries = if news { with_sent(entry) } else { Vec::new() };
                self.ground
                    .insist(&self.finish, || {
                        state.postponed(row.seq, reason.clone(), entries.clone(), at)
                    })
                    .await?;
                self.announce_failed(row, reason, false);
            }
            Outcome::Dead(reason) => {
                let (instance, room) = (&row.instance, &self.shown);
                tracing::error!(%instance, %room, %reason, "a post was given up");
                let entries = with_sent(Some(self.entry(row, LedgerStatus::Dead).detail(reason)));
                self.ground
                    .insist(&self.finish, || {
                        state.dead(row.seq, reason.clone(), entries.clone(), at)
                    })
                    .await?;
                self.announce_failed(row, reason, true);
            }
        }
        Some(())
    }

    fn announce_posted(&self, row: &OutboxRow, posted: &Posted) {
        let message = serde_json::from_str::<Message>(&row.body).unwrap_or_default();
        self.ground.announcer.tell(HostEvent::Posted {
            instance: row.instance.clone(),
            room: self.shown.clone(),
            id: posted.id.map(|id| id.0),
            excerpt: excerpt(&message.display_text()),
            repeated: posted.repeated,
        });
    }

    fn announce_failed(&self, row: &OutboxRow, reason: &str, dead: bool) {
        self.ground.announcer.tell(HostEvent::DeliveryFailed {
            instance: row.instance.clone(),
            room: self.shown.clone(),
            reason: reason.to_owned(),
            dead,
        });
    }

    /// An entry about a post on its way.
    fn entry(&self, row: &OutboxRow, status: LedgerStatus) -> NewEntry {
        NewEntry::new(&*row.instance, &*row.cause, status).in_room(&*self.shown)
    }
}
