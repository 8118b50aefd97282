//! `rpl`: what a server answers.

use std::collections::HashMap;

use quick_xml::events::BytesStart;

use super::command::preference;
use super::fields::{Fields, Read, Trouble};
use super::room::{read_display, read_parts};
use super::{entry, post, present, read_room};
use crate::dialect;
use crate::xml::Reader;
use crate::{
    CommandName, CommandRef, EnvelopeId, Fault, Guid, InfoMask, JoinedRoom, Participant, Reply, ReplyData,
    Rights, RoomUri, ServerInfo, SipUri,
};

/// Most participants of all rooms of one reply. They are named by number there, so that a small document could ask for
/// a very large list; a server leaves the list out above some 75 per room.
pub const MAX_PARTICIPANTS: usize = 50_000;

/// The code when the other side sent none, as a known client takes it.
const NO_CODE: u16 = 500;

/// Reads the inside of an `rpl`. Data that cannot be read is [`ReplyData::Unreadable`], so that the reply still finds
/// its command.
pub(super) fn read(reader: &mut Reader<'_>, name: CommandName) -> Read<Reply> {
    let mut to = CommandRef {
        envelope: EnvelopeId::default(),
        seq: 0,
    };
    let (mut code, mut text) = (NO_CODE, String::new());
    let mut found = None;
    reader.children(|reader, tag| {
        match tag.local_name().as_ref() {
            "commandid" => {
                let fields = Fields::of(tag)?;
                to.envelope = fields.lenient("envid")?.unwrap_or_default();
                to.seq = fields.lenient("seqid")?.unwrap_or(0);
            }
            "resp" => {
                code = Fields::of(tag)?.lenient("code")?.unwrap_or(NO_CODE);
                text = reader.text()?.trim().to_owned();
            }
            "data" => {
                found = Some(match read_data(reader, &name) {
                    Err(Trouble::Fault(fault)) => ReplyData::Unreadable(fault),
                    read => read?,
                });
            }
            _ => {}
        }
        Read::Ok(())
    })?;
    let data = match found.unwrap_or(ReplyData::None) {
        // A failure says nothing in its data.
        ReplyData::Unreadable(_) if code != Reply::OK => ReplyData::None,
        data => data,
    };
    Ok(Reply {
        name,
        to,
        code,
        text,
        data,
    })
}

fn read_data(reader: &mut Reader<'_>, name: &CommandName) -> Read<ReplyData> {
    match name {
        CommandName::RequestUri => read_uri(reader),
        CommandName::ServerInfo => read_server_info(reader),
        CommandName::Search | CommandName::Associations => read_rooms(reader),
        CommandName::Join | CommandName::BatchJoin | CommandName::Participants => read_joined(reader),
        CommandName::Part => read_parted(reader),
        CommandName::Backchat | CommandName::HistoryAfter => read_history(reader),
        CommandName::Invitations => read_invitations(reader),
        CommandName::PreferenceFetch | CommandName::PreferenceStore => read_preference(reader),
        CommandName::GroupChat => read_posted(reader),
        CommandName::Other(_) => Ok(ReplyData::None),
    }
}

fn read_uri(reader: &mut Reader<'_>) -> Read<ReplyData> {
    let uri = one(reader, "uib", |_, tag| Fields::of(tag)?.required_value("uri"))?;
    Ok(ReplyData::Uri(present(uri, "uib")?))
}

fn read_parted(reader: &mut Reader<'_>) -> Read<ReplyData> {
    let room = one(reader, "chanib", |_, tag| Fields::of(tag)?.required_value("uri"))?;
    Ok(ReplyData::Parted(present(room, "chanib")?))
}

fn read_preference(reader: &mut Reader<'_>) -> Read<ReplyData> {
    let found = one(reader, "pref", |_, tag| preference(&Fields::of(tag)?))?;
    Ok(ReplyData::Preference(present(found, "pref")?))
}

/// Data of a refused post is empty, so that nothing there is no fault.
fn read_posted(reader: &mut Reader<'_>) -> Read<ReplyData> {
    let posted = one(reader, "msg", |_, tag| dialect::posted::read(&Fields::of(tag)?))?;
    Ok(posted.map_or(ReplyData::None, ReplyData::Posted))
}

fn read_server_info(reader: &mut Reader<'_>) -> Read<ReplyData> {
    let info = one(reader, "sib", |_, tag| {
        let fields = Fields::of(tag)?;
        let text = |name| {
            fields
                .text(name)
                .map(|text| text.map(std::borrow::Cow::into_owned))
        };
        Ok(ServerInfo {
            mask: fields.lenient("infoType")?.map_or(InfoMask::ALL, InfoMask),
            server_time: fields.lenient("serverTime")?,
            search_limit: fields.lenient("searchLimit")?,
            message_size_limit: fields.lenient("messageSizeLimit")?,
            story_size_limit: fields.lenient("storySizeLimit")?,
            root_uri: fields.lenient("rootUri")?,
            database_version: fields.lenient::<Guid>("dbVersion")?,
            display_name: text(dialect::attribute::DISPLAY_NAME)?,
            room_management_url: text(dialect::attribute::ROOM_MANAGEMENT_URL)?,
            post_keys: fields.flag(dialect::attribute::POST_KEYS)?.unwrap_or(false),
        })
    })?;
    Ok(ReplyData::ServerInfo(present(info, "sib")?))
}

fn read_rooms(reader: &mut Reader<'_>) -> Read<ReplyData> {
    let mut rooms = Vec::new();
    reader.children(|reader, tag| {
        if tag.local_name().as_ref() == "chanib" {
            rooms.extend(entry(read_room(reader, tag, |_, _| Ok(())))?);
        }
        Read::Ok(())
    })?;
    Ok(ReplyData::Rooms(rooms))
}

fn read_invitations(reader: &mut Reader<'_>) -> Read<ReplyData> {
    let mut invitations = Vec::new();
    reader.children(|reader, tag| {
        if tag.local_name().as_ref() == "inv" {
            invitations.extend(entry(dialect::invitations::read(reader, &Fields::of(tag)?))?);
        }
        Read::Ok(())
    })?;
    Ok(ReplyData::Invitations(invitations))
}

/// One room; further ones belong to queries this vocabulary does not have.
fn read_history(reader: &mut Reader<'_>) -> Read<ReplyData> {
    let history = one(reader, "chanib", |reader, tag| {
        let fields = Fields::of(tag)?;
        let room: RoomUri = fields.required_value("uri")?;
        let (total, exceeded) = dialect::history::read_counts(&fields)?;
        let mut posts = Vec::new();
        reader.children(|reader, tag| {
            if tag.local_name().as_ref() == "msg" {
                posts.extend(entry(post::read(reader, &Fields::of(tag)?, Some(&room)))?);
            }
            Read::Ok(())
        })?;
        Ok(ReplyData::History {
            room,
            posts,
            total,
            exceeded,
        })
    })?;
    present(history, "chanib")
}

/// Users by the number under which rooms refer to them.
type Users = HashMap<u32, (SipUri, String)>;

fn read_joined(reader: &mut Reader<'_>) -> Read<ReplyData> {
    let mut users = Users::new();
    let mut rooms = Vec::new();
    let mut failed = Vec::new();
    reader.children(|reader, tag| {
        match tag.local_name().as_ref() {
            "uib" => users.extend(entry(read_user(tag))?),
            "chanib" => rooms.extend(entry(read_joined_room(reader, tag))?),
            "fib" => failed.extend(entry(read_parts(&Fields::of(tag)?))?),
            _ => {}
        }
        Read::Ok(())
    })?;
    let mut left = MAX_PARTICIPANTS;
    let mut joined = Vec::with_capacity(rooms.len());
    for (info, associations) in rooms {
        let participants = resolve(&associations, &users, left)?;
        left -= participants.len();
        joined.push(JoinedRoom { info, participants });
    }
    Ok(ReplyData::Joined {
        rooms: joined,
        failed,
    })
}

fn read_user(tag: &BytesStart<'_>) -> Read<(u32, (SipUri, String))> {
    let fields = Fields::of(tag)?;
    Ok((
        fields.required_value("id")?,
        (fields.required_value("uri")?, read_display(&fields)?),
    ))
}

/// A room with its associations: mask and list of user numbers, as they stand.
fn read_joined_room<'a>(
    reader: &mut Reader<'a>,
    tag: &BytesStart<'a>,
) -> Read<(crate::RoomInfo, Vec<(Rights, String)>)> {
    let mut associations = Vec::new();
    let info = read_room(reader, tag, |_, tag| {
        if tag.local_name().as_ref() == "aib" {
            let fields = Fields::of(tag)?;
            let rights = Rights::from_bits(fields.lenient("key")?.unwrap_or(0));
            associations.push((rights, fields.text("value")?.unwrap_or_default().into_owned()));
        }
        Ok(())
    })?;
    Ok((info, associations))
}

/// Puts users to numbers; a user who stands in several lists has the rights of all.
fn resolve(associations: &[(Rights, String)], users: &Users, most: usize) -> Read<Vec<Participant>> {
    let mut participants: Vec<Participant> = Vec::new();
    let mut places: HashMap<u32, usize> = HashMap::new();
    for (rights, list) in associations {
        for number in list
            .split(',')
            .filter_map(|number| number.trim().parse::<u32>().ok())
        {
            let Some((user, display)) = users.get(&number) else {
                continue;
            };
            if let Some(&place) = places.get(&number) {
                participants[place].rights |= *rights;
                continue;
            }
            if participants.len() >= most {
                return Err(Fault::BadValue("aib").into());
            }
            places.insert(number, participants.len());
            participants.push(Participant {
                user: user.clone(),
                display: display.clone(),
                rights: *rights,
            });
        }
    }
    Ok(participants)
}

/// The first element of a name inside `data`; the others are passed over.
fn one<'a, T>(
    reader: &mut Reader<'a>,
    element: &str,
    mut read: impl FnMut(&mut Reader<'a>, &BytesStart<'a>) -> Read<T>,
) -> Read<Option<T>> {
    let mut found = None;
    reader.children(|reader, tag| {
        if found.is_none() && tag.local_name().as_ref() == element {
            found = Some(read(reader, tag)?);
        }
        Read::Ok(())
    })?;
    Ok(found)
}
