//! An invitation in the reply to `getinv` and in `ntc:invite`: `<inv inviteId="…" createdOn="…"><chanib …/></inv>`.

use crate::decode::{Fields, Read, read_room};
use crate::encode::write_room;
use crate::xml::{Reader, Writer};
use crate::{Fault, Invitation, Timestamp};

pub(crate) fn write(out: &mut Writer, invitation: &Invitation) {
    out.start("inv");
    out.unsigned("inviteId", invitation.id);
    out.attribute_of("createdOn", &[invitation.created.text().as_bytes()]);
    out.inside();
    write_room(out, &invitation.room, |_| {});
    out.end("inv");
}

pub(crate) fn read(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Read<Invitation> {
    let id = fields.required_value("inviteId")?;
    let created = fields.lenient("createdOn")?.unwrap_or(Timestamp::EPOCH);
    let mut room = None;
    reader.children(|reader, tag| {
        if tag.local_name().as_ref() == "chanib" && room.is_none() {
            room = Some(read_room(reader, tag, |_, _| Ok(()))?);
        }
        Read::Ok(())
    })?;
    Ok(Invitation {
        id,
        created,
        room: room.ok_or(Fault::MissingElement("chanib"))?,
    })
}
