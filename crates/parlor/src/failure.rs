//! How a command ends badly: an exit code, what happened with its causes, and what to do about it.

use std::error::Error;
use std::fmt::Write as _;

use parlor_server::control::ClientError;

use crate::cli::exit;
use crate::config::{ConfigError, render};
use crate::recording::RecorderError;
use crate::terminal::{BAD, FAINT, remark, styled};

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: u8,
    message: String,
    help: Option<String>,
}

impl Failure {
    /// A failure in words.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            code: exit::FAILED,
            message: message.into(),
            help: None,
        }
    }

    /// A failure with its chain of causes.
    pub(crate) fn caused(what: &str, error: &(dyn Error + 'static)) -> Self {
        Self::new(format!("{what}: {}", chain(error)))
    }

    pub(crate) fn with_code(mut self, code: u8) -> Self {
        self.code = code;
        self
    }

    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// A configuration that was to be taken up and cannot be.
    pub(crate) fn keeps_the_old(mut self) -> Self {
        self.message = format!(
            "not reloaded, the old configuration stays in use\n{}",
            self.message
        );
        self
    }

    /// What happened, without advice.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Tells the user.
    pub(crate) fn show(&self) {
        remark(format_args!("{} {}", styled(BAD, "parlor:"), self.message));
        if let Some(help) = &self.help {
            remark(styled(FAINT, help));
        }
    }
}

/// An error and its causes in one line. A cause that its parent already quotes is not said twice.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let words = next.to_string();
        if !text.contains(&words) {
            let _ = write!(text, ": {words}");
        }
        cause = next.source();
    }
    text
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let failure = match &error {
            ConfigError::Wrong(problems) => Self::new(render(problems).trim_end().to_owned()),
            ConfigError::Unreadable { .. } => Self::new(chain(&error)).with_help(
                "Name the file with --config FILE, or run in the folder that holds config/parlor.toml.",
            ),
        };
        failure.with_code(exit::CONFIGURATION)
    }
}

impl From<RecorderError> for Failure {
    fn from(error: RecorderError) -> Self {
        Self::new(chain(&error))
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let message = chain(&error);
        match error {
            ClientError::Unreachable { .. } => Self::new(message)
                .with_code(exit::UNREACHABLE)
                .with_help("Start it with `parlor up` or `parlor serve`, and use the same --config here."),
            _ => Self::new(message),
        }
    }
}
