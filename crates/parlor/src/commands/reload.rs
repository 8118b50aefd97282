//! `parlor reload`: has the running processes of a configuration read it again, and tells what came of it.

use parlor_control::{Client, ClientError, ReloadAnswer};

use crate::cli::{Global, exit};
use crate::commands::{control_socket, host_socket};
use crate::config::Settings;
use crate::failure::Failure;
use crate::terminal::{FAINT, GOOD, json_document, line, styled};

pub(crate) async fn run(global: &Global, settings: &Settings) -> Result<(), Failure> {
    let mut answers: Vec<ReloadAnswer> = Vec::new();
    for path in [control_socket(settings), host_socket(settings)] {
        let done_by = answers.first().map(|answer| answer.pid);
        match Client::new(path).reload(done_by).await {
            // `parlor up` answers on both sockets.
            Ok(answer) if answers.iter().any(|other| other.pid == answer.pid) => {}
            Ok(answer) => answers.push(answer),
            Err(ClientError::Unreachable { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if answers.is_empty() {
        return Err(
            Failure::new("neither a server nor a host of this configuration is running")
                .with_code(exit::UNREACHABLE)
                .with_help("A service that is started reads its configuration anyway."),
        );
    }
    if global.json {
        json_document(&answers);
    }
    let mut refused = Vec::new();
    for answer in &answers {
        if answer.done && !global.json {
            show(answer);
        }
        refused.extend(refusal(answer));
    }
    if refused.is_empty() {
        return Ok(());
    }
    Err(Failure::new(refused.join("\n")).with_code(exit::CONFIGURATION))
}

fn show(answer: &ReloadAnswer) {
    line(format_args!(
        "{} by process {}",
        styled(GOOD, "reloaded"),
        answer.pid
    ));
    for change in &answer.changes {
        line(format_args!("  {change}"));
    }
    if answer.changes.is_empty() {
        line(styled(FAINT, "  nothing has changed"));
    }
}

/// Why a process keeps the old file.
pub(crate) fn refusal(answer: &ReloadAnswer) -> Option<String> {
    if let Some(problems) = &answer.problems {
        let kept = Failure::new(problems.trim_end()).keeps_the_old();
        return Some(kept.message().to_owned());
    }
    let keys = &answer.needs_restart;
    (!keys.is_empty()).then(|| {
        let verb = if keys.len() == 1 { "needs" } else { "need" };
        format!("not reloaded: {} {verb} a restart", keys.join(", "))
    })
}
