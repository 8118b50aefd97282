//! One-to-one messages: reading what other users write to the endpoint, and writing to them. The conversations (an
//! INVITE each, MESSAGEs inside) are the endpoint task's; their limits are in [`limits`].

use std::sync::{Arc, Mutex, PoisonError};

use parlor_sip::ServerTransactionId;
use parlor_xccos::SipUri;
use tokio::sync::{Notify, mpsc};

use crate::command::{Command, Handle};
use crate::endpoint::LocalEndpoint;
use crate::error::PrivateError;

pub(crate) mod limits {
    //! What one-to-one messages may take, each with its reason.

    /// Conversations open at once; the one that was quiet longest makes room, and its peer opens another when it goes
    /// on. Servers allow some more (ours 64), so that one that is ending does not refuse one that begins.
    pub(crate) const CONVERSATIONS: usize = 48;
    /// Messages that the reader has not taken or not accepted; the sender of one more is told to try later.
    pub(crate) const UNACCEPTED: usize = 64;
    /// Messages on their way out; the caller of one more is told to slow down.
    pub(crate) const UNSENT: usize = 64;
    /// Bytes of a text; half of what servers commonly take as a body (64 KiB), whatever they wrap it into.
    pub(crate) const TEXT: usize = 32 * 1024;
}

/// A message that another user wrote to this endpoint alone.
///
/// The sender sees it fail unless it is [accepted](Self::accept): a program that must not lose it stores it first.
#[derive(Debug)]
pub struct PrivateMessage {
    /// Who wrote it, as the server vouches.
    pub from: SipUri,
    /// The writer's display name, when the server sent one.
    pub from_name: Option<String>,
    /// The text, without markup.
    pub text: String,
    /// Tells it apart from every other message: Call-ID and CSeq.
    pub id: String,
    pub(crate) receipt: Receipt,
}

impl PrivateMessage {
    /// Tells the sender that the message has arrived. Without it the sender is told, when this value is dropped, that
    /// the user cannot be reached now; after about 30 seconds the sender's side gives up by itself.
    pub fn accept(&mut self) {
        self.receipt.settle(true);
    }
}

/// The receiving end of an endpoint's one-to-one messages; see [`LocalEndpoint::private_messages`].
#[derive(Debug)]
pub struct PrivateMessages {
    queue: mpsc::Receiver<PrivateMessage>,
    /// Keeps the endpoint running while somebody reads.
    _handle: Handle,
}

impl PrivateMessages {
    /// The next message; `None` when the endpoint has ended or another reader took over. Cancel safe.
    pub async fn next(&mut self) -> Option<PrivateMessage> {
        self.queue.recv().await
    }
}

impl LocalEndpoint {
    /// Opens the endpoint to one-to-one messages; until then callers are told that it takes none. May be called before
    /// [`LocalEndpoint::establish`], which misses nothing. Only an endpoint that registers is found by others.
    ///
    /// ```no_run
    /// # async fn answer(endpoint: parlor_client::UserEndpoint) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut messages = endpoint.private_messages().await;
    /// endpoint.establish().await?;
    /// while let Some(mut message) = messages.next().await {
    ///     message.accept();
    ///     endpoint.send_private(&message.from, format!("You said: {}", message.text)).await?;
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn private_messages(&self) -> PrivateMessages {
        let (reader, queue) = mpsc::channel(limits::UNACCEPTED);
        // When the task is gone the stream ends at once.
        let _gone = self.handle.call(|reply| Command::Listen { reader, reply }).await;
        PrivateMessages {
            queue,
            _handle: self.handle.clone(),
        }
    }

    /// Writes to one user, in the open conversation with that user or a new one, and returns when an endpoint of the
    /// user has taken the message. Messages to one user arrive in the order of asking.
    ///
    /// # Errors
    /// [`PrivateError`]; after [`PrivateError::OutcomeUnknown`] the message may have arrived: the protocol has nothing
    /// that makes sending it again safe.
    pub async fn send_private(&self, to: &SipUri, text: impl Into<String>) -> Result<(), PrivateError> {
        let (to, text) = (to.clone(), text.into());
        self.handle
            .call(|reply| Command::SendPrivate { to, text, reply })
            .await
            .unwrap_or_else(|state| Err(PrivateError::State(state)))
    }
}

/// What readers decided about messages of one connection. Each connection has its own, because transactions are
/// numbered anew.
#[derive(Debug, Default)]
pub(crate) struct Verdicts {
    decided: Mutex<Vec<(ServerTransactionId, bool)>>,
    pub(crate) wake: Notify,
}

impl Verdicts {
    /// Held for one push or one look. At most [`limits::UNACCEPTED`] messages are undecided at a time.
    pub(crate) fn take(&self) -> Vec<(ServerTransactionId, bool)> {
        std::mem::take(&mut self.decided.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The duty to answer a message.
#[derive(Debug)]
pub(crate) struct Receipt {
    open: Option<(ServerTransactionId, Arc<Verdicts>)>,
}

impl Receipt {
    pub(crate) fn new(transaction: ServerTransactionId, verdicts: Arc<Verdicts>) -> Self {
        Self {
            open: Some((transaction, verdicts)),
        }
    }

    fn settle(&mut self, accepted: bool) {
        if let Some((transaction, verdicts)) = self.open.take() {
            let mut decided = verdicts.decided.lock().unwrap_or_else(PoisonError::into_inner);
            decided.push((transaction, accepted));
            drop(decided);
            verdicts.wake.notify_one();
        }
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        self.settle(false);
    }
}
