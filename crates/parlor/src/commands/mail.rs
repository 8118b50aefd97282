//! `parlor mail try`: one test mail through the configured server, with what the server said to each step.

use parlor_bot::Mail;
use parlor_host::{MailConfig, Step, send_trial};
use serde_json::json;

use crate::cli::{Global, MailCommand, exit};
use crate::config::Settings;
use crate::failure::Failure;
use crate::terminal::{GOOD, harmless, json_document, line, styled};

pub(crate) async fn run(global: &Global, settings: &Settings, command: MailCommand) -> Result<(), Failure> {
    let MailCommand::Try { to } = command;
    let host = settings.host.as_ref();
    let mail = host.and_then(|host| host.mail.as_ref()).ok_or_else(|| {
        Failure::new("the configuration has no [host.mail] table").with_code(exit::CONFIGURATION)
    })?;
    let sent = send_trial(mail, &to, &trial(mail)).await;
    let (steps, refusal) = match &sent {
        Ok(steps) => (steps, None),
        Err((steps, refusal)) => (steps, Some(refusal)),
    };
    if global.json {
        json_document(&json!({
            "server": format!("{}:{}", mail.host, mail.port),
            "to": to,
            "steps": steps,
            "refused": refusal.map(|refusal| json!({
                "stage": refusal.stage, "code": refusal.code, "words": refusal.words
            })),
        }));
    } else {
        print(steps);
    }
    match refusal {
        None => Ok(()),
        Some(refusal) => Err(Failure::new(harmless(&refusal.to_string()).to_string())),
    }
}

fn print(steps: &[Step]) {
    for Step { stage, answer, .. } in steps {
        line(format_args!(
            "{} {}",
            styled(GOOD, format_args!("{stage:<9}")),
            harmless(answer)
        ));
    }
}

fn trial(mail: &MailConfig) -> Mail {
    let text = format!("A test mail of Parlor on {}: bots can send mail.", mail.hello);
    Mail::new("Test mail of Parlor", text)
}
