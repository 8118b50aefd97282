//! Values to documents: what one SIP INFO carries, written directly into one buffer.
//!
//! Each function writes what a known client reads of one INFO: one post, or replies, or notices, or commands.

mod command;
mod notice;
mod post;
mod reply;
mod room;

use bytes::Bytes;

pub(crate) use room::{urn, write_room, write_room_uri};

use crate::xml::Writer;
use crate::{Command, Envelope, EnvelopeId, Notice, Post, Primitive, Reply};

/// The namespace of the vocabulary.
pub(crate) const NAMESPACE: &str = "urn:parlano:xml:ns:xccos";

/// Bytes of an envelope and its primitive without content: a first guess that spares most documents a second allocation.
const FRAME: usize = 256;

/// How to write what peers read differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EncodeOptions {
    /// Write the permission masks of servers before 2013 (3984 and 12276); a known client shows operators only so.
    pub legacy_masks: bool,
}

/// Why an envelope cannot go into one document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// More than one post: a known client reads the first only.
    #[error("more than one post in an envelope")]
    SeveralPosts,
    /// Primitives of different kinds: a known client reads one kind only.
    #[error("primitives of different kinds in an envelope")]
    Mixed,
    /// A primitive that can only be read.
    #[error("primitive that was not understood cannot be written")]
    NotWritable,
}

/// One command.
pub fn command(id: EnvelopeId, command: &Command) -> Bytes {
    commands(id, std::slice::from_ref(command))
}

/// Several commands, numbered from 1.
pub fn commands(id: EnvelopeId, commands: &[Command]) -> Bytes {
    envelope(id, FRAME * commands.len().max(1), |out| {
        for (seq, item) in (1..).zip(commands) {
            command::write_command(out, seq, item);
        }
    })
}

/// One reply.
///
/// ```
/// use parlor_xccos::{CommandName, CommandRef, EncodeOptions, ErrorCode, Reply, encode};
///
/// let to = CommandRef { envelope: 7.into(), seq: 1 };
/// let refusal = Reply::failed(CommandName::Join, to, ErrorCode::Permission);
/// let body = encode::reply(8.into(), &refusal, EncodeOptions::default());
/// assert!(body.ends_with(b"<resp code=\"403\">ERROR_PERMISSION</resp><data/></rpl></xccos>"));
/// ```
pub fn reply(id: EnvelopeId, reply: &Reply, options: EncodeOptions) -> Bytes {
    replies(id, std::slice::from_ref(reply), options)
}

/// Several replies, numbered from 1.
pub fn replies(id: EnvelopeId, replies: &[Reply], options: EncodeOptions) -> Bytes {
    let capacity = replies.iter().map(|item| FRAME + reply::size_hint(item)).sum();
    envelope(id, capacity, |out| {
        for (seq, item) in (1..).zip(replies) {
            reply::write_reply(out, seq, item, options);
        }
    })
}

/// One notice.
pub fn notice(id: EnvelopeId, notice: &Notice, options: EncodeOptions) -> Bytes {
    notices(id, std::slice::from_ref(notice), options)
}

/// Several notices, numbered from 1.
pub fn notices(id: EnvelopeId, notices: &[Notice], options: EncodeOptions) -> Bytes {
    envelope(id, FRAME * notices.len().max(1), |out| {
        for (seq, item) in (1..).zip(notices) {
            notice::write_notice(out, seq, item, options);
        }
    })
}

/// One post; encode once per room post and share the bytes.
pub fn post(id: EnvelopeId, post: &Post) -> Bytes {
    envelope(id, FRAME + post::size_hint(post), |out| {
        post::write_post(out, 1, post)
    })
}

impl Envelope {
    /// Writes the whole envelope; commands and posts keep their numbers, the others are numbered from 1.
    ///
    /// # Errors
    /// [`EncodeError`] when no known client would read all of it, or when a part was not understood in the first place.
    pub fn encode(&self, options: EncodeOptions) -> Result<Bytes, EncodeError> {
        let mut kinds = self.items.iter().map(std::mem::discriminant);
        if let Some(first) = kinds.next()
            && kinds.any(|kind| kind != first)
        {
            return Err(EncodeError::Mixed);
        }
        match self.items.first() {
            Some(Primitive::Post(_)) if self.items.len() > 1 => return Err(EncodeError::SeveralPosts),
            Some(Primitive::Invalid(_) | Primitive::Unknown { .. }) => return Err(EncodeError::NotWritable),
            _ => {}
        }
        Ok(envelope(self.id, FRAME * self.items.len().max(1), |out| {
            for (seq, item) in (1..).zip(&self.items) {
                write_primitive(out, seq, item, options);
            }
        }))
    }
}

fn write_primitive(out: &mut Writer, seq: u32, item: &Primitive, options: EncodeOptions) {
    match item {
        Primitive::Command(numbered) => command::write_command(out, numbered.seq, &numbered.command),
        Primitive::Reply(item) => reply::write_reply(out, seq, item, options),
        Primitive::Notice(item) => notice::write_notice(out, seq, item, options),
        Primitive::Post(numbered) => post::write_post(out, numbered.seq, &numbered.post),
        Primitive::SystemError { name, text } => {
            start_primitive(out, "err", name, seq);
            out.inside();
            out.text(text);
            out.end("err");
        }
        Primitive::Invalid(_) | Primitive::Unknown { .. } => {}
    }
}

/// `<cmd id="cmd:name" seqid="seq"`.
fn start_primitive(out: &mut Writer, element: &str, name: &str, seq: u32) {
    out.start(element);
    out.attribute_of("id", &[element.as_bytes(), b":", name.as_bytes()]);
    out.number("seqid", seq);
}

fn envelope(id: EnvelopeId, capacity: usize, write: impl FnOnce(&mut Writer)) -> Bytes {
    let mut out = Writer::with_capacity(capacity);
    out.start("xccos");
    out.attribute("ver", "1");
    out.attribute("envid", id.as_str());
    out.attribute("xmlns", NAMESPACE);
    out.inside();
    write(&mut out);
    out.end("xccos");
    out.into_bytes()
}
