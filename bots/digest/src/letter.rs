//! The mail that a digest becomes.

use parlor_bot::prelude::*;
use parlor_bot::schedule::Zone;
use parlor_bot::{HtmlTemplate, Mail, RoomUri, Template, TemplateError};

use crate::DigestSettings;
use crate::collected::Kept;

const SUBJECT: &str = include_str!("subject.txt");
const TEXT: &str = include_str!("mail.txt");
const HTML: &str = include_str!("mail.html");

/// The longest subject, in characters; readers show fewer.
const MAX_SUBJECT: usize = 200;

/// What templates may use.
#[derive(Clone, Debug, Serialize)]
pub struct Variables<'a> {
    /// The digest's name.
    pub name: &'a str,
    /// The posts, oldest first.
    pub posts: Vec<PostVariables<'a>>,
    /// The same by room, in the order of the rooms' first posts.
    pub rooms: Vec<RoomVariables<'a>>,
    /// How many posts there are in the mail.
    pub count: usize,
    /// How many more there were before.
    pub more: u64,
    /// Both together.
    pub total: u64,
    /// The zone of dates and times, by IANA name.
    pub zone: &'static str,
}

/// A room and what was said in it.
#[derive(Clone, Debug, Serialize)]
pub struct RoomVariables<'a> {
    /// Its name, as configured.
    pub name: &'a str,
    /// Its address, which opens it in a client: `ma-chan://…`.
    pub uri: &'a RoomUri,
    /// The posts.
    pub posts: Vec<PostVariables<'a>>,
}

/// A post.
#[derive(Clone, Debug, Serialize)]
pub struct PostVariables<'a> {
    /// The room's name.
    pub room: &'a str,
    /// The room's address.
    pub room_uri: &'a RoomUri,
    /// The author's display name, else the part of the URI before the `@`.
    pub author: &'a str,
    /// The author's SIP URI.
    pub author_uri: &'a str,
    /// The day: `2026-03-29`.
    pub date: String,
    /// The time: `08:55`.
    pub time: String,
    /// The title, when it is a story.
    pub title: Option<&'a str>,
    /// The text; its first thousand bytes.
    pub text: &'a str,
    /// Whether it is an alert.
    pub alert: bool,
    /// Whether a bot has posted it.
    pub bot: bool,
}

#[derive(Debug)]
pub(crate) struct Templates {
    subject: Template,
    text: Template,
    html: Option<HtmlTemplate>,
}

impl Templates {
    /// Reads the templates of the settings that stand at `path`, and renders them once, so that a misspelt variable is
    /// found now.
    pub(crate) fn new(entry: &DigestSettings, path: &str) -> Result<Self, SetupError> {
        let wrong = |key: &str| {
            let path = format!("{path}.{key}");
            move |problem: TemplateError| SetupError::setting(path, problem)
        };
        let own = |own: &Option<Template>, other: &str| own.clone().map_or_else(|| other.parse(), Ok);
        let html = match (&entry.html, entry.plain) {
            (_, true) => None,
            (Some(own), false) => Some(own.clone()),
            (None, false) => Some(HTML.parse().map_err(wrong("html"))?),
        };
        let templates = Self {
            subject: own(&entry.subject, SUBJECT).map_err(wrong("subject"))?,
            text: own(&entry.text, TEXT).map_err(wrong("text"))?,
            html,
        };
        let posts = example().map_err(|problem| SetupError::setting(path, problem))?;
        let variables = variables(&entry.name, &posts, 1, Zone::default());
        templates.subject.render(&variables).map_err(wrong("subject"))?;
        templates.text.render(&variables).map_err(wrong("text"))?;
        if let Some(html) = &templates.html {
            html.render(&variables).map_err(wrong("html"))?;
        }
        Ok(templates)
    }

    /// The mail with these posts, of which `dropped` more were said before. When the templates make too much of so many posts, the
    /// older half is left out and counted.
    pub(crate) fn mail(
        &self,
        name: &str,
        posts: &[Kept],
        dropped: u64,
        zone: Zone,
    ) -> Result<Mail, TemplateError> {
        let mut left_out = 0;
        loop {
            let shown = &posts[left_out..];
            match self.render(&variables(name, shown, dropped + left_out as u64, zone)) {
                Err(_) if shown.len() > 1 => left_out += shown.len().div_ceil(2),
                done => return done,
            }
        }
    }

    fn render(&self, variables: &Variables<'_>) -> Result<Mail, TemplateError> {
        let subject = self.subject.render(variables)?;
        let mail = Mail::new(one_line(&subject), self.text.render(variables)?);
        match &self.html {
            Some(html) => Ok(mail.with_html(html.render(variables)?)),
            None => Ok(mail),
        }
    }
}

/// A subject is one line, whatever rooms and people are called.
fn one_line(subject: &str) -> String {
    let line = subject.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().filter(|c| !c.is_control()).collect();
    match line.char_indices().nth(MAX_SUBJECT) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line,
    }
}

fn variables<'a>(name: &'a str, posts: &'a [Kept], more: u64, zone: Zone) -> Variables<'a> {
    let posts: Vec<_> = posts.iter().map(|post| post_variables(post, zone)).collect();
    let mut rooms: Vec<RoomVariables<'a>> = Vec::new();
    for post in &posts {
        match rooms.iter_mut().find(|room| room.name == post.room) {
            Some(room) => room.posts.push(post.clone()),
            None => rooms.push(RoomVariables {
                name: post.room,
                uri: post.room_uri,
                posts: vec![post.clone()],
            }),
        }
    }
    Variables {
        name,
        count: posts.len(),
        more,
        total: posts.len() as u64 + more,
        posts,
        rooms,
        zone: zone.name(),
    }
}

fn post_variables(post: &Kept, zone: Zone) -> PostVariables<'_> {
    let local = zone.local(post.sent);
    PostVariables {
        room: post.room.as_str(),
        room_uri: &post.room_uri,
        author: &post.author,
        author_uri: post.author_uri.as_str(),
        date: local.format("%Y-%m-%d").to_string(),
        time: local.format("%H:%M").to_string(),
        title: post.title.as_deref(),
        text: &post.text,
        alert: post.alert,
        bot: post.bot,
    }
}

/// A post to try templates with.
fn example() -> Result<[Kept; 1], Box<dyn std::error::Error + Send + Sync>> {
    Ok([Kept {
        room: Room::new("News"),
        room_uri: "ma-chan://example.com/2b9ee6c4-6d1f-4b46-8f0b-3f1c6f0f9a51".parse()?,
        author: "Ann".to_owned(),
        author_uri: "sip:ann@example.com".parse()?,
        sent: DateTime::UNIX_EPOCH,
        title: None,
        text: "text".to_owned(),
        alert: false,
        bot: false,
    }])
}
