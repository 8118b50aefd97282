//! Drives SIP over TLS and TCP: listeners, connectors, connections, certificates; what is said on them belongs
//! to the crates above.
//!
//! A connection is one task's object. Its owner does nothing but wait for the next event, and answers through the
//! user agent; whatever comes from other tasks goes through the bounded [`Outbox`]:
//!
//! ```no_run
//! # async fn run(listener: parlor_net::Listener) -> std::io::Result<()> {
//! use parlor_net::Event;
//! loop {
//!     let incoming = listener.accept().await?;
//!     tokio::spawn(async move {
//!         let Ok(mut connection) = incoming.establish().await else { return };
//!         let _outbox = connection.outbox(); // hand it to whoever has something to deliver here
//!         loop {
//!             match connection.next().await {
//!                 Event::Sip(_event) => { /* answer with connection.agent() */ }
//!                 Event::Signal(_number) => { /* another task has woken us */ }
//!                 Event::Closed(_cause) => break,
//!                 _ => {}
//!             }
//!         }
//!     });
//! }
//! # }
//! ```

mod admission;
pub mod certificates;
mod close_cause;
mod connection;
mod connector;
mod limits;
mod listener;
mod outbox;
mod socket;
mod stream;
mod tls;
mod trace;

pub use admission::Admission;
pub use close_cause::CloseCause;
pub use connection::{Connection, ConnectionSettings, Event, KeepAlivePolicy};
pub use connector::{ConnectError, ConnectSettings, connect};
pub use limits::Limits;
pub use listener::{Incoming, ListenError, ListenSettings, Listener};
pub use outbox::{Outbound, Outbox, PushError};
pub use stream::Stream;
pub use tls::{
    CertificateFault, ClientCertificate, ClientTls, ClientTlsSettings, HandshakeError, PeerAlert, Refreshing,
    Reloaded, ServerTls, ServerTlsSettings, TlsError,
};
pub use trace::TRACE_TARGET;
