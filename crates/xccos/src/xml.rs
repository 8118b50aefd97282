//! The XML layer under the vocabulary: a bounded pull reader, a direct writer, and the rule about characters.

mod characters;
mod reader;
mod writer;

pub(crate) use reader::{Attributes, Reader};
pub use reader::{MAX_ATTRIBUTES, MAX_DEPTH, MAX_DOCUMENT, XmlError};
pub(crate) use writer::Writer;
