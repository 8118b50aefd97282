//! One instance at work: events to its handler one after the other, and what the handler did into the state.
//!
//! Owns the order, the attempts, the deadline and the making anew of a broken bot. Where events come from is left to
//! rooms, timekeeper and poller; where posts go is left to the senders.

mod intake;
mod mailing;
mod notes;
mod record;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use parlor_bot::{
    BotError, Context, Effects, Event, Message, Registry, Room, Setup, SetupError, State as Values,
};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::config::InstanceConfig;
use crate::events::HostEvent;
use crate::fault::Point;
use crate::ground::Ground;
use crate::lane::{Bell, LaneReceiver};
use crate::ledger::LedgerStatus;
use crate::runner::{Answer, Runner};
use crate::state::{Handled, InboxRow, NewEntry, Quarantined};
use crate::status::InstanceState;
use crate::validate::make_apart;

pub(crate) use intake::Accepted;
use intake::{Intake, Progress, Slot, Trial};
pub(crate) use mailing::Mailing;
use record::{kept, stored};

/// Sources whose oldest event is loaded at a time; bounds memory, not how much may wait.
const INBOX_HEADS: u32 = 256;
/// Messages that led to nothing may be this many before their cursor is written in the middle of work; an idle
/// worker writes it at once.
const CURSOR_LAG: u32 = 64;

/// Where posts for one room wait, and who is to be woken for them.
#[derive(Debug, Clone)]
pub(crate) struct Mailbox {
    /// The room under which the outbox keeps them.
    pub(crate) room: String,
    pub(crate) bell: Arc<Notify>,
}

/// What a worker is started with.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) instance: InstanceConfig,
    pub(crate) setup: Arc<Setup>,
    pub(crate) values: Values,
    pub(crate) lanes: Vec<LaneReceiver>,
    pub(crate) bell: Arc<Bell>,
    pub(crate) mailboxes: HashMap<Room, Mailbox>,
    /// Rung for answers to people.
    pub(crate) courier: Arc<Notify>,
    pub(crate) mailing: Mailing,
    /// Rung for messages to be removed.
    pub(crate) remover: Arc<Notify>,
    /// Names this start of the host; part of the cause of what a bot posts when it starts.
    pub(crate) boot: i64,
}

/// One instance at work.
#[derive(Debug)]
pub(crate) struct Worker {
    ground: Ground,
    registry: Registry,
    stop: CancellationToken,
    instance: InstanceConfig,
    setup: Arc<Setup>,
    values: Arc<Values>,
    mailboxes: HashMap<Room, Mailbox>,
    courier: Arc<Notify>,
    mailing: Mailing,
    remover: Arc<Notify>,
    bell: Arc<Bell>,
    intake: Intake,
    runner: Option<Runner>,
    /// Cursors that moved in memory only, and by how many messages.
    read: BTreeMap<Arc<str>, i64>,
    unwritten: u32,
    /// What is to be told of them, with their cursors.
    told: Vec<NewEntry>,
    /// How often in a row the bot broke; it is made anew after a wait that grows.
    breaks: u32,
}

/// Why a worker goes on or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    GoOn,
    End,
}

impl Worker {
    pub(crate) fn new(
        ground: Ground,
        registry: Registry,
        stop: CancellationToken,
        job: Job,
        runner: Runner,
    ) -> Self {
        let start = Trial {
            event: Arc::new(Event::Started),
            source: "start".to_owned(),
            cause: format!("start:{}", job.boot),
            progress: Progress::Nothing,
            attempts: 0,
            retry_at: None,
            since: Instant::now(),
        };
        Self {
            ground,
            registry,
            stop,
            instance: job.instance,
            setup: job.setup,
            values: Arc::new(job.values),
            mailboxes: job.mailboxes,
            courier: job.courier,
            mailing: job.mailing,
            remover: job.remover,
            bell: job.bell,
            intake: Intake::new(start, job.lanes),
            runner: Some(runner),
            read: BTreeMap::new(),
            unwritten: 0,
            told: Vec::new(),
            breaks: 0,
        }
    }

    /// Works until told to stop, or until the bot asks to be stopped.
    pub(crate) async fn run(mut self) {
        while !self.stop.is_cancelled() && self.step().await == Then::GoOn {}
        self.write_cursors().await;
    }

    async fn step(&mut self) -> Then {
        let now = Instant::now();
        if self.bell.inbox_rang() {
            self.intake.inbox_changed();
        }
        if self.intake.wants_inbox(now) && self.load_inbox().await == Then::End {
            return Then::End;
        }
        let wake = self.values.wake().filter(|wake| *wake <= self.ground.clock.now());
        if let Some(wake) = wake {
            self.intake.wake(wake);
        }
        match self.intake.next(now) {
            Some((slot, trial)) => self.attempt(slot, trial).await,
            None => self.idle().await,
        }
    }

    /// Nothing is ready: writes what is unwritten and waits.
    async fn idle(&mut self) -> Then {
        if !self.write_cursors().await {
            return Then::End;
        }
        self.note_waiting(None);
        let retry = self.intake.earliest_retry();
        let retry = async {
            match retry {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let wake = self.values.wake().filter(|wake| *wake > self.ground.clock.now());
        let wake = async {
            match wake {
                Some(at) => self.ground.clock.wait_towards(at).await,
                // There is none, or it is tried again later.
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = self.bell.wait() => {}
            () = retry => {}
            () = wake => {}
        }
        Then::GoOn
    }

    async fn load_inbox(&mut self) -> Then {
        let ground = self.ground.clone();
        let heads = ground
            .insist(&self.stop, || {
                ground.state.inbox_heads(self.instance.id.clone(), INBOX_HEADS)
            })
            .await;
        let Some(rows) = heads else { return Then::End };
        let mut heads = Vec::new();
        for row in rows {
            match serde_json::from_str::<Accepted>(&row.event) {
                Ok(accepted) => heads.push((row, accepted.into())),
                Err(error) => self.set_aside_unreadable(row, &error).await,
            }
        }
        self.intake.load_inbox(heads);
        Then::GoOn
    }

    /// One attempt at one event.
    async fn attempt(&mut self, slot: Slot, trial: Trial) -> Then {
        let mut runner = match self.runner.take() {
            Some(runner) => runner,
            None => match self.make_anew().await {
                Some(runner) => runner,
                None => return Then::End,
            },
        };
        self.note_waiting(Some(trial.since));
        if matches!(trial.progress, Progress::Cursor { .. }) {
            self.ground.faults.pass(Point::Accepted, &trial.cause).await;
        }
        let now = self.ground.clock.now();
        let context = Context::new(now, self.setup.clone(), self.values.clone(), &trial.event);
        let answer = runner
            .handle(trial.event.clone(), context, self.instance.deadline)
            .await;
        let (effects, result) = match answer {
            Answer::Returned(effects, result) => {
                self.runner = Some(runner);
                self.breaks = 0;
                (effects, result)
            }
            Answer::Broken(broken) => return self.broke(slot, trial, broken.to_string()).await,
        };
        match result {
            Ok(()) => self.done(trial, effects).await,
            Err(BotError::Tell(message)) => {
                let event = &trial.event;
                if event.room().is_some() || event.correspondent().is_some() {
                    self.tell(trial, message).await
                } else {
                    self.set_aside(trial, message.display_text()).await
                }
            }
            Err(BotError::Retry { after, source }) => {
                let reason = crate::ground::reason(&*source);
                self.failed(slot, trial, reason, after.unwrap_or_default()).await
            }
            Err(BotError::Reject(reason)) => self.set_aside(trial, crate::ground::reason(&*reason)).await,
            Err(BotError::Stop(reason)) => self.stopped(crate::ground::reason(&*reason)),
            Err(other) => self.set_aside(trial, other.to_string()).await,
        }
    }

    /// The handler returned: its effects and the event's progress become one commit.
    async fn done(&mut self, trial: Trial, effects: Effects) -> Then {
        let mut recipients = effects.mails.iter().map(|mail| &mail.to);
        if let Some(objection) = recipients.find_map(|to| self.mailing.objection(to)) {
            return self.set_aside(trial, objection).await;
        }
        self.note_handled(&trial);
        let entry = self.outcome(&trial, &effects);
        if effects.is_empty()
            && let Progress::Cursor { room, id } = trial.progress
        {
            self.told.extend(entry);
            // Handling it again would again lead to nothing: its cursor may be written later, with others.
            self.read.insert(room, id);
            self.unwritten += 1;
            return if self.unwritten < CURSOR_LAG || self.write_cursors().await {
                Then::GoOn
            } else {
                Then::End
            };
        }
        let posts = effects
            .posts
            .iter()
            .map(|post| (post.room.clone(), &post.message));
        let answers = effects.private.iter().map(|answer| (&answer.to, &answer.message));
        let rows = self.posts(&trial, posts).zip(self.answers(&trial, answers));
        let rows = rows.zip(self.mails(&trial, &effects.mails));
        let rows = rows.zip(self.removals(&trial, &effects.removals));
        let Some((((mut posts, answers), mails), removals)) = rows else {
            return self
                .set_aside(trial, "a post has no stored form".to_owned())
                .await;
        };
        posts.extend(answers);
        posts.extend(mails);
        posts.extend(removals);
        let values = stored(&effects.state);
        if self
            .commit(
                &trial,
                Handled {
                    posts,
                    values,
                    entries: entry.into_iter().collect(),
                    ..Handled::default()
                },
            )
            .await
            == Then::End
        {
            return Then::End;
        }
        Arc::make_mut(&mut self.values).apply(effects.state);
        for post in &effects.posts {
            self.wake_sender(&post.room);
        }
        if !effects.private.is_empty() {
            self.courier.notify_one();
        }
        if !effects.mails.is_empty() {
            self.mailing.bell.notify_one();
        }
        if !effects.removals.is_empty() {
            self.remover.notify_one();
        }
        Then::GoOn
    }

    /// The handler refused whoever caused the event: the answer is the only effect.
    async fn tell(&mut self, trial: Trial, message: Message) -> Then {
        let now = self.ground.clock.now();
        let mut answer = Context::new(now, self.setup.clone(), self.values.clone(), &trial.event);
        match answer.reply(message) {
            Ok(()) => self.done(trial, answer.into_effects()).await,
            // Such as an empty message.
            Err(error) => self.set_aside(trial, error.to_string()).await,
        }
    }

    /// The event failed; it is tried again after a wait, or set aside after the last attempt.
    async fn failed(&mut self, slot: Slot, mut trial: Trial, reason: String, after: Duration) -> Then {
        trial.attempts += 1;
        self.note_failure(&trial, &reason);
        self.ground.announcer.tell(HostEvent::HandlerFailed {
            instance: self.instance.id.clone(),
            cause: trial.cause.clone(),
            attempt: trial.attempts,
            reason: reason.clone(),
        });
        if trial.attempts >= self.ground.tuning.attempts {
            return self.set_aside(trial, reason).await;
        }
        trial.retry_at = Some(Instant::now() + after.max(self.wait_after(trial.attempts)));
        self.intake.put_back(slot, trial);
        Then::GoOn
    }

    /// The bot broke on the event: it is made anew before the next event is tried.
    async fn broke(&mut self, slot: Slot, trial: Trial, reason: String) -> Then {
        self.breaks += 1;
        self.note_restarting(reason.clone());
        self.failed(slot, trial, reason, Duration::ZERO).await
    }

    /// Makes the bot anew from its settings, again and again while what it needs is away; `None` when its settings are
    /// refused or the host stops.
    async fn make_anew(&mut self) -> Option<Runner> {
        loop {
            if !crate::ground::pause(&self.stop, self.wait_after(self.breaks)).await {
                return None;
            }
            match make_apart(&self.registry, &self.instance, &self.setup).await {
                Ok((bot, _)) => {
                    self.ground
                        .board
                        .instance(&self.instance.id, |line| line.state = InstanceState::Running);
                    return Some(Runner::start(bot));
                }
                Err(SetupError::Unavailable(error)) => {
                    self.breaks += 1;
                    self.note_restarting(crate::ground::reason(&*error));
                }
                Err(error) => {
                    self.stopped(error.to_string());
                    return None;
                }
            }
        }
    }

    fn note_restarting(&self, reason: String) {
        self.ground.board.instance(&self.instance.id, |line| {
            line.state = InstanceState::Restarting;
            line.last_error = Some(reason.clone());
        });
        self.ground.announcer.tell(HostEvent::BotRestarting {
            instance: self.instance.id.clone(),
            reason,
        });
    }

    fn stopped(&self, reason: String) -> Then {
        tracing::error!(instance = %self.instance.id, %reason, "bot stopped");
        self.ground.board.instance(&self.instance.id, |line| {
            line.state = InstanceState::Stopped;
            line.last_error = Some(reason.clone());
        });
        self.ground.announcer.tell(HostEvent::BotStopped {
            instance: self.instance.id.clone(),
            reason,
        });
        Then::End
    }

    /// Gives an event up: it is kept with its reason, and what came after it goes on.
    async fn set_aside(&mut self, trial: Trial, reason: String) -> Then {
        self.note_failure(&trial, &reason);
        let quarantine = Quarantined {
            source: trial.source.clone(),
            cause: trial.cause.clone(),
            event: kept(&trial.event),
            reason: reason.clone(),
            attempts: trial.attempts.max(1),
        };
        let entry = self.entry(&trial, LedgerStatus::Quarantined).detail(&reason);
        // Otherwise it would come again at once.
        let changes = match *trial.event {
            Event::Woken(_) => BTreeMap::from([Values::without_wake()]),
            _ => BTreeMap::new(),
        };
        let then = self
            .commit(
                &trial,
                Handled {
                    quarantine: Some(quarantine),
                    entries: vec![entry],
                    values: stored(&changes),
                    ..Handled::default()
                },
            )
            .await;
        if then == Then::GoOn {
            Arc::make_mut(&mut self.values).apply(changes);
            self.note_quarantined(trial.event.room(), trial.cause, reason);
        }
        then
    }

    /// An inbox row that a later or earlier version wrote.
    async fn set_aside_unreadable(&self, row: InboxRow, error: &serde_json::Error) {
        let reason = format!("the stored event cannot be read: {error}");
        let handled = Handled {
            instance: self.instance.id.clone(),
            inbox: Some(row.seq),
            entries: vec![
                NewEntry::new(&*self.instance.id, &*row.cause, LedgerStatus::Quarantined).detail(&reason),
            ],
            at: self.ground.clock.millis(),
            quarantine: Some(Quarantined {
                source: row.source,
                cause: row.cause.clone(),
                event: row.event,
                reason: reason.clone(),
                attempts: 0,
            }),
            ..Handled::default()
        };
        let committed = self
            .ground
            .insist(&self.stop, || self.ground.state.commit(handled.clone()))
            .await;
        if committed.is_some() {
            self.note_quarantined(None, row.cause, reason);
        }
    }

    fn wake_sender(&self, room: &Room) {
        if let Some(mailbox) = self.mailboxes.get(room) {
            mailbox.bell.notify_one();
        }
    }

    /// How long to wait after so many failures.
    fn wait_after(&self, failures: u32) -> Duration {
        let tuning = &self.ground.tuning;
        let doublings = failures.saturating_sub(1).min(16);
        tuning
            .retry_base
            .saturating_mul(1 << doublings)
            .min(tuning.retry_cap)
    }
}

#[cfg(test)]
mod tests;
