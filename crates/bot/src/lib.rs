//! What a bot author depends on: the [`Bot`] trait, its events, its context, the message builder and a test kit.
//!
//! The host (another crate) signs in, joins rooms, polls feeds, keeps time and delivers posts. A bot is told what
//! happened and answers with effects; it never touches the network, so that what it posts, what it remembers and
//! how far it has read can be committed together.
//!
//! ```
//! use parlor_bot::prelude::*;
//!
//! /// What the operator may say.
//! #[derive(Deserialize, JsonSchema)]
//! #[serde(deny_unknown_fields)]
//! struct Hello {
//!     /// The answer to a greeting.
//!     greeting: String,
//! }
//!
//! impl Bot for Hello {
//!     const KIND: &'static str = "hello";
//!     type Settings = Self;
//!
//!     fn from_settings(settings: Self, _: &Setup) -> Result<Self, SetupError> {
//!         Ok(settings)
//!     }
//!
//!     fn describe(bot: &mut Blueprint<'_, Self>) {
//!         bot.about("Greets back.");
//!         bot.messages("Answers those who say hello.", Self::greet);
//!     }
//! }
//!
//! impl Hello {
//!     async fn greet(&self, context: &mut Context, said: &IncomingMessage) -> Result<(), BotError> {
//!         if said.text.contains("hello") {
//!             context.reply(&*self.greeting)?;
//!         }
//!         Ok(())
//!     }
//! }
//! ```

mod arguments;
mod asked;
mod author;
mod blueprint;
mod bot;
mod condition;
mod context;
mod description;
mod each;
mod error;
mod event;
mod feed;
mod handler;
mod help;
mod interests;
mod mail;
mod memory;
mod message;
pub mod process;
mod registry;
mod room;
pub mod schedule;
pub mod schema;
mod secret;
pub mod settings;
mod setup;
mod state;
mod template;
pub mod testkit;
mod timing;
mod webhook;
pub mod words;

pub use arguments::{Arguments, ArgumentsError};
pub use asked::{Asking, Command};
pub use author::Author;
pub use blueprint::{Blueprint, Heard};
pub use bot::{Bot, DynBot};
pub use condition::Condition;
pub use context::{
    Context, Effects, MAX_MAILS_PER_EVENT, MAX_POSTS_PER_EVENT, MAX_REASON, QueuedMail, QueuedPost,
    QueuedPrivate, QueuedRemoval,
};
pub use description::{
    ArgumentDescription, CommandDescription, Description, DescriptionError, HandlerDescription, Trigger,
};
pub use error::{BotError, SetupError};
pub use event::{Event, IncomingMessage, Presence, PrivateMessage, ScheduleFired};
pub use feed::{
    FeedDigest, FeedEdit, FeedItem, FeedSpec, FeedUrl, FeedUrlError, FirstRun, FirstRunError, IdentityField,
    OnEdit,
};
pub use handler::{Extract, Handler, Handling, Hook, News, Speech, Start, Time};
pub use interests::{Interests, ScheduleSpec};
pub use mail::{MAX_MAIL_BYTES, MAX_SUBJECT_BYTES, Mail, MailAddress, MailAddressError, MailError};
pub use memory::{Memory, Remembered};
pub use message::{Limits, Message};
pub use parlor_xccos::format::{Emoticon, FormattedMessage, MessagePart};
pub use parlor_xccos::{MessageId, RoomUri, SipUri};
pub use registry::{BotKind, Registry};
pub use room::Room;
pub use secret::{Secret, SecretError, SecretSource};
pub use settings::NoSettings;
pub use setup::Setup;
pub use state::{MAX_STATE_BYTES, MAX_STATE_KEY, State, StateChange};
pub use template::{HtmlTemplate, Template, TemplateError};
pub use webhook::{
    BodyError, HeaderName, RequestKey, RequestKeyError, Signature, SignatureError, WebhookName,
    WebhookNameError, WebhookRequest, WebhookSpec,
};

/// Everything that a bot's source file usually needs.
pub mod prelude {
    pub use crate::{
        Author, Blueprint, Bot, BotError, Context, Event, FeedDigest, FeedItem, FeedSpec, Heard,
        IncomingMessage, Interests, Memory, Message, Presence, Remembered, Room, ScheduleFired, ScheduleSpec,
        Setup, SetupError, WebhookRequest, WebhookSpec,
    };
    pub use chrono::{DateTime, Utc};
    pub use schemars::JsonSchema;
    pub use serde::{Deserialize, Serialize};
}
