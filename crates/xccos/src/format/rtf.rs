//! A little RTF: what is needed to post it beside the text, and to read what others post as text.

mod reader;
mod writer;

pub use reader::{MAX_GROUPS, to_text};
pub use writer::{from_parts, from_text};
