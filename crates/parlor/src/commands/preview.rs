//! Posts as they would be made, for commands that post nothing.

use std::sync::Arc;

use chrono::Utc;
use parlor_bot::{BotError, Context, DynBot, Event, Message, Room, Setup, SetupError, State};
use serde::Serialize;

use crate::bots;
use crate::cli::exit;
use crate::config::Instance;
use crate::failure::{Failure, chain};
use crate::terminal::{BAD, STRONG, WARNING, harmless, line, styled};

/// Lines of a post that are shown.
const LINES: usize = 6;

/// What becomes of an event.
#[derive(Debug, Default, Serialize)]
pub(super) struct Preview {
    posts: Vec<Post>,
    /// Why it is not posted.
    left_out: Option<String>,
    /// Why it cannot be posted.
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct Post {
    room: String,
    /// The title of a story.
    title: Option<String>,
    text: String,
    alert: bool,
}

/// A bot of the configuration, made as the host makes it, with nothing that it remembers.
pub(super) fn make(instance: &Instance) -> Result<(Box<dyn DynBot>, Setup), Failure> {
    let setup = bots::setup(instance);
    let bot = bots::registry()
        .build(&instance.kind, &instance.settings, &setup)
        .map_err(wrong)?;
    Ok((bot, setup))
}

/// Settings that a bot does not take.
pub(super) fn wrong(error: SetupError) -> Failure {
    Failure::new(chain(&error)).with_code(exit::CONFIGURATION)
}

impl Preview {
    /// Has the bot handle an event, and keeps what it would do.
    pub(super) async fn of(bot: &mut dyn DynBot, setup: &Arc<Setup>, event: &Event) -> Self {
        let mut context = Context::new(Utc::now(), setup.clone(), Arc::new(State::default()), event);
        match bot.handle(event, &mut context).await {
            Ok(()) => {
                let effects = context.into_effects();
                let posts = effects.posts.iter();
                Self {
                    posts: posts.map(|post| Post::of(&post.room, &post.message)).collect(),
                    left_out: effects.skipped,
                    error: None,
                }
            }
            Err(error) => Self {
                error: Some(BotError::to_string(&error)),
                ..Self::default()
            },
        }
    }

    /// Whether it cannot be posted.
    pub(super) fn has_failed(&self) -> bool {
        self.error.is_some()
    }

    pub(super) fn show(&self) {
        if let Some(reason) = &self.left_out {
            line(format_args!(
                "  {} {}",
                styled(WARNING, "left out:"),
                harmless(reason)
            ));
        }
        if let Some(error) = &self.error {
            line(format_args!(
                "  {} {}",
                styled(BAD, "cannot be posted:"),
                harmless(error)
            ));
        }
        self.posts.iter().for_each(Post::show);
    }
}

impl Post {
    fn of(room: &Room, message: &Message) -> Self {
        Self {
            room: room.to_string(),
            title: message.title().map(str::to_owned),
            text: message.display_text(),
            alert: message.is_alert(),
        }
    }

    fn show(&self) {
        let alert = if self.alert { " (alert)" } else { "" };
        line(format_args!("  -> {}{alert}", styled(STRONG, &self.room)));
        let text = harmless(&self.text);
        for text in text.lines().take(LINES) {
            line(format_args!("     {text}"));
        }
        if text.lines().nth(LINES).is_some() {
            line("     …");
        }
    }
}
