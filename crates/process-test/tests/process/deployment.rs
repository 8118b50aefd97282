//! A server on loopback, a host with programs, and Alice in its room.

use std::sync::Arc;
use std::time::Duration;

use parlor_bot::{Registry, Room};
use parlor_client::{
    ChatSettings, PersistentChatEndpoint, Proxy, RoomEvent, RoomEvents, RoomSession, UserEndpoint,
    UserEndpointSettings,
};
use parlor_host::{ChatService, Config, EndpointConfig, Host, HostEvent, HostEvents, InstanceConfig, SignIn};
use parlor_process::Program;
use parlor_rooms::MemoryStore;
use parlor_testkit::{ALICE, BOT, KillableServer, Site, uri};
use serde_json::Value;

/// Far longer than anything here takes: a test that would hang says where.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Deployment {
    // First, so that it ends before its files go.
    server: KillableServer,
    site: Site,
}

impl Deployment {
    /// A running server with the room "Kitchen".
    pub(crate) fn new() -> Self {
        let site = Site::new();
        let config = site.server(0, &["Kitchen"]);
        let server = KillableServer::start(config, Arc::new(MemoryStore::new()));
        Self { server, site }
    }

    pub(crate) fn host(&self, instances: Vec<InstanceConfig>) -> Config {
        let service = ChatService {
            host: "127.0.0.1".to_owned(),
            port: self.server.address().port(),
            chat: None,
        };
        let mut config = Config::new(self.site.path("host.db"), service);
        config.folder = self.site.folder().to_owned();
        config.tuning.attempts = 3;
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
    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.site.path(name)
    }

    pub(crate) async fn alice(&self) -> Alice {
        let platform = self.site.user_platform(Some(ALICE));
        let proxy = Proxy::new("127.0.0.1", self.server.address().port());
        let endpoint = UserEndpoint::new(&platform, UserEndpointSettings::new(uri(ALICE), proxy));
        endpoint.establish().await.unwrap();
        let chat = PersistentChatEndpoint::establish(&endpoint, ChatSettings::default())
            .await
            .unwrap();
        let (room, events) = chat.join("Kitchen").await.unwrap();
        Alice { room, events }
    }
}

/// Alice in the room.
pub(crate) struct Alice {
    room: RoomSession,
    events: RoomEvents,
}

impl Alice {
    pub(crate) async fn says(&self, text: &str) {
        self.room.post(text).await.unwrap();
    }

    /// The next post of a bot.
    pub(crate) async fn hears(&mut self) -> String {
        let heard = async {
            loop {
                match self.events.next().await {
                    Some(RoomEvent::Post(post)) if post.author == uri(BOT) => return post.chat,
                    Some(_) => {}
                    None => panic!("the room closed"),
                }
            }
        };
        tokio::time::timeout(PATIENCE, heard)
            .await
            .expect("an answer comes")
    }

    pub(crate) async fn asks(&mut self, text: &str) -> String {
        self.says(text).await;
        self.hears().await
    }
}

pub(crate) fn registry(programs: &[&Program]) -> Registry {
    programs.iter().fold(Registry::new(), |all, program| {
        all.with_kind(crate::programs::kind(program))
    })
}

/// An instance in the room "Kitchen".
pub(crate) fn instance(kind: &str, settings: Value) -> InstanceConfig {
    let mut instance = InstanceConfig::new(kind, kind, uri(BOT));
    instance.rooms = vec![Room::new("Kitchen")];
    instance.settings = settings;
    instance
}

/// A running host, and what it tells.
pub(crate) struct Running {
    pub(crate) host: Host,
    events: HostEvents,
    told: Vec<HostEvent>,
}

impl Running {
    /// A host that is in its room.
    pub(crate) async fn start(config: Config, registry: Registry) -> Self {
        let host = parlor_host::start(config, registry).await.unwrap();
        let mut running = Self {
            events: host.events(),
            host,
            told: Vec::new(),
        };
        running
            .until(|event| matches!(event, HostEvent::Joined { .. }))
            .await;
        running
    }

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
        match tokio::time::timeout(PATIENCE, found).await {
            Ok(event) => event,
            Err(_) => panic!("the event did not come: {:#?}", self.told),
        }
    }

    /// How often the bot's program was gone before what was waited for last.
    pub(crate) fn restarts(&self) -> usize {
        let restarting = |event: &&HostEvent| matches!(event, HostEvent::BotRestarting { .. });
        self.told.iter().filter(restarting).count()
    }

    pub(crate) async fn shutdown(self) {
        let report = self.host.shutdown(Duration::from_secs(20)).await;
        assert_eq!((report.unfinished_handlers, report.undelivered_posts), (0, 0));
    }
}
