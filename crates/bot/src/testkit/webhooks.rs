//! Requests that the test makes up, taken as a host does. Signatures are the host's; here everybody is believed.

use serde_json::Value;

use super::TestKit;
use crate::{BotError, Event, WebhookRequest};

impl TestKit {
    /// A request with this JSON body comes in by the webhook called `hook`, without headers.
    ///
    /// # Errors
    /// What the handler returned.
    ///
    /// # Panics
    /// When the bot has no such webhook.
    pub async fn webhook(&mut self, hook: &str, body: Value) -> Result<(), BotError> {
        self.webhook_with(hook, &[], body).await
    }

    /// The same with headers. Those that the bot did not ask for do not arrive; a request with a key that was there
    /// before is a repeat and does not arrive either. What the host does about bodies that come again without a key
    /// is not done here.
    ///
    /// # Errors
    /// What the handler returned.
    ///
    /// # Panics
    /// When the bot has no such webhook.
    pub async fn webhook_with(
        &mut self,
        hook: &str,
        headers: &[(&str, &str)],
        body: Value,
    ) -> Result<(), BotError> {
        let found = self
            .interests
            .webhooks
            .iter()
            .find(|spec| spec.name.as_str() == hook);
        let spec = found.unwrap_or_else(|| panic!("the bot has no webhook `{hook}`"));
        let header = |name: &str| {
            let found = headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.map(|(_, value)| *value)
        };
        let key = spec.key.of(header, &body);
        if let Some(key) = &key
            && !self.keys.insert((hook.to_owned(), key.clone()))
        {
            return Ok(());
        }
        self.requests += 1;
        let request = WebhookRequest {
            hook: hook.to_owned(),
            id: key.unwrap_or_else(|| format!("request-{}", self.requests)),
            received: self.now,
            content_type: "application/json".to_owned(),
            headers: spec.handed_over(header),
            body,
        };
        self.deliver(Event::Webhook(request)).await
    }
}
