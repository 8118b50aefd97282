//! The states of an endpoint as UCMA names them (facts E6), with what a status display needs to know.

use std::fmt;
use std::sync::Arc;

use crate::error::EstablishError;

/// Where an endpoint is in its life. UCMA's `Reestablishing` is called recovering here.
///
/// ```
/// use parlor_client::EndpointState;
/// assert_eq!(EndpointState::Recovering.to_string(), "recovering");
/// assert!(!EndpointState::Draining.is_usable());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum EndpointState {
    /// Made, not yet established; also after an establishment that failed.
    #[default]
    Idle,
    /// Connecting and signing in.
    Establishing,
    /// Connected; with a chat endpoint, its session and rooms are up.
    Established,
    /// The connection or the chat session was lost and is being rebuilt; requests wait.
    Recovering,
    /// Finishing posts in flight, taking no new ones.
    Draining,
    /// Leaving rooms and closing.
    Terminating,
    /// Closed for good.
    Terminated,
}

impl EndpointState {
    /// Whether requests are taken, now or after a recovery.
    pub fn is_usable(self) -> bool {
        matches!(self, Self::Established | Self::Recovering)
    }
}

impl fmt::Display for EndpointState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Idle => "idle",
            Self::Establishing => "establishing",
            Self::Established => "established",
            Self::Recovering => "recovering",
            Self::Draining => "draining",
            Self::Terminating => "terminating",
            Self::Terminated => "terminated",
        })
    }
}

/// A state with the reason a recovery is under way.
#[derive(Debug, Clone, Default)]
pub struct EndpointStatus {
    /// The state.
    pub state: EndpointState,
    /// Recovery attempts since the endpoint was last established.
    pub attempts: u32,
    /// Why the last attempt failed, or the connection was lost; cleared when established.
    pub cause: Option<Arc<EstablishError>>,
}
