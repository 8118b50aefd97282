//! `parlor status`: what the running server and the running host of a configuration are doing.

mod host;
mod server;

use std::time::Duration;

use parlor_host::control::Client as HostClient;
use parlor_server::control::{Client as ServerClient, ClientError};
use serde_json::json;

use crate::cli::{Global, exit};
use crate::commands::{control_socket, host_socket};
use crate::config::Settings;
use crate::failure::Failure;
use crate::terminal::{BAD, FAINT, STRONG, json_document, line, styled};

pub(crate) async fn run(global: &Global, settings: &Settings) -> Result<(), Failure> {
    let server = ServerClient::new(control_socket(settings));
    let host = HostClient::new(host_socket(settings));
    let (server, host) = tokio::join!(
        async { Some(server.status().await).filter(|_| settings.server.is_some()) },
        async { Some(host.status().await).filter(|_| settings.host.is_some()) },
    );
    let (server, host) = (running(server)?, running(host)?);
    if server.runs().is_none() && host.runs().is_none() {
        return Err(
            Failure::new("neither a server nor a host of this configuration is running")
                .with_code(exit::UNREACHABLE)
                .with_help("Start them with `parlor up`, and use the same --config here."),
        );
    }
    if global.json {
        json_document(&json!({ "server": server.runs(), "host": host.runs() }));
        return Ok(());
    }
    match &server {
        Answer::Runs(status) => server::show(status),
        Answer::Stopped => stopped("server"),
        Answer::NotConfigured => {}
    }
    if !matches!(server, Answer::NotConfigured) && !matches!(host, Answer::NotConfigured) {
        line("");
    }
    match &host {
        Answer::Runs(status) => host::show(status),
        Answer::Stopped => stopped("host"),
        Answer::NotConfigured => {}
    }
    Ok(())
}

/// What one side said.
enum Answer<T> {
    Runs(T),
    Stopped,
    /// The configuration has no such table.
    NotConfigured,
}

impl<T> Answer<T> {
    fn runs(&self) -> Option<&T> {
        match self {
            Self::Runs(status) => Some(status),
            Self::Stopped | Self::NotConfigured => None,
        }
    }
}

/// Nobody at the socket is an answer as well; any other failure is one.
fn running<T>(answer: Option<Result<T, ClientError>>) -> Result<Answer<T>, Failure> {
    match answer {
        Some(Ok(status)) => Ok(Answer::Runs(status)),
        Some(Err(ClientError::Unreachable { .. })) => Ok(Answer::Stopped),
        Some(Err(error)) => Err(error.into()),
        None => Ok(Answer::NotConfigured),
    }
}

fn stopped(what: &str) {
    line(format_args!(
        "{} {}",
        styled(STRONG, what),
        styled(BAD, "is not running")
    ));
}

/// Says that a list was cut.
fn more(all: usize, shown: usize) {
    if all > shown {
        let left = all - shown;
        line(styled(FAINT, format_args!("and {left} more; --json shows all")));
    }
}

/// How long, by its two largest units.
fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_names_the_two_largest_units() {
        assert_eq!(duration(Duration::from_secs(59)), "59 s");
        assert_eq!(duration(Duration::from_secs(3_599)), "59 min");
        assert_eq!(duration(Duration::from_secs(7_260)), "2 h 1 min");
        assert_eq!(duration(Duration::from_secs(90_000)), "1 d 1 h");
    }
}
