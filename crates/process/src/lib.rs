//! Bots in processes of their own: the host's end of [`parlor_bot::process`].
//!
//! ```text
//! worker -> ProgramBot (a DynBot) -> keeper, one thread for each child -> stdin of the child
//!                                          ^------------------------------ stdout, one line for each event
//!                                          log <-------------------------- stderr, bounded
//! ```
//!
//! [`kind`] asks a program what it is and gives a [`parlor_bot::BotKind`], so that nothing else of a host knows that a bot
//! is no Rust type: order, attempts, quarantine, ledger, rates and delivery are the same.
//!
//! Each instance has a process of its own. One that hangs, crashes or eats memory then takes nothing with it but its own
//! event; an event's deadline can end it; and a program has to know of one instance only.

mod bot;
mod child;
mod errors;
mod failure;
mod keeper;
mod program;
mod running;

pub use bot::kind;
pub use failure::{Failure, Fault};
pub use program::{INHERITED, Program};
pub use running::wait_until_ended;
