//! `cmd`: what a client sends.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::fields::{Fields, Read};
use super::room::read_address;
use super::{data, present};
use crate::dialect;
use crate::xml::Reader;
use crate::{Command, CommandName, Fault, InfoMask, Preference, RoomSearch, RoomUri};

/// Reads the inside of a `cmd`.
pub(super) fn read(reader: &mut Reader<'_>, name: &CommandName) -> Read<Command> {
    match name {
        CommandName::RequestUri => Ok(Command::RequestUri),
        CommandName::ServerInfo => read_server_info(reader),
        CommandName::Associations => read_associations(reader),
        CommandName::Join => {
            let room = read_addresses(reader)?.into_iter().next();
            Ok(Command::Join(present(room, "chanid")?))
        }
        CommandName::BatchJoin => Ok(Command::BatchJoin(read_addresses(reader)?)),
        CommandName::Part => Ok(Command::Part(read_one_room(reader)?)),
        CommandName::Participants => Ok(Command::Participants(read_one_room(reader)?)),
        CommandName::Backchat | CommandName::HistoryAfter => read_history(reader, name),
        CommandName::Search => read_search(reader),
        CommandName::Invitations => read_invitations(reader),
        CommandName::PreferenceFetch | CommandName::PreferenceStore => read_preference(reader, name),
        CommandName::GroupChat | CommandName::Other(_) => Ok(Command::Unknown(name.as_str().to_owned())),
    }
}

fn read_server_info(reader: &mut Reader<'_>) -> Read<Command> {
    let (mut domain, mut mask) = (String::new(), InfoMask::ALL);
    data(reader, |_, tag| {
        if tag.local_name().as_ref() == "sib" {
            let fields = Fields::of(tag)?;
            domain = fields.text("domain")?.unwrap_or_default().into_owned();
            mask = fields.value("infoType")?.map_or(InfoMask::ALL, InfoMask);
        }
        Ok(())
    })?;
    Ok(Command::ServerInfo { domain, mask })
}

fn read_associations(reader: &mut Reader<'_>) -> Read<Command> {
    let mut command = None;
    data(reader, |_, tag| {
        if tag.local_name().as_ref() == dialect::associations::ELEMENT {
            command = Some(dialect::associations::read_request(&Fields::of(tag)?)?);
        }
        Ok(())
    })?;
    Ok(command.unwrap_or(Command::Associations {
        domain: String::new(),
        role: Default::default(),
        limit: None,
    }))
}

/// `chanid*`; `chanib uri` is taken too.
fn read_addresses(reader: &mut Reader<'_>) -> Read<Vec<RoomUri>> {
    let mut rooms = Vec::new();
    data(reader, |_, tag| {
        if matches!(tag.local_name().as_ref(), "chanid" | "chanib") {
            rooms.push(read_address(&Fields::of(tag)?)?);
        }
        Ok(())
    })?;
    Ok(rooms)
}

/// `chanib uri`; `chanid` is taken too.
fn read_one_room(reader: &mut Reader<'_>) -> Read<RoomUri> {
    present(read_addresses(reader)?.into_iter().next(), "chanib")
}

/// `chanib`, then the query in `bcq`. A query this vocabulary does not have makes the command unknown.
fn read_history(reader: &mut Reader<'_>, name: &CommandName) -> Read<Command> {
    let mut room = None;
    let mut command = None;
    data(reader, |reader, tag| {
        match tag.local_name().as_ref() {
            "chanib" if room.is_none() => room = Some(read_address(&Fields::of(tag)?)?),
            "bcq" => {
                let room = present(room.clone(), "chanib")?;
                command = Some(match name {
                    CommandName::HistoryAfter => dialect::history::read_query(reader, room)?,
                    _ => read_last(reader, room)?,
                });
            }
            _ => {}
        }
        Ok(())
    })?;
    present(room, "chanib")?;
    present(command, "bcq")
}

fn read_last(reader: &mut Reader<'_>, room: RoomUri) -> Read<Command> {
    let mut count = None;
    reader.children(|_, tag| {
        if tag.local_name().as_ref() == "last" {
            count = Some(Fields::of(tag)?.required_value("cnt")?);
        }
        Read::Ok(())
    })?;
    Ok(match count {
        Some(count) => Command::Backchat { room, count },
        None => Command::Unknown(CommandName::Backchat.as_str().to_owned()),
    })
}

/// `qib`; another `qtype` than `BYNAME` makes the command unknown.
fn read_search(reader: &mut Reader<'_>) -> Read<Command> {
    let mut command = None;
    data(reader, |_, tag| {
        if tag.local_name().as_ref() == "qib" {
            let fields = Fields::of(tag)?;
            let by_name = fields
                .text("qtype")?
                .is_none_or(|kind| kind.trim().eq_ignore_ascii_case("BYNAME"));
            command = Some(if by_name {
                Command::Search(RoomSearch {
                    criteria: fields.text("criteria")?.unwrap_or_default().into_owned(),
                    extended: fields.flag("extended")?.unwrap_or(false),
                    match_all: fields.flag(dialect::attribute::MATCH_ALL)?.unwrap_or(false),
                    match_exact_phrase: fields
                        .flag(dialect::attribute::MATCH_EXACT_PHRASE)?
                        .unwrap_or(false),
                    limit: fields.limit(dialect::attribute::MAX_RESULTS)?,
                })
            } else {
                Command::Unknown(CommandName::Search.as_str().to_owned())
            });
        }
        Ok(())
    })?;
    present(command, "qib")
}

fn read_invitations(reader: &mut Reader<'_>) -> Read<Command> {
    let (mut domain, mut after) = (String::new(), 0);
    data(reader, |_, tag| {
        if tag.local_name().as_ref() == "inv" {
            let fields = Fields::of(tag)?;
            domain = fields.text("domain")?.unwrap_or_default().into_owned();
            after = fields.value("inviteId")?.unwrap_or(0);
        }
        Ok(())
    })?;
    Ok(Command::Invitations { domain, after })
}

fn read_preference(reader: &mut Reader<'_>, name: &CommandName) -> Read<Command> {
    let mut command = None;
    data(reader, |_, tag| {
        if tag.local_name().as_ref() == "pref" {
            let fields = Fields::of(tag)?;
            let preference = preference(&fields)?;
            command = Some(match name {
                CommandName::PreferenceStore => Command::PreferenceStore(preference),
                _ => Command::PreferenceFetch {
                    label: preference.label,
                    sequence: preference.sequence,
                    create_default: fields.flag("createdefault")?.unwrap_or(false),
                },
            });
        }
        Ok(())
    })?;
    present(command, "pref")
}

/// `pref label seqid content`, in commands and replies.
pub(super) fn preference(fields: &Fields<'_>) -> Read<Preference> {
    let label = fields
        .text("label")?
        .ok_or(Fault::MissingAttribute("label"))?
        .into_owned();
    let content = match fields.text("content")? {
        Some(text) => {
            // Writers may break base64 into lines, which come in as spaces.
            let text: String = text.split_ascii_whitespace().collect();
            Some(
                STANDARD
                    .decode(text)
                    .map_err(|_| Fault::BadValue("content"))?
                    .into(),
            )
        }
        None => None,
    };
    Ok(Preference {
        label,
        sequence: fields.value("seqid")?.unwrap_or(0),
        content,
    })
}
