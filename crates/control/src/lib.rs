//! HTTP over a Unix socket that is its owner's alone: how a running server and a running host are asked.
//!
//! Owns the socket (its mode, its lock, what a dead process left) and a client that speaks JSON. Which questions there
//! are is left to whoever opens it: `parlor_server::control`, `parlor_host::control`.

mod client;
mod reload;
mod socket;

use serde::{Deserialize, Serialize};

pub use client::{Client, ClientError, Lines, escape};
pub use hyper::Method;
pub use reload::{ReloadAnswer, ReloadRequests, Reloads, Request, reload_route, reloads};
pub use socket::{Socket, SocketError};

/// The body of every answer that is not a 2xx.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// A word for programs, for example `no_such_room`.
    pub error: String,
    /// A sentence for people.
    pub message: String,
}
