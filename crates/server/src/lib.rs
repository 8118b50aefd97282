//! The Persistent Chat server: sign-in, trusted applications, provisioning, chat sessions, room tasks, administration.
//! Bytes on sockets are left to `parlor_net`, the rules of rooms to `parlor_rooms`, keeping to a store.
//!
//! One post, from a member's socket to every member's socket, waits in two queues:
//!
//! ```text
//! net::connection -> session -> dispatch -> room queue -> room_task -> store -> outbox -> net::connection
//! ```
//!
//! A session task awaits its connection and nothing else, a room task the store and nothing else.

mod accounts;
mod batch_join;
mod call;
mod config;
pub mod control;
mod diagnostics;
mod directory;
mod dispatch;
#[cfg(fuzzing)]
pub mod fuzzing;
mod health;
mod keeping;
mod lanes;
mod listener;
mod mailbox;
mod presence;
mod provisioning;
mod queries;
mod refusals;
mod registrar;
mod registry;
mod room_info;
mod room_task;
mod seed;
mod server;
mod service;
mod session;
mod sessions;
mod throttle;
mod ticket;
mod trust;
mod wire;
mod xml;

pub use config::{
    Config, Limits, ListenerConfig, Password, Seed, SeedCategory, SeedPost, SeedRoom, SeedUser, SignIn,
    TrustedApplication, TrustedPool, UnprovedUsers,
};
pub use directory::DirectoryError;
pub use health::Health;
pub use server::{Server, StartError, start};
