//! From records to steps between participants: who is who, which call is which, and each message once even where both
//! ends were recorded.

use std::collections::HashMap;
use std::net::SocketAddr;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::fold::{Names, fold};
use super::message::{Message, Start};
use super::read::Recording;
use crate::recording::{Line, Record, What};

/// What a recording tells.
#[derive(Debug)]
pub(super) struct Story {
    pub(super) program: String,
    pub(super) started: DateTime<Utc>,
    /// Columns, left to right.
    pub(super) participants: Vec<String>,
    pub(super) calls: Vec<Call>,
    pub(super) steps: Vec<Step>,
}

/// All messages of one Call-ID.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) label: String,
    pub(super) id: String,
    /// Method and addresses of the first message.
    pub(super) about: String,
    pub(super) messages: usize,
}

#[derive(Debug)]
pub(super) struct Step {
    pub(super) time: DateTime<Utc>,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Message(Arrow),
    /// Something about one participant's connection.
    Remark {
        participant: usize,
        text: String,
    },
    Lost(u64),
}

#[derive(Debug)]
pub(super) struct Arrow {
    pub(super) from: usize,
    pub(super) to: usize,
    /// Index into the calls; none without a Call-ID.
    pub(super) call: Option<usize>,
    /// None for requests.
    pub(super) status: Option<u16>,
    /// Method or status, and CSeq.
    pub(super) label: String,
    /// What it carries.
    pub(super) summary: String,
    pub(super) text: String,
}

/// A connection, of which either end or both were recorded.
#[derive(Debug)]
struct Wire {
    client: SocketAddr,
    server: SocketAddr,
    /// Connection numbers of the accepting and the connecting end.
    accepted: Option<u64>,
    connected: Option<u64>,
    user: Option<String>,
}

impl Story {
    pub(super) fn of(recording: &Recording) -> Self {
        let wires = Wires::of(&recording.lines);
        let mut names = Names::default();
        for record in records(&recording.lines) {
            if let Some(text) = text(record) {
                names.learn(Message::parse(text).body);
            }
        }
        let mut columns = Columns::new(&wires);
        let mut story = Self {
            program: recording.head.program.clone(),
            started: recording.head.started,
            participants: Vec::new(),
            calls: Vec::new(),
            steps: Vec::new(),
        };
        let mut calls = HashMap::new();
        let mut last = recording.head.started;
        for line in &recording.lines {
            match line {
                Line::Record(record) => {
                    last = record.time;
                    if let Some(kind) = story.kind(record, &wires, &mut columns, &mut calls, &names) {
                        story.steps.push(Step { time: last, kind });
                    }
                }
                Line::Lost { lost } => story.steps.push(Step {
                    time: last,
                    kind: Kind::Lost(*lost),
                }),
            }
        }
        story.participants = columns.names;
        story
    }

    fn kind(
        &mut self,
        record: &Record,
        wires: &Wires,
        columns: &mut Columns<'_>,
        calls: &mut HashMap<String, usize>,
        names: &Names,
    ) -> Option<Kind> {
        let wire = *wires.by_connection.get(&record.connection)?;
        let both = wires.list.get(wire)?.has_both_ends();
        let (client, server) = columns.of(wire)?;
        match &record.what {
            What::Opened if both && record.accepted => None,
            What::Opened => Some(Kind::Remark {
                participant: client,
                text: format!("connects over {}", record.transport),
            }),
            What::Closed { cause } => columns.close(wire).then(|| Kind::Remark {
                participant: client,
                text: format!("is disconnected: {cause}"),
            }),
            // The other end has sent it, and said so first.
            What::Received { .. } if both => None,
            What::Received { message } | What::Sent { message } => {
                let sent = matches!(record.what, What::Sent { .. });
                let (from, to) = if sent == record.accepted {
                    (server, client)
                } else {
                    (client, server)
                };
                Some(Kind::Message(self.arrow(from, to, message, calls, names)))
            }
        }
    }

    fn arrow(
        &mut self,
        from: usize,
        to: usize,
        text: &str,
        calls: &mut HashMap<String, usize>,
        names: &Names,
    ) -> Arrow {
        let message = Message::parse(text);
        let (number, method) = message.cseq().unwrap_or_default();
        let (status, label) = match message.start {
            Start::Request { method, .. } => (None, format!("{method} {number}")),
            Start::Response { status, reason } => {
                (Some(status), format!("{status} {reason} ({method} {number})"))
            }
            Start::Other(line) => (None, format!("? {line}")),
        };
        let call = message.call_id().map(|id| {
            let index = *calls.entry(id.to_owned()).or_insert_with(|| {
                self.calls.push(Call {
                    label: letters(self.calls.len()),
                    id: id.to_owned(),
                    about: about(&message),
                    messages: 0,
                });
                self.calls.len() - 1
            });
            if let Some(call) = self.calls.get_mut(index) {
                call.messages += 1;
            }
            index
        });
        Arrow {
            from,
            to,
            call,
            status,
            label: label.trim_end().to_owned(),
            summary: fold(&message, names),
            text: text.to_owned(),
        }
    }

    /// Leaves only the messages of one call.
    pub(super) fn keep_call(&mut self, wanted: &str) -> Result<(), String> {
        let by_label = |call: &Call| call.label == wanted;
        let kept = match self.calls.iter().position(by_label) {
            Some(index) => index,
            None => self
                .calls
                .iter()
                .position(|call| call.id.starts_with(wanted))
                .ok_or_else(|| format!("no call `{wanted}` in this recording"))?,
        };
        self.steps
            .retain(|step| matches!(&step.kind, Kind::Message(arrow) if arrow.call == Some(kept)));
        Ok(())
    }

    pub(super) fn name(&self, participant: usize) -> &str {
        self.participants.get(participant).map_or("", String::as_str)
    }

    /// One step for programs.
    pub(super) fn json(&self, step: &Step, full: bool) -> Value {
        match &step.kind {
            Kind::Message(arrow) => {
                let call = arrow.call.and_then(|index| self.calls.get(index));
                let mut value = json!({
                    "time": step.time,
                    "from": self.name(arrow.from),
                    "to": self.name(arrow.to),
                    "call": call.map(|call| &call.label),
                    "call_id": call.map(|call| &call.id),
                    "status": arrow.status,
                    "label": arrow.label,
                    "summary": arrow.summary,
                });
                if full {
                    value["message"] = arrow.text.clone().into();
                }
                value
            }
            Kind::Remark { participant, text } => {
                json!({ "time": step.time, "participant": self.name(*participant), "remark": text })
            }
            Kind::Lost(count) => json!({ "time": step.time, "lost": count }),
        }
    }
}

fn about(message: &Message<'_>) -> String {
    let method = message.cseq().map_or("", |(_, method)| method);
    let (from, to) = (message.address("From"), message.address("To"));
    let (from, to) = (from.unwrap_or_default(), to.unwrap_or_default());
    if from == to {
        format!("{method} {from}")
    } else {
        format!("{method} {from} to {to}")
    }
}

/// A, B, ... Z, AA, AB, ...
fn letters(mut number: usize) -> String {
    let mut label = String::new();
    loop {
        let letter = u8::try_from(number % 26).unwrap_or_default();
        label.insert(0, char::from(b'A' + letter));
        match number / 26 {
            0 => return label,
            rest => number = rest - 1,
        }
    }
}

fn records(lines: &[Line]) -> impl Iterator<Item = &Record> {
    lines.iter().filter_map(|line| match line {
        Line::Record(record) => Some(record),
        Line::Lost { .. } => None,
    })
}

fn text(record: &Record) -> Option<&str> {
    match &record.what {
        What::Received { message } | What::Sent { message } => Some(message),
        What::Opened | What::Closed { .. } => None,
    }
}

#[derive(Debug, Default)]
struct Wires {
    list: Vec<Wire>,
    by_connection: HashMap<u64, usize>,
}

impl Wires {
    fn of(lines: &[Line]) -> Self {
        let mut wires = Self::default();
        for record in records(lines) {
            let index = wires.index(record);
            let Some(wire) = wires.list.get_mut(index) else {
                continue;
            };
            if wire.user.is_none() {
                wire.user = text(record).and_then(|text| user(record, text));
            }
        }
        wires
    }

    fn index(&mut self, record: &Record) -> usize {
        if let Some(index) = self.by_connection.get(&record.connection) {
            return *index;
        }
        let (server, client) = if record.accepted {
            (record.local, record.peer)
        } else {
            (record.peer, record.local)
        };
        // The newest of these addresses, unless it has this end already: ports are used again.
        let same = |wire: &Wire| wire.client == client && wire.server == server;
        let index = self.list.iter().rposition(same).filter(|index| {
            self.list
                .get(*index)
                .is_some_and(|wire| wire.end(record.accepted).is_none())
        });
        let index = index.unwrap_or_else(|| {
            self.list.push(Wire {
                client,
                server,
                accepted: None,
                connected: None,
                user: None,
            });
            self.list.len() - 1
        });
        if let Some(wire) = self.list.get_mut(index) {
            let end = if record.accepted {
                &mut wire.accepted
            } else {
                &mut wire.connected
            };
            *end = Some(record.connection);
        }
        self.by_connection.insert(record.connection, index);
        index
    }
}

impl Wire {
    fn has_both_ends(&self) -> bool {
        self.accepted.is_some() && self.connected.is_some()
    }

    fn end(&self, accepted: bool) -> Option<u64> {
        if accepted { self.accepted } else { self.connected }
    }
}

/// The user at the client's end, if the message tells.
fn user(record: &Record, text: &str) -> Option<String> {
    let message = Message::parse(text);
    let Start::Request { .. } = message.start else {
        return None;
    };
    let from_client = record.accepted == matches!(record.what, What::Received { .. });
    let field = if from_client { "From" } else { "To" };
    message.address(field).map(str::to_owned)
}

/// Who stands where. A client that comes back after its connection is gone takes its old place.
#[derive(Debug)]
struct Columns<'w> {
    wires: &'w Wires,
    names: Vec<String>,
    /// Per column: who it is, and whether a connection of it is open.
    places: Vec<(Who, bool)>,
    of_wire: HashMap<usize, usize>,
    closed: Vec<bool>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Who {
    Client(String),
    Server(Option<SocketAddr>),
}

impl<'w> Columns<'w> {
    fn new(wires: &'w Wires) -> Self {
        Self {
            wires,
            names: Vec::new(),
            places: Vec::new(),
            of_wire: HashMap::new(),
            closed: vec![false; wires.list.len()],
        }
    }

    /// Columns of the client and the server of a wire.
    fn of(&mut self, index: usize) -> Option<(usize, usize)> {
        let wire = self.wires.list.get(index)?;
        let client = match self.of_wire.get(&index) {
            Some(column) => *column,
            None => {
                let name = wire.user.clone().unwrap_or_else(|| wire.client.to_string());
                let column = self.client(name);
                self.of_wire.insert(index, column);
                column
            }
        };
        // Everything that listens here is one server.
        let ours = self
            .wires
            .list
            .iter()
            .any(|other| other.accepted.is_some() && other.server == wire.server);
        let who = Who::Server((!ours).then_some(wire.server));
        let name = if ours || self.wires.has_one_server() {
            "server".to_owned()
        } else {
            format!("server {}", wire.server)
        };
        let server = match self.places.iter().position(|(other, _)| *other == who) {
            Some(column) => column,
            None => self.place(who, name),
        };
        Some((client, server))
    }

    fn client(&mut self, name: String) -> usize {
        let who = Who::Client(name.clone());
        let free = self
            .places
            .iter()
            .position(|(other, open)| *other == who && !open);
        if let Some(column) = free {
            self.open(column, true);
            return column;
        }
        let others = self.places.iter().filter(|(other, _)| *other == who).count();
        let name = match others {
            0 => name,
            _ => format!("{name} ({})", others + 1),
        };
        self.place(who, name)
    }

    fn place(&mut self, who: Who, name: String) -> usize {
        self.places.push((who, true));
        self.names.push(name);
        self.names.len() - 1
    }

    fn open(&mut self, column: usize, open: bool) {
        if let Some((_, state)) = self.places.get_mut(column) {
            *state = open;
        }
    }

    /// False when that was known.
    fn close(&mut self, wire: usize) -> bool {
        if let Some(column) = self.of_wire.get(&wire).copied() {
            self.open(column, false);
        }
        self.closed
            .get_mut(wire)
            .is_some_and(|closed| !std::mem::replace(closed, true))
    }
}

impl Wires {
    /// Nobody needs the addresses of one server.
    fn has_one_server(&self) -> bool {
        let mut servers = self.list.iter().map(|wire| wire.server);
        let first = servers.next();
        servers.all(|server| Some(server) == first)
    }
}
