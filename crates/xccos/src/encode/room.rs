//! Rooms and users as other shapes carry them: `chanib` and `uib`.

use crate::dialect::attribute;
use crate::encode::EncodeOptions;
use crate::xml::Writer;
use crate::{Privacy, Rights, RoomInfo, RoomUri, SipUri};

/// ` name="ma-chan://domain/guid"`.
pub(crate) fn write_room_uri(out: &mut Writer, name: &str, room: &RoomUri) {
    out.attribute_of(
        name,
        &[
            RoomUri::SCHEME.as_bytes(),
            room.domain().as_bytes(),
            b"/",
            &room.room().guid().text(),
        ],
    );
}

/// ` domain="domain" value="guid"`: how commands and notices name a room.
pub(super) fn write_room_parts(out: &mut Writer, room: &RoomUri) {
    out.attribute("domain", room.domain());
    out.attribute_of("value", &[&room.room().guid().text()]);
}

/// `<chanib uri="…"/>`: a room by address alone.
pub(super) fn write_room_address(out: &mut Writer, room: &RoomUri) {
    out.start("chanib");
    write_room_uri(out, "uri", room);
    out.empty();
}

/// `<chanib …>…</chanib>` with all properties; `more` adds children.
pub(crate) fn write_room(out: &mut Writer, room: &RoomInfo, more: impl FnOnce(&mut Writer)) {
    out.start("chanib");
    out.attribute("name", &room.name);
    out.attribute("description", &room.description);
    out.attribute("topic", "");
    write_room_uri(out, "uri", &room.uri);
    attribute::write_of_room(out, room);
    out.inside();
    if let Some(participants) = room.participants {
        out.start("info");
        out.attribute("id", urn::PARTICIPANTS);
        out.inside();
        out.decimal_text(participants);
        out.end("info");
    }
    // A known client spells the name without its fourth i; which spelling the original has is not known.
    for visibility in [urn::VISIBILITY_AS_SEEN, urn::VISIBILITY] {
        write_property(out, "info", visibility, visibility_word(room.privacy));
    }
    for (name, value) in [
        (urn::LOGGED, room.logged),
        (urn::INVITE, room.invite),
        (urn::FILEPOST, room.filepost),
    ] {
        write_property(out, "prop", name, if value { "True" } else { "False" });
    }
    more(out);
    out.end("chanib");
}

/// `<uib uri="…"/>`.
pub(crate) fn write_user(out: &mut Writer, user: &SipUri) {
    write_user_open(out, user, "");
    out.empty();
}

/// `<uib uri="…"` with the display name when there is one.
pub(crate) fn write_user_open(out: &mut Writer, user: &SipUri, display: &str) {
    out.start("uib");
    out.attribute("uri", user.as_str());
    if !display.is_empty() {
        out.attribute(attribute::DISPLAY, display);
    }
}

/// The number that goes out for these rights.
pub(super) const fn mask(rights: Rights, options: EncodeOptions) -> u32 {
    if options.legacy_masks {
        rights.legacy().bits()
    } else {
        rights.bits()
    }
}

fn write_property(out: &mut Writer, element: &str, id: &str, value: &str) {
    out.start(element);
    out.attribute("id", id);
    out.inside();
    out.text(value);
    out.end(element);
}

/// `private` was seen; the other two are the words of the original's tables.
const fn visibility_word(privacy: Privacy) -> &'static str {
    match privacy {
        Privacy::Open => "open",
        Privacy::Closed => "scoped",
        Privacy::Secret => "private",
    }
}

/// Names of `info` and `prop`.
pub(crate) mod urn {
    pub(crate) const PARTICIPANTS: &str = "urn:parlano:ma:info:ucnt";
    pub(crate) const VISIBILITY_AS_SEEN: &str = "urn:parlano:ma:info:visibilty";
    pub(crate) const VISIBILITY: &str = "urn:parlano:ma:info:visibility";
    pub(crate) const LOGGED: &str = "urn:parlano:ma:prop:logged";
    pub(crate) const INVITE: &str = "urn:parlano:ma:prop:invite";
    pub(crate) const FILEPOST: &str = "urn:parlano:ma:prop:filepost";
}
