//! Identities of transactions and dialogs inside one user agent.

/// A request this agent sent; never reused in one agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientTransactionId(pub(crate) u64);

/// A request of the peer that waits for its final answer; never reused in one agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerTransactionId(pub(crate) u64);

/// A dialog of this connection; never reused in one agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DialogId(pub(crate) u32);
