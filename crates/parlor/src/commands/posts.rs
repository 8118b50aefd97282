//! How a post looks in a terminal; shared by history, tail and chat.

use chrono::{DateTime, Local};
use parlor_xccos::format::{self, MessagePart};
use parlor_xccos::{SipUri, Timestamp};

use crate::terminal::{BAD, FAINT, STRONG, harmless, styled};

/// What a post line needs.
#[derive(Debug)]
pub(crate) struct Line<'p> {
    pub(crate) timestamp: Timestamp,
    pub(crate) author: &'p SipUri,
    pub(crate) author_name: Option<&'p str>,
    pub(crate) alert: bool,
    pub(crate) chat: &'p str,
}

/// One post: time, author, text; further lines of the text are set below it.
pub(crate) fn post(post: &Line<'_>) -> String {
    let name = post
        .author_name
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| post.author.user());
    // Stories are alerts in the original clients; the mark would say nothing there.
    let alert = if post.alert && !format::is_story(post.chat) {
        format!("{} ", styled(BAD, "!"))
    } else {
        String::new()
    };
    let body = text(post.chat).replace('\n', "\n      ");
    format!(
        "{} {alert}{}  {body}",
        styled(FAINT, clock(post.timestamp)),
        styled(STRONG, harmless(name))
    )
}

/// The text as a reader sees it: story titles on their own line, links with their target.
fn text(chat: &str) -> String {
    let mut shown = String::new();
    for part in format::parse(chat) {
        match part {
            MessagePart::StoryTitle(title) => {
                shown.push_str(&styled(STRONG, harmless(&title)));
                shown.push('\n');
            }
            MessagePart::Hyperlink { text, target } if text != target.as_str() => {
                shown.push_str(&format!("{} <{}>", harmless(&text), harmless(target.as_str())));
            }
            other => shown.push_str(&harmless(&other.display_text())),
        }
    }
    shown.replace("\r\n", "\n").trim_end().to_owned()
}

/// The time of day here; with the date when it is not today.
fn clock(timestamp: Timestamp) -> String {
    let Some(moment) = DateTime::from_timestamp_millis(timestamp.as_millis()) else {
        return timestamp.to_string();
    };
    let local = moment.with_timezone(&Local);
    let form = if local.date_naive() == Local::now().date_naive() {
        "%H:%M"
    } else {
        "%Y-%m-%d %H:%M"
    };
    local.format(form).to_string()
}
