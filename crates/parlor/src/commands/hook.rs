//! `parlor hook`: what a request of a webhook would become, shown without posting it. No secret is needed for that.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use chrono::Utc;
use parlor_bot::{Event, WebhookRequest, WebhookSpec};
use parlor_host::Webhooks;
use serde_json::json;

use super::preview::{Preview, make};
use crate::bots;
use crate::cli::{Global, HookCommand, HookTryArgs};
use crate::config::{Instance, Settings};
use crate::failure::Failure;
use crate::terminal::{FAINT, STRONG, json_document, line, styled};

/// Every webhook of the configured bots, with the bot that wants it.
pub(crate) fn all(settings: &Settings) -> Result<Vec<(&Instance, WebhookSpec)>, Failure> {
    let mut found = Vec::new();
    for instance in settings.host.iter().flat_map(|host| &host.instances) {
        // Programs, which have no webhooks, need not be started for this.
        if bots::registry().kind(&instance.kind).is_none() {
            continue;
        }
        let (bot, _) = make(instance)?;
        found.extend(bot.interests().webhooks.into_iter().map(|spec| (instance, spec)));
    }
    Ok(found)
}

pub(crate) async fn run(global: &Global, settings: &Settings, command: HookCommand) -> Result<(), Failure> {
    match command {
        HookCommand::List => list(global, settings),
        HookCommand::Try(arguments) => attempt(global, settings, &arguments).await,
    }
}

fn list(global: &Global, settings: &Settings) -> Result<(), Failure> {
    let hooks = all(settings)?;
    let address = settings.webhooks.as_ref().map(|webhooks| {
        let scheme = if webhooks.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", webhooks.listen)
    });
    let place = |spec: &WebhookSpec| {
        let address = address.as_deref().unwrap_or_default();
        let secret = if spec.signature.header().is_none() {
            "/SECRET"
        } else {
            ""
        };
        format!("{address}/hooks/{}{secret}", spec.name)
    };
    if global.json {
        let hooks = hooks.iter().map(|(instance, spec)| {
            json!({
                "name": spec.name.as_str(), "bot": instance.id, "address": place(spec),
                "signature": spec.signature.to_string(), "per_minute": spec.per_minute,
            })
        });
        json_document(&hooks.collect::<Vec<_>>());
        return Ok(());
    }
    if hooks.is_empty() {
        line("no webhooks are configured");
    }
    for (instance, spec) in &hooks {
        line(format_args!(
            "{}  {}  {}",
            styled(STRONG, place(spec)),
            spec.signature,
            styled(FAINT, format_args!("bot {}", instance.id))
        ));
    }
    Ok(())
}

async fn attempt(global: &Global, settings: &Settings, arguments: &HookTryArgs) -> Result<(), Failure> {
    let hooks = all(settings)?;
    let found = hooks
        .iter()
        .find(|(_, spec)| spec.name.as_str() == arguments.name);
    let Some((instance, spec)) = found else {
        let known: Vec<&str> = hooks.iter().map(|(_, spec)| spec.name.as_str()).collect();
        let failure = Failure::new(format!("no bot has a webhook `{}`", arguments.name));
        return Err(if known.is_empty() {
            failure
        } else {
            failure.with_help(format!("webhooks: {}", known.join(", ")))
        });
    };
    let request = request(settings, spec, arguments)?;
    let (mut bot, setup) = make(instance)?;
    let preview = Preview::of(&mut *bot, &Arc::new(setup), &Event::Webhook(request)).await;
    if global.json {
        json_document(&json!({ "hook": spec.name.as_str(), "bot": instance.id, "outcome": preview }));
    } else {
        let bot = styled(FAINT, format_args!("of bot {}", instance.id));
        line(format_args!("{} {bot}", styled(STRONG, &spec.name)));
        preview.show();
    }
    if preview.has_failed() {
        return Err(Failure::new("a request like this would be set aside"));
    }
    Ok(())
}

/// The request as the host would hand it over.
fn request(
    settings: &Settings,
    spec: &WebhookSpec,
    arguments: &HookTryArgs,
) -> Result<WebhookRequest, Failure> {
    let most = settings
        .webhooks
        .as_ref()
        .map_or(Webhooks::BODY, |webhooks| webhooks.body);
    let bytes = read(&arguments.body, most)?;
    let mut headers = BTreeMap::new();
    for given in &arguments.headers {
        let (name, value) = given
            .split_once(':')
            .ok_or_else(|| Failure::new(format!("`{given}` is no header; write --header 'X-Event: push'")))?;
        headers.insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
    }
    let header = |name: &str| headers.get(name).map(String::as_str);
    let content_type = header("content-type").unwrap_or("application/json");
    let body = WebhookRequest::read_body(content_type, &bytes)
        .map_err(|error| Failure::caused("the body would be refused", &error))?;
    let id = spec.key.of(header, &body).unwrap_or_else(|| "try".to_owned());
    Ok(WebhookRequest {
        hook: spec.name.to_string(),
        id,
        received: Utc::now(),
        content_type: content_type.to_owned(),
        headers: spec.handed_over(header),
        body,
    })
}

fn read(file: &Path, most: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let limit = most as u64 + 1;
    let read = if file == Path::new("-") {
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(limit).read_to_end(&mut bytes))
    };
    read.map_err(|error| Failure::caused(&format!("cannot read {}", file.display()), &error))?;
    if bytes.len() > most {
        return Err(Failure::new(format!(
            "the body is longer than {most} bytes and would be refused"
        )));
    }
    Ok(bytes)
}
