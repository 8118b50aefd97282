//! `ntc`: what a server tells without being asked.

use quick_xml::events::BytesStart;

use super::fields::{Fields, Read};
use super::room::{read_display, read_parts};
use super::{data, entry, present, read_room};
use crate::dialect;
use crate::xml::Reader;
use crate::{Arrival, Notice, Participant, Primitive, Rights, RoomUri, SipUri};

/// Reads the inside of an `ntc`; what it tells beyond the returned notice goes to `items` before it.
pub(super) fn read(reader: &mut Reader<'_>, name: &str, items: &mut Vec<Primitive>) -> Read<Primitive> {
    let is = |expected: &str| name.eq_ignore_ascii_case(expected);
    let notice = if is("join") || is("bjoin") {
        Notice::Joined {
            batch: is("bjoin"),
            arrivals: read_arrivals(reader)?,
        }
    } else if is("part") || is(dialect::notice::KICKED) {
        let mut notices = read_departures(reader, is("part"))?;
        let last = present(notices.pop(), "chanib")?;
        items.extend(notices.into_iter().map(Primitive::Notice));
        last
    } else if is(dialect::notice::INVITED) {
        read_invitation(reader)?
    } else if is(dialect::notice::ROOM_CHANGED) {
        read_change(reader)?
    } else if is(dialect::notice::RIGHTS_CHANGED) {
        Notice::RightsChanged(read_arrivals(reader)?)
    } else if is(dialect::notice::QUIT) {
        Notice::Quit(read_quit(reader)?)
    } else {
        Notice::Unknown(name.to_ascii_lowercase())
    };
    Ok(Primitive::Notice(notice))
}

/// The user outside, the rooms inside.
fn read_arrivals(reader: &mut Reader<'_>) -> Read<Vec<Arrival>> {
    let mut arrivals = Vec::new();
    data(reader, |reader, tag| {
        if tag.local_name().as_ref() == "uib" {
            entry(read_arrivals_of_user(reader, tag, &mut arrivals))?;
        }
        Ok(())
    })?;
    present((!arrivals.is_empty()).then_some(arrivals), "aib")
}

fn read_arrivals_of_user<'a>(
    reader: &mut Reader<'a>,
    tag: &BytesStart<'a>,
    arrivals: &mut Vec<Arrival>,
) -> Read<()> {
    let fields = Fields::of(tag)?;
    let user: SipUri = fields.required_value("uri")?;
    let display = read_display(&fields)?;
    reader.children(|_, tag| {
        if tag.local_name().as_ref() == "aib" {
            let fields = Fields::of(tag)?;
            if let Some(room) = entry(read_parts(&fields))? {
                let rights = Rights::from_bits(fields.lenient("key")?.unwrap_or(0));
                let participant = Participant {
                    user: user.clone(),
                    display: display.clone(),
                    rights,
                };
                arrivals.push(Arrival { room, participant });
            }
        }
        Ok(())
    })
}

/// The room outside, the users inside: one notice per room, or per room and user when they were put out.
fn read_departures(reader: &mut Reader<'_>, parted: bool) -> Read<Vec<Notice>> {
    let mut notices = Vec::new();
    data(reader, |reader, tag| {
        if tag.local_name().as_ref() == "chanib"
            && let Some((room, users)) = entry(read_departures_of_room(reader, tag))?
        {
            if parted {
                notices.push(Notice::Parted { room, users });
            } else {
                notices.extend(users.into_iter().map(|user| Notice::Kicked {
                    room: room.clone(),
                    user,
                }));
            }
        }
        Ok(())
    })?;
    Ok(notices)
}

fn read_departures_of_room<'a>(
    reader: &mut Reader<'a>,
    tag: &BytesStart<'a>,
) -> Read<(RoomUri, Vec<SipUri>)> {
    let room = Fields::of(tag)?.required_value("uri")?;
    let mut users = Vec::new();
    reader.children(|_, tag| {
        if tag.local_name().as_ref() == "uib" {
            users.extend(entry(Fields::of(tag)?.required_value("uri"))?);
        }
        Read::Ok(())
    })?;
    Ok((room, users))
}

fn read_invitation(reader: &mut Reader<'_>) -> Read<Notice> {
    let mut invitation = None;
    data(reader, |reader, tag| {
        if tag.local_name().as_ref() == "inv" {
            invitation = Some(dialect::invitations::read(reader, &Fields::of(tag)?)?);
        }
        Ok(())
    })?;
    present(invitation.map(Notice::Invited), "inv")
}

fn read_change(reader: &mut Reader<'_>) -> Read<Notice> {
    let mut room = None;
    data(reader, |reader, tag| {
        if tag.local_name().as_ref() == "chanib" {
            room = Some(read_room(reader, tag, |_, _| Ok(()))?);
        }
        Ok(())
    })?;
    present(room.map(Notice::RoomChanged), "chanib")
}

fn read_quit(reader: &mut Reader<'_>) -> Read<SipUri> {
    let mut user = None;
    data(reader, |_, tag| {
        if tag.local_name().as_ref() == "uib" {
            user = Some(Fields::of(tag)?.required_value("uri")?);
        }
        Ok(())
    })?;
    present(user, "uib")
}
