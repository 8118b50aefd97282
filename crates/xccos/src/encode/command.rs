//! `cmd`: what a client sends.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::room::{write_room_address, write_room_parts};
use super::start_primitive;
use crate::dialect;
use crate::xml::Writer;
use crate::{Command, Preference, RoomSearch, RoomUri};

/// `<cmd id="cmd:name" seqid="seq"><data>…</data></cmd>`.
pub(super) fn write_command(out: &mut Writer, seq: u32, command: &Command) {
    start_primitive(out, "cmd", command.name().as_str(), seq);
    out.inside();
    out.start("data");
    if matches!(command, Command::RequestUri | Command::Unknown(_)) {
        out.empty();
    } else {
        out.inside();
        write_data(out, command);
        out.end("data");
    }
    out.end("cmd");
}

fn write_data(out: &mut Writer, command: &Command) {
    match command {
        Command::RequestUri | Command::Unknown(_) => {}
        Command::ServerInfo { domain, mask } => {
            out.start("sib");
            out.attribute("domain", domain);
            out.number("infoType", mask.0);
            out.empty();
        }
        Command::Associations { domain, role, limit } => {
            dialect::associations::write_request(out, domain, *role, *limit);
        }
        Command::Join(room) => write_addresses(out, std::slice::from_ref(room)),
        Command::BatchJoin(rooms) => write_addresses(out, rooms),
        Command::Part(room) | Command::Participants(room) => write_room_address(out, room),
        Command::Backchat { room, count } => {
            write_room_address(out, room);
            out.start("bcq");
            out.inside();
            out.start("last");
            out.number("cnt", *count);
            out.empty();
            out.end("bcq");
        }
        Command::HistoryAfter { room, after, limit } => {
            write_room_address(out, room);
            dialect::history::write_query(out, *after, *limit);
        }
        Command::Search(search) => write_search(out, search),
        Command::Invitations { domain, after } => {
            out.start("inv");
            out.unsigned("inviteId", *after);
            out.attribute("domain", domain);
            out.empty();
        }
        Command::PreferenceFetch {
            label,
            sequence,
            create_default,
        } => {
            out.start("pref");
            out.attribute("label", label);
            out.number("seqid", *sequence);
            out.flag("createdefault", *create_default);
            out.empty();
        }
        Command::PreferenceStore(preference) => {
            write_preference(out, preference);
            out.flag("createdefault", false);
            out.empty();
        }
    }
}

/// `<chanid key="0" domain="…" value="…"/>` for each room.
fn write_addresses(out: &mut Writer, rooms: &[RoomUri]) {
    for (key, room) in (0u32..).zip(rooms) {
        out.start("chanid");
        out.number("key", key);
        write_room_parts(out, room);
        out.empty();
    }
}

fn write_search(out: &mut Writer, search: &RoomSearch) {
    out.start("qib");
    out.attribute("qtype", "BYNAME");
    out.attribute("criteria", &search.criteria);
    out.flag("extended", search.extended);
    dialect::attribute::write_of_search(out, search);
    out.empty();
}

/// `<pref label="…" seqid="…" content="…"`, left open.
pub(super) fn write_preference(out: &mut Writer, preference: &Preference) {
    out.start("pref");
    out.attribute("label", &preference.label);
    out.number("seqid", preference.sequence);
    if let Some(content) = &preference.content {
        out.attribute("content", &STANDARD.encode(content));
    }
}
