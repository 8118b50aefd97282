//! One rule: what it matches, its answer, and its pause after an answer.

use std::collections::BTreeMap;

use parlor_bot::prelude::*;
use parlor_bot::settings::Span;
use parlor_bot::{Template, TemplateError};
use regex::{Regex, RegexBuilder};

use crate::RuleSettings;
use crate::said::Said;

/// The most that one compiled pattern may take, in bytes; `\w{1000}` is refused, hundreds of alternatives are not.
const PATTERN_SIZE: usize = 1 << 20;

/// The most cache that one pattern may take while it is matched, in bytes.
const PATTERN_CACHE: usize = 1 << 20;

#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) name: String,
    patterns: Vec<Regex>,
    /// `None` for all rooms.
    rooms: Option<Vec<Room>>,
    reply: Template,
    title: Option<Template>,
    alert: Option<bool>,
    cooldown: Span,
    /// Group names and the highest count of groups of all patterns: what a template may use.
    group_names: Vec<String>,
    groups: usize,
}

/// What a rule found.
#[derive(Debug)]
pub(crate) struct Hit {
    captures: Vec<Option<String>>,
    named: BTreeMap<String, Option<String>>,
}

/// What a reply's templates may use.
#[derive(Clone, Debug, Serialize)]
pub struct Variables<'a> {
    /// The text that was found, as it was written.
    pub matched: &'a str,
    /// The author's display name, else the part of the URI before the `@`.
    pub author: &'a str,
    /// The author's SIP URI.
    pub author_uri: &'a str,
    /// The room; empty in private.
    pub room: &'a str,
    /// The whole message.
    pub text: &'a str,
    /// The rule's name.
    pub rule: &'a str,
    /// The pattern's groups; 0 is `matched`. Groups that did not take part have no value.
    pub captures: Vec<Option<&'a str>>,
    /// The pattern's named groups.
    pub named: BTreeMap<&'a str, Option<&'a str>>,
}

impl Hit {
    pub(crate) fn word(matched: &str) -> Self {
        Self {
            captures: vec![Some(matched.to_owned())],
            named: BTreeMap::new(),
        }
    }
}

impl Rule {
    /// Reads the settings that stand at `path`; the bot has taken the words out.
    pub(crate) fn new(
        entry: RuleSettings,
        no_words: bool,
        cooldown: Span,
        path: &str,
        setup: &Setup,
    ) -> Result<Self, SetupError> {
        if no_words && entry.patterns.is_empty() {
            return Err(SetupError::setting(path, "a rule needs `words` or `patterns`"));
        }
        let mut patterns = Vec::new();
        for (at, pattern) in entry.patterns.iter().enumerate() {
            let path = format!("{path}.patterns[{at}]");
            patterns.push(compile(pattern).map_err(|problem| SetupError::setting(path, problem))?);
        }
        let rooms = match &entry.rooms {
            None => None,
            Some(names) => Some(
                names
                    .iter()
                    .enumerate()
                    .map(|(at, name)| setup.room(format!("{path}.rooms[{at}]"), name))
                    .collect::<Result<Vec<_>, _>>()?,
            ),
        };
        let names = patterns
            .iter()
            .flat_map(Regex::capture_names)
            .flatten()
            .map(str::to_owned);
        let rule = Self {
            name: entry.name,
            group_names: names.collect(),
            groups: patterns.iter().map(Regex::captures_len).max().unwrap_or(1),
            patterns,
            rooms,
            reply: entry.reply,
            title: entry.title,
            alert: entry.alert,
            cooldown: entry.cooldown.unwrap_or(cooldown),
        };
        rule.check(path)?;
        Ok(rule)
    }

    /// Renders the templates once, so that a misspelt variable or group is found now.
    fn check(&self, path: &str) -> Result<(), SetupError> {
        let hit = Hit::word("");
        let variables = self.variables(&hit, "", "", "", "");
        self.reply
            .render(&variables)
            .map_err(|problem| SetupError::setting(format!("{path}.reply"), problem))?;
        if let Some(title) = &self.title {
            title
                .render(&variables)
                .map_err(|problem| SetupError::setting(format!("{path}.title"), problem))?;
        }
        Ok(())
    }

    pub(crate) fn has_patterns(&self) -> bool {
        !self.patterns.is_empty()
    }

    /// A rule for certain rooms does not hold elsewhere, in private neither.
    pub(crate) fn is_for(&self, room: Option<&Room>) -> bool {
        self.rooms
            .as_ref()
            .is_none_or(|rooms| room.is_some_and(|room| rooms.contains(room)))
    }

    /// What the rule's patterns find first, in their order.
    pub(crate) fn pattern(&self, text: &str) -> Option<Hit> {
        self.patterns.iter().find_map(|pattern| {
            let captures = pattern.captures(text)?;
            let own = |group: regex::Match<'_>| group.as_str().to_owned();
            Some(Hit {
                captures: captures.iter().map(|group| group.map(own)).collect(),
                named: pattern
                    .capture_names()
                    .flatten()
                    .map(|name| (name.to_owned(), captures.name(name).map(own)))
                    .collect(),
            })
        })
    }

    pub(crate) fn reply(&self, hit: &Hit, said: &Said<'_>) -> Result<Message, TemplateError> {
        let room = said.room.map_or("", Room::as_str);
        let variables = self.variables(hit, said.author_shown(), said.author.as_str(), room, said.text);
        let text = self.reply.render(&variables)?;
        let reply = match &self.title {
            Some(title) => Message::story(title.render(&variables)?).then(text),
            None => Message::text(text),
        };
        Ok(match self.alert {
            Some(alert) => reply.with_alert(alert),
            None => reply,
        })
    }

    fn variables<'a>(
        &'a self,
        hit: &'a Hit,
        author: &'a str,
        author_uri: &'a str,
        room: &'a str,
        text: &'a str,
    ) -> Variables<'a> {
        let mut captures: Vec<_> = hit.captures.iter().map(Option::as_deref).collect();
        // A template of a rule with words and patterns may use groups that a word does not have.
        captures.resize(captures.len().max(self.groups), None);
        let mut named: BTreeMap<_, _> = self
            .group_names
            .iter()
            .map(|name| (name.as_str(), None))
            .collect();
        named.extend(
            hit.named
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_deref())),
        );
        let matched = captures[0].unwrap_or_default();
        Variables {
            matched,
            author,
            author_uri,
            room,
            text,
            rule: &self.name,
            captures,
            named,
        }
    }

    /// Whether the rule has answered in this room, or to this person, a moment ago.
    pub(crate) fn cooling(&self, said: &Said<'_>, context: &Context) -> Result<bool, BotError> {
        if self.cooldown.duration().is_zero() {
            return Ok(false);
        }
        let last: Option<DateTime<Utc>> = context.state(&self.key(said))?;
        Ok(last.is_some_and(|last| context.now() < last + self.cooldown.delta()))
    }

    pub(crate) fn answered(&self, said: &Said<'_>, context: &mut Context) -> Result<(), BotError> {
        if self.cooldown.duration().is_zero() {
            return Ok(());
        }
        context.set_state(&self.key(said), &context.now())
    }

    fn key(&self, said: &Said<'_>) -> String {
        format!("answered/{}/{}", said.place(), self.name)
    }
}

fn compile(pattern: &str) -> Result<Regex, PatternError> {
    let regex = RegexBuilder::new(pattern)
        .case_insensitive(true)
        .size_limit(PATTERN_SIZE)
        .dfa_size_limit(PATTERN_CACHE)
        .build()
        .map_err(PatternError::Language)?;
    if regex.is_match("") {
        Err(PatternError::Everything)
    } else {
        Ok(regex)
    }
}

/// Why a pattern is refused.
#[derive(Debug, thiserror::Error)]
enum PatternError {
    #[error("not a regular expression: {}", last_line(.0))]
    Language(regex::Error),
    #[error("it matches the empty text, and so every message")]
    Everything,
}

/// The library's error shows the pattern and points into it over several lines; its last line says what is wrong.
fn last_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next_back().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}
