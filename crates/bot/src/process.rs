//! Bots that run in a process of their own and speak JSON lines: the protocol, and the bot's end of it in Rust.
//!
//! The host writes a line to the bot's standard input, the bot answers with one on its standard output. What each line
//! says is in [`ToBot`] and [`FromBot`], and for authors in other languages in `docs/process-bots.md`. The host's end,
//! which starts, limits and ends the process, is `parlor-process`.
//!
//! A bot of [`crate::Bot`] becomes such a program by one call:
//!
//! ```no_run
//! # use parlor_bot::prelude::*;
//! # struct Tea;
//! # impl Bot for Tea {
//! #     const KIND: &'static str = "tea";
//! #     type Settings = parlor_bot::NoSettings;
//! #     fn from_settings(_: Self::Settings, _: &Setup) -> Result<Self, SetupError> { Ok(Self) }
//! # }
//! fn main() -> std::process::ExitCode {
//!     parlor_bot::process::serve::<Tea>()
//! }
//! ```

mod happening;
mod line;
mod post;
mod protocol;
mod removal;
mod serve;
mod wanted;

pub use happening::Happening;
pub use line::{Lines, TooLong};
pub use post::{Part, Post};
pub use protocol::{
    Configure, Done, FromBot, MAX_LINE, MAX_REASON, ProtocolError, ReadBy, Refusal, ToBot, Told, VERSION,
};
pub use removal::Removal;
pub use serve::{Conversation, ConversationError, serve};
pub use wanted::{MAX_WANTED, Wanted, WantedFeed, WantedSchedule};
