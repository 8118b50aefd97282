//! One webhook of the bot: its rooms, which requests are wanted, and what a post looks like.

use std::collections::BTreeMap;

use parlor_bot::prelude::*;
use parlor_bot::{Condition, Template};
use serde_json::Value;

use crate::shape::{Draft, Piece, draft};
use crate::{HookSettings, PostAs};

/// The shortest limit for a post that still shows something.
const SHORTEST: usize = 40;

/// Rates up to this are meant as a limit; more than a hundred requests a second no room takes.
const MOST_PER_MINUTE: u32 = 6_000;

/// What templates and conditions may use.
const VARIABLES: [&str; 6] = ["body", "headers", "hook", "id", "received", "room"];

#[derive(Debug)]
pub(crate) struct Hook {
    pub(crate) spec: WebhookSpec,
    rooms: Vec<Room>,
    when: Option<Condition>,
    post_as: PostAs,
    text: Option<Template>,
    title: Option<Template>,
    link: Option<Template>,
    link_text: Option<Template>,
    alert_when: Option<Condition>,
    max_length: usize,
}

/// What templates and conditions may use.
#[derive(Clone, Debug, Serialize)]
pub struct Variables<'a> {
    /// The body.
    pub body: &'a Value,
    /// The headers, by their names in lower case.
    pub headers: &'a BTreeMap<String, String>,
    /// The webhook's name.
    pub hook: &'a str,
    /// What makes the request this one.
    pub id: &'a str,
    /// When it came in: `2026-03-29 08:55`, UTC.
    pub received: String,
    /// The room that it is posted in.
    pub room: &'a str,
}

impl Hook {
    /// Reads the settings that stand at `path`.
    pub(crate) fn new(entry: &HookSettings, path: &str, setup: &Setup) -> Result<Self, SetupError> {
        let post_as = entry.post_as.unwrap_or_default();
        let limit = match post_as {
            PostAs::Story => setup.limits().story,
            PostAs::Text | PostAs::Alert => setup.limits().message,
        };
        let max_length = entry.max_length.unwrap_or(limit);
        if max_length < SHORTEST {
            let problem = format!("{max_length} bytes show nothing; at least {SHORTEST} are needed");
            return Err(SetupError::setting(format!("{path}.max_length"), problem));
        }
        variables(entry, path)?;
        Ok(Self {
            spec: spec(entry, path, setup)?,
            rooms: rooms(entry, path, setup)?,
            when: entry.when.clone(),
            post_as,
            text: entry.text.clone(),
            title: entry.title.clone(),
            link: entry.link.clone(),
            link_text: entry.link_text.clone(),
            alert_when: entry.alert_when.clone(),
            max_length: max_length.min(limit),
        })
    }

    /// Posts the request in all rooms of the webhook, if it is wanted.
    pub(crate) fn post(&self, request: &WebhookRequest, context: &mut Context) -> Result<(), BotError> {
        if let Some(when) = &self.when {
            let wanted = when
                .holds(&variables_of(request, ""))
                .map_err(|error| wrong("when", error))?;
            if !wanted {
                return context.skip(format!("not wanted: {}", when.source()));
            }
        }
        for room in &self.rooms {
            match self.message(request, room)? {
                Some(message) => context.post(room, message)?,
                None => return context.skip("it renders to nothing"),
            }
        }
        Ok(())
    }

    /// The post; none when there would be nothing to read.
    fn message(&self, request: &WebhookRequest, room: &Room) -> Result<Option<Message>, BotError> {
        let variables = variables_of(request, room.as_str());
        let render = |template: &Template, key: &'static str| {
            let text = template.render(&variables).map_err(|error| wrong(key, error))?;
            Ok::<_, BotError>(text.trim().to_owned())
        };
        let mut draft = match &self.text {
            Some(template) => Draft::text(render(template, "text")?),
            None => draft(request).ok_or_else(|| BotError::reject(UNKNOWN_SHAPE))?,
        };
        if let Some(template) = &self.title {
            draft.title = Some(render(template, "title")?);
        }
        if let Some(template) = &self.link {
            draft.link = Some(render(template, "link")?).filter(|link| !link.is_empty());
        }
        let link_text = match &self.link_text {
            Some(template) => Some(render(template, "link_text")?),
            None => None,
        };
        let alert = match &self.alert_when {
            Some(condition) => condition
                .holds(&variables)
                .map_err(|error| wrong("alert_when", error))?,
            None => draft.alert || self.post_as == PostAs::Alert,
        };
        let message = self.compose(draft, link_text).with_alert(alert);
        Ok((!message.is_empty()).then(|| message.shortened(self.max_length)))
    }

    fn compose(&self, draft: Draft, link_text: Option<String>) -> Message {
        let title = draft.title.as_deref().filter(|title| !title.is_empty());
        let mut message = match self.post_as {
            PostAs::Story => Message::story(title.unwrap_or(self.spec.name.as_str())),
            PostAs::Text | PostAs::Alert => Message::text(title.unwrap_or_default()),
        };
        let mut begun = self.post_as == PostAs::Story || title.is_none();
        for piece in &draft.pieces {
            if !begun {
                message = message.then("\n");
                begun = true;
            }
            message = match piece {
                Piece::Text(text) => message.then(text),
                Piece::Link { text, target } => message.link(text, target),
            };
        }
        if let Some(link) = &draft.link {
            let above = !draft.pieces.is_empty() || (title.is_some() && self.post_as != PostAs::Story);
            let message = if above { message.then("\n") } else { message };
            return message.link(link_text.as_deref().unwrap_or(link), link);
        }
        message
    }
}

/// Why a request that no default fits is set aside.
const UNKNOWN_SHAPE: &str = "the body is of no kind that has a text by default; give the webhook a `text`";

fn wrong(key: &str, error: parlor_bot::TemplateError) -> BotError {
    BotError::reject(format!("`{key}` does not fit the request: {error}"))
}

fn variables_of<'a>(request: &'a WebhookRequest, room: &'a str) -> Variables<'a> {
    Variables {
        body: &request.body,
        headers: &request.headers,
        hook: &request.hook,
        id: &request.id,
        received: request.received.format("%Y-%m-%d %H:%M").to_string(),
        room,
    }
}

/// Finds misspelt variables; what is below `body` nobody knows before a request comes.
fn variables(entry: &HookSettings, path: &str) -> Result<(), SetupError> {
    let templates = [
        ("text", &entry.text),
        ("title", &entry.title),
        ("link", &entry.link),
        ("link_text", &entry.link_text),
    ];
    for (key, template) in templates {
        if let Some(template) = template {
            template
                .uses_only(&VARIABLES)
                .map_err(|problem| SetupError::setting(format!("{path}.{key}"), problem))?;
        }
    }
    for (key, condition) in [("when", &entry.when), ("alert_when", &entry.alert_when)] {
        if let Some(condition) = condition {
            condition
                .uses_only(&VARIABLES)
                .map_err(|problem| SetupError::setting(format!("{path}.{key}"), problem))?;
        }
    }
    Ok(())
}

fn spec(entry: &HookSettings, path: &str, setup: &Setup) -> Result<WebhookSpec, SetupError> {
    let secret = entry.secret.clone().relative_to(setup.folder());
    let mut spec = WebhookSpec::new(entry.name.clone(), entry.signature.clone(), secret);
    let old = entry.old_secret.clone();
    spec.secrets
        .extend(old.map(|old| old.relative_to(setup.folder())));
    spec.key = entry.key.clone().unwrap_or_default();
    if let Some(span) = entry.repeat_within {
        spec.repeat_within = span.duration();
    }
    if let Some(count) = entry.per_minute {
        if !(1..=MOST_PER_MINUTE).contains(&count) {
            let problem = format!("{count} is not from 1 to {MOST_PER_MINUTE}");
            return Err(SetupError::setting(format!("{path}.per_minute"), problem));
        }
        spec.per_minute = count;
    }
    spec.from = entry.from.iter().flatten().map(|network| network.0).collect();
    for (at, name) in entry.headers.iter().flatten().enumerate() {
        let name = name.clone().public();
        let name = name.map_err(|problem| SetupError::setting(format!("{path}.headers[{at}]"), problem))?;
        if entry.signature.header() == Some(name.as_str()) {
            let problem = "this header proves who sends; it is not handed over";
            return Err(SetupError::setting(format!("{path}.headers[{at}]"), problem));
        }
        spec.headers.push(name);
    }
    Ok(spec)
}

fn rooms(entry: &HookSettings, path: &str, setup: &Setup) -> Result<Vec<Room>, SetupError> {
    let rooms = match &entry.rooms {
        None => setup.rooms().to_vec(),
        Some(names) => names
            .iter()
            .enumerate()
            .map(|(at, name)| setup.room(format!("{path}.rooms[{at}]"), name))
            .collect::<Result<_, _>>()?,
    };
    if rooms.is_empty() {
        return Err(SetupError::setting(format!("{path}.rooms"), "no room to post in"));
    }
    Ok(rooms)
}
