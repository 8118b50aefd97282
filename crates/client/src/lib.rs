//! The client SDK in UCMA's words: platform, application and user endpoint, persistent chat endpoint, room session.
//! It owns signing in, reconnecting and exactly-once delivery; bytes are left to `parlor_net`, what is said in a room
//! to `parlor_xccos`.
//!
//! ```text
//! Platform                who this program is: certificate, GRUU, limits
//!  └ ApplicationEndpoint  speaks as a user; or UserEndpoint, which registers
//!     └ PersistentChatEndpoint   a session with the chat service: find rooms, join them
//!        └ RoomSession + RoomEvents   post, ask history, leave; read what happens
//! ```
//!
//! One task per endpoint owns the connection; everything above is a handle on it. When the connection is lost the task
//! connects again (exponential back-off, full jitter), joins all rooms in one request, and fetches what each reader
//! missed after its last message: a reader sees every post once and in order. What each call may rely on:
//!
//! - A post is a success when the server has stored it. With a post key it is sent again after a loss and appears once.
//! - Requests are asked again after a loss; each has a deadline ([`Tuning`]).
//! - A one-to-one message ([`LocalEndpoint::send_private`]) is a success when an endpoint of the other user took it; one
//!   that comes in counts as arrived when the program accepts it. Nothing repeats them after a loss: see there.
//! - A reader that is too slow loses nothing: it is told ([`RoomEvent::Lagged`]) and served from history.

mod backoff;
mod chat;
mod command;
mod credentials;
mod dial;
mod endpoint;
mod error;
mod events;
mod message;
mod platform;
mod private;
mod provisioning;
mod room;
mod state;
mod task;
mod tuning;

pub use backoff::Backoff;
pub use chat::{ChatSettings, PersistentChatEndpoint, ServerInfo};
pub use credentials::Credentials;
pub use dial::Dialer;
pub use endpoint::{
    ApplicationEndpoint, ApplicationEndpointSettings, LocalEndpoint, Proxy, UserEndpoint,
    UserEndpointSettings,
};
pub use error::{
    ChatRefusal, EstablishError, JoinError, PlatformError, PostError, PrivateError, RequestError, SipRefusal,
};
pub use events::{RoomClosed, RoomEvent, RoomEvents};
pub use message::{Message, Posted};
pub use platform::{
    ClientPlatformSettings, ClientTransport, Platform, PlatformSettings, ServerPlatformSettings,
};
pub use private::{PrivateMessage, PrivateMessages};
pub use room::{RoomSession, RoomSummary, RoomTarget};
pub use state::{EndpointState, EndpointStatus};
pub use tuning::Tuning;
