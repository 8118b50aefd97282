//! `rpl`: what a server answers.

use std::collections::HashMap;

use super::command::write_preference;
use super::room::{
    mask, write_room, write_room_address, write_room_parts, write_room_uri, write_user, write_user_open,
};
use super::{EncodeOptions, post, start_primitive};
use crate::dialect;
use crate::xml::Writer;
use crate::{JoinedRoom, Participant, Post, Reply, ReplyData, RoomUri, ServerInfo, SipUri};

/// Bytes a room takes about with its properties, and a participant.
const ROOM: usize = 700;
const PARTICIPANT: usize = 80;

/// Bytes a reply will take about.
pub(super) fn size_hint(reply: &Reply) -> usize {
    match &reply.data {
        ReplyData::Rooms(rooms) => rooms.len() * ROOM,
        ReplyData::Joined { rooms, .. } => rooms
            .iter()
            .map(|room| ROOM + room.participants.len() * PARTICIPANT)
            .sum(),
        ReplyData::History { posts, .. } => posts.iter().map(post::size_hint).sum(),
        _ => 256,
    }
}

/// `<rpl id="rpl:name" seqid="seq"><commandid …/><resp code="…">…</resp><data>…</data></rpl>`.
pub(super) fn write_reply(out: &mut Writer, seq: u32, reply: &Reply, options: EncodeOptions) {
    start_primitive(out, "rpl", reply.name.as_str(), seq);
    out.inside();
    out.start("commandid");
    out.number("seqid", reply.to.seq);
    out.attribute("envid", reply.to.envelope.as_str());
    out.empty();
    out.start("resp");
    out.number("code", reply.code);
    out.inside();
    out.text(&reply.text);
    out.end("resp");
    out.start("data");
    if matches!(reply.data, ReplyData::None | ReplyData::Unreadable(_)) {
        out.empty();
    } else {
        out.inside();
        write_data(out, &reply.data, options);
        out.end("data");
    }
    out.end("rpl");
}

fn write_data(out: &mut Writer, data: &ReplyData, options: EncodeOptions) {
    match data {
        ReplyData::None | ReplyData::Unreadable(_) => {}
        ReplyData::Uri(uri) => write_user(out, uri),
        ReplyData::ServerInfo(info) => write_server_info(out, info),
        ReplyData::Rooms(rooms) => rooms.iter().for_each(|room| write_room(out, room, |_| {})),
        ReplyData::Joined { rooms, failed } => write_joined(out, rooms, failed, options),
        ReplyData::Parted(room) => write_room_address(out, room),
        ReplyData::History {
            room,
            posts,
            total,
            exceeded,
        } => {
            write_history(out, room, posts, *total, *exceeded);
        }
        ReplyData::Invitations(invitations) => {
            invitations
                .iter()
                .for_each(|invitation| dialect::invitations::write(out, invitation));
        }
        ReplyData::Preference(preference) => {
            write_preference(out, preference);
            out.empty();
        }
        ReplyData::Posted(posted) => dialect::posted::write(out, posted),
    }
}

fn write_server_info(out: &mut Writer, info: &ServerInfo) {
    out.start("sib");
    out.number("infoType", info.mask.0);
    if let Some(time) = info.server_time {
        out.attribute_of("serverTime", &[time.long_text().as_bytes()]);
    }
    for (name, limit) in [
        ("searchLimit", info.search_limit),
        ("messageSizeLimit", info.message_size_limit),
        ("storySizeLimit", info.story_size_limit),
    ] {
        if let Some(limit) = limit {
            out.number(name, limit);
        }
    }
    if let Some(root) = &info.root_uri {
        dialect::attribute::write_category_uri(out, "rootUri", root);
    }
    if let Some(version) = info.database_version {
        out.attribute_of("dbVersion", &[&version.text()]);
    }
    dialect::attribute::write_of_server_info(out, info);
    out.empty();
}

/// All users first, each once and numbered; then the rooms, whose `aib` refer to the numbers; then what failed.
fn write_joined(out: &mut Writer, rooms: &[JoinedRoom], failed: &[RoomUri], options: EncodeOptions) {
    let mut numbers: HashMap<&SipUri, usize> = HashMap::new();
    for participant in rooms.iter().flat_map(|room| &room.participants) {
        let next = numbers.len();
        numbers.entry(&participant.user).or_insert_with(|| {
            write_user_open(out, &participant.user, &participant.display);
            out.number("id", next as u32);
            out.empty();
            next
        });
    }
    for room in rooms {
        write_room(out, &room.info, |out| {
            write_associations(out, &room.participants, &numbers, options)
        });
    }
    for room in failed {
        out.start("fib");
        out.attribute("key", "OPERATION_FAILED");
        write_room_parts(out, room);
        out.empty();
    }
}

/// `<aib key="mask" value="0,2"/>`, one for each mask.
fn write_associations(
    out: &mut Writer,
    participants: &[Participant],
    numbers: &HashMap<&SipUri, usize>,
    options: EncodeOptions,
) {
    // A room has a handful of masks: looking them up one after the other is the cheapest.
    let mut groups: Vec<(u32, Vec<usize>)> = Vec::new();
    for participant in participants {
        let Some(&number) = numbers.get(&participant.user) else {
            continue;
        };
        let key = mask(participant.rights, options);
        match groups.iter_mut().find(|(group, _)| *group == key) {
            Some((_, members)) => members.push(number),
            None => groups.push((key, vec![number])),
        }
    }
    for (key, members) in groups {
        out.start("aib");
        out.number("key", key);
        out.numbers("value", members.into_iter());
        out.empty();
    }
}

fn write_history(out: &mut Writer, room: &RoomUri, posts: &[Post], total: Option<u32>, exceeded: bool) {
    out.start("chanib");
    write_room_uri(out, "uri", room);
    dialect::history::write_counts(out, total, exceeded);
    out.inside();
    posts.iter().for_each(|item| post::write_msg(out, item));
    out.end("chanib");
}
