//! A server with two rooms that can be killed and started again, behind a relay that breaks.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parlor_bot::Room;
use parlor_client::{
    ClientPlatformSettings, ClientTransport, Platform, Proxy, ServerPlatformSettings, UserEndpoint,
    UserEndpointSettings,
};
use parlor_host::{ChatService, Config as HostConfig, EndpointConfig, InstanceConfig, SignIn};
use parlor_net::certificates::{DevelopmentAuthority, Subject};
use parlor_net::{ClientCertificate, ClientTls, ClientTlsSettings, ServerTls, ServerTlsSettings};
use parlor_rooms::Store;
use parlor_server::{
    Config, ListenerConfig, Seed, SeedCategory, SeedRoom, SeedUser, TrustedApplication, TrustedPool,
    UnprovedUsers,
};
use parlor_store::{Options, SqliteStore};
use parlor_xccos::{Behavior, MessageId, Privacy, RoomId, SipUri};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::crash_store::{CrashStore, Fuse};
use crate::relay::Relay;

const BOT: &str = "sip:newsbot@example.com";
const ALICE: &str = "sip:alice@example.com";
const HOST: &str = "bots.example.com";
const GRUU: &str = "sip:bots.example.com@example.com;gruu;opaque=srvr:parlor-bots:AAAAAAAAAAAAAAAAAAAAAAAA";

/// Where items and answers go.
pub(crate) const NEWS: &str = "News";
/// Where items and due times go.
pub(crate) const TALK: &str = "Talk";

/// Everything that outlives a run of the server or of the host.
#[derive(Debug)]
pub(crate) struct World {
    folder: TempDir,
    tls: ServerTls,
    server: Option<Running>,
    address: SocketAddr,
    pub(crate) relay: Relay,
    pub(crate) fuse: Arc<Fuse>,
}

#[derive(Debug)]
struct Running {
    runtime: Runtime,
    store: Arc<CrashStore>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = DevelopmentAuthority::open(folder.path()).unwrap();
        let subject = Subject::Server {
            names: vec!["chat.example.com".to_owned()],
            addresses: vec![Ipv4Addr::LOCALHOST.into()],
        };
        let tls = ServerTls::load(ServerTlsSettings {
            identity: authority.issue("server", &subject).unwrap(),
            client_certificate: ClientCertificate::Optional,
            client_roots: Some(authority.roots()),
            crl: None,
            accept_server_auth_only: true,
        })
        .unwrap();
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut world = Self {
            folder,
            tls,
            server: None,
            address: nowhere,
            relay: Relay::new(nowhere).await,
            fuse: Arc::default(),
        };
        world.start().await;
        world
    }

    /// Starts the server on what is stored.
    pub(crate) async fn start(&mut self) {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let store = Arc::new(CrashStore {
            inner: SqliteStore::open(&self.path("rooms.db"), Options::default()).unwrap(),
            fuse: Arc::clone(&self.fuse),
        });
        let (config, rooms) = (self.config(), Arc::clone(&store));
        let started =
            runtime.spawn(async move { parlor_server::start(config, rooms).await.unwrap().addresses()[0] });
        self.address = started.await.unwrap();
        self.relay.lead_to(self.address);
        self.server = Some(Running { runtime, store });
    }

    /// Ends the server as `kill -9` does: no goodbye, nothing more is sent.
    pub(crate) async fn kill(&mut self) {
        let Some(Running { runtime, store }) = self.server.take() else {
            return;
        };
        // Not here: this thread belongs to a runtime itself. The store closes when its last owner is gone.
        let ended = tokio::task::spawn_blocking(move || {
            runtime.shutdown_timeout(Duration::from_secs(10));
            assert_eq!(Arc::strong_count(&store), 1, "a task of the server outlived it");
        });
        ended.await.unwrap();
    }

    /// Everything that stands in a room, oldest first.
    pub(crate) async fn said(&self, room: &str) -> Vec<String> {
        let server = self.server.as_ref().unwrap();
        let id = self.room(room).await;
        let posts = server.store.inner.after(id, MessageId(0), 900).await.unwrap();
        posts.into_iter().map(|post| post.chat).collect()
    }

    async fn room(&self, name: &str) -> RoomId {
        let rooms = self
            .server
            .as_ref()
            .unwrap()
            .store
            .inner
            .load()
            .await
            .unwrap()
            .rooms;
        rooms
            .into_iter()
            .find(|room| room.settings.name == name)
            .unwrap()
            .id
    }

    fn config(&self) -> Config {
        let application = TrustedApplication {
            id: "urn:application:parlor-bots".to_owned(),
            port: 6000,
            gruus: vec![GRUU.to_owned()],
            allowed_users: vec![uri(BOT)],
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
        let user = |text: &str| SeedUser {
            uri: uri(text),
            display_name: text.to_owned(),
            contact: false,
            password: None,
        };
        Config {
            listeners: vec![ListenerConfig {
                addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
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
                rooms: vec![room(NEWS), room(TALK)],
                users: vec![user(BOT), user(ALICE)],
            },
            ..Config::new("example.com", uri("sip:chat@example.com"))
        }
    }

    fn client_tls(&self, name: &str, subject: &Subject) -> ClientTls {
        let authority = DevelopmentAuthority::open(self.folder.path()).unwrap();
        ClientTls::load(ClientTlsSettings {
            roots: authority.roots(),
            identity: Some(authority.issue(name, subject).unwrap()),
            server_name: Some("chat.example.com".to_owned()),
            crl: None,
        })
        .unwrap()
    }

    /// A file beside the host's state.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A host with a feed reader and somebody who answers; its state outlives it.
    pub(crate) fn host(&self) -> HostConfig {
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
        let service = ChatService {
            host: self.relay.address.ip().to_string(),
            port: self.relay.address.port(),
            chat: None,
        };
        let mut config = HostConfig::new(self.path("host.db"), service);
        config.folder = self.folder.path().to_owned();
        // A story posts more than people can read.
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
        config.instances = vec![instance("reader", &[NEWS, TALK]), instance("ponger", &[NEWS])];
        config
    }

    pub(crate) fn alice(&self) -> UserEndpoint {
        let subject = Subject::User {
            uri: ALICE.to_owned(),
        };
        let settings = ClientPlatformSettings {
            user_agent: "test/1.0".to_owned(),
            transport: ClientTransport::Tls(self.client_tls("user", &subject)),
        };
        let platform = Platform::with_tuning(settings, tuning()).unwrap();
        let proxy = Proxy::new(self.relay.address.ip().to_string(), self.relay.address.port());
        UserEndpoint::new(&platform, UserEndpointSettings::new(uri(ALICE), proxy))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(running) = self.server.take() {
            running.runtime.shutdown_background();
        }
    }
}

pub(crate) fn instance(kind: &str, rooms: &[&str]) -> InstanceConfig {
    let mut instance = InstanceConfig::new(kind, kind, uri(BOT));
    instance.rooms = rooms.iter().copied().map(Room::new).collect();
    instance.settings = serde_json::json!({});
    instance
}

fn uri(text: &str) -> SipUri {
    text.parse().unwrap()
}

/// Short waits between attempts: the server is back within milliseconds.
fn tuning() -> parlor_client::Tuning {
    parlor_client::Tuning {
        reconnect_base: Duration::from_millis(20),
        reconnect_cap: Duration::from_millis(200),
        page: 20,
        ..parlor_client::Tuning::default()
    }
}
