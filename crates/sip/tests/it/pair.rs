//! Two user agents wired to each other in virtual time.

use bytes::Bytes;
use parlor_sip::{
    AgentSettings, DialogEnd, DialogId, Event, Fault, Method, Name, RequestDraft, Response,
    ServerTransactionId, StatusCode, Target, Transport, Uri, UserAgent,
};
use std::time::{Duration, Instant};

/// A client and a server on the two ends of one connection, and the time they live in.
pub(crate) struct Pair {
    pub(crate) now: Instant,
    pub(crate) alice: UserAgent,
    pub(crate) chat: UserAgent,
    /// Everything that was written, in order, with the writer's mark.
    pub(crate) wire: String,
}

impl Pair {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// A pair whose settings were changed on both sides.
    pub(crate) fn with(change: impl Fn(&mut AgentSettings)) -> Self {
        let mut alice = AgentSettings::new("192.0.2.1:40000", Transport::Tls, "Client/1");
        let mut chat = AgentSettings::new("chat.example.com:5061", Transport::Tls, "Parlor/1");
        change(&mut alice);
        change(&mut chat);
        Self {
            now: start(),
            alice: UserAgent::new(alice, 1),
            chat: UserAgent::new(chat, 2),
            wire: String::new(),
        }
    }

    pub(crate) fn sleep(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    /// Carries bytes both ways until nothing moves; what each side was told: client first.
    pub(crate) fn run(&mut self) -> (Vec<Event>, Vec<Event>) {
        let (mut at_alice, mut at_chat) = (Vec::new(), Vec::new());
        loop {
            at_chat.extend(drain(&mut self.chat, self.now).unwrap());
            at_alice.extend(drain(&mut self.alice, self.now).unwrap());
            let to_chat = written(&mut self.alice);
            let to_alice = written(&mut self.chat);
            if to_chat.is_empty() && to_alice.is_empty() {
                return (at_alice, at_chat);
            }
            self.note('>', &to_chat);
            self.note('<', &to_alice);
            self.chat.read_buffer().extend_from_slice(&to_chat);
            self.alice.read_buffer().extend_from_slice(&to_alice);
        }
    }

    /// Like [`Self::run`], when one event on the server's side and none on the client's is all there should be.
    pub(crate) fn run_for_chat(&mut self) -> Event {
        let (alice, mut chat) = self.run();
        assert!(alice.is_empty(), "{alice:?}");
        assert_eq!(chat.len(), 1, "{chat:?}");
        chat.remove(0)
    }

    /// Like [`Self::run`], when one event on the client's side and none on the server's is all there should be.
    pub(crate) fn run_for_alice(&mut self) -> Event {
        let (mut alice, chat) = self.run();
        assert!(chat.is_empty(), "{chat:?}");
        assert_eq!(alice.len(), 1, "{alice:?}");
        alice.remove(0)
    }

    /// An established dialog: the client's id and the server's.
    pub(crate) fn call(&mut self) -> (DialogId, DialogId) {
        let target = Target::new(uri("sip:alice@example.com"), uri("sip:chat@example.com"));
        let draft = RequestDraft::new(Method::INVITE)
            .header("Contact", "<sip:alice@192.0.2.1:40000;transport=tls>")
            .body("application/sdp", "v=0\r\n");
        let (at_alice, _) = self.alice.invite(self.now, &target, draft);
        let (transaction, _) = request_of(self.run_for_chat());
        let contact = uri("sip:chat@chat.example.com:5061;transport=tls");
        let at_chat = self
            .chat
            .accept(self.now, transaction, StatusCode::OK, &contact)
            .unwrap();
        let (alice, chat) = self.run();
        assert!(
            matches!(&alice[..], [Event::Response { response, .. }] if response.status() == StatusCode::OK)
        );
        assert!(
            matches!(&chat[..], [Event::Request { transaction: None, dialog, .. }] if *dialog == Some(at_chat))
        );
        self.wire.clear();
        (at_alice, at_chat)
    }

    fn note(&mut self, mark: char, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let starts = text
            .split("\r\n")
            .filter(|line| line.contains("SIP/2.0") && !line.starts_with("Via"));
        for line in starts {
            self.wire.push_str(&format!("{mark} {line}\n"));
        }
    }
}

/// Any instant will do: only differences count.
#[expect(
    clippy::disallowed_methods,
    reason = "tests need one real instant to start from"
)]
pub(crate) fn start() -> Instant {
    Instant::now()
}

pub(crate) fn uri(text: &str) -> Uri {
    text.parse().unwrap()
}

/// Every event an agent has at this time.
pub(crate) fn drain(agent: &mut UserAgent, now: Instant) -> Result<Vec<Event>, Fault> {
    let mut events = Vec::new();
    while let Some(event) = agent.poll_event(now)? {
        events.push(event);
    }
    Ok(events)
}

/// What an agent wants written.
pub(crate) fn written(agent: &mut UserAgent) -> Vec<u8> {
    let mut pieces: Vec<Bytes> = Vec::new();
    agent.take_output(&mut pieces);
    pieces.concat()
}

/// What an agent wants written, as text.
pub(crate) fn written_text(agent: &mut UserAgent) -> String {
    String::from_utf8(written(agent)).unwrap()
}

/// Feeds text to an agent; its events.
pub(crate) fn feed(agent: &mut UserAgent, now: Instant, text: &str) -> Vec<Event> {
    agent.read_buffer().extend_from_slice(text.as_bytes());
    drain(agent, now).unwrap()
}

pub(crate) fn request_of(event: Event) -> (ServerTransactionId, parlor_sip::Request) {
    match event {
        Event::Request {
            transaction: Some(transaction),
            request,
            ..
        } => (transaction, request),
        other => panic!("no request: {other:?}"),
    }
}

pub(crate) fn response_of(event: Event) -> Response {
    match event {
        Event::Response { response, .. } => response,
        other => panic!("no response: {other:?}"),
    }
}

pub(crate) fn ended(event: &Event) -> Option<(DialogId, DialogEnd)> {
    match event {
        Event::DialogEnded { dialog, cause } => Some((*dialog, *cause)),
        _ => None,
    }
}

/// A REGISTER as a client sends it.
pub(crate) fn register() -> (Target, RequestDraft) {
    let target = Target {
        request_uri: uri("sip:example.com"),
        ..Target::new(uri("sip:alice@example.com"), uri("sip:alice@example.com"))
    };
    (
        target,
        RequestDraft::new(Method::REGISTER).header(Name::Event, "registration"),
    )
}
