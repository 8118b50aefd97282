//! What people write to an endpoint's user alone: stored for every instance that wants it, and only then accepted.
//!
//! A private message cannot be fetched again. So the sender is told that it arrived after it is on disk, and that it did
//! not when it could not be stored.

use std::sync::{Arc, PoisonError, RwLock};

use parlor_bot::{PrivateMessage, SipUri};
use parlor_client::PrivateMessages;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::fault::Point;
use crate::ground::{Ground, reason};
use crate::lane::Bell;
use crate::room::Bots;
use crate::state::NewInput;
use crate::worker::Accepted;

/// Who wants private messages of one endpoint; all clones know the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct PrivateListeners(Arc<Listeners>);

#[derive(Debug, Default)]
struct Listeners {
    list: RwLock<Vec<PrivateListener>>,
    came: Notify,
}

impl PrivateListeners {
    pub(crate) fn add(&self, listener: PrivateListener) {
        self.0
            .list
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(listener);
        self.0.came.notify_one();
    }

    pub(crate) fn remove(&self, instance: &str) {
        self.0
            .list
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|one| one.instance != instance);
    }

    fn now(&self) -> Vec<PrivateListener> {
        self.0.list.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// An instance that wants to be told what people write to its user.
#[derive(Debug, Clone)]
pub(crate) struct PrivateListener {
    pub(crate) instance: String,
    pub(crate) hears_bots: bool,
    pub(crate) bell: Arc<Bell>,
}

/// The intake of one endpoint's private messages.
#[derive(Debug)]
pub(crate) struct Reception {
    pub(crate) ground: Ground,
    pub(crate) user: SipUri,
    /// All that want it: each is handed each message, as in a room.
    pub(crate) listeners: PrivateListeners,
    /// The users of this host; bots that answer bots do not stop.
    pub(crate) bots: Bots,
    /// Takes nothing in any more.
    pub(crate) intake: CancellationToken,
}

impl Reception {
    /// Whether anybody wants private messages; otherwise callers are told that there are none.
    pub(crate) fn is_open(&self) -> bool {
        !self.listeners.now().is_empty()
    }

    /// Returns when somebody wants private messages.
    pub(crate) async fn opened(&self) {
        while !self.is_open() {
            self.listeners.0.came.notified().await;
        }
    }

    /// Stores and accepts until the endpoint ends or the host stops taking in.
    pub(crate) async fn serve(&self, mut messages: PrivateMessages) {
        loop {
            tokio::select! {
                biased;
                () = self.intake.cancelled() => return,
                message = messages.next() => match message {
                    Some(message) => self.take(message).await,
                    None => return,
                },
            }
        }
    }

    async fn take(&self, mut message: parlor_client::PrivateMessage) {
        let from_bot = self.bots.contains(&message.from);
        let listeners = self.listeners.now();
        if listeners.is_empty() {
            // Nobody wants them any more; dropped, it counts as not arrived.
            return;
        }
        let meant: Vec<_> = listeners
            .iter()
            .filter(|listener| listener.hears_bots || !from_bot)
            .collect();
        if meant.is_empty() {
            return message.accept();
        }
        let event = Accepted::Private(PrivateMessage {
            from: message.from.clone(),
            from_name: message.from_name.clone(),
            sent: self.ground.clock.now(),
            text: message.text.clone(),
        });
        let event = match serde_json::to_string(&event) {
            Ok(event) => event,
            Err(error) => return tracing::error!(%error, "a private message has no stored form"),
        };
        let source = format!("private:{}", message.from);
        let cause = format!("{source}:{}", message.id);
        let inputs = meant
            .iter()
            .map(|listener| NewInput {
                instance: listener.instance.clone(),
                source: source.clone(),
                cause: cause.clone(),
                event: event.clone(),
                title: None,
                link: None,
            })
            .collect();
        // However it ends: the state works in order, so a bot that looks then sees what was stored.
        let _rings = RingsAtTheEnd(&meant);
        // Once, without insisting: the sender waits, and is better told now than after a disk was repaired.
        match self
            .ground
            .state
            .accept_private(inputs, self.ground.clock.millis())
            .await
        {
            Ok(true) => {
                self.ground.faults.pass(Point::Accepted, &cause).await;
                message.accept();
            }
            Ok(false) => {
                tracing::warn!(user = %self.user, from = %message.from, "too many private messages wait")
            }
            Err(error) => {
                tracing::error!(user = %self.user, reason = reason(&error), "a private message was not stored");
            }
        }
    }
}

/// Rings the bots however the storing ends.
struct RingsAtTheEnd<'a>(&'a [&'a PrivateListener]);

impl Drop for RingsAtTheEnd<'_> {
    fn drop(&mut self) {
        self.0.iter().for_each(|listener| listener.bell.ring_for_inbox());
    }
}
