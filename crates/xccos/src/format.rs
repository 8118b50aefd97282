//! What stands inside the text of a post: links, room links, emoticons, story titles; how it looks is left to clients.
//!
//! The text of a post is plain, except for two marks: links are written like HTML anchors (`<a href="URL">text</a>`, no
//! other HTML and no entities), and a story begins with `[STORY]title[/STORY]`. Emoticons are typed strings. The exact
//! marks are proposed ([`crate::dialect`]); reading is lenient.
//!
//! Text that only looks like a mark is written with an invisible U+2060 inside it, so that what a feed or a user says
//! cannot become a link or a title.

mod emoticon;
mod link_target;
mod message;
mod parse;
mod part;
pub mod rtf;
mod split;

pub use emoticon::Emoticon;
pub use link_target::{LinkTarget, LinkTargetError};
pub use message::FormattedMessage;
pub use parse::{parse, parse_with_raw};
pub use part::{FileLink, MessagePart};

/// What a reader of the post's text sees, without marks; a story's title stands on a line of its own.
pub fn display_text(chat: &str) -> String {
    message::display_of(&parse(chat))
}

/// Whether the text of a post begins with a story's title.
pub fn is_story(chat: &str) -> bool {
    part::starts_with(chat, part::STORY)
}
