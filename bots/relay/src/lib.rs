//! Posts what other programs send by webhooks. Who may send, and that nothing is taken twice, is the host's task; this
//! decides what is wanted and what a post looks like.
//!
//! ```toml
//! [[settings.hooks]]
//! name = "ci"                                  # POST /hooks/ci
//! signature = "github"
//! secret = "file:ci.secret"
//! rooms = ["Builds"]
//! when = "body.ref == 'refs/heads/main'"
//! ```

mod hook;
mod settings;
mod shape;

pub use hook::Variables;
pub use settings::{HookSettings, PostAs, Settings};

use std::collections::BTreeSet;

use hook::Hook;
use parlor_bot::prelude::*;

/// The bot.
#[derive(Debug)]
pub struct Relay {
    hooks: Vec<Hook>,
}

impl Bot for Relay {
    const KIND: &'static str = "relay";
    type Settings = Settings;

    fn from_settings(settings: Settings, setup: &Setup) -> Result<Self, SetupError> {
        let (mut names, mut hooks, mut problems) = (BTreeSet::new(), Vec::new(), Vec::new());
        for (at, entry) in settings.hooks.iter().enumerate() {
            let path = format!("hooks[{at}]");
            if !names.insert(entry.name.clone()) {
                let problem = format!("another webhook is called `{}`", entry.name);
                problems.push(SetupError::setting(format!("{path}.name"), problem));
            }
            match Hook::new(entry, &path, setup) {
                Ok(hook) => hooks.push(hook),
                Err(problem) => problems.push(problem),
            }
        }
        SetupError::all(problems)?;
        Ok(Self { hooks })
    }

    fn describe(bot: &mut Blueprint<'_, Self>) {
        bot.about("Posts what comes in by webhooks.");
        bot.webhooks("Posts a request, if it is wanted.", Self::specs, Self::request);
    }
}

impl Relay {
    fn specs(&self) -> Vec<WebhookSpec> {
        self.hooks.iter().map(|hook| hook.spec.clone()).collect()
    }

    async fn request(&self, context: &mut Context, request: &WebhookRequest) -> Result<(), BotError> {
        let found = self
            .hooks
            .iter()
            .find(|hook| hook.spec.name.as_str() == request.hook);
        match found {
            Some(hook) => hook.post(request, context),
            // It waited while the configuration changed. It stays where it can be retried.
            None => Err(BotError::reject(format!(
                "webhook `{}` is not configured any more",
                request.hook
            ))),
        }
    }
}
