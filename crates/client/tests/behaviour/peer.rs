//! The scripted server: it waits for what the client sends and answers what the test says.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parlor_client::Dialer;
use parlor_net::{CloseCause, ConnectError, Connection, ConnectionSettings, Event, KeepAlivePolicy, Limits};
use parlor_sip::{
    AgentSettings, ClientTransactionId, DialogId, Event as SipEvent, Method, Name, NameAddr, Request,
    RequestDraft, Response, ResponseDraft, ServerTransactionId, StatusCode, Target, Transport,
};
use parlor_xccos::encode::{self, EncodeOptions};
use parlor_xccos::{
    Command, CommandRef, EnvelopeId, ErrorCode, JoinedRoom, Notice, Post, Primitive, Reply, ReplyData,
    RoomInfo, RoomUri, ServerInfo,
};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use crate::scene::{CHAT, ME, history, joined, me, message};

/// Longer than every deadline of the client: who waits longer waits for nothing.
const PATIENCE: Duration = Duration::from_secs(600);

/// The far end of every connection the client opens.
pub(crate) struct Service {
    connections: mpsc::Receiver<Connection>,
    refusals: Arc<AtomicUsize>,
    pub(crate) dialled: Arc<std::sync::Mutex<Vec<Instant>>>,
}

impl Service {
    pub(crate) fn new() -> (Dialer, Self) {
        let (sender, connections) = mpsc::channel(64);
        let refusals = Arc::new(AtomicUsize::new(0));
        let dialled = Arc::new(std::sync::Mutex::new(Vec::new()));
        let (refuse, times) = (Arc::clone(&refusals), Arc::clone(&dialled));
        let dialer = Dialer::new(move |_| {
            times.lock().unwrap().push(Instant::now());
            let refused = refuse
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                .is_ok();
            let sender = sender.clone();
            async move {
                if refused {
                    let source = std::io::ErrorKind::ConnectionRefused.into();
                    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 5061));
                    return Err(ConnectError::Unreachable { address, source });
                }
                let (near, far) = tokio::io::duplex(1 << 16);
                sender.send(connection(far)).await.unwrap();
                Ok(connection(near))
            }
        });
        (
            dialer,
            Self {
                connections,
                refusals,
                dialled,
            },
        )
    }

    /// Lets the next connection attempts fail.
    pub(crate) fn refuse(&self, attempts: usize) {
        self.refusals.store(attempts, Ordering::SeqCst);
    }

    pub(crate) async fn connection(&mut self) -> Peer {
        let connection = timeout(PATIENCE, self.connections.recv())
            .await
            .expect("no connection")
            .unwrap();
        Peer {
            connection,
            dialog: None,
            seen: VecDeque::new(),
            envelopes: 7_000_000_000,
        }
    }

    /// A connection with an open chat session.
    pub(crate) async fn chat(&mut self) -> Peer {
        let mut peer = self.connection().await;
        peer.open_chat().await;
        peer
    }
}

fn connection(stream: tokio::io::DuplexStream) -> Connection {
    let agent = AgentSettings {
        session_expires: None,
        ..AgentSettings::new("pipe.example.com:5061", Transport::Tls, "test/1.0")
    };
    let limits = Limits {
        idle: None,
        first_message: None,
        ..Limits::default()
    };
    let settings = ConnectionSettings {
        agent,
        limits,
        keep_alive: KeepAlivePolicy::Silent,
    };
    Connection::new(stream, settings)
}

/// The server's side of one connection.
pub(crate) struct Peer {
    connection: Connection,
    dialog: Option<DialogId>,
    seen: VecDeque<SipEvent>,
    envelopes: u64,
}

/// A command as it arrived.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) to: CommandRef,
    pub(crate) command: Command,
}

impl Peer {
    async fn event(&mut self) -> SipEvent {
        if let Some(event) = self.seen.pop_front() {
            return event;
        }
        match timeout(PATIENCE, self.connection.next())
            .await
            .expect("the client sent nothing")
        {
            Event::Sip(event) => event,
            other => panic!("expected a SIP event, got {other:?}"),
        }
    }

    /// The next request, unanswered.
    pub(crate) async fn request(
        &mut self,
        method: Method,
    ) -> (Option<ServerTransactionId>, Option<DialogId>, Request) {
        loop {
            if let SipEvent::Request {
                transaction,
                dialog,
                request,
            } = self.event().await
            {
                if *request.method() == Method::ACK {
                    continue;
                }
                assert_eq!(*request.method(), method);
                return (transaction, dialog, request);
            }
        }
    }

    pub(crate) async fn respond(
        &mut self,
        transaction: Option<ServerTransactionId>,
        draft: impl Into<ResponseDraft>,
    ) {
        self.connection
            .agent()
            .respond(transaction.unwrap(), draft)
            .unwrap();
        self.settle().await;
    }

    /// Sends what is queued and keeps what comes in meanwhile.
    pub(crate) async fn settle(&mut self) {
        while let Ok(event) = timeout(Duration::from_millis(1), self.connection.next()).await {
            match event {
                Event::Sip(event) => self.seen.push_back(event),
                _ => return,
            }
        }
    }

    /// Waits for INVITE and getserverinfo and grants both.
    pub(crate) async fn open_chat(&mut self) -> Request {
        self.open_chat_with(ServerInfo {
            message_size_limit: Some(8000),
            post_keys: true,
            ..ServerInfo::default()
        })
        .await
    }

    pub(crate) async fn open_chat_with(&mut self, info: ServerInfo) -> Request {
        let invite = self.accept().await;
        let asked = self.command().await;
        assert!(matches!(asked.command, Command::ServerInfo { .. }), "{asked:?}");
        self.reply(&asked, ReplyData::ServerInfo(info)).await;
        invite
    }

    pub(crate) async fn accept(&mut self) -> Request {
        let (transaction, _, invite) = self.request(Method::INVITE).await;
        let now = self.connection.now();
        let contact = CHAT.parse().unwrap();
        let draft = ResponseDraft::new(StatusCode::OK).body("application/sdp", "v=0\r\n");
        let dialog = self
            .connection
            .agent()
            .accept(now, transaction.unwrap(), draft, &contact)
            .unwrap();
        self.dialog = Some(dialog);
        self.settle().await;
        invite
    }

    /// The next INFO, unanswered, as what is in it.
    pub(crate) async fn info(&mut self) -> (Option<ServerTransactionId>, EnvelopeId, Primitive) {
        let (transaction, _, request) = self.request(Method::INFO).await;
        let mut envelope = parlor_xccos::decode(request.body()).unwrap();
        assert_eq!(envelope.items.len(), 1);
        (transaction, envelope.id, envelope.items.remove(0))
    }

    /// The next command, taken with 200.
    pub(crate) async fn command(&mut self) -> Asked {
        let (transaction, envelope, item) = self.info().await;
        self.respond(transaction, StatusCode::OK).await;
        let Primitive::Command(numbered) = item else {
            panic!("expected a command, got {item:?}")
        };
        Asked {
            to: CommandRef {
                envelope,
                seq: numbered.seq,
            },
            command: numbered.command,
        }
    }

    /// The next post, taken with 200.
    pub(crate) async fn post(&mut self) -> (CommandRef, Post) {
        let (transaction, envelope, item) = self.info().await;
        self.respond(transaction, StatusCode::OK).await;
        let Primitive::Post(numbered) = item else {
            panic!("expected a post, got {item:?}")
        };
        (
            CommandRef {
                envelope,
                seq: numbered.seq,
            },
            numbered.post,
        )
    }

    fn envelope(&mut self) -> EnvelopeId {
        self.envelopes += 1;
        self.envelopes.into()
    }

    async fn say(&mut self, body: Bytes) {
        let now = self.connection.now();
        let dialog = self.dialog.expect("a chat session");
        self.connection
            .agent()
            .info(now, dialog, "text/plain", body)
            .unwrap();
        self.settle().await;
    }

    pub(crate) async fn reply(&mut self, asked: &Asked, data: ReplyData) {
        let reply = Reply::ok(asked.command.name(), asked.to, data);
        let body = encode::reply(self.envelope(), &reply, EncodeOptions::default());
        self.say(body).await;
    }

    pub(crate) async fn refuse(&mut self, asked: &Asked, error: ErrorCode) {
        let reply = Reply::failed(asked.command.name(), asked.to, error);
        let body = encode::reply(self.envelope(), &reply, EncodeOptions::default());
        self.say(body).await;
    }

    pub(crate) async fn reply_as(&mut self, reply: Reply) {
        let body = encode::reply(self.envelope(), &reply, EncodeOptions::default());
        self.say(body).await;
    }

    pub(crate) async fn notice(&mut self, notice: Notice) {
        let body = encode::notices(self.envelope(), &[notice], EncodeOptions::default());
        self.say(body).await;
    }

    pub(crate) async fn show(&mut self, post: &Post) {
        let body = encode::post(self.envelope(), post);
        self.say(body).await;
    }

    /// Answers the join of one room whose last message is `last`.
    pub(crate) async fn grant_join(&mut self, info: RoomInfo, last: i64) {
        let asked = self.command().await;
        assert_eq!(asked.command, Command::Join(info.uri.clone()));
        self.reply(&asked, joined(info.clone())).await;
        let asked = self.command().await;
        assert_eq!(
            asked.command,
            Command::Backchat {
                room: info.uri.clone(),
                count: 1
            }
        );
        let posts = if last > 0 {
            vec![message(&info.uri, last)]
        } else {
            Vec::new()
        };
        self.reply(&asked, history(&info.uri, posts)).await;
    }

    /// Answers the batch join after a reconnect.
    pub(crate) async fn grant_rejoin(&mut self, rooms: &[RoomInfo]) {
        let asked = self.command().await;
        let uris = rooms.iter().map(|room| room.uri.clone()).collect();
        assert_eq!(asked.command, Command::BatchJoin(uris));
        let rooms = rooms
            .iter()
            .map(|info| JoinedRoom {
                info: info.clone(),
                participants: vec![me()],
            })
            .collect();
        self.reply(
            &asked,
            ReplyData::Joined {
                rooms,
                failed: Vec::new(),
            },
        )
        .await;
    }

    /// Answers a question for what came after message `after`.
    pub(crate) async fn grant_history(&mut self, room: &RoomUri, after: i64, posts: Vec<Post>) {
        let asked = self.command().await;
        let Command::HistoryAfter {
            room: asked_room,
            after: asked_after,
            ..
        } = &asked.command
        else {
            panic!("expected a question for history, got {asked:?}");
        };
        assert_eq!((asked_room, asked_after.0), (room, after));
        self.reply(&asked, history(room, posts)).await;
    }

    /// Breaks the connection without a word.
    pub(crate) async fn crash(self) {
        self.connection.close(CloseCause::Local("crash")).await;
    }

    /// Ends the chat session properly.
    pub(crate) async fn bye(&mut self) {
        let now = self.connection.now();
        let dialog = self.dialog.take().unwrap();
        self.connection.agent().bye(now, dialog).unwrap();
        self.settle().await;
    }

    /// Somebody calls the client: the dialog, or the refusal.
    pub(crate) async fn call(
        &mut self,
        from: &str,
        description: &'static str,
    ) -> Result<DialogId, StatusCode> {
        let target = Target::new(
            NameAddr::new(from.parse().unwrap()).with_display("Somebody"),
            NameAddr::new(ME.parse().unwrap()),
        );
        let now = self.connection.now();
        let draft = RequestDraft::new(Method::INVITE)
            .header(Name::Contact, format!("<{from}>"))
            .body("application/sdp", description);
        let (dialog, call) = self.connection.agent().invite(now, &target, draft);
        let answer = self.answer(call).await;
        if answer.status().is_success() {
            assert!(answer.body().starts_with(b"v=0\r\n"));
            Ok(dialog)
        } else {
            Err(answer.status())
        }
    }

    /// Says something in a dialog.
    pub(crate) async fn say_in(
        &mut self,
        dialog: DialogId,
        method: Method,
        kind: &str,
        body: impl Into<Bytes>,
    ) -> ClientTransactionId {
        let now = self.connection.now();
        let draft = RequestDraft::new(method).body(kind, body);
        let sent = self
            .connection
            .agent()
            .request_in_dialog(now, dialog, draft)
            .unwrap();
        self.settle().await;
        sent
    }

    /// The final answer to a request; other events are kept.
    pub(crate) async fn answer(&mut self, request: ClientTransactionId) -> Response {
        let mut others = VecDeque::new();
        loop {
            match self.event().await {
                SipEvent::Response {
                    transaction,
                    response,
                    ..
                } if transaction == request && response.status().is_final() => {
                    others.append(&mut self.seen);
                    self.seen = others;
                    return response;
                }
                event => others.push_back(event),
            }
        }
    }

    /// Whether a request has been answered by now.
    pub(crate) async fn is_answered(&mut self, request: ClientTransactionId) -> bool {
        self.settle().await;
        self.seen
            .iter()
            .any(|event| matches!(event, SipEvent::Response { transaction, .. } if *transaction == request))
    }

    /// Takes a call of the client to somebody else.
    pub(crate) async fn pick_up(&mut self) -> (DialogId, Request) {
        let (transaction, _, invite) = self.request(Method::INVITE).await;
        let now = self.connection.now();
        let contact = invite.uri_text().parse().unwrap();
        let draft = ResponseDraft::new(StatusCode::OK).body("application/sdp", "v=0\r\n");
        let dialog = self
            .connection
            .agent()
            .accept(now, transaction.unwrap(), draft, &contact)
            .unwrap();
        self.settle().await;
        (dialog, invite)
    }

    /// Whether the client takes its call back.
    pub(crate) async fn is_cancelled(&mut self, call: Option<ServerTransactionId>) -> bool {
        matches!(self.event().await, SipEvent::Cancelled { transaction } if Some(transaction) == call)
    }

    /// The dialog that the client has ended.
    pub(crate) async fn ended(&mut self) -> DialogId {
        loop {
            if let SipEvent::DialogEnded { dialog, .. } = self.event().await {
                return dialog;
            }
        }
    }

    /// Sends a BENOTIFY, which nobody answers.
    pub(crate) async fn notify(&mut self, to: &str, content_type: &str, body: &'static str) {
        let target = Target::new(
            NameAddr::new(to.parse().unwrap()),
            NameAddr::new(to.parse().unwrap()),
        );
        let now = self.connection.now();
        let draft = RequestDraft::new(Method::BENOTIFY).body(content_type, body);
        self.connection.agent().request(now, &target, draft);
        self.settle().await;
    }

    /// Whether the client has closed the connection.
    pub(crate) async fn is_closed(&mut self) -> bool {
        loop {
            match timeout(PATIENCE, self.connection.next()).await {
                Ok(Event::Closed(_)) => return true,
                Ok(_) => {}
                Err(_) => return false,
            }
        }
    }
}
