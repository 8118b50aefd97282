//! The parts of a post's text, and how each is written.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{Emoticon, LinkTarget};
use crate::RoomUri;

/// One part of a post's text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MessagePart {
    /// Text without meaning beyond itself.
    Text(String),
    /// A link with its text.
    Hyperlink {
        /// What is shown.
        text: String,
        /// Where it leads.
        target: LinkTarget,
    },
    /// A link to a room.
    RoomLink {
        /// Name of the room as shown.
        name: String,
        /// The room.
        room: RoomUri,
    },
    /// An emoticon.
    Emoticon(Emoticon),
    /// The title of a story; the first part.
    StoryTitle(String),
    /// A posted file; comes in only.
    FileLink(FileLink),
}

/// A link to a posted file: uploading makes it, a sender of text does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileLink {
    /// Name of the file.
    pub name: String,
    /// Estimated size in bytes, from a hint such as `10 kilobytes`.
    pub size: Option<u64>,
    /// `ma-filelink://domain/room/file`.
    pub target: LinkTarget,
    label: String,
}

impl FileLink {
    /// Reads the label, `name (10 kilobytes)`.
    pub(super) fn read(label: &str, target: LinkTarget) -> Self {
        let hint = label
            .trim_end()
            .strip_suffix(')')
            .and_then(|rest| rest.rsplit_once('('));
        let read = hint.and_then(|(name, hint)| Some((name.trim_end(), size(hint)?)));
        let (name, size) = read.map_or((label, None), |(name, size)| (name, Some(size)));
        Self {
            name: name.to_owned(),
            size,
            target,
            label: label.to_owned(),
        }
    }
}

fn size(hint: &str) -> Option<u64> {
    let (number, unit) = hint.trim().split_once(' ')?;
    let unit = match unit.trim().to_ascii_lowercase().trim_end_matches('s') {
        "byte" => 1,
        "kilobyte" => 1 << 10,
        "megabyte" => 1 << 20,
        "gigabyte" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

impl MessagePart {
    /// What a reader sees.
    pub fn display_text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) | Self::Hyperlink { text, .. } | Self::StoryTitle(text) => text.into(),
            Self::RoomLink { name, .. } => name.into(),
            Self::Emoticon(emoticon) => emoticon.as_str().into(),
            Self::FileLink(link) => link.label.as_str().into(),
        }
    }

    /// How it stands in the text of a post.
    pub fn raw_text(&self) -> String {
        let mut raw = String::new();
        self.write(&mut raw);
        raw
    }

    pub(super) fn write(&self, out: &mut String) {
        match self {
            Self::Text(text) => write_text(out, text),
            Self::Hyperlink { text, target } => write_anchor(out, text, target.as_str()),
            Self::RoomLink { name, room } => write_anchor(out, name, &room.to_string()),
            Self::Emoticon(emoticon) => out.push_str(emoticon.as_str()),
            Self::StoryTitle(title) => write_title(out, title),
            Self::FileLink(link) => write_anchor(out, &link.label, link.target.as_str()),
        }
    }
}

pub(super) const STORY: &str = "[STORY]";
pub(super) const STORY_END: &str = "[/STORY]";
pub(super) const ANCHOR_END: &str = "</a>";

/// U+2060, the invisible character that keeps text from being read as a mark. Not U+200B: lines must not break there.
const WORD_JOINER: char = '\u{2060}';

/// Text, with everything in it that looks like a mark made harmless. Doing it twice changes nothing more.
fn write_text(out: &mut String, text: &str) {
    write_guarded(out, text, |rest| is_anchor(rest) || starts_with(rest, STORY));
}

fn write_anchor(out: &mut String, label: &str, target: &str) {
    out.push_str("<a href=\"");
    out.push_str(target);
    out.push_str("\">");
    write_guarded(out, label, |rest| starts_with(rest, ANCHOR_END));
    out.push_str(ANCHOR_END);
}

/// A title is one line.
fn write_title(out: &mut String, title: &str) {
    out.push_str(STORY);
    write_guarded(out, &title.replace(['\r', '\n'], " "), |rest| {
        starts_with(rest, STORY_END)
    });
    out.push_str(STORY_END);
}

/// Puts the joiner behind the first character of each place where `is_mark` holds.
fn write_guarded(out: &mut String, text: &str, is_mark: impl Fn(&str) -> bool) {
    let mut rest = text;
    while let Some(at) = rest.find(['<', '[']) {
        let (before, from) = rest.split_at(at);
        let (first, after) = from.split_at(1);
        out.push_str(before);
        out.push_str(first);
        if is_mark(from) {
            out.push(WORD_JOINER);
        }
        rest = after;
    }
    out.push_str(rest);
}

/// Whether the text begins with the mark, in any case.
pub(super) fn starts_with(text: &str, mark: &str) -> bool {
    text.get(..mark.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(mark))
}

/// Whether the text begins like an anchor: `<a` and a space.
pub(super) fn is_anchor(text: &str) -> bool {
    starts_with(text, "<a") && text[2..].starts_with(|next: char| next.is_ascii_whitespace())
}
