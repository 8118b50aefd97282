//! A server on loopback that can be killed and started again, hosts for it, and a person in its room.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parlor_bot::{Registry, Room};
use parlor_client::{
    ChatSettings, PersistentChatEndpoint, Proxy, RoomEvents, RoomSession, UserEndpoint, UserEndpointSettings,
};
use parlor_host::{
    ChatService, Config as HostConfig, EndpointConfig, Host, HostEvent, HostEvents, InstanceConfig, SignIn,
};
use parlor_rooms::{MemoryStore, RemovalRecord, Store as _};
pub(crate) use parlor_testkit::{ALICE, BOT, uri};
use parlor_testkit::{KillableServer, Site};
use parlor_xccos::MessageId;

/// Everything that outlives one run of the server.
pub(crate) struct Deployment {
    // First, so that it ends before its files go.
    server: Option<KillableServer>,
    site: Site,
    store: Arc<MemoryStore>,
    /// Once known, kept from run to run.
    port: u16,
    /// Bytes of text that the server takes in one message, from its next start on.
    pub(crate) message_bytes: usize,
    /// Whether the server keeps post keys, from its next start on.
    pub(crate) post_keys: bool,
}

impl Deployment {
    /// A running server with the rooms "News" and "Operators", open to everyone.
    pub(crate) fn new() -> Self {
        let mut deployment = Self {
            site: Site::new(),
            store: Arc::new(MemoryStore::new()),
            port: 0,
            server: None,
            message_bytes: 8000,
            post_keys: true,
        };
        deployment.start();
        deployment
    }

    /// Starts the server, on the port it had before.
    pub(crate) fn start(&mut self) {
        let mut config = self.site.server(self.port, &["News", "Operators"]);
        config.limits.message_bytes = self.message_bytes;
        config.post_keys = self.post_keys;
        config.control_socket = Some(self.path("server.sock"));
        let server = KillableServer::start(config, Arc::<MemoryStore>::clone(&self.store));
        self.port = server.address().port();
        self.server = Some(server);
    }

    /// Ends the server as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.server = None;
    }

    /// What a host on this deployment needs, with these bots; its state outlives it.
    pub(crate) fn host(&self, instances: Vec<InstanceConfig>) -> HostConfig {
        let service = ChatService {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            chat: None,
        };
        let mut config = HostConfig::new(self.path("host.db"), service);
        config.folder = self.site.folder().to_owned();
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
        config.instances = instances;
        config
    }

    /// A file beside the host's state.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.site.path(name)
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
        let platform = self.site.user_platform(Some(ALICE));
        let proxy = Proxy::new("127.0.0.1", self.port);
        UserEndpoint::new(&platform, UserEndpointSettings::new(uri(ALICE), proxy))
    }

    /// The record of what was removed from the room "News".
    pub(crate) async fn removals(&self) -> Vec<RemovalRecord> {
        let rooms = self.store.load().await.unwrap().rooms;
        let news = rooms.iter().find(|room| room.settings.name == "News").unwrap();
        self.store.removals(news.id, 0, 100).await.unwrap()
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
