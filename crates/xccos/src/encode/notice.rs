//! `ntc`: what a server tells without being asked.

use super::room::{mask, write_room_parts, write_room_uri, write_user, write_user_open};
use super::{EncodeOptions, start_primitive};
use crate::dialect;
use crate::xml::Writer;
use crate::{Arrival, Notice, RoomUri, SipUri};

/// `<ntc id="ntc:name" seqid="seq"><data>…</data></ntc>`.
pub(super) fn write_notice(out: &mut Writer, seq: u32, notice: &Notice, options: EncodeOptions) {
    start_primitive(out, "ntc", notice.name(), seq);
    out.inside();
    out.start("data");
    out.inside();
    match notice {
        Notice::Joined { arrivals, .. } | Notice::RightsChanged(arrivals) => {
            write_arrivals(out, arrivals, options)
        }
        Notice::Parted { room, users } => write_departures(out, room, users),
        Notice::Kicked { room, user } => write_departures(out, room, std::slice::from_ref(user)),
        Notice::Invited(invitation) => dialect::invitations::write(out, invitation),
        Notice::RoomChanged(info) => super::write_room(out, info, |_| {}),
        Notice::Quit(user) => write_user(out, user),
        Notice::Unknown(_) => {}
    }
    out.end("data");
    out.end("ntc");
}

/// The user outside, the rooms inside: `<uib uri="…"><aib key="mask" domain="…" value="guid"/></uib>`.
fn write_arrivals(out: &mut Writer, arrivals: &[Arrival], options: EncodeOptions) {
    let same_user = |one: &Arrival, other: &Arrival| {
        one.participant.user == other.participant.user && one.participant.display == other.participant.display
    };
    for group in arrivals.chunk_by(same_user) {
        let participant = &group[0].participant;
        write_user_open(out, &participant.user, &participant.display);
        out.inside();
        for arrival in group {
            out.start("aib");
            out.number("key", mask(arrival.participant.rights, options));
            write_room_parts(out, &arrival.room);
            out.empty();
        }
        out.end("uib");
    }
}

/// The room outside, the users inside: `<chanib uri="…"><uib uri="…"/></chanib>`.
fn write_departures(out: &mut Writer, room: &RoomUri, users: &[SipUri]) {
    out.start("chanib");
    write_room_uri(out, "uri", room);
    out.inside();
    users.iter().for_each(|user| write_user(out, user));
    out.end("chanib");
}
