//! One feed of the bot: its rooms, which of its items are wanted, and what a post looks like.

use std::time::Duration;

use parlor_bot::prelude::*;
use parlor_bot::settings::Span;
use parlor_bot::words::WordSet;
use parlor_bot::{FeedEdit, FeedUrl, OnEdit, Template, TemplateError};

use crate::{FeedSettings, PostAs, Settings};

/// A web server is not asked more often than this; publishers ban clients that do.
const WEB_MIN: Duration = Duration::from_secs(60);

/// A file is not looked at more often than this.
const FILE_MIN: Duration = Duration::from_secs(1);

/// More new items than this at once nobody wants to see one by one.
const DIGEST_OVER: usize = 20;

/// A silence shorter than this is none.
const SHORTEST_SILENCE: Duration = Duration::from_secs(60);

/// The shortest limit for a post that still shows something.
const SHORTEST: usize = 40;

const DEFAULT_TEXT: &str =
    "{{ title }}{% if summary and summary != title %}\n{{ summary|short(300) }}{% endif %}";
const DEFAULT_STORY: &str = "{{ summary }}";
const DEFAULT_TITLE: &str = "{{ title }}";
const DEFAULT_LINK: &str = "{{ link }}";

#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) spec: FeedSpec,
    pub(crate) rooms: Vec<Room>,
    name: Option<String>,
    pub(crate) post_as: PostAs,
    text: Template,
    title: Template,
    link_text: Option<Template>,
    pub(crate) max_length: usize,
    include: Option<WordSet>,
    exclude: Option<WordSet>,
}

/// What a feed's templates may use.
#[derive(Clone, Debug, Serialize)]
pub struct Variables<'a> {
    /// The item's title.
    pub title: &'a str,
    /// Its summary, or else its content, as text.
    pub summary: &'a str,
    /// Where it leads.
    pub link: Option<&'a str>,
    /// Who wrote it.
    pub author: Option<&'a str>,
    /// When it was published: `2026-03-29 08:55`, UTC.
    pub published: Option<String>,
    /// Its categories.
    pub categories: &'a [String],
    /// The feed's name in the settings, else its title.
    pub feed: &'a str,
    /// The feed's title.
    pub feed_title: Option<&'a str>,
    /// The item's id.
    pub id: &'a str,
    /// The room that it is posted in.
    pub room: &'a str,
}

impl Source {
    /// Reads the settings that stand at `path`, with the bot's for what they leave out.
    pub(crate) fn new(
        entry: &FeedSettings,
        common: &Settings,
        path: &str,
        setup: &Setup,
    ) -> Result<Self, SetupError> {
        let post_as = entry.post_as.or(common.post_as).unwrap_or_default();
        let text = if post_as == PostAs::Story {
            DEFAULT_STORY
        } else {
            DEFAULT_TEXT
        };
        let limit = match post_as {
            PostAs::Story => setup.limits().story,
            PostAs::Text | PostAs::Alert => setup.limits().message,
        };
        let max_length = entry.max_length.or(common.max_length).unwrap_or(limit);
        if max_length < SHORTEST {
            let problem = format!("{max_length} bytes show nothing; at least {SHORTEST} are needed");
            let path = if entry.max_length.is_some() {
                format!("{path}.max_length")
            } else {
                "max_length".into()
            };
            return Err(SetupError::setting(path, problem));
        }
        let link = entry.link.or(common.link).unwrap_or(true);
        let source = Self {
            spec: spec(entry, common, path, setup)?,
            rooms: rooms(entry, path, setup)?,
            name: entry.name.clone(),
            post_as,
            text: template(&entry.text, &common.text, text),
            title: template(&entry.title, &common.title, DEFAULT_TITLE),
            link_text: link.then(|| template(&entry.link_text, &common.link_text, DEFAULT_LINK)),
            max_length: max_length.min(limit),
            include: entry.include.clone().or_else(|| common.include.clone()),
            exclude: entry.exclude.clone().or_else(|| common.exclude.clone()),
        };
        source.check(entry, path)?;
        Ok(source)
    }

    /// Renders the templates once, so that a misspelt variable is found now.
    fn check(&self, entry: &FeedSettings, path: &str) -> Result<(), SetupError> {
        let item = FeedItem::default();
        let variables = self.variables(&item, "");
        for (template, key, own) in [
            (Some(&self.text), "text", entry.text.is_some()),
            (Some(&self.title), "title", entry.title.is_some()),
            (self.link_text.as_ref(), "link_text", entry.link_text.is_some()),
        ] {
            let Some(template) = template else { continue };
            let path = if own {
                format!("{path}.{key}")
            } else {
                key.to_owned()
            };
            template
                .render(&variables)
                .map_err(|problem| SetupError::setting(path, problem))?;
        }
        Ok(())
    }

    /// Why the item is not posted, when it is not.
    pub(crate) fn unwanted(&self, item: &FeedItem) -> Option<String> {
        let text = [item.title.as_str(), item.summary.as_str()]
            .into_iter()
            .chain(item.categories.iter().map(String::as_str))
            .collect::<Vec<_>>()
            .join("\n");
        if let Some(found) = self
            .exclude
            .as_ref()
            .and_then(|words| Some(&words.words()[words.first(&text)?.word]))
        {
            return Some(format!("excluded by `{found}`"));
        }
        match &self.include {
            Some(words) if words.first(&text).is_none() => Some("none of the words to include".to_owned()),
            _ => None,
        }
    }

    /// Posts the item in all rooms of the feed; one that was posted before as the policy for edits says.
    pub(crate) fn post(&self, item: &FeedItem, context: &mut Context) -> Result<(), BotError> {
        for room in &self.rooms {
            let message = match &item.edit {
                Some(edit) if self.spec.on_edit == OnEdit::Note => self.note(item, edit),
                _ => self.message(item, room).map_err(BotError::reject)?,
            };
            context.post(room, message)?;
        }
        Ok(())
    }

    fn message(&self, item: &FeedItem, room: &Room) -> Result<Message, TemplateError> {
        let variables = self.variables(item, room.as_str());
        let text = self.text.render(&variables)?;
        let text = text.trim();
        let mut message = match self.post_as {
            PostAs::Story => Message::story(self.title.render(&variables)?).then(text),
            PostAs::Text => Message::text(text),
            PostAs::Alert => Message::text(text).alert(),
        };
        if let (Some(link_text), Some(link)) = (&self.link_text, &item.link) {
            let shown = link_text.render(&variables)?;
            message = if text.is_empty() {
                message
            } else {
                message.then("\n")
            }
            .link(shown, link);
        }
        Ok(message.shortened(self.max_length))
    }

    /// A short note that the item, which was posted before, says something else now.
    pub(crate) fn note(&self, item: &FeedItem, edit: &FeedEdit) -> Message {
        let mut changes = Vec::new();
        if let Some(title) = &edit.title {
            changes.push(format!("the title was “{title}”"));
        }
        if edit.text {
            changes.push("the text has changed".to_owned());
        }
        if edit.link {
            changes.push("the link has changed".to_owned());
        }
        let message = Message::text(format!("Amended: {} ({})", item.title, changes.join("; ")));
        let message = match &item.link {
            Some(link) if self.link_text.is_some() => message.then("\n").link(link, link),
            _ => message,
        };
        message.shortened(self.max_length)
    }

    /// The feed's name for readers.
    pub(crate) fn shown<'a>(&'a self, feed_title: Option<&'a str>) -> &'a str {
        self.name.as_deref().or(feed_title).unwrap_or(&self.spec.id)
    }

    fn variables<'a>(&'a self, item: &'a FeedItem, room: &'a str) -> Variables<'a> {
        Variables {
            title: &item.title,
            summary: &item.summary,
            link: item.link.as_deref(),
            author: item.author.as_deref(),
            published: item
                .published
                .map(|time| time.format("%Y-%m-%d %H:%M").to_string()),
            categories: &item.categories,
            feed: self.shown(item.feed_title.as_deref()),
            feed_title: item.feed_title.as_deref(),
            id: &item.id,
            room,
        }
    }
}

fn spec(entry: &FeedSettings, common: &Settings, path: &str, setup: &Setup) -> Result<FeedSpec, SetupError> {
    let from = |key: &str, own: bool| {
        if own {
            format!("{path}.{key}")
        } else {
            key.to_owned()
        }
    };
    let mut spec = FeedSpec::new(entry.url.clone().relative_to(setup.folder()));
    spec.id = entry.name.clone().unwrap_or_else(|| entry.url.to_string());
    spec.allow_private = entry.allow_private;
    spec.first_run = entry.first_run.or(common.first_run).unwrap_or_default();
    if let Some(count) = entry.per_poll {
        if count == 0 {
            return Err(SetupError::setting(
                format!("{path}.per_poll"),
                "with 0 nothing would ever be posted",
            ));
        }
        spec.per_poll = count;
    }
    spec.on_edit = entry.on_edit.or(common.on_edit).unwrap_or_default();
    let usual = entry.per_poll.is_none().then_some(DIGEST_OVER);
    // Who says how many a feed may post at most does not want a digest by another's word.
    let shared = common.digest_over.filter(|_| entry.per_poll.is_none());
    spec.digest_over = entry.digest_over.or(shared).or(usual);
    if entry.per_poll.is_some() && entry.digest_over.is_some() {
        return Err(SetupError::setting(
            format!("{path}.per_poll"),
            "with `digest_over` nothing is left out; write one of them",
        ));
    }
    if let Some(fields) = entry.identity.as_ref().or(common.identity.as_ref()) {
        if fields.is_empty() {
            return Err(SetupError::setting(
                from("identity", entry.identity.is_some()),
                "an item has to be known by something; leave the key out for the usual",
            ));
        }
        spec.identity.clone_from(fields);
    }
    if let Some(Span(expected)) = entry.expect_every.or(common.expect_every) {
        if expected < SHORTEST_SILENCE {
            return Err(SetupError::setting(
                from("expect_every", entry.expect_every.is_some()),
                format!("too short to tell silence; at least {}", Span(SHORTEST_SILENCE)),
            ));
        }
        spec.expect_every = Some(expected);
    }
    if let Some(Span(every)) = entry.every.or(common.every) {
        let min = if matches!(entry.url, FeedUrl::Web(_)) {
            WEB_MIN
        } else {
            FILE_MIN
        };
        if every < min {
            return Err(SetupError::setting(
                from("every", entry.every.is_some()),
                format!("too often; at most each {}", Span(min)),
            ));
        }
        spec.every = every;
    }
    Ok(spec)
}

fn rooms(entry: &FeedSettings, path: &str, setup: &Setup) -> Result<Vec<Room>, SetupError> {
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

fn template(own: &Option<Template>, common: &Option<Template>, default: &'static str) -> Template {
    own.clone().or_else(|| common.clone()).unwrap_or_else(|| {
        default
            .parse()
            .expect("the default templates are written above and a test renders them")
    })
}
