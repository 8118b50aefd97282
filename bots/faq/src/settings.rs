//! The settings as they stand in the configuration.

use std::time::Duration;

use parlor_bot::prelude::*;
use parlor_bot::settings::Span;
use parlor_bot::{SipUri, Template};

/// Settings of the FAQ bot.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// SIP URIs of the users who may add and remove questions.
    #[schemars(with = "Vec<String>")]
    pub editors: Vec<SipUri>,
    /// The page that holds all questions and answers: a path beside the configuration that ends in `.html` or `.md`. Its
    /// folder must exist. Default: no page.
    pub page: Option<String>,
    /// The title of the page. Default: `"Questions and answers"`.
    #[serde(default = "title")]
    pub title: String,
    /// How alike a post and a known question must be, in percent: of all different words in the two, so many must be in
    /// both. 50 to 100. Default: 80.
    #[serde(default = "eighty")]
    pub alike: usize,
    /// What is answered: a template. Variables: `answer`, `question` (as it was added), `number`, `author` (who asked),
    /// `author_uri`, `room`. Default: `"{{ answer }}"`.
    pub reply: Option<Template>,
    /// How long a question is not answered again in a room. Default: `"1m"`.
    #[serde(default = "one_minute")]
    pub cooldown: Span,
    /// Posts older than this get no answer: those of the time when the host was away. Default: `"10m"`.
    #[serde(default = "ten_minutes")]
    pub max_age: Span,
}

fn title() -> String {
    "Questions and answers".to_owned()
}

fn eighty() -> usize {
    80
}

fn one_minute() -> Span {
    Span(Duration::from_secs(60))
}

fn ten_minutes() -> Span {
    Span(Duration::from_secs(600))
}
