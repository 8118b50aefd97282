use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use parlor_net::TRACE_TARGET;

use super::ladder::Ladder;
use super::read::{Recording, read};
use super::story::Story;
use crate::recording::{Head, Line, Record, What};

/// A recording in the making: connections have the ports of their clients as numbers.
struct Script {
    started: DateTime<Utc>,
    at: TimeDelta,
    lines: Vec<Line>,
}

impl Script {
    fn new() -> Self {
        let started = "2026-11-21T02:00:00Z".parse().unwrap();
        Self {
            started,
            at: TimeDelta::zero(),
            lines: Vec::new(),
        }
    }

    /// Something at the accepting end.
    fn server(&mut self, client: u16, what: What) -> &mut Self {
        self.record(client, true, what)
    }

    fn record(&mut self, client: u16, accepted: bool, what: What) -> &mut Self {
        self.at += TimeDelta::milliseconds(15);
        let (server, client_address) = (([127, 0, 0, 1], 5061).into(), ([127, 0, 0, 1], client).into());
        let (local, peer) = if accepted {
            (server, client_address)
        } else {
            (client_address, server)
        };
        self.lines.push(Line::Record(Record {
            time: self.started + self.at,
            connection: u64::from(client) + if accepted { 0 } else { 100_000 },
            transport: "tls".into(),
            accepted,
            local,
            peer,
            what,
        }));
        self
    }

    fn asks(&mut self, client: u16, message: String) -> &mut Self {
        self.server(client, What::Received { message })
    }

    fn answers(&mut self, client: u16, message: String) -> &mut Self {
        self.server(client, What::Sent { message })
    }

    fn recording(&self) -> Recording {
        Recording {
            head: Head {
                program: "parlor test".into(),
                ..Head::new(self.started)
            },
            lines: self.lines.clone(),
            unreadable: 0,
        }
    }

    fn story(&self) -> Story {
        Story::of(&self.recording())
    }
}

fn ladder(story: &Story, full: bool) -> String {
    let lines: Vec<String> = Ladder::new(story, full).lines().collect();
    anstream::adapter::strip_str(&lines.join("\n")).to_string()
}

/// A request of `user`; fields and body as they come.
fn request(user: &str, method: &str, number: u32, call: &str, rest: &str) -> String {
    let rest = if rest.contains("\r\n\r\n") {
        rest.to_owned()
    } else {
        format!("{rest}\r\n")
    };
    format!(
        "{method} sip:pchat@example.com SIP/2.0\r\nFrom: <sip:{user}@example.com>;tag=1;epid=cf0b98dadeb9\r\n\
         To: <sip:pchat@example.com>\r\nCSeq: {number} {method}\r\nCall-ID: {call}\r\n{rest}"
    )
}

fn register(number: u32, rest: &str) -> String {
    request("alice", "REGISTER", number, "r1", rest)
        .replace("To: <sip:pchat@example.com>", "To: <sip:alice@example.com>")
}

fn response(status: &str, number: u32, method: &str, call: &str, rest: &str) -> String {
    format!("SIP/2.0 {status}\r\nCall-ID: {call}\r\nCSeq: {number} {method}\r\n{rest}\r\n")
}

fn xccos(content: &str) -> String {
    format!(
        "Content-Type: text/plain\r\n\r\n<xccos ver=\"1\" envid=\"7\" xmlns=\"urn:parlano:xml:ns:xccos\">{content}</xccos>"
    )
}

const ROOM: &str = "ma-chan://example.com/0c3287b5-3851-457b-86ce-e054de8c3475";

#[test]
fn a_sign_in_and_a_conversation_are_a_ladder() {
    let mut script = Script::new();
    let scheme = "NTLM realm=\"SIP Communications Service\", targetname=\"mock.example.com\"";
    script
        .server(40001, What::Opened)
        .asks(40001, register(1, ""))
        .answers(
            40001,
            response("401 Unauthorized", 1, "REGISTER", "r1", &format!("WWW-Authenticate: Digest realm=\"a\"\r\nWWW-Authenticate: {scheme}\r\n")),
        )
        .asks(40001, register(2, &format!("Authorization: {scheme}, gssapi-data=\"\"\r\n")))
        .answers(
            40001,
            response(
                "401 Unauthorized",
                2,
                "REGISTER",
                "r1",
                &format!("WWW-Authenticate: {scheme}, gssapi-data=\"***\"\r\n"),
            ),
        )
        .asks(
            40001,
            register(
                3,
                &format!("Authorization: {scheme}, gssapi-data=\"***\", response=\"***\"\r\n"),
            ),
        )
        .answers(40001, response("200 OK", 3, "REGISTER", "r1", "Expires: 600\r\n"))
        .asks(
            40001,
            request("alice", "INFO", 2, "c1", &xccos(&format!(
                "<cmd id=\"cmd:bjoin\" seqid=\"1\"><data><chanid key=\"0\" domain=\"example.com\" value=\"{}\"/></data></cmd>",
                &ROOM[22..]
            ))),
        )
        .answers(40001, response("200 OK", 2, "INFO", "c1", ""))
        .answers(
            40001,
            request("pchat", "INFO", 1, "c1", &xccos(&format!(
                "<rpl id=\"rpl:bjoin\" seqid=\"1\"><commandid seqid=\"1\" envid=\"7\"/><resp code=\"200\">SUCCESS_OK</resp>\
                 <data><uib uri=\"sip:alice@example.com\" id=\"0\"/>\
                 <chanib uri=\"{ROOM}\" name=\"Lobby\"><aib key=\"3984\" value=\"0\"/></chanib></data></rpl>"
            ))),
        );
    script.lines.push(Line::Lost { lost: 3 });
    script
        .server(40002, What::Opened)
        .asks(
            40002,
            request("bob", "INFO", 9, "c2", &xccos(&format!(
                "<grpchat id=\"grpchat\" seqid=\"1\" chanUri=\"{ROOM}\" author=\"sip:bob@example.com\" \
                 ts=\"2026-11-21T02:00:00Z\"><chat>see you \u{1b}[2J\n at the conference next week in the large hall</chat></grpchat>"
            ))),
        )
        .answers(
            40002,
            response(
                "503 Service Unavailable",
                9,
                "INFO",
                "c2",
                "ms-diagnostics: 7001;reason=\"the room's queue is full\"\r\n",
            ),
        )
        .asks(40002, "GET / HTTP/1.1\r\n\r\n".into())
        .server(
            40002,
            What::Closed {
                cause: "no SIP".into(),
            },
        );
    insta::assert_snapshot!(ladder(&script.story(), false));
}

#[test]
fn one_call_is_shown_alone_and_in_full() {
    let mut script = Script::new();
    script
        .asks(40001, register(1, "Authorization: NTLM response=\"***\"\r\n"))
        .answers(40001, response("200 OK", 1, "REGISTER", "r1", "Expires: 600\r\n"))
        .asks(
            40002,
            request(
                "bob",
                "MESSAGE",
                1,
                "m1",
                "Content-Type: text/plain\r\n\r\nhello\r\nyou",
            ),
        )
        .answers(40002, response("200 OK", 1, "MESSAGE", "m1", ""));
    let mut story = script.story();
    story.keep_call("B").unwrap();
    insta::assert_snapshot!(ladder(&story, true));
    let by_id = |id| script.story().keep_call(id);
    assert_eq!(by_id("m"), Ok(()));
    assert_eq!(by_id("x"), Err("no call `x` in this recording".to_owned()));
}

/// `parlor up` records the server's end and the bots' end of the same connection.
#[test]
fn a_connection_recorded_at_both_ends_is_told_once() {
    let mut script = Script::new();
    let asked = request("newsbot", "INVITE", 1, "c1", "");
    let answered = response(
        "200 OK",
        1,
        "INVITE",
        "c1",
        "Session-Expires: 1800;refresher=uac\r\n",
    );
    let closed = || What::Closed {
        cause: "closed by the peer".into(),
    };
    for accepted in [false, true] {
        script.record(40001, accepted, What::Opened);
    }
    script
        .record(
            40001,
            false,
            What::Sent {
                message: asked.clone(),
            },
        )
        .record(40001, true, What::Received { message: asked })
        .record(
            40001,
            true,
            What::Sent {
                message: answered.clone(),
            },
        )
        .record(40001, false, What::Received { message: answered })
        .record(40001, true, closed())
        .record(40001, false, closed());
    insta::assert_snapshot!(ladder(&script.story(), false));
}

/// The same user from two places at once has two lifelines; one that comes back has its old one.
#[test]
fn who_comes_back_stands_where_it_stood() {
    let mut script = Script::new();
    let hello = |call| request("alice", "OPTIONS", 1, call, "");
    script
        .asks(40001, hello("c1"))
        .asks(40002, hello("c2"))
        .server(40001, What::Closed { cause: "lost".into() })
        .asks(40003, hello("c3"));
    let story = script.story();
    assert_eq!(
        story.participants,
        ["alice@example.com", "server", "alice@example.com (2)"]
    );
    let columns = story.steps.iter().filter_map(|step| match &step.kind {
        super::story::Kind::Message(arrow) => Some(arrow.from),
        _ => None,
    });
    assert_eq!(columns.collect::<Vec<_>>(), [0, 2, 0]);
}

#[test]
fn a_file_is_read_as_far_as_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wire.trace");
    let mut script = Script::new();
    let recording = script.asks(40001, register(1, "")).recording();
    let head = serde_json::to_string(&recording.head).unwrap();
    let line = serde_json::to_string(&recording.lines[0]).unwrap();
    std::fs::write(&path, format!("{head}\n{line}\n{}", &line[..40])).unwrap();
    let found = read(&path).unwrap();
    assert_eq!(
        (found.head, found.lines, found.unreadable),
        (recording.head, recording.lines, 1)
    );
    std::fs::write(&path, "domain = \"example.com\"\n").unwrap();
    assert!(read(&path).is_err());
    std::fs::write(&path, head.replace("\"version\":1", "\"version\":2")).unwrap();
    assert!(read(&path).is_err());
}

/// docs/flows.md shows what the tool prints: each ladder there is a part of the output of the command above it.
#[test]
fn the_documented_ladders_are_the_tools() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let document = std::fs::read_to_string(root.join("docs/flows.md")).unwrap();
    let blocks: Vec<&str> = document
        .split("```text\n")
        .skip(1)
        .filter_map(|rest| rest.split("\n```").next())
        .collect();
    assert_eq!(blocks.len(), 5);
    for block in blocks {
        let mut lines = block.lines();
        let command = lines.next().and_then(|line| line.strip_prefix("$ parlor trace "));
        let mut words = command.expect("a block begins with its command").split(' ');
        let mut story = Story::of(&read(&root.join(words.next().unwrap())).unwrap());
        if words.next() == Some("--call") {
            story.keep_call(words.next().unwrap()).unwrap();
        }
        let shown = ladder(&story, false);
        let names = lines.next().unwrap();
        assert_eq!(shown.lines().nth(2), Some(names));
        let part: Vec<&str> = lines.collect();
        let whole: Vec<&str> = shown.lines().collect();
        assert!(
            whole.windows(part.len()).any(|window| window == part),
            "{block}\nis no part of\n{shown}"
        );
    }
}

/// The names in the log events are what the recording looks for.
#[test]
fn the_layer_hears_the_target_of_the_messages() {
    let filter = crate::recording::RecordingLayer::filter();
    assert!(filter.would_enable(TRACE_TARGET, &tracing::Level::TRACE));
    assert!(!filter.would_enable("parlor_net::connection", &tracing::Level::TRACE));
}
