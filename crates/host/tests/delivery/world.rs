//! A server with two rooms that can be killed and started again, behind a relay that breaks.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parlor_bot::Room;
use parlor_client::{Proxy, UserEndpoint, UserEndpointSettings};
use parlor_host::{ChatService, Config as HostConfig, EndpointConfig, InstanceConfig, SignIn};
use parlor_rooms::Store;
use parlor_store::{Options, SqliteStore};
use parlor_testkit::{ALICE, BOT, KillableServer, Site, uri};
use parlor_xccos::{MessageId, RoomId};

use crate::crash_store::{CrashStore, Fuse};
use crate::relay::Relay;

/// Where items and answers go.
pub(crate) const NEWS: &str = "News";
/// Where items and due times go.
pub(crate) const TALK: &str = "Talk";

/// Everything that outlives a run of the server or of the host.
#[derive(Debug)]
pub(crate) struct World {
    // First, so that it ends before its files go.
    server: Option<Running>,
    site: Site,
    pub(crate) relay: Relay,
    pub(crate) fuse: Arc<Fuse>,
}

#[derive(Debug)]
struct Running {
    server: KillableServer,
    store: Arc<CrashStore>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut world = Self {
            server: None,
            site: Site::new(),
            relay: Relay::new(nowhere).await,
            fuse: Arc::default(),
        };
        world.start();
        world
    }

    /// Starts the server on what is stored.
    pub(crate) fn start(&mut self) {
        let store = Arc::new(CrashStore {
            inner: SqliteStore::open(&self.path("rooms.db"), Options::default()).unwrap(),
            fuse: Arc::clone(&self.fuse),
        });
        let config = self.site.server(0, &[NEWS, TALK]);
        let server = KillableServer::start(config, Arc::<CrashStore>::clone(&store));
        self.relay.lead_to(server.address());
        self.server = Some(Running { server, store });
    }

    /// Ends the server as `kill -9` does: no goodbye, nothing more is sent.
    pub(crate) async fn kill(&mut self) {
        let Some(Running { server, store }) = self.server.take() else {
            return;
        };
        // Not here: the relay runs on this thread. The store closes when its last owner is gone.
        let ended = tokio::task::spawn_blocking(move || {
            server.kill();
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

    /// A file beside the host's state.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.site.path(name)
    }

    /// A host with a feed reader and somebody who answers; its state outlives it.
    pub(crate) fn host(&self) -> HostConfig {
        let service = ChatService {
            host: self.relay.address.ip().to_string(),
            port: self.relay.address.port(),
            chat: None,
        };
        let mut config = HostConfig::new(self.path("host.db"), service);
        config.folder = self.site.folder().to_owned();
        // A story posts more than people can read.
        (config.tuning.room_rate, config.tuning.bot_rate) = (None, None);
        config.tuning.reconnect_cap = Duration::from_millis(200);
        config.tuning.retry_base = Duration::from_millis(5);
        config.endpoints = vec![EndpointConfig {
            user: uri(BOT),
            display_name: None,
            sign_in: SignIn::Application,
            register: true,
            platform: self.site.application_platform(),
        }];
        config.instances = vec![instance("reader", &[NEWS, TALK]), instance("ponger", &[NEWS])];
        config
    }

    pub(crate) fn alice(&self) -> UserEndpoint {
        let platform = self.site.user_platform(Some(ALICE));
        let proxy = Proxy::new(self.relay.address.ip().to_string(), self.relay.address.port());
        UserEndpoint::new(&platform, UserEndpointSettings::new(uri(ALICE), proxy))
    }
}

pub(crate) fn instance(kind: &str, rooms: &[&str]) -> InstanceConfig {
    let mut instance = InstanceConfig::new(kind, kind, uri(BOT));
    instance.rooms = rooms.iter().copied().map(Room::new).collect();
    instance.settings = serde_json::json!({});
    instance
}
