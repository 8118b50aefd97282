//! History after an id: `bcbymsg` with `<bcq><limit cnt="…"/><msgid value="…"/></bcq>`; the reply is shaped like that of
//! `bccontext`, with `total` and `exceeded` on the room when the list was cut.

use crate::decode::{Fields, Read};
use crate::xml::{Reader, Writer};
use crate::{Command, CommandName, Fault, MessageId, RoomUri};

pub(crate) fn write_query(out: &mut Writer, after: MessageId, limit: u32) {
    out.start("bcq");
    out.inside();
    out.start("limit");
    out.number("cnt", limit);
    out.empty();
    out.start("msgid");
    out.number("value", after.0);
    out.empty();
    out.end("bcq");
}

/// Reads the inside of `bcq`; a query without `msgid` is one by text, which this vocabulary does not have.
pub(crate) fn read_query(reader: &mut Reader<'_>, room: RoomUri) -> Read<Command> {
    let (mut limit, mut after) = (None, None);
    reader.children(|_, tag| {
        match tag.local_name().as_ref() {
            "limit" => limit = Fields::of(tag)?.limit("cnt")?,
            "msgid" => after = Some(Fields::of(tag)?.required_value("value")?),
            _ => {}
        }
        Read::Ok(())
    })?;
    match after {
        Some(after) => Ok(Command::HistoryAfter {
            room,
            after,
            limit: limit.ok_or(Fault::MissingElement("limit"))?,
        }),
        None => Ok(Command::Unknown(CommandName::HistoryAfter.as_str().to_owned())),
    }
}

pub(crate) fn write_counts(out: &mut Writer, total: Option<u32>, exceeded: bool) {
    if let Some(total) = total {
        out.number("total", total);
    }
    if exceeded {
        out.flag("exceeded", true);
    }
}

pub(crate) fn read_counts(fields: &Fields<'_>) -> Read<(Option<u32>, bool)> {
    Ok((fields.value("total")?, fields.flag("exceeded")?.unwrap_or(false)))
}
