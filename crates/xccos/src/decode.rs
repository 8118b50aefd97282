//! Document to [`Envelope`]: lenient in what it takes, bounded in what it costs.
//!
//! Unknown elements and attributes are passed over, element prefixes and the namespace are not looked at, ids and
//! attribute names are compared in any case. What XML cannot hold comes in as U+FFFD. A bad primitive does not spoil
//! the others, and in replies and notices a bad entry of a list (a room, a user, a post) does not spoil the list.

mod command;
mod fields;
mod notice;
mod post;
mod reply;
mod room;

pub(crate) use fields::{Fields, Read, Trouble};
pub use reply::MAX_PARTICIPANTS;
pub(crate) use room::read_room;

use quick_xml::events::BytesStart;

use crate::xml::{Reader, XmlError};
use crate::{
    CommandName, Envelope, EnvelopeId, Fault, InvalidPrimitive, NumberedCommand, NumberedPost, Primitive,
    PrimitiveKind,
};

/// Most primitives in one envelope; real clients send one to three, a server batches notices.
pub const MAX_PRIMITIVES: usize = 1024;

/// Why a document is no envelope; a server answers the INFO with 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The document is not XML, or larger or deeper than allowed.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// The root element is another one.
    #[error("root element is not xccos")]
    NotAnEnvelope,
    /// `envid` cannot be echoed.
    #[error("envid is not an envelope id")]
    EnvelopeId,
    /// More than [`MAX_PRIMITIVES`].
    #[error("more than 1024 primitives in an envelope")]
    TooManyPrimitives,
}

/// Reads one envelope.
///
/// # Errors
/// [`DecodeError`] when the document as a whole cannot be used. A primitive that is known but cannot be read comes as
/// [`Primitive::Invalid`], one that is not known as [`Primitive::Unknown`].
///
/// ```
/// use parlor_xccos::{Command, Primitive, decode};
///
/// let body = br#"<xccos ver="1" envid="7"><cmd id="cmd:requri" seqid="1"><data/></cmd></xccos>"#;
/// let envelope = decode(body)?;
/// assert!(matches!(&envelope.items[..], [Primitive::Command(numbered)] if numbered.command == Command::RequestUri));
/// # Ok::<(), parlor_xccos::DecodeError>(())
/// ```
pub fn decode(body: &[u8]) -> Result<Envelope, DecodeError> {
    let mut reader = Reader::new(body)?;
    let root = reader.root()?;
    if !root.local_name().as_ref().eq_ignore_ascii_case("xccos") {
        return Err(DecodeError::NotAnEnvelope);
    }
    let id = match Fields::of(&root)?.text("envid")? {
        Some(text) => text.trim().parse().map_err(|_| DecodeError::EnvelopeId)?,
        None => EnvelopeId::default(),
    };
    let mut items = Vec::new();
    reader.children(|reader, tag| {
        if items.len() >= MAX_PRIMITIVES {
            return Err(DecodeError::TooManyPrimitives);
        }
        read_primitive(reader, tag, &mut items).map_err(DecodeError::from)
    })?;
    reader.finish()?;
    Ok(Envelope { id, items })
}

fn read_primitive<'a>(
    reader: &mut Reader<'a>,
    tag: &BytesStart<'a>,
    items: &mut Vec<Primitive>,
) -> Result<(), XmlError> {
    let element = tag.local_name();
    let fields = Fields::of(tag)?;
    let id = fields.text("id")?.unwrap_or_default();
    let name = id.split_once(':').map_or(&*id, |(_, name)| name);
    let seq = fields.lenient("seqid")?.unwrap_or(1);
    let (kind, read) = match element.as_ref() {
        "cmd" => {
            let command = command::read(reader, &CommandName::from_wire(name));
            (
                PrimitiveKind::Command,
                command.map(|command| Primitive::Command(NumberedCommand { seq, command })),
            )
        }
        "rpl" => (
            PrimitiveKind::Reply,
            reply::read(reader, CommandName::from_wire(name)).map(Primitive::Reply),
        ),
        // One notice on the wire can tell several things.
        "ntc" => (PrimitiveKind::Notice, notice::read(reader, name, items)),
        "grpchat" => {
            let post = post::read(reader, &fields, None);
            (
                PrimitiveKind::Post,
                post.map(|post| Primitive::Post(NumberedPost { seq, post })),
            )
        }
        "err" | "sys" => {
            let text = reader.text()?.trim().to_owned();
            items.push(Primitive::SystemError {
                name: name.to_owned(),
                text,
            });
            return Ok(());
        }
        other => {
            items.push(Primitive::Unknown {
                element: other.to_owned(),
            });
            return Ok(());
        }
    };
    items.push(match read {
        Ok(primitive) => primitive,
        Err(Trouble::Fault(fault)) => Primitive::Invalid(InvalidPrimitive {
            kind,
            seq,
            name: name.to_owned(),
            fault,
        }),
        Err(Trouble::Xml(error)) => return Err(error),
    });
    Ok(())
}

/// Keeps the list going: a bad entry is passed over, a bad document is not.
pub(crate) fn entry<T>(read: Read<T>) -> Result<Option<T>, XmlError> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(Trouble::Fault(_)) => Ok(None),
        Err(Trouble::Xml(error)) => Err(error),
    }
}

/// Visits the elements inside `data`.
fn data<'a>(
    reader: &mut Reader<'a>,
    mut visit: impl FnMut(&mut Reader<'a>, &BytesStart<'a>) -> Read<()>,
) -> Read<()> {
    reader.children(|reader, tag| match tag.local_name().as_ref() {
        "data" => reader.children(&mut visit),
        _ => Ok(()),
    })
}

/// The element must have been there.
fn present<T>(value: Option<T>, element: &'static str) -> Read<T> {
    value.ok_or(Trouble::Fault(Fault::MissingElement(element)))
}
