//! What handles ask of the endpoint task, and the way they ask.

use std::sync::Arc;

use parlor_xccos::{Command as ChatCommand, MessageId, Post, ReplyData, RoomUri, SipUri};
use tokio::sync::{mpsc, oneshot, watch};

use crate::chat::{ChatSettings, ServerInfo};
use crate::error::{EstablishError, JoinError, PostError, PrivateError, RequestError};
use crate::events::RoomEvent;
use crate::message::{Message, Posted};
use crate::private::PrivateMessage;
use crate::room::RoomGuard;
use crate::state::{EndpointState, EndpointStatus};

pub(crate) type Reply<T> = oneshot::Sender<T>;

/// Answers a caller; one that has given up waiting does not care.
pub(crate) fn answer<T>(reply: Reply<T>, value: T) {
    let _given_up = reply.send(value);
}

/// What a successful join hands out. The handles around it are made by the caller, so that the task holds none of its
/// own and stops when the last one outside is dropped.
#[derive(Debug)]
pub(crate) struct Membership {
    pub(crate) room: Arc<RoomGuard>,
    pub(crate) events: mpsc::Receiver<RoomEvent>,
    /// The posts from before, oldest first; `None` when nobody asked for them or the server does not show them.
    pub(crate) recent: Option<Vec<Post>>,
}

/// One request to the endpoint task. Each carries where its answer goes.
#[derive(Debug)]
pub(crate) enum Command {
    Establish {
        reply: Reply<Result<(), EstablishError>>,
    },
    EstablishChat {
        settings: ChatSettings,
        reply: Reply<Result<ServerInfo, EstablishError>>,
    },
    Request {
        command: ChatCommand,
        reply: Reply<Result<ReplyData, RequestError>>,
    },
    Join {
        room: RoomUri,
        after: Option<MessageId>,
        /// How many posts from before to hand over with the membership.
        recent: Option<u32>,
        reply: Reply<Result<Membership, JoinError>>,
    },
    Leave {
        room: RoomUri,
        reply: Reply<Result<(), RequestError>>,
    },
    Post {
        room: RoomUri,
        message: Message,
        reply: Reply<Result<Posted, PostError>>,
    },
    /// Hands over what others write to this endpoint alone.
    Listen {
        reader: mpsc::Sender<PrivateMessage>,
        reply: Reply<()>,
    },
    SendPrivate {
        to: SipUri,
        text: String,
        reply: Reply<Result<(), PrivateError>>,
    },
    CloseChat {
        reply: Reply<()>,
    },
    Drain {
        reply: Reply<()>,
    },
    Terminate {
        reply: Reply<()>,
    },
}

/// A way to reach the endpoint task; the task stops when the last one is dropped.
#[derive(Debug, Clone)]
pub(crate) struct Handle {
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) status: watch::Receiver<EndpointStatus>,
    pub(crate) owner: SipUri,
}

impl Handle {
    /// Sends a command and waits for its answer; `Err` names the state when the task is gone.
    pub(crate) async fn call<T>(
        &self,
        command: impl FnOnce(Reply<T>) -> Command,
    ) -> Result<T, EndpointState> {
        let (reply, answer) = oneshot::channel();
        if self.commands.send(command(reply)).await.is_err() {
            return Err(self.state());
        }
        answer.await.map_err(|_| self.state())
    }

    /// One XCCOS command and the data of its reply.
    pub(crate) async fn request(&self, command: ChatCommand) -> Result<ReplyData, RequestError> {
        self.call(|reply| Command::Request { command, reply })
            .await
            .unwrap_or_else(|state| Err(RequestError::State(state)))
    }

    pub(crate) fn state(&self) -> EndpointState {
        self.status.borrow().state
    }
}
