//! What a bot author depends on: the [`Bot`] trait, its events, its context, the message builder and a test kit.
//!
//! The host (another crate) signs in, joins rooms, polls feeds, keeps time and delivers posts. A bot is told what
//! happened and answers with effects; it never touches the network, so that what it posts, what it remembers and
//! how far it has read can be committed together.
//!
//! ```
//! use parlor_bot::prelude::*;
//!
//! struct Hello {
//!     greeting: String,
//! }
//!
//! #[derive(Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct Settings {
//!     greeting: String,
//! }
//!
//! impl Bot for Hello {
//!     const KIND: &'static str = "hello";
//!     type Settings = Settings;
//!
//!     fn from_settings(settings: Settings, _: &Setup) -> Result<Self, SetupError> {
//!         Ok(Self { greeting: settings.greeting })
//!     }
//!
//!     fn interests(&self) -> Interests {
//!         Interests::new().messages()
//!     }
//!
//!     async fn handle(&mut self, event: &Event, context: &mut Context) -> Result<(), BotError> {
//!         if let Event::Message(said) = event
//!             && said.text.contains("hello")
//!         {
//!             context.reply(&*self.greeting)?;
//!         }
//!         Ok(())
//!     }
//! }
//! ```

mod bot;
mod context;
mod each;
mod error;
mod event;
mod feed;
mod interests;
mod message;
mod registry;
mod room;
pub mod schedule;
pub mod settings;
mod setup;
mod state;
mod template;
pub mod testkit;
pub mod words;

pub use bot::{Bot, DynBot};
pub use context::{Context, Effects, MAX_POSTS_PER_EVENT, QueuedPost};
pub use error::{BotError, SetupError};
pub use event::{Event, IncomingMessage, Presence, ScheduleFired};
pub use feed::{
    FeedDigest, FeedEdit, FeedItem, FeedSpec, FeedUrl, FeedUrlError, FirstRun, FirstRunError, IdentityField,
    OnEdit,
};
pub use interests::{Interests, ScheduleSpec};
pub use message::{Limits, Message};
pub use parlor_xccos::format::{Emoticon, FormattedMessage, MessagePart};
pub use parlor_xccos::{MessageId, RoomUri, SipUri};
pub use registry::{BotKind, Registry};
pub use room::Room;
pub use setup::Setup;
pub use state::{MAX_STATE_BYTES, MAX_STATE_KEY, State, StateChange};
pub use template::{Template, TemplateError};

/// Everything that a bot's source file usually needs.
pub mod prelude {
    pub use crate::{
        Bot, BotError, Context, Event, FeedDigest, FeedItem, FeedSpec, Interests, Message, Room,
        ScheduleSpec, Setup, SetupError,
    };
    pub use chrono::{DateTime, Utc};
    pub use serde::{Deserialize, Serialize};
}
