//! What one handled event leaves behind: its posts, its values and how far the instance has read, in one commit.

use std::collections::BTreeMap;

use parlor_bot::{Effects, Event, Message, QueuedMail, QueuedRemoval, Room, SipUri};

use serde_json::Value;

use super::intake::{Accepted, Progress, Trial};
use super::{Then, Worker};
use crate::events::excerpt;
use crate::fault::Point;
use crate::key::post_key;
use crate::ledger::LedgerStatus;
use crate::mail::MAILTO;
use crate::remover::removals_of;
use crate::state::{Handled, NewEntry, NewPost, StateChange};

impl Worker {
    /// Outbox rows for posts; `None` when one cannot be written down.
    pub(super) fn posts<'a>(
        &self,
        trial: &Trial,
        posts: impl Iterator<Item = (Room, &'a Message)>,
    ) -> Option<Vec<NewPost>> {
        let user = self.instance.user.to_string();
        posts
            .zip(0u32..)
            .map(|((room, message), ordinal)| {
                let mailbox = self.mailboxes.get(&room)?;
                Some(NewPost {
                    key: post_key(&self.instance.id, &trial.cause, ordinal),
                    user: user.clone(),
                    room: mailbox.room.clone(),
                    cause: trial.cause.clone(),
                    ordinal,
                    body: serde_json::to_string(message).ok()?,
                    shown: room.to_string(),
                    excerpt: excerpt(&message.display_text()),
                })
            })
            .collect()
    }

    /// Outbox rows for answers to people; `None` when one cannot be written down. What was said stays between the two:
    /// the ledger is told of it, not what.
    pub(super) fn answers<'a>(
        &self,
        trial: &Trial,
        answers: impl Iterator<Item = (&'a SipUri, &'a Message)>,
    ) -> Option<Vec<NewPost>> {
        let user = self.instance.user.to_string();
        answers
            .zip(0u32..)
            .map(|((person, message), ordinal)| {
                Some(NewPost {
                    key: post_key(&self.instance.id, &trial.cause, ordinal),
                    user: user.clone(),
                    room: person.to_string(),
                    cause: trial.cause.clone(),
                    ordinal,
                    body: serde_json::to_string(message).ok()?,
                    shown: person.to_string(),
                    excerpt: String::new(),
                })
            })
            .collect()
    }

    /// Outbox rows for mails; `None` when one cannot be written down. Their key becomes the Message-ID.
    pub(super) fn mails(&self, trial: &Trial, mails: &[QueuedMail]) -> Option<Vec<NewPost>> {
        let user = self.instance.user.to_string();
        mails
            .iter()
            .zip(0u32..)
            .map(|(mail, ordinal)| {
                let address = format!("{MAILTO}{}", mail.to.address());
                Some(NewPost {
                    key: post_key(&self.instance.id, &trial.cause, ordinal),
                    user: user.clone(),
                    room: address.clone(),
                    cause: trial.cause.clone(),
                    ordinal,
                    body: serde_json::to_string(mail).ok()?,
                    shown: address,
                    excerpt: excerpt(mail.mail.subject()),
                })
            })
            .collect()
    }

    /// Outbox rows for messages to be removed; `None` when one cannot be written down. They have a place of their own beside
    /// their room's.
    pub(super) fn removals(&self, trial: &Trial, removals: &[QueuedRemoval]) -> Option<Vec<NewPost>> {
        let user = self.instance.user.to_string();
        removals
            .iter()
            .zip(0u32..)
            .map(|(removal, ordinal)| {
                let mailbox = self.mailboxes.get(&removal.room)?;
                Some(NewPost {
                    key: post_key(&self.instance.id, &trial.cause, ordinal),
                    user: user.clone(),
                    room: removals_of(&mailbox.room),
                    cause: trial.cause.clone(),
                    ordinal,
                    body: serde_json::to_string(removal).ok()?,
                    shown: removal.room.to_string(),
                    excerpt: format!("message {}: {}", removal.id, removal.reason),
                })
            })
            .collect()
    }

    /// What the ledger tells of a handler that returned `Ok`. Of a message that led to nothing it tells nothing: rooms
    /// are full of what no bot is meant by.
    pub(super) fn outcome(&self, trial: &Trial, effects: &Effects) -> Option<NewEntry> {
        match (&effects.skipped, &trial.progress) {
            (Some(reason), _) => Some(self.entry(trial, LedgerStatus::Skipped).detail(reason)),
            (None, Progress::Cursor { .. } | Progress::Nothing) if effects.is_empty() => None,
            (None, _) => Some(self.entry(trial, LedgerStatus::Handled)),
        }
    }

    /// An entry about what is being handled.
    pub(super) fn entry(&self, trial: &Trial, status: LedgerStatus) -> NewEntry {
        let entry = NewEntry::new(&*self.instance.id, &*trial.cause, status);
        match (trial.event.room(), trial.event.correspondent()) {
            (Some(room), _) => entry.in_room(room.as_str()),
            (None, Some(person)) => entry.in_room(person.as_str()),
            (None, None) => entry,
        }
    }

    /// Commits `handled` together with the progress of `trial` and of all messages before it.
    pub(super) async fn commit(&mut self, trial: &Trial, mut handled: Handled) -> Then {
        self.collect_passed();
        match &trial.progress {
            Progress::Nothing => {}
            Progress::Cursor { room, id } => {
                self.read.insert(room.clone(), *id);
            }
            Progress::Inbox(seq) => handled.inbox = Some(*seq),
        }
        handled.cursors = self
            .read
            .iter()
            .map(|(room, id)| (room.to_string(), *id))
            .collect();
        handled.instance.clone_from(&self.instance.id);
        handled.entries.splice(0..0, self.told.drain(..));
        handled.at = self.ground.clock.millis();
        self.ground.faults.pass(Point::Handled, &trial.cause).await;
        let committed = self
            .ground
            .insist(&self.stop, || self.ground.state.commit(handled.clone()))
            .await;
        if committed.is_none() {
            return Then::End;
        }
        self.read.clear();
        self.unwritten = 0;
        self.ground.faults.pass(Point::Committed, &trial.cause).await;
        Then::GoOn
    }

    /// Writes cursors that moved in memory only; `false` when the state is gone.
    pub(super) async fn write_cursors(&mut self) -> bool {
        self.collect_passed();
        if self.read.is_empty() {
            return true;
        }
        let handled = Handled {
            instance: self.instance.id.clone(),
            cursors: self
                .read
                .iter()
                .map(|(room, id)| (room.to_string(), *id))
                .collect(),
            entries: self.told.clone(),
            at: self.ground.clock.millis(),
            ..Handled::default()
        };
        let written = self
            .ground
            .insist(&self.stop, || self.ground.state.commit(handled.clone()))
            .await
            .is_some();
        if written {
            self.told.clear();
            self.read.clear();
            self.unwritten = 0;
        }
        written
    }

    /// Cursors move over messages that needed no handling.
    fn collect_passed(&mut self) {
        self.read.extend(self.intake.take_passed());
    }
}

/// Changed values as the state keeps them.
pub(super) fn stored(changes: &BTreeMap<String, Option<Value>>) -> Vec<StateChange> {
    let stored = changes.iter().map(|(name, value)| StateChange {
        name: name.clone(),
        value: value.as_ref().map(ToString::to_string),
    });
    stored.collect()
}

/// What quarantine keeps of an event: enough to try it again, or, of one that nobody would, its name.
pub(super) fn kept(event: &Event) -> String {
    let kept = Accepted::of(event).and_then(|accepted| serde_json::to_string(&accepted).ok());
    kept.unwrap_or_else(|| Value::from(format!("{event:?}")).to_string())
}
