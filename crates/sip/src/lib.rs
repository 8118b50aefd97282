//! SIP without I/O: framing, messages, transactions and dialogs as a state machine fed with bytes and time.
//!
//! # Run loop
//!
//! One [`UserAgent`] serves one connection over a reliable transport. Whoever owns the socket drives it:
//!
//! ```text
//!   socket readable   -> read into agent.read_buffer()
//!   loop {
//!       agent.poll_event(now)?   Some(event) -> act on it (respond, accept, request, ...)
//!                                None        -> leave the loop
//!   }                            Err(fault)  -> write fault.response_bytes(), close
//!   agent.take_output(&mut out)  -> one gathered write; do not read again before it went out
//!   sleep until agent.next_deadline() or the socket is readable
//! ```
//!
//! Nothing here reads a clock, opens a socket or starts a thread.
//!
//! ```
//! use parlor_sip::{AgentSettings, Event, Method, RequestDraft, StatusCode, Target, Transport, Uri, UserAgent};
//!
//! # #[allow(clippy::disallowed_methods)] // an example may read the clock
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let now = std::time::Instant::now();
//! let mut client = UserAgent::new(AgentSettings::new("192.0.2.1:40000", Transport::Tls, "Client/1"), 1);
//! let mut server = UserAgent::new(AgentSettings::new("chat.example.com:5061", Transport::Tls, "Server/1"), 2);
//!
//! // The client says something; its bytes travel; the server answers.
//! let target = Target::new("sip:alice@example.com".parse::<Uri>()?, "sip:chat@example.com".parse::<Uri>()?);
//! client.request(now, &target, RequestDraft::new(Method::MESSAGE).body("text/plain", "hello"));
//! let mut pieces: Vec<bytes::Bytes> = Vec::new();
//! client.take_output(&mut pieces);
//! server.read_buffer().extend_from_slice(&pieces.concat());
//! let Some(Event::Request { transaction: Some(transaction), request, .. }) = server.poll_event(now)? else {
//!     panic!("a MESSAGE has an answer")
//! };
//! assert_eq!(&request.body()[..], b"hello");
//! server.respond(transaction, StatusCode::OK)?;
//! assert!(server.has_output());
//! # Ok(())
//! # }
//! ```

mod client_transactions;
mod dialog;
mod draft;
mod event;
mod fault;
mod framer;
mod head;
mod headers;
mod id;
mod interop;
mod keep_alive;
mod limits;
mod message;
mod method;
mod name;
mod name_addr;
mod outgoing;
mod params;
mod random;
mod server_transactions;
mod session;
mod signing;
mod status;
mod text;
mod typed;
mod uri;
mod user_agent;

pub use dialog::{Dialog, DialogState};
pub use draft::{HeaderName, RequestDraft, ResponseDraft};
pub use event::{DialogEnd, Event, KeepAlive};
pub use fault::{Fault, FramingError};
pub use framer::{Frame, Framer};
pub use headers::{HeaderError, Headers};
pub use id::{ClientTransactionId, DialogId, ServerTransactionId};
pub use interop::InteropError;
pub use limits::Limits;
pub use message::{Message, Request, Response};
pub use method::{Method, Standard};
pub use name::Name;
pub use name_addr::{NameAddr, NameAddrError};
pub use params::Params;
pub use rsip::Transport;
pub use signing::{Guard, SignedParts, Verdict};
pub use status::StatusCode;
pub use typed::{CSeq, ContentType, EventPackage, Refresher, SessionExpires, Via};
pub use uri::{Scheme, Uri, UriError};
pub use user_agent::{AcceptError, AgentSettings, DialogGone, Target, TransactionGone, UserAgent};
