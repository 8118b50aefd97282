//! What a room's history is asked for: where each listener begins, what was posted while it was away, and what nobody can
//! fetch any more.

use std::sync::Arc;

use parlor_client::{RequestError, RoomSession};
use parlor_xccos::{ErrorCode, MessageId, Post};

use super::listener::{Hole, Listener};
use super::{Ended, RoomTask};
use crate::config::Replay;
use crate::events::HostEvent;
use crate::ground::pause;
use crate::ledger::LedgerStatus;
use crate::state::NewEntry;

/// Messages asked for at a time when an instance catches up: one reply of moderate size.
const PAGE: u32 = 100;
/// Recent messages looked at for an instance that wants a time span and has no cursor; the most a server of this
/// kind tells (facts B4).
const RECENT: u32 = 500;

impl RoomTask {
    /// Finds out for every listener where to begin. Until that is known nothing is handed on; the SDK keeps what is
    /// posted meanwhile, or fetches it again.
    pub(super) async fn take_places(
        &mut self,
        session: &RoomSession,
        recent: Option<Vec<Post>>,
    ) -> Result<(), Ended> {
        let room: Arc<str> = session.uri().to_string().into();
        let Some(count) = self.needed(&room) else {
            return Ok(());
        };
        let recent = match recent {
            Some(recent) => recent,
            None => self.recent(session, count).await?,
        };
        let now = self.ground.clock.millis();
        let mut cut_short = Vec::new();
        for (index, listener) in self.listeners.iter_mut().enumerate() {
            if !listener.hears_messages() || !listener.is_new_in(&room) {
                continue;
            }
            let (state, instance) = (&self.ground.state, &listener.listening.instance);
            let read = || state.cursor(instance.clone(), room.to_string());
            let cursor = self
                .ground
                .insist(&self.intake, read)
                .await
                .ok_or(Ended::Stopping)?;
            if cursor.is_none() && listener.wants_more_than(&recent, RECENT as usize, now) {
                cut_short.push(index);
            }
            let Some(place) = listener.take_place(&room, &recent, cursor, now) else {
                continue;
            };
            if cursor.is_some_and(|cursor| cursor > place) {
                tracing::warn!(room = %self.room, "the room's history began anew; its new messages count from now on");
            }
            let instance = &listener.listening.instance;
            let store = || state.place_cursor(instance.clone(), room.to_string(), place);
            self.ground
                .insist(&self.intake, store)
                .await
                .ok_or(Ended::Stopping)?;
        }
        for index in cut_short {
            let reason = format!("of the time wanted only the last {RECENT} messages can be fetched");
            let note = self.missed(&self.listeners[index], &reason);
            self.tell_gap(vec![note], reason).await;
        }
        Ok(())
    }

    /// How many recent messages tell the listeners that are new in the room where to begin; `None` without such.
    pub(super) fn needed(&self, room: &str) -> Option<u32> {
        let new = self
            .listeners
            .iter()
            .filter(|one| one.hears_messages() && one.is_new_in(room));
        let counts = new.map(|one| {
            if matches!(one.listening.replay, Replay::Since(_)) {
                RECENT
            } else {
                1
            }
        });
        counts.max()
    }

    /// The room's last messages, asked for until the answer comes.
    async fn recent(&self, session: &RoomSession, count: u32) -> Result<Vec<Post>, Ended> {
        let mut backoff = self.ground.backoff();
        loop {
            match session.recent_history(count).await {
                Ok(posts) => return Ok(posts),
                // A room that keeps no history, or does not show it: everything counts from now on.
                Err(RequestError::Refused(refusal)) => {
                    self.announce_gap(format!("the history cannot be read: {refusal}"))
                        .await;
                    return Ok(Vec::new());
                }
                Err(RequestError::NotJoined) => {
                    return Err(Ended::Closed("the room is not joined".to_owned()));
                }
                Err(error) => tracing::debug!(room = %self.room, %error, "history is not available now"),
            }
            if !pause(&self.intake, backoff.wait()).await {
                return Err(Ended::Stopping);
            }
        }
    }

    /// After a reconnect: a server that lost its history starts to count anew.
    pub(super) async fn check_history(&mut self, session: &RoomSession) {
        let Ok(recent) = session.recent_history(1).await else {
            return;
        };
        let latest = recent
            .iter()
            .filter_map(|post| post.id)
            .map(|id| id.0)
            .max()
            .unwrap_or(0);
        let mut anew = false;
        for listener in &mut self.listeners {
            let Some(place) = listener.check_history(latest) else {
                continue;
            };
            anew = true;
            let (state, instance) = (&self.ground.state, &listener.listening.instance);
            let store = || state.place_cursor(instance.clone(), session.uri().to_string(), place);
            if self.ground.insist(&self.intake, store).await.is_none() {
                return;
            }
        }
        if anew {
            self.announce_gap("the room's history began anew".to_owned())
                .await;
        }
        for index in 0..self.listeners.len() {
            let Some(last) = self.listeners[index].doubted() else {
                continue;
            };
            // Without an answer the next recovery asks again.
            if let Ok(posts) = session.history_after(MessageId(last - 1), 1).await {
                let first = posts.first().and_then(|post| post.id).map(|id| id.0);
                if let Some(hole) = self.listeners[index].prove(first) {
                    self.announce_hole(index, hole).await;
                }
            }
        }
    }

    /// Fetches pages for listeners that are behind, as long as there is more and they have space.
    pub(super) async fn catch_up(&mut self, session: &RoomSession) -> Result<(), RequestError> {
        for index in 0..self.listeners.len() {
            while let Some((after, space)) = self.listeners[index].wants_page() {
                if self.intake.is_cancelled() {
                    return Ok(());
                }
                let limit = PAGE.min(u32::try_from(space).unwrap_or(PAGE));
                let hole = match session.history_after(MessageId(after), limit).await {
                    Ok(posts) => self.listeners[index].page(&posts),
                    Err(RequestError::Refused(refusal)) if refusal.code == ErrorCode::MessageNotSupported => {
                        let recent = session.recent_history(RECENT).await?;
                        self.listeners[index].last_resort(&recent, RECENT as usize)
                    }
                    Err(RequestError::Refused(refusal)) => {
                        self.listeners[index].catch_up();
                        self.announce_gap(format!("messages after {after} cannot be fetched: {refusal}"))
                            .await;
                        None
                    }
                    Err(error) => return Err(error),
                };
                if let Some(hole) = hole {
                    self.announce_hole(index, hole).await;
                }
            }
        }
        Ok(())
    }

    /// Tells of messages that one listener cannot be given any more.
    async fn announce_hole(&self, index: usize, hole: Hole) {
        let reason = match hole.before {
            Some(before) => format!(
                "message {} is not in the history any more, and what followed it before {before} may be missing too",
                hole.after
            ),
            None => format!(
                "message {} and what followed it is not in the history any more",
                hole.after
            ),
        };
        tracing::warn!(room = %self.room, %reason, "history gap");
        let note = self.missed(&self.listeners[index], &reason);
        self.tell_gap(vec![note], reason).await;
    }

    /// Tells, also the ledger, that messages were missed which nobody can fetch any more.
    pub(super) async fn announce_gap(&self, reason: String) {
        tracing::warn!(room = %self.room, %reason, "history gap");
        let listeners = self.listeners.iter().filter(|one| one.hears_messages());
        let entries = listeners.map(|one| self.missed(one, &reason)).collect();
        self.tell_gap(entries, reason).await;
    }

    fn missed(&self, listener: &Listener, reason: &str) -> NewEntry {
        let instance = &*listener.listening.instance;
        NewEntry::new(instance, format!("room:{}", self.room), LedgerStatus::Missed)
            .in_room(listener.listening.room.as_str())
            .detail(reason)
    }

    async fn tell_gap(&self, entries: Vec<NewEntry>, reason: String) {
        let at = self.ground.clock.millis();
        let note = || self.ground.state.note(entries.clone(), at);
        if self.ground.insist(&self.intake, note).await.is_none() {
            return;
        }
        let (user, room) = (self.user.clone(), self.room.clone());
        self.ground
            .announcer
            .tell(HostEvent::HistoryGap { user, room, reason });
    }
}
