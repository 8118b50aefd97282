//! Delivers the mails of all bots: one conversation with the server at a time, in order for each recipient.
//!
//! A recipient whom the server does not take just now does not hold up the others. While the server itself is away, or refuses
//! this host, everything waits. SMTP has no keys: a mail whose confirmation was lost is sent again, with the Message-ID it
//! had, so it arrives at least once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parlor_bot::QueuedMail;
use parlor_client::Backoff;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::conversation::{Conversation, Refusal, Stage};
use super::letter::letter;
use super::outcome::{CLOSING, Outcome};
use super::{MAILTO, MailConfig};
use crate::events::HostEvent;
use crate::fault::Point;
use crate::ground::{Ground, pause};
use crate::ledger::LedgerStatus;
use crate::rate::Bucket;
use crate::shift::Leads;
use crate::state::{NewEntry, OutboxRow};

/// A user and an address, as the outbox keeps mails.
type Place = (String, String);

/// Delivers mails through one server.
#[derive(Debug)]
pub(crate) struct MailCourier {
    ground: Ground,
    config: MailConfig,
    /// Whose mails are for this host.
    leads: Leads,
    /// Rung when a mail was committed.
    bell: Arc<Notify>,
    /// Deliver what can be delivered now, then end.
    finish: CancellationToken,
    turns: Bucket,
    /// Recipients that the server put off, until when.
    held: BTreeMap<Place, Held>,
    /// How long to wait for a server that is away.
    away: Backoff,
    conversation: Option<Conversation>,
}

#[derive(Debug)]
struct Held {
    until: Instant,
    backoff: Backoff,
}

/// What is to be done next.
enum Next {
    Mail(Place, Box<OutboxRow>),
    /// Nothing before this time, or before the bell.
    Rest(Option<Instant>),
}

impl MailCourier {
    pub(crate) fn new(
        ground: Ground,
        config: MailConfig,
        leads: Leads,
        bell: Arc<Notify>,
        finish: CancellationToken,
    ) -> Self {
        Self {
            turns: Bucket::new(config.rate),
            away: ground.backoff(),
            ground,
            config,
            leads,
            bell,
            finish,
            held: BTreeMap::new(),
            conversation: None,
        }
    }

    /// Delivers until told to finish.
    pub(crate) async fn run(mut self) {
        while let Some(next) = self.next().await {
            let goes_on = match next {
                Next::Mail(place, row) => self.take(&place, &row).await,
                Next::Rest(_) if self.finish.is_cancelled() => false,
                Next::Rest(until) => {
                    self.rest(until).await;
                    true
                }
            };
            if !goes_on {
                break;
            }
        }
        self.hang_up().await;
    }

    /// The oldest mail whose recipient is not held; `None` when the state is gone.
    async fn next(&mut self) -> Option<Next> {
        let state = &self.ground.state;
        let mut places = self
            .ground
            .insist(&self.finish, || state.mails_waited_for())
            .await?;
        places.retain(|(user, _)| self.leads.has(user));
        let now = Instant::now();
        // A recipient for whom nothing waits any more is not held either.
        self.held.retain(|place, _| places.contains(place));
        let held = |place: &Place| self.held.get(place).is_some_and(|held| held.until > now);
        for place in places.iter().filter(|place| !held(place)) {
            let (user, room) = place.clone();
            let load = || state.waiting(user.clone(), room.clone(), Vec::new(), 1);
            if let Some(row) = self.ground.insist(&self.finish, load).await?.pop() {
                return Some(Next::Mail(place.clone(), Box::new(row)));
            }
        }
        Some(Next::Rest(self.held.values().map(|held| held.until).min()))
    }

    /// Waits for something to do; an idle connection is closed meanwhile.
    async fn rest(&mut self, until: Option<Instant>) {
        let idle = self.conversation.as_ref().map(Conversation::idle_at);
        let next = until.into_iter().chain(idle).min();
        let later = async {
            match next {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.bell.notified() => {}
            () = later => {}
            () = self.finish.cancelled() => {}
        }
        if self.conversation.as_ref().is_some_and(|open| !open.is_fresh()) {
            self.hang_up().await;
        }
    }

    /// Sends one mail when its turn has come and stores what became of it; whether to go on.
    async fn take(&mut self, place: &Place, row: &OutboxRow) -> bool {
        let now = Instant::now();
        let turn = self.turns.reserve(now);
        if turn > now && !pause(&self.finish, turn - now).await {
            return false;
        }
        let Some(outcome) = self.attempt(place, row).await else {
            return false;
        };
        if matches!(outcome, Outcome::Delivered(_)) {
            self.ground.faults.pass(Point::Acknowledged, &row.cause).await;
        }
        if self.record(place, row, &outcome).await.is_none() {
            return false;
        }
        self.ground.faults.pass(Point::Recorded, &row.cause).await;
        match outcome {
            Outcome::Delivered(_) | Outcome::Dead(_) => {
                self.held.remove(place);
                self.away.reset();
                true
            }
            Outcome::PutOff(_) => {
                self.hold(place);
                true
            }
            Outcome::ServerAway(_) => pause(&self.finish, self.away.wait()).await,
        }
    }

    fn hold(&mut self, place: &Place) {
        let tuning = &self.ground.tuning;
        let held = self.held.entry(place.clone()).or_insert_with(|| Held {
            until: Instant::now(),
            backoff: Backoff::new(tuning.mail_retry_base, tuning.mail_retry_cap, fastrand::u64(..)),
        });
        held.until = Instant::now() + held.backoff.wait();
    }

    /// One attempt; `None` when the state is gone.
    async fn attempt(&mut self, place: &Place, row: &OutboxRow) -> Option<Outcome> {
        let mail = match serde_json::from_str::<QueuedMail>(&row.body) {
            Ok(mail) => mail,
            Err(error) => return Some(Outcome::Dead(format!("the stored mail cannot be read: {error}"))),
        };
        let at = chrono::DateTime::from_timestamp_millis(row.created).unwrap_or_default();
        let letter = match letter(&self.config.from, &mail.to, &mail.mail, &row.key, at) {
            Ok(letter) => letter,
            Err(error) => return Some(Outcome::Dead(error.to_string())),
        };
        if letter.len() > self.config.max_bytes {
            let (bytes, limit) = (letter.len(), self.config.max_bytes);
            return Some(Outcome::Dead(format!(
                "the mail has {bytes} bytes; the limit is {limit}"
            )));
        }
        let at = self.ground.clock.millis();
        let entries = vec![entry(place, row, LedgerStatus::Sent)];
        let note = || self.ground.state.attempted(row.seq, entries.clone(), at);
        self.ground.insist(&self.finish, note).await?;
        self.ground.faults.pass(Point::Sent, &row.cause).await;
        let old = self.ground.clock.millis() - row.created;
        Some(match self.hand_over(&mail, &letter).await {
            Ok(words) => Outcome::Delivered(words),
            Err(refusal) => Outcome::of(&refusal, Duration::from_millis(old.unsigned_abs()), row.attempts),
        })
    }

    /// Hands a mail to the server; a connection that has ended meanwhile is replaced once, as nothing was lost with it.
    async fn hand_over(&mut self, mail: &QueuedMail, letter: &[u8]) -> Result<String, Refusal> {
        loop {
            let was_open = self.conversation.as_ref().is_some_and(Conversation::is_fresh);
            if !was_open {
                self.hang_up().await;
            }
            let mut steps = Vec::new();
            let mut conversation = match self.conversation.take() {
                Some(open) => open,
                None => Conversation::open(&self.config, &mut steps).await?,
            };
            let sent = conversation
                .send(&self.config, &mail.to, letter, &mut steps)
                .await;
            match sent {
                Ok(()) => {
                    self.conversation = Some(conversation);
                    return Ok(steps.pop().map(|step| step.answer).unwrap_or_default());
                }
                Err(refusal) => {
                    let ended = refusal.code.is_none_or(|code| code == CLOSING);
                    if ended && was_open && refusal.stage == Stage::Sender {
                        continue;
                    }
                    if !ended {
                        self.conversation = Some(conversation);
                    }
                    return Err(refusal);
                }
            }
        }
    }

    async fn hang_up(&mut self) {
        if let Some(conversation) = self.conversation.take() {
            conversation.close(&self.config).await;
        }
    }

    /// Stores what became of a mail; `None` when the state is gone.
    async fn record(&self, place: &Place, row: &OutboxRow, outcome: &Outcome) -> Option<()> {
        let (state, at) = (&self.ground.state, self.ground.clock.millis());
        let entry = |status, detail: &str| vec![entry(place, row, status).detail(detail)];
        let (reason, dead) = match outcome {
            Outcome::Delivered(words) => {
                let entries = entry(LedgerStatus::Acknowledged, words);
                let stored = || state.delivered(row.seq, None, entries.clone(), at);
                self.ground.insist(&self.finish, stored).await?;
                let instance = row.instance.clone();
                self.ground.announcer.tell(HostEvent::Mailed { instance });
                return Some(());
            }
            Outcome::PutOff(reason) | Outcome::ServerAway(reason) => {
                let news = row.reason.as_ref() != Some(reason);
                let entries = if news {
                    entry(LedgerStatus::Failed, reason)
                } else {
                    Vec::new()
                };
                let stored = || state.postponed(row.seq, reason.clone(), entries.clone(), at);
                self.ground.insist(&self.finish, stored).await?;
                (reason, false)
            }
            Outcome::Dead(reason) => {
                tracing::error!(instance = %row.instance, "a mail was given up; the ledger tells why");
                let entries = entry(LedgerStatus::Dead, reason);
                let stored = || state.dead(row.seq, reason.clone(), entries.clone(), at);
                self.ground.insist(&self.finish, stored).await?;
                (reason, true)
            }
        };
        self.ground.announcer.tell(HostEvent::MailFailed {
            instance: row.instance.clone(),
            reason: reason.clone(),
            dead,
        });
        Some(())
    }
}

fn entry((_, room): &Place, row: &OutboxRow, status: LedgerStatus) -> NewEntry {
    debug_assert!(room.starts_with(MAILTO));
    NewEntry::new(&*row.instance, &*row.cause, status).in_room(room)
}
