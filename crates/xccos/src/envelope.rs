//! The envelope (`xccos`) and its primitives, and how replies refer to commands.

use crate::{Command, EnvelopeId, Notice, Post, Reply};

/// One document: what one SIP INFO carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The sender's number for it.
    pub id: EnvelopeId,
    /// What is in it, in order.
    pub items: Vec<Primitive>,
}

/// One part of an envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Primitive {
    /// `cmd`.
    Command(NumberedCommand),
    /// `rpl`.
    Reply(Reply),
    /// `ntc`.
    Notice(Notice),
    /// `grpchat`.
    Post(NumberedPost),
    /// `err` or `sys`: the server speaks of the envelope or of itself.
    SystemError {
        /// The id without its prefix.
        name: String,
        /// What it says.
        text: String,
    },
    /// A known element whose content cannot be used: answer with `INVALID_ARGUMENT`, or count it.
    Invalid(InvalidPrimitive),
    /// Another element.
    Unknown {
        /// Its name.
        element: String,
    },
}

/// A command with its place in the envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberedCommand {
    /// `seqid`, from 1.
    pub seq: u32,
    /// The command.
    pub command: Command,
}

/// A post with its place in the envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberedPost {
    /// `seqid`, from 1.
    pub seq: u32,
    /// The post.
    pub post: Post,
}

/// A primitive that was recognised but could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidPrimitive {
    /// Which element.
    pub kind: PrimitiveKind,
    /// `seqid`.
    pub seq: u32,
    /// The name after the colon of `id`, as it came.
    pub name: String,
    /// What is wrong with it.
    pub fault: Fault,
}

/// The elements that can be invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrimitiveKind {
    /// `cmd`.
    Command,
    /// `rpl`.
    Reply,
    /// `ntc`.
    Notice,
    /// `grpchat`.
    Post,
}

/// Why a primitive could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// An element that must be there is not.
    #[error("element {0} is missing")]
    MissingElement(&'static str),
    /// An attribute that must be there is not.
    #[error("attribute {0} is missing")]
    MissingAttribute(&'static str),
    /// A value that cannot be read.
    #[error("attribute {0} cannot be read")]
    BadValue(&'static str),
}

/// Which primitive of which envelope a reply answers (`commandid`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CommandRef {
    /// The envelope of the command.
    pub envelope: EnvelopeId,
    /// The command's place in it.
    pub seq: u32,
}
