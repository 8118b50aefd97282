//! The host's control socket: the questions it answers, and a client for programs. What the answers mean is decided by
//! `desk`; the socket itself is `parlor_control`'s.

mod client;
mod error;
mod routes;

pub use client::Client;
pub use parlor_control::{ClientError, ErrorBody};
pub(crate) use routes::router;
