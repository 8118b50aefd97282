//! `grpchat`, and the same as a `msg` of a history.

use super::fields::{Fields, Read};
use super::present;
use crate::dialect::attribute;
use crate::xml::Reader;
use crate::{Post, RoomUri, Timestamp};

/// Reads a post; in a history the room may stand outside.
pub(super) fn read(reader: &mut Reader<'_>, fields: &Fields<'_>, room: Option<&RoomUri>) -> Read<Post> {
    let (mut chat, mut rtf) = (None, None);
    reader.children(|reader, tag| {
        match tag.local_name().as_ref() {
            "chat" => chat = Some(reader.text()?.into_owned()),
            attribute::RTF => rtf = Some(reader.text()?.into_owned()),
            _ => {}
        }
        Read::Ok(())
    })?;
    Ok(Post {
        room: match (fields.value("chanUri")?, room) {
            (Some(room), _) => room,
            (None, Some(room)) => room.clone(),
            (None, None) => fields.required_value("chanUri")?,
        },
        author: fields.required_value("author")?,
        author_name: fields
            .text(attribute::AUTHOR_DISPLAY)?
            .map(|name| name.into_owned()),
        timestamp: fields.lenient("ts")?.unwrap_or(Timestamp::EPOCH),
        id: fields.value(attribute::CHAT_ID)?,
        alert: fields.flag(attribute::ALERT)?.unwrap_or(false),
        chat: present(chat, "chat")?,
        rtf,
        key: fields.value(attribute::POST_KEY)?,
    })
}
