//! The members: one connection each; the first of a room posts.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parlor_net::certificates::IdentityFiles;
use parlor_net::{
    ClientTls, ClientTlsSettings, ConnectSettings, Connection, ConnectionSettings, Event, KeepAlivePolicy,
    connect,
};
use parlor_sip::{AgentSettings, DialogId, Method, Name, RequestDraft, StatusCode, Target, Transport, Uri};
use parlor_xccos::{
    Command as ChatCommand, EncodeOptions, Envelope, EnvelopeId, NumberedPost, Post, Primitive, ReplyData,
    RoomSearch, RoomUri, SipUri, Timestamp, encode,
};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::{Address, room_name, user};

/// A text of usual length.
const TEXT: &str =
    "The quick brown fox jumps over the lazy dog, and the rest of the room reads about it at once.";

/// What the first member of a room does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Command {
    Stop,
    /// Posts whenever fewer than so many posts are under way.
    Flood {
        window: usize,
    },
    /// Posts at this interval.
    Pace {
        every: Duration,
    },
}

/// A room whose members are all joined.
pub(crate) struct Room {
    command: watch::Sender<Command>,
    _members: JoinSet<()>,
}

impl Room {
    pub(crate) async fn open(
        folder: &Path,
        address: Address,
        room: usize,
        members: usize,
        deliveries: &Arc<AtomicU64>,
    ) -> Self {
        let (command, commands) = watch::channel(Command::Stop);
        let mut tasks = JoinSet::new();
        for member in 0..members {
            let mut member = Member::connect(folder, address, room, member).await;
            member.enter(&room_name(room)).await;
            let posts = (tasks.is_empty()).then(|| commands.clone());
            let deliveries = Arc::clone(deliveries);
            tasks.spawn(async move { member.run(posts, &deliveries).await });
        }
        Self {
            command,
            _members: tasks,
        }
    }

    pub(crate) fn command(&self, command: Command) {
        self.command.send_replace(command);
    }
}

struct Member {
    connection: Connection,
    user: SipUri,
    room: Option<RoomUri>,
    dialog: Option<DialogId>,
    envelope: u64,
}

impl Member {
    async fn connect(folder: &Path, address: Address, room: usize, member: usize) -> Self {
        let certs = folder.join("certs");
        let name = format!("member{member}-{room}");
        let identity = IdentityFiles {
            certificates: certs.join(format!("{name}.pem")),
            key: certs.join(format!("{name}-key.pem")),
        };
        let roots = parlor_net::certificates::DevelopmentAuthority::open(&certs)
            .unwrap()
            .roots();
        let settings = ClientTlsSettings {
            roots,
            identity: Some(identity),
            server_name: None,
            crl: None,
        };
        let connection = connect(ConnectSettings {
            host: address.ip().to_string(),
            port: address.port(),
            tls: Some(ClientTls::load(settings).unwrap()),
            timeout: Duration::from_secs(10),
            connection: ConnectionSettings {
                agent: AgentSettings::new("", Transport::Tls, "bench"),
                limits: parlor_net::Limits::default(),
                keep_alive: KeepAlivePolicy::Silent,
            },
        })
        .await
        .unwrap();
        let user = user(room, member).parse().unwrap();
        Self {
            connection,
            user,
            room: None,
            dialog: None,
            envelope: 0,
        }
    }

    /// Opens a chat dialog, finds the room and joins it.
    async fn enter(&mut self, room: &str) {
        let from: Uri = self.user.as_str().parse().unwrap();
        let to: Uri = "sip:pchat@example.com".parse().unwrap();
        let contact = "<sip:127.0.0.1:5060;transport=tls>";
        let draft = RequestDraft::new(Method::INVITE).header(Name::Contact, contact);
        let now = self.connection.now();
        let (dialog, _) = self.connection.agent().invite(now, &Target::new(from, to), draft);
        self.dialog = Some(dialog);
        while !matches!(self.next().await, parlor_sip::Event::Response { response, .. } if response.status() == StatusCode::OK)
        {
        }
        let search = RoomSearch {
            criteria: room.to_owned(),
            match_exact_phrase: true,
            ..RoomSearch::default()
        };
        let found = match self.ask(&ChatCommand::Search(search)).await {
            ReplyData::Rooms(rooms) => rooms.into_iter().find(|found| found.name == room).unwrap().uri,
            other => panic!("not rooms: {other:?}"),
        };
        self.room = Some(found.clone());
        assert!(matches!(
            self.ask(&ChatCommand::Join(found)).await,
            ReplyData::Joined { .. }
        ));
    }

    async fn ask(&mut self, command: &ChatCommand) -> ReplyData {
        let id = self.number();
        self.info(encode::command(id, command));
        loop {
            let parlor_sip::Event::Request { request, .. } = self.next().await else {
                continue;
            };
            for item in parlor_xccos::decode(request.body()).unwrap().items {
                if let Primitive::Reply(reply) = item {
                    return reply.data;
                }
            }
        }
    }

    fn post(&mut self) {
        let room = self.room.clone().unwrap();
        let post = Post::new(room, self.user.clone(), Timestamp::from_millis(0), TEXT);
        let items = vec![Primitive::Post(NumberedPost { seq: 1, post })];
        let body = Envelope {
            id: self.number(),
            items,
        }
        .encode(EncodeOptions::default())
        .unwrap();
        self.info(body);
    }

    fn info(&mut self, body: bytes::Bytes) {
        let now = self.connection.now();
        self.connection
            .agent()
            .info(now, self.dialog.unwrap(), "text/plain", body)
            .unwrap();
    }

    fn number(&mut self) -> EnvelopeId {
        self.envelope += 1;
        EnvelopeId::from(self.envelope)
    }

    /// The next event; requests of the server are answered 200 on the way.
    async fn next(&mut self) -> parlor_sip::Event {
        loop {
            match self.connection.next().await {
                Event::Sip(event) => {
                    if let parlor_sip::Event::Request {
                        transaction: Some(transaction),
                        ..
                    } = &event
                    {
                        self.connection
                            .agent()
                            .respond(*transaction, StatusCode::OK)
                            .unwrap();
                    }
                    return event;
                }
                Event::Closed(cause) => panic!("{}: {cause}", self.user),
                _ => {}
            }
        }
    }

    async fn run(mut self, posts: Option<watch::Receiver<Command>>, deliveries: &AtomicU64) {
        let Some(mut posts) = posts else {
            loop {
                self.hear(deliveries).await;
            }
        };
        loop {
            let command = *posts.borrow_and_update();
            match command {
                Command::Stop => tokio::select! {
                    _ = posts.changed() => {}
                    _ = self.hear(deliveries) => {}
                },
                Command::Flood { window } => {
                    let mut under_way = 0;
                    while !posts.has_changed().unwrap_or(true) {
                        while under_way < window {
                            self.post();
                            under_way += 1;
                        }
                        under_way -= usize::from(self.hear(deliveries).await);
                    }
                    while under_way > 0 {
                        under_way -= usize::from(self.hear(deliveries).await);
                    }
                }
                Command::Pace { every } => {
                    let mut ticks = tokio::time::interval(every);
                    while !posts.has_changed().unwrap_or(true) {
                        tokio::select! {
                            _ = ticks.tick() => self.post(),
                            _ = self.hear(deliveries) => {}
                        }
                    }
                }
            }
        }
    }

    /// The next event, counted when it is a post; true then.
    async fn hear(&mut self, deliveries: &AtomicU64) -> bool {
        let heard = match self.next().await {
            // A look is enough: decoding would only slow the members down.
            parlor_sip::Event::Request { request, .. } => {
                *request.method() == Method::INFO && contains(request.body(), b"<grpchat")
            }
            parlor_sip::Event::Response { response, .. } => {
                assert_eq!(response.status(), StatusCode::OK, "a post was refused");
                false
            }
            _ => false,
        };
        deliveries.fetch_add(u64::from(heard), Ordering::Relaxed);
        heard
    }
}

fn contains(body: &[u8], text: &[u8]) -> bool {
    body.windows(text.len()).any(|window| window == text)
}
