//! What a message carries, in a few words: XCCOS commands, replies, notices and posts; and what matters in SIP.

use std::collections::HashMap;

use parlor_xccos::{Command, Notice, Post, Primitive, Reply, ReplyData, RoomInfo, RoomUri, SipUri, decode};

use super::ladder::shorten;
use super::message::{Message, Start, address};

/// Of a post's text.
const EXCERPT: usize = 48;
/// Of a list; the rest is counted.
const LISTED: usize = 4;

/// Names of rooms, as the recording tells them.
#[derive(Debug, Default)]
pub(super) struct Names {
    rooms: HashMap<RoomUri, String>,
}

impl Names {
    /// Takes the names out of a body.
    pub(super) fn learn(&mut self, body: &str) {
        for item in items(body) {
            match item {
                Primitive::Reply(reply) => match reply.data {
                    ReplyData::Rooms(rooms) => rooms.into_iter().for_each(|room| self.room(room)),
                    ReplyData::Joined { rooms, .. } => {
                        rooms.into_iter().for_each(|room| self.room(room.info));
                    }
                    ReplyData::Invitations(list) => list.into_iter().for_each(|one| self.room(one.room)),
                    _ => {}
                },
                Primitive::Notice(Notice::RoomChanged(room)) => self.room(room),
                Primitive::Notice(Notice::Invited(invitation)) => self.room(invitation.room),
                _ => {}
            }
        }
    }

    fn room(&mut self, room: RoomInfo) {
        if !room.name.is_empty() {
            self.rooms.insert(room.uri, room.name);
        }
    }

    fn of(&self, room: &RoomUri) -> String {
        self.rooms.get(room).cloned().unwrap_or_else(|| room.to_string())
    }

    fn list<'r>(&self, rooms: impl IntoIterator<Item = &'r RoomUri>) -> String {
        list(rooms.into_iter().map(|room| self.of(room)))
    }
}

/// Up to some entries and how many more there are.
fn list(entries: impl Iterator<Item = String>) -> String {
    let all: Vec<String> = entries.collect();
    match all.get(..LISTED) {
        Some(first) if all.len() > LISTED => format!("{} and {} more", first.join(", "), all.len() - LISTED),
        _ => all.join(", "),
    }
}

fn items(body: &str) -> Vec<Primitive> {
    if !body.contains("<xccos") {
        return Vec::new();
    }
    decode(body.as_bytes()).map_or_else(|_| Vec::new(), |envelope| envelope.items)
}

/// The summary of a message.
pub(super) fn fold(message: &Message<'_>, names: &Names) -> String {
    let mut parts = match message.start {
        Start::Request { method, uri } => request(message, method, uri),
        Start::Response { status, .. } => response(message, status),
        Start::Other(_) => Vec::new(),
    };
    parts.extend(body(message, names));
    parts.retain(|part| !part.is_empty());
    parts.join("; ")
}

fn request(message: &Message<'_>, method: &str, uri: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let field = |name| message.field(name).unwrap_or_default();
    match method {
        "REGISTER" => {
            let expires = message.field("Expires");
            let who = message.address("To").unwrap_or_default();
            let word = if expires == Some("0") {
                "signs out"
            } else {
                "signs in"
            };
            parts.push(format!("{who} {word}"));
            parts.push(scheme(message, "Authorization"));
        }
        "SUBSCRIBE" => {
            parts.push(package(field("Event")).to_owned());
            if message.field("Expires") == Some("0") {
                // Inside a dialog it ends a subscription.
                let again = field("To").contains(";tag=");
                parts.push(if again { "no longer" } else { "once" }.to_owned());
            }
        }
        "NOTIFY" | "BENOTIFY" => {
            parts.push(package(field("Event")).to_owned());
            parts.push(package(field("Subscription-State")).to_owned());
        }
        "INVITE" | "MESSAGE" => parts.push(format!("to {}", address(uri))),
        "UPDATE" => parts.push("refreshes the session".to_owned()),
        _ => {}
    }
    parts
}

fn response(message: &Message<'_>, status: u16) -> Vec<String> {
    let mut parts = Vec::new();
    let method = message.cseq().map_or("", |(_, method)| method);
    if status == 401 || status == 407 {
        parts.push(scheme(message, "WWW-Authenticate"));
        parts.push(scheme(message, "Proxy-Authenticate"));
    }
    if status >= 300 {
        parts.push(reason(message).to_owned());
    }
    if status < 300 && matches!(method, "REGISTER" | "SUBSCRIBE") {
        let time = message.field("Expires").filter(|time| *time != "0");
        parts.extend(time.map(|time| format!("for {time} s")));
    }
    if status < 300 && method == "INVITE" {
        let time = message.field("Session-Expires").map(package);
        parts.extend(time.map(|time| format!("session of {time} s")));
    }
    parts
}

/// What is offered or used: `NTLM`, `NTLM token`, or `NTLM response` for what answers a challenge.
fn scheme(message: &Message<'_>, field: &str) -> String {
    let mut schemes: Vec<String> = message.fields(field).map(scheme_of).collect();
    // One for each algorithm.
    schemes.dedup();
    schemes.join(", ")
}

fn scheme_of(value: &str) -> String {
    let scheme = value.split([' ', '\t']).next().unwrap_or_default();
    // Tokens are masked; an empty one stays empty.
    let word = if value.contains("response=\"***\"") {
        " response"
    } else if value.contains("gssapi-data=\"***\"") {
        " token"
    } else {
        ""
    };
    format!("{scheme}{word}")
}

/// The reason in a diagnostics field.
fn reason<'m>(message: &Message<'m>) -> &'m str {
    let fields = ["ms-diagnostics", "ms-diagnostics-public", "Warning", "Reason"];
    let Some(value) = fields.iter().find_map(|name| message.field(name)) else {
        return "";
    };
    value
        .split_once("reason=\"")
        .and_then(|(_, rest)| rest.split_once('"'))
        .map_or(value, |(reason, _)| reason)
}

/// A value without its parameters.
fn package(value: &str) -> &str {
    value.split(';').next().unwrap_or(value).trim()
}

fn body(message: &Message<'_>, names: &Names) -> Vec<String> {
    let body = message.body.trim();
    if body.is_empty() {
        return Vec::new();
    }
    if body.contains("<xccos") {
        return match decode(body.as_bytes()) {
            Ok(envelope) => envelope.items.iter().map(|item| primitive(item, names)).collect(),
            Err(error) => vec![format!("unreadable xccos: {error}")],
        };
    }
    let media = message.content_type().unwrap_or("no content type");
    match (message.start, media) {
        (_, "application/sdp") => Vec::new(),
        (
            Start::Request {
                method: "MESSAGE", ..
            },
            media,
        ) if media.starts_with("text/") => {
            vec![quoted(body)]
        }
        (_, media) if media.ends_with("xml") => vec![element(body).to_owned()],
        (_, media) => vec![media.to_owned()],
    }
}

/// What an XML document is about: inside a SOAP envelope the command, otherwise the root.
fn element(body: &str) -> &str {
    let mut names = body.split('<').skip(1).filter_map(|tag| {
        let name = tag
            .split(|c: char| c.is_whitespace() || c == '>' || c == '/')
            .next()?;
        let local = name.rsplit(':').next()?;
        (!name.starts_with(['?', '!']) && !local.is_empty()).then_some(local)
    });
    match names.next() {
        Some("Envelope") => names
            .find(|name| !matches!(*name, "Header" | "Body"))
            .unwrap_or("Envelope"),
        Some(name) => name,
        None => "",
    }
}

fn primitive(item: &Primitive, names: &Names) -> String {
    match item {
        Primitive::Command(numbered) => {
            let name = format!("cmd:{}", numbered.command.name());
            joined([name, command(&numbered.command, names)])
        }
        Primitive::Reply(answer) => reply(answer, names),
        Primitive::Notice(told) => joined([format!("ntc:{}", told.name()), notice(told, names)]),
        Primitive::Post(numbered) => format!("grpchat {}", post(&numbered.post, names)),
        Primitive::SystemError { name, text } => format!("{name}: {text}"),
        Primitive::Invalid(invalid) => format!("unreadable {}: {}", invalid.name, invalid.fault),
        Primitive::Unknown { element } => format!("<{element}>"),
        _ => String::new(),
    }
}

fn joined<const N: usize>(words: [String; N]) -> String {
    let words: Vec<String> = words.into_iter().filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

fn command(command: &Command, names: &Names) -> String {
    match command {
        Command::Join(room) | Command::Part(room) | Command::Participants(room) => names.of(room),
        Command::BatchJoin(rooms) => names.list(rooms),
        Command::Backchat { room, count } => format!("{}, last {count}", names.of(room)),
        Command::HistoryAfter { room, after, .. } => format!("{}, after #{after}", names.of(room)),
        Command::Search(search) if search.criteria.is_empty() => "all rooms".to_owned(),
        Command::Search(search) => quoted(&search.criteria),
        Command::PreferenceFetch { label, .. } => label.clone(),
        Command::PreferenceStore(preference) => preference.label.clone(),
        Command::Invitations { after, .. } if *after > 0 => format!("after {after}"),
        _ => String::new(),
    }
}

fn reply(reply: &Reply, names: &Names) -> String {
    let name = format!("rpl:{}", reply.name);
    if !reply.is_ok() {
        return format!("{name} {} {}", reply.code, reply.text);
    }
    joined([name, data(&reply.data, names)])
}

fn data(data: &ReplyData, names: &Names) -> String {
    match data {
        ReplyData::Uri(uri) => bare(uri).to_owned(),
        ReplyData::Rooms(rooms) if rooms.is_empty() => "no rooms".to_owned(),
        ReplyData::Rooms(rooms) => list(rooms.iter().map(|room| room.name.clone())),
        ReplyData::Joined { rooms, failed } => {
            let entered = list(
                rooms
                    .iter()
                    .map(|room| format!("{} with {} here", room.info.name, room.participants.len())),
            );
            let refused = if failed.is_empty() {
                String::new()
            } else {
                format!("not {}", names.list(failed))
            };
            joined([entered, refused])
        }
        ReplyData::Parted(room) => names.of(room),
        ReplyData::History { room, posts, .. } => {
            let noun = if posts.len() == 1 { "post" } else { "posts" };
            format!("{}, {} {noun}", names.of(room), posts.len())
        }
        ReplyData::Invitations(list) => format!("{} invitations", list.len()),
        ReplyData::Preference(preference) => preference.label.clone(),
        ReplyData::Posted(posted) => format!("{} #{}, already there", names.of(&posted.room), posted.id),
        ReplyData::Unreadable(fault) => format!("unreadable: {fault}"),
        _ => String::new(),
    }
}

fn notice(notice: &Notice, names: &Names) -> String {
    match notice {
        Notice::Joined { arrivals, .. } | Notice::RightsChanged(arrivals) => {
            let entries = arrivals.iter().map(|arrival| {
                format!(
                    "{} in {}",
                    bare(&arrival.participant.user),
                    names.of(&arrival.room)
                )
            });
            list(entries)
        }
        Notice::Parted { room, users } => {
            let who = list(users.iter().map(|user| bare(user).to_owned()));
            format!("{who} from {}", names.of(room))
        }
        Notice::Kicked { room, user } => format!("{} from {}", bare(user), names.of(room)),
        Notice::Invited(invitation) => invitation.room.name.clone(),
        Notice::RoomChanged(room) => room.name.clone(),
        Notice::Quit(user) => bare(user).to_owned(),
        _ => String::new(),
    }
}

fn post(post: &Post, names: &Names) -> String {
    let id = post.id.map(|id| format!("#{id}")).unwrap_or_default();
    let alert = if post.alert { "alert" } else { "" }.to_owned();
    let author = format!("{}:", bare(&post.author));
    joined([names.of(&post.room), id, alert, author, quoted(&post.chat)])
}

fn bare(uri: &SipUri) -> &str {
    address(uri.as_str())
}

fn quoted(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    format!("\"{}\"", shorten(&text, EXCERPT))
}
