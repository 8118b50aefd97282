//! Data of `rpl:grpchat`, the answer to a post that repeated a key: `<msg id="grpchat" chanUri="…" ts="…" chatId="…"
//! postKey="…"/>`. A post that was refused gets `rpl:grpchat` with a code and no data.

use super::attribute::{CHAT_ID, POST_KEY};
use crate::decode::{Fields, Read};
use crate::encode::write_room_uri;
use crate::xml::Writer;
use crate::{Posted, Timestamp};

pub(crate) fn write(out: &mut Writer, posted: &Posted) {
    out.start("msg");
    out.attribute("id", "grpchat");
    write_room_uri(out, "chanUri", &posted.room);
    out.attribute_of("ts", &[posted.timestamp.text().as_bytes()]);
    out.number(CHAT_ID, posted.id.0);
    if let Some(key) = &posted.key {
        out.attribute(POST_KEY, key.as_str());
    }
    out.empty();
}

pub(crate) fn read(fields: &Fields<'_>) -> Read<Posted> {
    Ok(Posted {
        room: fields.required_value("chanUri")?,
        id: fields.required_value(CHAT_ID)?,
        timestamp: fields.lenient("ts")?.unwrap_or(Timestamp::EPOCH),
        key: fields.value(POST_KEY)?,
    })
}
