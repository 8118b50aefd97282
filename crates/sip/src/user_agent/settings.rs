//! What an agent says about itself, whom it talks to, and why a call on it may fail.

use crate::{Limits, NameAddr, Transport, Uri};
use std::time::Duration;

/// What an agent says about itself.
#[derive(Clone, Debug)]
pub struct AgentSettings {
    /// `host:port` for our Via.
    pub sent_by: String,
    /// The transport for our Via.
    pub transport: Transport,
    /// User-Agent of our requests, Server of our responses; left out when empty.
    pub user_agent: String,
    /// Limits on the peer.
    pub limits: Limits,
    /// The session interval we ask for and grant (RFC 4028); `None` switches session timers off.
    pub session_expires: Option<Duration>,
    /// Whether a 2xx to [`UserAgent::info`](crate::UserAgent::info) is consumed without an event.
    pub quiet_info_success: bool,
}

impl AgentSettings {
    /// Settings with default limits, a session interval of half an hour, and an event for every response.
    pub fn new(sent_by: impl Into<String>, transport: Transport, user_agent: impl Into<String>) -> Self {
        Self {
            sent_by: sent_by.into(),
            transport,
            user_agent: user_agent.into(),
            limits: Limits::default(),
            session_expires: Some(Duration::from_secs(1800)),
            quiet_info_success: false,
        }
    }
}

/// Whom an out-of-dialog request goes to.
#[derive(Clone, Debug)]
pub struct Target {
    /// The Request-URI.
    pub request_uri: Uri,
    /// Our address; a tag is added when it has none.
    pub from: NameAddr,
    /// The peer's address, with a tag when the request belongs to a subscription.
    pub to: NameAddr,
    /// The Call-ID; made up when `None`.
    pub call_id: Option<String>,
}

impl Target {
    /// A target whose Request-URI is the address itself.
    pub fn new(from: impl Into<NameAddr>, to: impl Into<NameAddr>) -> Self {
        let to = to.into();
        Self {
            request_uri: to.uri.clone(),
            from: from.into(),
            to,
            call_id: None,
        }
    }
}

/// The dialog is over, or not established yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("dialog is gone")]
pub struct DialogGone;

/// The transaction was answered, cancelled or timed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("transaction is gone")]
pub struct TransactionGone;

/// Why an INVITE could not be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AcceptError {
    /// It was answered, cancelled or timed out.
    #[error("transaction is gone")]
    Gone,
    /// The transaction is no INVITE.
    #[error("transaction does not open a dialog")]
    NotAnInvite,
    /// The draft is no 2xx.
    #[error("answer is no success")]
    NotSuccess,
    /// The connection has as many dialogs as it may; the INVITE was answered with 486.
    #[error("too many dialogs")]
    TooManyDialogs,
}
