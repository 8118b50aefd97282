//! A server with users, rooms and certificates, and a SIP client that speaks to it. Waits end after a deadline, so that
//! a story that goes wrong says where.

#![expect(
    clippy::unwrap_used,
    reason = "a story that cannot be set up fails where it stands"
)]

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parlor_net::certificates::{DevelopmentAuthority, Subject};
use parlor_net::{
    ClientCertificate, ClientTls, ClientTlsSettings, ConnectSettings, Connection, ConnectionSettings, Event,
    KeepAlivePolicy, ServerTls, ServerTlsSettings, connect,
};
use parlor_rooms::MemoryStore;
use parlor_server::{
    Config, ListenerConfig, SeedRoom, SeedUser, Server, TrustedApplication, TrustedPool, UnprovedUsers,
    control,
};
use parlor_sip::{
    AgentSettings, ClientTransactionId, DialogId, Method, Name, NameAddr, RequestDraft, Response, StatusCode,
    Target, Transport, Uri,
};
use parlor_xccos::{
    Behavior, Command, CommandRef, EncodeOptions, Envelope, EnvelopeId, Notice, NumberedCommand,
    NumberedPost, Post, Primitive, Privacy, Reply, RoomUri, SipUri, Timestamp,
};
use tempfile::TempDir;

pub(crate) const DOMAIN: &str = "example.com";
pub(crate) const POOL: &str = "bots.example.com";
pub(crate) const GRUU: &str =
    "sip:host1.example.com@example.com;gruu;opaque=srvr:parlor-bots:yDUhQWqi81WfJXFUvMAwtwAA";
const DEADLINE: Duration = Duration::from_secs(20);

/// A running server and everything around it.
pub(crate) struct World {
    folder: TempDir,
    authority: DevelopmentAuthority,
    pub(crate) store: MemoryStore,
    pub(crate) server: Server,
}

pub(crate) fn user(name: &str) -> SipUri {
    format!("sip:{name}@{DOMAIN}").parse().unwrap()
}

fn room(name: &str, privacy: Privacy, members: &[&str]) -> SeedRoom {
    SeedRoom {
        posts: Vec::new(),
        name: name.to_owned(),
        description: format!("about {name}"),
        category: None,
        privacy,
        behavior: Behavior::Normal,
        members: members.iter().map(|name| user(name)).collect(),
        managers: Vec::new(),
        presenters: Vec::new(),
    }
}

impl World {
    /// Alice, bob, carol and the bots may chat; Lobby is open, Board is alice's and bob's, Vault is carol's alone.
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(adjust: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = DevelopmentAuthority::open(&folder.path().join("certs")).unwrap();
        Self::open(folder, authority, MemoryStore::new(), adjust).await
    }

    /// The server stops and another one starts on what is stored.
    pub(crate) async fn restart(self) -> Self {
        self.server.shutdown().await;
        Self::open(self.folder, self.authority, self.store, |_| {}).await
    }

    async fn open(
        folder: TempDir,
        authority: DevelopmentAuthority,
        store: MemoryStore,
        adjust: impl FnOnce(&mut Config),
    ) -> Self {
        let mut config = Config::new(DOMAIN, format!("sip:pchat@{DOMAIN}").parse().unwrap());
        let identity = authority.issue("server", &localhost()).unwrap();
        let tls = ServerTls::load(ServerTlsSettings {
            identity,
            client_certificate: ClientCertificate::Optional,
            client_roots: Some(authority.roots()),
            crl: None,
            accept_server_auth_only: true,
        });
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        config.listeners = vec![
            ListenerConfig {
                addr,
                tls: Some(tls.unwrap()),
                unproved: UnprovedUsers::Refused,
            },
            ListenerConfig {
                addr,
                tls: None,
                unproved: UnprovedUsers::Refused,
            },
        ];
        config.control_socket = Some(folder.path().join("control"));
        config.trusted_pools = vec![TrustedPool {
            fqdn: POOL.to_owned(),
            computers: vec!["host1.example.com".to_owned()],
            applications: vec![TrustedApplication {
                id: "urn:application:parlor-bots".to_owned(),
                port: 6000,
                gruus: vec![GRUU.to_owned()],
                allowed_users: vec![user("newsbot"), user("phone"), user("ghost")],
            }],
        }];
        config.seed.users = ["alice", "bob", "carol", "newsbot"]
            .into_iter()
            .map(|name| SeedUser {
                password: None,
                uri: user(name),
                display_name: name.to_owned(),
                contact: false,
            })
            .chain([SeedUser {
                password: None,
                uri: user("phone"),
                display_name: String::new(),
                contact: true,
            }])
            .collect();
        config.seed.rooms = vec![
            room("Lobby", Privacy::Open, &[]),
            room("Board", Privacy::Closed, &["alice", "bob"]),
            room("Vault", Privacy::Secret, &["carol"]),
        ];
        adjust(&mut config);
        let server = parlor_server::start(config, Arc::new(store.clone()))
            .await
            .unwrap();
        Self {
            folder,
            authority,
            store,
            server,
        }
    }

    pub(crate) fn control(&self) -> control::Client {
        control::Client::new(self.folder.path().join("control"))
    }

    /// What clients trust.
    pub(crate) fn roots(&self) -> std::path::PathBuf {
        self.authority.roots()
    }

    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    pub(crate) async fn uri(&self, room: &str) -> RoomUri {
        self.control().room(room).await.unwrap().summary.uri
    }

    /// A TLS connection with a certificate for `subject`.
    pub(crate) async fn connection(&self, name: &str, subject: &Subject) -> Connection {
        let identity = self.authority.issue(name, subject).unwrap();
        self.connect(0, Some(identity)).await
    }

    pub(crate) async fn user_connection(&self, name: &str) -> Connection {
        self.connection(
            name,
            &Subject::User {
                uri: user(name).to_string(),
            },
        )
        .await
    }

    pub(crate) async fn application_connection(&self) -> Connection {
        let computers = vec!["host1.example.com".to_owned()];
        self.connection(
            "application",
            &Subject::Application {
                pool: POOL.to_owned(),
                computers,
            },
        )
        .await
    }

    /// A connection without a certificate: to the TLS listener (0) or the plain one (1).
    pub(crate) async fn bare_connection(&self, listener: usize) -> Connection {
        self.connect(listener, None).await
    }

    async fn connect(
        &self,
        listener: usize,
        identity: Option<parlor_net::certificates::IdentityFiles>,
    ) -> Connection {
        let addr = self.server.addresses()[listener];
        let roots = self.authority.roots();
        let settings = ClientTlsSettings {
            roots,
            identity,
            server_name: None,
            crl: None,
        };
        let tls = (listener == 0).then(|| ClientTls::load(settings).unwrap());
        let mut agent = AgentSettings::new("", Transport::Tls, "story");
        agent.limits.body = parlor_xccos::MAX_DOCUMENT;
        let connection = ConnectionSettings {
            agent,
            limits: parlor_net::Limits::default(),
            keep_alive: KeepAlivePolicy::Silent,
        };
        let host = addr.ip().to_string();
        connect(ConnectSettings {
            host,
            port: addr.port(),
            tls,
            timeout: DEADLINE,
            connection,
        })
        .await
        .unwrap()
    }

    /// `name` in a chat dialog, by a user certificate.
    pub(crate) async fn chat(&self, name: &str) -> Member {
        let mut member = Member::new(self.user_connection(name).await, user(name), None);
        assert_eq!(member.invite("pchat").await, StatusCode::OK);
        member
    }

    /// A bot in a chat dialog, by the application's certificate.
    pub(crate) async fn bot(&self, name: &str) -> Member {
        let mut member = Member::new(self.application_connection().await, user(name), Some(GRUU));
        assert_eq!(member.invite("pchat").await, StatusCode::OK);
        member
    }
}

fn localhost() -> Subject {
    Subject::Server {
        names: vec!["localhost".to_owned()],
        addresses: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
    }
}

/// Twelve digits, as a real client has them (real-client 2).
fn new_epid() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0xcf0b_98da_0000);
    format!("{:012x}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Lets time go by for server and clients without waiting for it.
pub(crate) async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// What `parlor user disable` does.
pub(crate) async fn disable(world: &World, name: &str) {
    let change = control::UpdateUser {
        disabled: Some(true),
        ..control::UpdateUser::default()
    };
    let uri = user(name).to_string();
    world.control().update_user(&uri, &change).await.unwrap();
}

/// One user at one connection. Requests of the server are answered 200 and kept until the story asks for them.
pub(crate) struct Member {
    pub(crate) connection: Connection,
    pub(crate) user: SipUri,
    contact: Option<String>,
    /// The endpoint's own name; the same one over two connections is the same endpoint.
    pub(crate) epid: String,
    pub(crate) dialog: Option<DialogId>,
    envelope: u64,
    heard: VecDeque<Primitive>,
    /// Answers that came while another one was waited for.
    answers: HashMap<ClientTransactionId, Response>,
}

impl Member {
    pub(crate) fn new(connection: Connection, user: SipUri, contact: Option<&str>) -> Self {
        Self {
            connection,
            user,
            contact: contact.map(str::to_owned),
            epid: new_epid(),
            dialog: None,
            envelope: 0,
            heard: VecDeque::new(),
            answers: HashMap::new(),
        }
    }

    /// The same endpoint over another connection.
    pub(crate) fn again(&self, connection: Connection) -> Self {
        let mut again = Self::new(connection, self.user.clone(), self.contact.as_deref());
        again.epid.clone_from(&self.epid);
        again
    }

    /// Waits for the end of the connection.
    pub(crate) async fn closed(&mut self) {
        while !matches!(self.any_event().await, Event::Closed(_)) {}
    }

    fn target(&self, called: &str) -> Target {
        let from: Uri = self.user.as_str().parse().unwrap();
        let to: Uri = format!("sip:{called}").parse().unwrap();
        Target::new(NameAddr::new(from).with_param("epid", Some(&self.epid)), to)
    }

    fn contact(&self) -> String {
        let uri = self
            .contact
            .clone()
            .unwrap_or_else(|| "sip:127.0.0.1:5060;transport=tls".to_owned());
        format!("<{uri}>")
    }

    /// A request outside of a dialog, and its final answer.
    pub(crate) async fn request(&mut self, called: &str, draft: RequestDraft) -> Response {
        let sent = self.send_request(called, draft);
        self.answer(sent).await
    }

    /// Sends a request outside of a dialog, whose answer is waited for later.
    pub(crate) fn send_request(&mut self, called: &str, draft: RequestDraft) -> ClientTransactionId {
        let draft = draft.header(Name::Contact, self.contact());
        self.send_bare_request(called, draft)
    }

    /// A request without a Contact of ours, and its final answer.
    pub(crate) async fn bare_request(&mut self, called: &str, draft: RequestDraft) -> Response {
        let sent = self.send_bare_request(called, draft);
        self.answer(sent).await
    }

    fn send_bare_request(&mut self, called: &str, draft: RequestDraft) -> ClientTransactionId {
        let target = self.target(called);
        let now = self.connection.now();
        self.connection.agent().request(now, &target, draft)
    }

    /// The final answer to a request.
    pub(crate) async fn answer(&mut self, sent: ClientTransactionId) -> Response {
        loop {
            if let Some(response) = self.answers.remove(&sent) {
                return response;
            }
            if let parlor_sip::Event::Response {
                transaction,
                response,
                ..
            } = self.event().await
                && response.status().is_final()
            {
                self.answers.insert(transaction, response);
            }
        }
    }

    pub(crate) async fn register(&mut self) -> Response {
        self.request(DOMAIN, RequestDraft::new(Method::REGISTER)).await
    }

    /// Opens a chat dialog and says how that went.
    pub(crate) async fn invite(&mut self, called: &str) -> StatusCode {
        self.invite_fully(called).await.status()
    }

    pub(crate) async fn invite_fully(&mut self, called: &str) -> Response {
        let target = self.target(&format!("{called}@{DOMAIN}"));
        let offer = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=session\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
                     m=message 5060 sip null\r\na=accept-types:text/plain\r\n";
        let draft = RequestDraft::new(Method::INVITE)
            .header(Name::Contact, self.contact())
            .body("application/sdp", offer);
        let now = self.connection.now();
        let (dialog, transaction) = self.connection.agent().invite(now, &target, draft);
        loop {
            let event = self.event().await;
            if let parlor_sip::Event::Response {
                transaction: answered,
                response,
                ..
            } = event
                && answered == transaction
                && response.status().is_final()
            {
                if response.status().is_success() {
                    self.dialog = Some(dialog);
                }
                return response;
            }
        }
    }

    /// Sends a document and gives back the SIP status.
    pub(crate) async fn info(&mut self, body: impl Into<bytes::Bytes>) -> StatusCode {
        let dialog = self.dialog.expect("a chat dialog");
        let now = self.connection.now();
        let transaction = self
            .connection
            .agent()
            .info(now, dialog, "text/plain", body.into())
            .unwrap();
        loop {
            let event = self.event().await;
            if let parlor_sip::Event::Response {
                transaction: answered,
                response,
                ..
            } = event
                && answered == transaction
            {
                return response.status();
            }
        }
    }

    /// Sends a command and waits for its reply.
    pub(crate) async fn command(&mut self, command: Command) -> Reply {
        let (status, to) = self
            .send(Primitive::Command(NumberedCommand { seq: 1, command }))
            .await;
        assert_eq!(status, StatusCode::OK);
        self.reply(to).await
    }

    /// Sends a command and gives back the SIP status.
    pub(crate) async fn try_command(&mut self, command: Command) -> StatusCode {
        self.send(Primitive::Command(NumberedCommand { seq: 1, command }))
            .await
            .0
    }

    pub(crate) async fn join(&mut self, room: &RoomUri) -> Reply {
        self.command(Command::Join(room.clone())).await
    }

    /// Posts a text and gives back the SIP status.
    pub(crate) async fn post(&mut self, room: &RoomUri, text: &str) -> StatusCode {
        let post = Post::new(room.clone(), self.user.clone(), Timestamp::from_millis(0), text);
        self.post_fully(post).await.0
    }

    pub(crate) async fn post_fully(&mut self, post: Post) -> (StatusCode, CommandRef) {
        self.send(Primitive::Post(NumberedPost { seq: 1, post })).await
    }

    async fn send(&mut self, item: Primitive) -> (StatusCode, CommandRef) {
        self.envelope += 1;
        let id = EnvelopeId::from(self.envelope);
        let body = Envelope {
            id,
            items: vec![item],
        }
        .encode(EncodeOptions::default())
        .unwrap();
        (self.info(body).await, CommandRef { envelope: id, seq: 1 })
    }

    /// The reply to a command.
    pub(crate) async fn reply(&mut self, to: CommandRef) -> Reply {
        self.find(|item| match item {
            Primitive::Reply(reply) if reply.to == to => Some(reply.clone()),
            _ => None,
        })
        .await
    }

    /// The next post; notices and replies before it stay.
    pub(crate) async fn next_post(&mut self) -> Post {
        self.find(|item| match item {
            Primitive::Post(post) => Some(post.post.clone()),
            _ => None,
        })
        .await
    }

    /// The next notice.
    pub(crate) async fn next_notice(&mut self) -> Notice {
        self.find(|item| match item {
            Primitive::Notice(notice) => Some(notice.clone()),
            _ => None,
        })
        .await
    }

    /// Everything heard and not asked for.
    pub(crate) fn unheard(&self) -> Vec<&Primitive> {
        self.heard.iter().collect()
    }

    async fn find<T>(&mut self, wanted: impl Fn(&Primitive) -> Option<T>) -> T {
        let mut looked_at = 0;
        loop {
            while let Some(item) = self.heard.get(looked_at) {
                if let Some(found) = wanted(item) {
                    self.heard.remove(looked_at);
                    return found;
                }
                looked_at += 1;
            }
            self.event().await;
        }
    }

    /// The next event of the connection, after requests of the server were answered and their documents kept.
    pub(crate) async fn event(&mut self) -> parlor_sip::Event {
        match self.any_event().await {
            Event::Sip(event) => event,
            other => panic!("{}: unexpected {other:?}", self.user),
        }
    }

    pub(crate) async fn any_event(&mut self) -> Event {
        let event = tokio::time::timeout(DEADLINE, self.connection.next()).await;
        let event = event.unwrap_or_else(|_| panic!("{}: nothing came; heard {:?}", self.user, self.heard));
        if let Event::Sip(parlor_sip::Event::Request {
            transaction: Some(transaction),
            request,
            ..
        }) = &event
        {
            if *request.method() == Method::INFO {
                let envelope = parlor_xccos::decode(request.body()).unwrap();
                self.heard.extend(envelope.items);
            }
            self.connection
                .agent()
                .respond(*transaction, StatusCode::OK)
                .unwrap();
        }
        event
    }

    /// Waits for the end of the chat dialog.
    pub(crate) async fn dialog_end(&mut self) -> parlor_sip::DialogEnd {
        loop {
            if let parlor_sip::Event::DialogEnded { cause, .. } = self.event().await {
                self.dialog = None;
                return cause;
            }
        }
    }

    /// Ends the chat dialog.
    pub(crate) async fn bye(&mut self) {
        let dialog = self.dialog.take().expect("a chat dialog");
        let now = self.connection.now();
        let transaction = self.connection.agent().bye(now, dialog).unwrap();
        loop {
            if let parlor_sip::Event::Response {
                transaction: answered,
                ..
            } = self.event().await
                && answered == transaction
            {
                return;
            }
        }
    }
}
