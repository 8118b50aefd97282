//! A joined room: its handle, what it knows, and what can be asked of it. The work is done by the endpoint task.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use parlor_xccos::{
    Command as ChatCommand, MessageId, Participant, Post, ReplyData, RoomInfo, RoomUri, SipUri,
};
use tokio::sync::Notify;

use crate::command::{Command, Handle};
use crate::error::{PostError, RequestError};
use crate::events::RoomClosed;
use crate::message::{Message, Posted};

/// A light description of a room, as lists and searches return it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomSummary {
    /// Its permanent address.
    pub uri: RoomUri,
    /// Its name.
    pub name: String,
    /// Its description, possibly empty.
    pub description: String,
    /// How many take part now, when the server said so.
    pub participants: Option<u32>,
}

impl From<&RoomInfo> for RoomSummary {
    fn from(info: &RoomInfo) -> Self {
        Self {
            uri: info.uri.clone(),
            name: info.name.clone(),
            description: info.description.clone(),
            participants: info.participants,
        }
    }
}

/// The room to join: by address, by exact name, or from a list.
///
/// ```
/// use parlor_client::RoomTarget;
/// let target: RoomTarget = "News".into();
/// assert_eq!(target, RoomTarget::Name("News".to_owned()));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomTarget {
    /// By `ma-chan://` address.
    Uri(RoomUri),
    /// By name; exactly one room must carry it, upper and lower case being the same.
    Name(String),
    /// From a search result.
    Summary(RoomSummary),
}

impl From<RoomUri> for RoomTarget {
    fn from(uri: RoomUri) -> Self {
        Self::Uri(uri)
    }
}

impl From<RoomSummary> for RoomTarget {
    fn from(summary: RoomSummary) -> Self {
        Self::Summary(summary)
    }
}

impl From<&str> for RoomTarget {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

impl From<String> for RoomTarget {
    fn from(name: String) -> Self {
        Self::Name(name)
    }
}

/// A joined room. Clones share one membership, which ends with [`RoomSession::leave`] or when the last clone and the
/// [`crate::RoomEvents`] are dropped.
///
/// Posting needs this value, so it cannot be tried for a room that was never joined.
#[derive(Debug, Clone)]
pub struct RoomSession {
    pub(crate) handle: Handle,
    pub(crate) room: Arc<RoomGuard>,
}

impl RoomSession {
    /// The room's permanent address.
    pub fn uri(&self) -> &RoomUri {
        &self.room.shared.uri
    }

    /// Name, description and properties as last heard.
    pub fn info(&self) -> RoomInfo {
        self.room.shared.view(|view| view.info.clone())
    }

    /// Who takes part, as a snapshot ordered by address; empty in a large room (facts B4).
    pub fn participants(&self) -> Vec<Participant> {
        self.room
            .shared
            .view(|view| view.participants.values().cloned().collect())
    }

    /// Whether the room is joined right now; false during a recovery and after it was closed.
    pub fn is_joined(&self) -> bool {
        self.room.shared.view(|view| view.joined)
    }

    /// Whether the server that the room was last joined on shows a post once however often it is sent with the same
    /// key. With one that does not, a post whose outcome is unknown must be looked for in the history.
    pub fn keeps_post_keys(&self) -> bool {
        self.room.shared.view(|view| view.post_keys)
    }

    /// Posts a message and waits until the server has stored it.
    ///
    /// While the endpoint recovers the post waits. Not cancel safe: a dropped call may still post.
    pub async fn post(&self, message: impl Into<Message>) -> Result<Posted, PostError> {
        let message = message.into();
        let room = self.uri().clone();
        self.handle
            .call(|reply| Command::Post { room, message, reply })
            .await
            .unwrap_or_else(|state| Err(PostError::State(state)))
    }

    /// The last `count` messages, oldest first. The server caps the count.
    pub async fn recent_history(&self, count: u32) -> Result<Vec<Post>, RequestError> {
        self.history(ChatCommand::Backchat {
            room: self.uri().clone(),
            count,
        })
        .await
    }

    /// Up to `limit` messages whose number is above `after`, oldest first.
    pub async fn history_after(&self, after: MessageId, limit: u32) -> Result<Vec<Post>, RequestError> {
        self.history(ChatCommand::HistoryAfter {
            room: self.uri().clone(),
            after,
            limit,
        })
        .await
    }

    /// Leaves the room; the event stream ends with [`RoomClosed::Left`].
    pub async fn leave(self) -> Result<(), RequestError> {
        let room = self.uri().clone();
        self.handle
            .call(|reply| Command::Leave { room, reply })
            .await
            .unwrap_or_else(|state| Err(RequestError::State(state)))
    }

    async fn history(&self, command: ChatCommand) -> Result<Vec<Post>, RequestError> {
        match self.handle.request(command).await? {
            ReplyData::History { posts, .. } => Ok(posts),
            ReplyData::None => Ok(Vec::new()),
            _ => Err(RequestError::Unintelligible),
        }
    }
}

/// Held by every session clone and the event stream; its drop tells the endpoint task that nobody is left.
#[derive(Debug)]
pub(crate) struct RoomGuard {
    pub(crate) shared: Arc<RoomShared>,
}

impl Drop for RoomGuard {
    fn drop(&mut self) {
        self.shared.abandoned.store(true, Ordering::Release);
        self.shared.wake.notify_one();
    }
}

/// What the endpoint task and the handles of a room share.
#[derive(Debug)]
pub(crate) struct RoomShared {
    pub(crate) uri: RoomUri,
    view: Mutex<RoomView>,
    /// Nobody holds the room any more.
    pub(crate) abandoned: AtomicBool,
    /// The event queue overflowed; the reader wakes the task when there is room again.
    pub(crate) lagging: AtomicBool,
    /// Wakes the endpoint task; one for all its rooms.
    pub(crate) wake: Arc<Notify>,
}

#[derive(Debug)]
pub(crate) struct RoomView {
    pub(crate) info: RoomInfo,
    pub(crate) participants: BTreeMap<SipUri, Participant>,
    pub(crate) joined: bool,
    pub(crate) post_keys: bool,
    pub(crate) closed: Option<RoomClosed>,
}

impl RoomShared {
    pub(crate) fn new(info: RoomInfo, participants: Vec<Participant>, wake: Arc<Notify>) -> Self {
        let view = RoomView {
            participants: participants
                .into_iter()
                .map(|person| (person.user.clone(), person))
                .collect(),
            joined: true,
            post_keys: false,
            closed: None,
            info,
        };
        Self {
            uri: view.info.uri.clone(),
            view: Mutex::new(view),
            abandoned: AtomicBool::new(false),
            lagging: AtomicBool::new(false),
            wake,
        }
    }

    /// Reads or changes the view; the lock is held for the closure only.
    pub(crate) fn view<T>(&self, look: impl FnOnce(&mut RoomView) -> T) -> T {
        look(&mut self.view.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
