//! Why a program is of no use any more.

use std::fmt;
use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use parlor_bot::DescriptionError;
use parlor_bot::process::{ProtocolError, TooLong, VERSION};
use parlor_bot::settings::Span;

/// What a program did wrong, or what happened to it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// There is no such program, or it may not be run.
    #[error("`{command}` cannot be started: {problem}")]
    NotStarted {
        /// The first word of the command.
        command: String,
        /// What the system says.
        problem: io::Error,
    },
    /// Its memory cannot be limited.
    #[error("its memory cannot be limited: {0}")]
    Unlimited(io::Error),
    /// It was not ready in time.
    #[error("it was not ready within {}", Span(*.0))]
    Slow(Duration),
    /// It closed its output, in most cases by ending.
    #[error("it ended ({})", .0.map_or_else(|| "its output is closed".to_owned(), |status| status.to_string()))]
    Ended(Option<ExitStatus>),
    /// It wrote what is not of the protocol.
    #[error("it wrote {0}")]
    Protocol(#[from] ProtocolError),
    /// It wrote a line without end.
    #[error("it wrote {0}")]
    Line(#[from] TooLong),
    /// It wrote a line that does not belong here.
    #[error("it wrote out of turn: {0}")]
    Turn(&'static str),
    /// It speaks another protocol.
    #[error("it speaks version {0} of the protocol, and this host version {VERSION}")]
    Version(u32),
    /// What it says of itself is wrong.
    #[error("it describes itself wrongly: {0}")]
    Description(#[from] DescriptionError),
    /// Its pipes, or a thread to attend to them, are not to be had.
    #[error("it cannot be spoken with: {0}")]
    Io(#[from] io::Error),
}

/// A [`Fault`], with what the program wrote to its standard error before.
#[derive(Debug)]
pub struct Failure {
    pub(crate) program: String,
    pub(crate) fault: Fault,
    /// The last lines of its standard error, on one line.
    pub(crate) last_words: Option<String>,
}

impl Failure {
    /// What went wrong.
    pub fn fault(&self) -> &Fault {
        &self.fault
    }
}

impl std::error::Error for Failure {}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the program of `{}`: {}", self.program, self.fault)?;
        match &self.last_words {
            Some(words) => write!(f, "; its last words: {words}"),
            None => Ok(()),
        }
    }
}
