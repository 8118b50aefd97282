//! A server on loopback that can be killed and started again, hosts for it, and a person in its room.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parlor_bot::{Registry, Room};
use parlor_client::{
    ChatSettings, ClientPlatformSettings, ClientTransport, PersistentChatEndpoint, Platform, Proxy,
    RoomEvents, RoomSession, ServerPlatformSettings, Tuning, UserEndpoint, UserEndpointSettings,
};
use parlor_host::{
    ChatService, Config as HostConfig, EndpointConfig, Host, HostEvent, HostEvents, InstanceConfig, SignIn,
};
use parlor_net::certificates::{DevelopmentAuthority, IdentityFiles, Subject};
use parlor_net::{ClientCertificate, ClientTls, ClientTlsSettings, ServerTls, ServerTlsSettings};
use parlor_rooms::MemoryStore;
use parlor_server::{
    Config, Limits, ListenerConfig, Seed, SeedCategory, SeedRoom, SeedUser, TrustedApplication, TrustedPool,
    UnprovedUsers,
};
use parlor_xccos::{Behavior, MessageId, Privacy, SipUri};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

pub(crate) const BOT: &str = "sip:newsbot@example.com";
pub(crate) const ALICE: &str = "sip:alice@example.com";
const HOST: &str = "bots.example.com";
const GRUU: &str = "sip:bots.example.com@example.com;gruu;opaque=srvr:parlor-bots:AAAAAAAAAAAAAAAAAAAAAAAA";

/// Everything that outlives one run of the server.
pub(crate) struct Deployment {
    folder: TempDir,
    store: Arc<MemoryStore>,
    tls: ServerTls,
    address: SocketAddr,
    server: Option<Runtime>,
    /// Bytes of text that the server takes in one message, from its next start on.
    pub(crate) message_bytes: usize,
    /// Whether the server keeps post keys, from its next start on.
    pub(crate) post_keys: bool,
}

impl Deployment {
    /// A running server with the rooms "News" and "Operators", open to everyone.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = DevelopmentAuthority::open(folder.path()).unwrap();
        let addresses = vec![Ipv4Addr::LOCALHOST.into()];
        let subject = Subject::Server {
            names: vec!["chat.example.com".to_owned()],
            addresses,
        };
        let tls = ServerTls::load(ServerTlsSettings {
            identity: authority.issue("server", &subject).unwrap(),
            client_certificate: ClientCertificate::Optional,
            client_roots: Some(authority.roots()),
            crl: None,
            accept_server_auth_only: true,
        })
        .unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut deployment = Self {
            folder,
            store: Arc::new(MemoryStore::new()),
            tls,
            address,
            server: None,
            message_bytes: 8000,
            post_keys: true,
        };
        deployment.start();
        deployment
    }

    /// Starts the server, on the port it had before.
    pub(crate) fn start(&mut self) {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let (config, store) = (self.config(), Arc::clone(&self.store));
        // A runtime cannot wait inside another one, so the start is awaited on a thread of its own.
        let handle = runtime.handle().clone();
        let started = std::thread::spawn(move || {
            handle
                .block_on(parlor_server::start(config, store))
                .unwrap()
                .addresses()[0]
        });
        self.address = started.join().unwrap();
        self.server = Some(runtime);
    }

    /// Ends the server as `kill -9` does: no goodbye, no flush.
    pub(crate) fn kill(&mut self) {
        if let Some(server) = self.server.take() {
            // Until its sockets are closed the next start cannot have the port.
            let ended = std::thread::spawn(move || server.shutdown_timeout(Duration::from_secs(10)));
            ended.join().unwrap();
        }
    }

    fn config(&self) -> Config {
        let application = TrustedApplication {
            id: "urn:application:parlor-bots".to_owned(),
            port: 6000,
            gruus: vec![GRUU.to_owned()],
            allowed_users: vec![uri(BOT)],
        };
        let user = |text: &str, name: &str| SeedUser {
            uri: uri(text),
            display_name: name.to_owned(),
            contact: false,
            password: None,
        };
        let limits = Limits {
            message_bytes: self.message_bytes,
            ..Limits::default()
        };
        let room = |name: &str| SeedRoom {
            name: name.to_owned(),
            description: String::new(),
            category: None,
            privacy: Privacy::Open,
            behavior: Behavior::Normal,
            members: Vec::new(),
            managers: Vec::new(),
            presenters: Vec::new(),
            posts: Vec::new(),
        };
        Config {
            limits,
            post_keys: self.post_keys,
            listeners: vec![ListenerConfig {
                addr: self.address,
                tls: Some(self.tls.clone()),
                unproved: UnprovedUsers::Refused,
            }],
            trusted_pools: vec![TrustedPool {
                fqdn: HOST.to_owned(),
                computers: Vec::new(),
                applications: vec![application],
            }],
            seed: Seed {
                categories: vec![SeedCategory {
                    name: "General".to_owned(),
                    ..SeedCategory::default()
                }],
                rooms: vec![room("News"), room("Operators")],
                users: vec![user(BOT, "News bot"), user(ALICE, "Alice")],
            },
            ..Config::new("example.com", uri("sip:chat@example.com"))
        }
    }

    fn client_tls(&self, name: &str, subject: &Subject) -> ClientTls {
        let authority = DevelopmentAuthority::open(self.folder.path()).unwrap();
        let identity: IdentityFiles = authority.issue(name, subject).unwrap();
        ClientTls::load(ClientTlsSettings {
            roots: authority.roots(),
            identity: Some(identity),
            server_name: Some("chat.example.com".to_owned()),
            crl: None,
        })
        .unwrap()
    }

    /// What a host on this deployment needs, with these bots; its state outlives it.
    pub(crate) fn host(&self, instances: Vec<InstanceConfig>) -> HostConfig {
        let subject = Subject::Application {
            pool: HOST.to_owned(),
            computers: Vec::new(),
        };
        let settings = ServerPlatformSettings {
            user_agent: "test/1.0".to_owned(),
            application_id: "urn:application:parlor-bots".to_owned(),
            fqdn: HOST.to_owned(),
            port: 6000,
            gruu: GRUU.to_owned(),
            tls: self.client_tls("host", &subject),
        };
        let (host, port) = (self.address.ip().to_string(), self.address.port());
        let mut config = HostConfig::new(
            self.path("host.db"),
            ChatService {
                host,
                port,
                chat: None,
            },
        );
        config.folder = self.folder.path().to_owned();
        (config.tuning.room_rate, config.tuning.bot_rate) = (None, None);
        config.tuning.reconnect_cap = Duration::from_millis(200);
        config.tuning.retry_base = Duration::from_millis(5);
        config.endpoints = vec![EndpointConfig {
            user: uri(BOT),
            display_name: None,
            sign_in: SignIn::Application,
            register: true,
            platform: Platform::with_tuning(settings, tuning()).unwrap(),
        }];
        config.instances = instances;
        config
    }

    /// A file beside the host's state.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Alice, in the room "News".
    pub(crate) async fn alice(&self) -> (RoomSession, RoomEvents) {
        self.alice_in("News").await
    }

    async fn alice_in(&self, room: &str) -> (RoomSession, RoomEvents) {
        let endpoint = self.alice_at_home();
        endpoint.establish().await.unwrap();
        let chat = PersistentChatEndpoint::establish(&endpoint, ChatSettings::default())
            .await
            .unwrap();
        chat.join(room).await.unwrap()
    }

    /// Alice, not signed in yet.
    pub(crate) fn alice_at_home(&self) -> UserEndpoint {
        let subject = Subject::User {
            uri: ALICE.to_owned(),
        };
        let transport = ClientTransport::Tls(self.client_tls("user", &subject));
        let settings = ClientPlatformSettings {
            user_agent: "test/1.0".to_owned(),
            transport,
        };
        let platform = Platform::with_tuning(settings, tuning()).unwrap();
        let proxy = Proxy::new(self.address.ip().to_string(), self.address.port());
        UserEndpoint::new(&platform, UserEndpointSettings::new(uri(ALICE), proxy))
    }

    /// Everything that is in the room "News", oldest first.
    pub(crate) async fn said(&self) -> Vec<String> {
        self.said_in("News").await
    }

    /// Everything that is in a room, oldest first.
    pub(crate) async fn said_in(&self, room: &str) -> Vec<String> {
        let (room, _events) = self.alice_in(room).await;
        let posts = room.history_after(MessageId(0), 500).await.unwrap();
        posts.into_iter().map(|post| post.chat).collect()
    }
}

/// A bot in the room "News".
pub(crate) fn instance(kind: &str, settings: serde_json::Value) -> InstanceConfig {
    let mut instance = InstanceConfig::new(kind, kind, uri(BOT));
    instance.rooms = vec![Room::new("News")];
    instance.settings = settings;
    instance
}

/// A running host, and what it tells.
pub(crate) struct Running {
    pub(crate) host: Host,
    pub(crate) events: HostEvents,
    told: Vec<HostEvent>,
}

impl Running {
    pub(crate) async fn start(config: HostConfig, registry: Registry) -> Self {
        let host = parlor_host::start(config, registry).await.unwrap();
        let events = host.events();
        Self {
            host,
            events,
            told: Vec::new(),
        }
    }

    /// Waits for an event; how many posts were delivered before it is the caller's to count.
    pub(crate) async fn until(&mut self, wanted: impl Fn(&HostEvent) -> bool) -> HostEvent {
        let found = async {
            loop {
                let event = self.events.next().await.expect("the host runs");
                self.told.push(event.clone());
                if wanted(&event) {
                    return event;
                }
            }
        };
        // Far longer than anything here takes: a test that would hang says where.
        match tokio::time::timeout(Duration::from_secs(60), found).await {
            Ok(event) => event,
            Err(_) => panic!("the event did not come: {:#?}", self.told),
        }
    }

    /// Waits for that many delivered posts.
    pub(crate) async fn posted(&mut self, count: usize) {
        for _ in 0..count {
            self.until(|event| matches!(event, HostEvent::Posted { .. }))
                .await;
        }
    }

    pub(crate) async fn joined(&mut self) {
        self.until(|event| matches!(event, HostEvent::Joined { .. }))
            .await;
    }

    /// Waits until the room is joined and the feed was looked at, in whichever order.
    pub(crate) async fn settled(&mut self) {
        let (mut joined, mut fetched) = (false, false);
        while !(joined && fetched) {
            let event = self.until(|_| true).await;
            joined |= matches!(event, HostEvent::Joined { .. });
            fetched |= matches!(event, HostEvent::FeedFetched { .. });
        }
    }

    pub(crate) async fn shutdown(mut self) {
        let status = self.host.status().await;
        let report = self.host.shutdown(Duration::from_secs(20)).await;
        let mut told = self.told;
        while let Some(event) = self.events.next().await {
            told.push(event);
        }
        assert_eq!(
            (report.unfinished_handlers, report.undelivered_posts),
            (0, 0),
            "{told:#?} {status:#?}"
        );
    }
}

impl Drop for Deployment {
    /// A runtime may not wait for its end inside another one.
    fn drop(&mut self) {
        self.kill();
    }
}

pub(crate) fn uri(text: &str) -> SipUri {
    text.parse().unwrap()
}

/// Short waits between attempts: the server is back within milliseconds.
fn tuning() -> Tuning {
    Tuning {
        reconnect_base: Duration::from_millis(20),
        reconnect_cap: Duration::from_millis(200),
        page: 20,
        ..Tuning::default()
    }
}
