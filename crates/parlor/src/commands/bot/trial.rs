//! `parlor bot try`: a dialogue with a bot, without a server.

use std::io::BufRead as _;

use parlor_bot::testkit::TestKit;
use parlor_bot::{BotKind, State};
use parlor_process::Program;
use serde_json::json;

use crate::cli::{BotTryArgs, Global};
use crate::failure::Failure;
use crate::terminal::{FAINT, json_line, line, remark, styled};

pub(super) fn run(global: &Global, arguments: BotTryArgs) -> Result<(), Failure> {
    let kind = match &arguments.kind {
        Some(name) => super::kind(global, name)?,
        None => program(arguments.program)?,
    };
    let mistake = kind.description().check();
    mistake.map_err(|mistake| Failure::caused("the bot describes itself wrongly", &mistake))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::caused("cannot start the runtime", &error))?;
    let kit = TestKit::of_kind(kind, arguments.settings).rooms(arguments.rooms);
    runtime.block_on(async {
        let begun = kit.begin().await;
        let (kit, started) = begun.map_err(|error| Failure::new(format!("the bot is not made: {error}")))?;
        let mut dialogue = Dialogue {
            json: global.json,
            kit,
            skipped: 0,
            known: State::default(),
        };
        let failed = started.err().map(|error| format!("bot fails: {error}"));
        dialogue.tell(failed.into_iter().collect());
        dialogue.play().await
    })
}

/// A program that no configuration names.
fn program(command: Vec<String>) -> Result<BotKind, Failure> {
    let program = Program::new("bot", command);
    parlor_process::kind(&program).map_err(|failure| Failure::new(failure.to_string()))
}

struct Dialogue {
    json: bool,
    kit: TestKit,
    /// How many reasons for silence were shown.
    skipped: usize,
    /// What is known that it remembers.
    known: State,
}

impl Dialogue {
    async fn play(&mut self) -> Result<(), Failure> {
        for said in std::io::stdin().lock().lines() {
            let said = said.map_err(|error| Failure::caused("cannot read the dialogue", &error))?;
            let said = said.trim();
            if said.is_empty() {
                continue;
            }
            match self.kit.speak(said).await {
                Ok(heard) => self.tell(heard),
                Err(error) => remark(error.to_string()),
            }
        }
        Ok(())
    }

    /// What the bot said, and what it did besides.
    fn tell(&mut self, mut heard: Vec<String>) {
        for answer in self.kit.take_answers() {
            let text = answer.message.plain_text().trim().replace('\n', "\n| ");
            heard.push(format!("bot to {}: {text}", answer.to));
        }
        let skipped = self.kit.skipped();
        heard.extend(
            skipped[self.skipped..]
                .iter()
                .map(|reason| format!("bot skips: {reason}")),
        );
        self.skipped = skipped.len();
        if *self.kit.all_state() != self.known {
            self.known = self.kit.all_state().clone();
            let state = serde_json::to_string(&self.known).unwrap_or_default();
            heard.push(format!("bot remembers: {state}"));
        }
        for text in heard {
            if self.json {
                json_line(&json!({ "line": text }));
            } else if text.starts_with("bot: ") || text.starts_with("bot in ") {
                line(text);
            } else {
                line(styled(FAINT, text));
            }
        }
    }
}
