//! Runs bots: endpoints, routing, workers, outbox, schedules, feeds and supervision.
//!
//! ```text
//! endpoint --room events--> room (router) --lane--> worker --handler--> commit: posts + values + cursor
//! feeds, schedules, webhooks -----------> inbox (SQLite) -^                |
//! room <------- INFO with post key ------- sender <------ outbox (SQLite) +
//! server <----- control socket ----------- remover <-----+
//! ```
//!
//! A handler never touches the network. What it posts, what it remembers and how far it has read are committed in
//! one transaction; senders deliver what is committed, with a post key that makes a repeat harmless.

mod board;
mod clock;
mod config;
pub mod control;
mod courier;
mod crew;
mod desk;
mod endpoint;
mod events;
pub mod fault;
pub mod feeds;
mod ground;
mod health;
mod host;
mod house;
mod key;
mod lane;
mod ledger;
mod mail;
mod operators;
mod part;
mod poller;
mod pool;
mod preview;
mod rate;
mod reception;
mod reload;
mod remover;
mod room;
mod runner;
pub mod schedule;
mod sender;
mod shift;
mod state;
mod status;
mod tally;
mod timekeeper;
mod validate;
mod webhooks;
mod worker;

pub use clock::Clock;
pub use config::{ChatService, Config, EndpointConfig, InstanceConfig, Replay, SignIn, Tuning};
pub use events::{HostEvent, HostEvents};
pub use health::{BotReadiness, Health, Readiness, Thresholds};
pub use host::{Host, ShutdownReport, StartError, retry_stopped, start};
pub use ledger::{LedgerEntry, LedgerQuery, LedgerStatus, Retried, Retry, UnknownStatus};
pub use mail::{Account, Allowed, MailConfig, Refusal, Security, Stage, Step, send_trial};
pub use preview::{ConfiguredSchedule, schedules, upcoming};
pub use rate::{NotARate, Rate};
pub use reload::{ReloadError, Reloaded};
pub use state::{Database, DatabaseError, DbError, LedgerReader, Place, StateError};
pub use status::{
    EndpointStatus, FeedState, FeedStatus, InstanceState, InstanceStatus, OutboxStatus, PoolEndpoint,
    PoolStatus, RoomStatus, ScheduleStatus, Status,
};
pub use validate::{Problem, ProblemKind, validate, validate_apart};
pub use webhooks::{SHORTEST_SECRET, Webhooks};
