//! Rooms and users inside other shapes: `chanib`, `chanid`, `uib`.

use quick_xml::events::BytesStart;

use super::fields::{Fields, Read, is_true};
use crate::dialect::attribute;
use crate::encode::urn;
use crate::xml::{Reader, XmlError};
use crate::{Behavior, Privacy, RoomId, RoomInfo, RoomUri};

/// Most characters of a display name that are kept. The original has 256; a longer one would be copied for every room
/// its user is in.
pub(crate) const MAX_DISPLAY: usize = 256;

/// Reads `chanib` with all properties; `more` gets the children that are not properties.
pub(crate) fn read_room<'a>(
    reader: &mut Reader<'a>,
    tag: &BytesStart<'a>,
    mut more: impl FnMut(&mut Reader<'a>, &BytesStart<'a>) -> Read<()>,
) -> Read<RoomInfo> {
    let fields = Fields::of(tag)?;
    let mut room = RoomInfo::new(
        fields.required_value("uri")?,
        fields.text("name")?.unwrap_or_default(),
    );
    room.description = fields.text("description")?.unwrap_or_default().into_owned();
    room.category = fields.lenient(attribute::PARENT)?;
    room.disabled = fields.flag(attribute::DISABLED)?.unwrap_or(false);
    room.behavior = fields.lenient(attribute::BEHAVIOR)?.unwrap_or(Behavior::Normal);
    reader.children(|reader, tag| match tag.local_name().as_ref() {
        // An early client read the properties from `info` elements too.
        "info" | "prop" => read_property(reader, tag, &mut room).map_err(Into::into),
        _ => more(reader, tag),
    })?;
    Ok(room)
}

fn read_property(reader: &mut Reader<'_>, tag: &BytesStart<'_>, room: &mut RoomInfo) -> Result<(), XmlError> {
    let id = Fields::of(tag)?
        .text("id")?
        .unwrap_or_default()
        .to_ascii_lowercase();
    let value = reader.text()?;
    match id.as_str() {
        urn::PARTICIPANTS => room.participants = value.trim().parse().ok(),
        urn::VISIBILITY | urn::VISIBILITY_AS_SEEN => room.privacy = privacy(value.trim()),
        urn::LOGGED => room.logged = is_true(&value),
        urn::INVITE => room.invite = is_true(&value),
        urn::FILEPOST => room.filepost = is_true(&value),
        _ => {}
    }
    Ok(())
}

/// A word that is not known is taken for the original's default.
fn privacy(word: &str) -> Privacy {
    if word.eq_ignore_ascii_case("private") {
        Privacy::Secret
    } else if word.eq_ignore_ascii_case("open") {
        Privacy::Open
    } else {
        Privacy::Closed
    }
}

/// A room as commands name it: `chanid` with domain and value, or an element with `uri`.
pub(super) fn read_address(fields: &Fields<'_>) -> Read<RoomUri> {
    if let Some(uri) = fields.value("uri")? {
        return Ok(uri);
    }
    read_parts(fields)
}

/// A room as `chanid`, `fib` and the `aib` of notices name it: domain and value.
pub(super) fn read_parts(fields: &Fields<'_>) -> Read<RoomUri> {
    let room: RoomId = fields.required_value("value")?;
    let domain = fields.text("domain")?.unwrap_or_default();
    RoomUri::new(domain.trim(), room).map_err(|_| crate::Fault::BadValue("domain").into())
}

/// Display name of a `uib`.
pub(super) fn read_display(fields: &Fields<'_>) -> Result<String, XmlError> {
    let name = fields.text(attribute::DISPLAY)?.unwrap_or_default();
    Ok(name.chars().take(MAX_DISPLAY).collect())
}
