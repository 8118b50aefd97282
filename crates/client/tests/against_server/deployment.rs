//! A server on loopback that can be killed and started again, and clients for it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use parlor_client::{
    ApplicationEndpoint, ApplicationEndpointSettings, ChatSettings, ClientPlatformSettings, ClientTransport,
    Credentials, LocalEndpoint, PersistentChatEndpoint, Platform, Proxy, ServerPlatformSettings, Tuning,
    UserEndpoint, UserEndpointSettings,
};
use parlor_net::certificates::{DevelopmentAuthority, IdentityFiles, Subject};
use parlor_net::{ClientCertificate, ClientTls, ClientTlsSettings, ServerTls, ServerTlsSettings};
use parlor_rooms::MemoryStore;
use parlor_server::{
    Config, ListenerConfig, Password, Seed, SeedCategory, SeedRoom, SeedUser, TrustedApplication,
    TrustedPool, UnprovedUsers,
};
use parlor_xccos::{Behavior, Privacy, SipUri};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

pub(crate) const BOT: &str = "sip:newsbot@example.com";
pub(crate) const ALICE: &str = "sip:alice@example.com";
/// Of Alice.
pub(crate) const PASSWORD: &str = "Secret123";
const HOST: &str = "bots.example.com";
const GRUU: &str = "sip:bots.example.com@example.com;gruu;opaque=srvr:parlor-bots:AAAAAAAAAAAAAAAAAAAAAAAA";

/// Everything that outlives one run of the server.
pub(crate) struct Deployment {
    folder: TempDir,
    store: Arc<MemoryStore>,
    tls: ServerTls,
    address: SocketAddr,
    password: bool,
    server: Option<Runtime>,
}

impl Deployment {
    /// A running server with the room "News", open to everyone.
    pub(crate) fn new() -> Self {
        Self::start_with(false)
    }

    /// The same, with Alice's password set. Who proves nothing is then challenged instead of refused.
    pub(crate) fn with_password() -> Self {
        Self::start_with(true)
    }

    fn start_with(password: bool) -> Self {
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
            password,
            server: None,
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
            password: (text == ALICE && self.password).then(|| Password(PASSWORD.to_owned())),
            uri: uri(text),
            display_name: name.to_owned(),
            contact: false,
        };
        Config {
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
                rooms: vec![SeedRoom {
                    posts: Vec::new(),
                    name: "News".to_owned(),
                    description: String::new(),
                    category: None,
                    privacy: Privacy::Open,
                    behavior: Behavior::Normal,
                    members: Vec::new(),
                    managers: Vec::new(),
                    presenters: Vec::new(),
                }],
                users: vec![user(BOT, "News bot"), user(ALICE, "Alice")],
            },
            ..Config::new("example.com", uri("sip:chat@example.com"))
        }
    }

    fn client_tls(&self, name: &str, subject: Option<&Subject>) -> ClientTls {
        let authority = DevelopmentAuthority::open(self.folder.path()).unwrap();
        let identity: Option<IdentityFiles> = subject.map(|subject| authority.issue(name, subject).unwrap());
        ClientTls::load(ClientTlsSettings {
            roots: authority.roots(),
            identity,
            server_name: Some("chat.example.com".to_owned()),
            crl: None,
        })
        .unwrap()
    }

    fn proxy(&self) -> Proxy {
        Proxy::new(self.address.ip().to_string(), self.address.port())
    }

    /// The trusted application, speaking as `owner`.
    pub(crate) fn application(&self, owner: &str) -> ApplicationEndpoint {
        self.application_by(ApplicationEndpointSettings::new(uri(owner), self.proxy()))
    }

    /// The same, which others can find.
    pub(crate) fn registered_application(&self, owner: &str) -> ApplicationEndpoint {
        let mut settings = ApplicationEndpointSettings::new(uri(owner), self.proxy());
        settings.use_registration = true;
        self.application_by(settings)
    }

    fn application_by(&self, application: ApplicationEndpointSettings) -> ApplicationEndpoint {
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
            tls: self.client_tls("host", Some(&subject)),
        };
        let platform = Platform::with_tuning(settings, tuning()).unwrap();
        ApplicationEndpoint::new(&platform, application)
    }

    /// A user whose certificate names `certified`, speaking as `owner`.
    pub(crate) fn user(&self, owner: &str, certified: &str) -> UserEndpoint {
        let subject = Subject::User {
            uri: certified.to_owned(),
        };
        let tls = self.client_tls("user", Some(&subject));
        self.user_by(tls, UserEndpointSettings::new(uri(owner), self.proxy()))
    }

    /// Alice with this password and no certificate.
    pub(crate) fn alice_with_password(&self, password: &str) -> UserEndpoint {
        let mut settings = UserEndpointSettings::new(uri(ALICE), self.proxy());
        settings.credentials = Some(Credentials::new("alice@example.com", password));
        self.user_by(self.client_tls("user", None), settings)
    }

    fn user_by(&self, tls: ClientTls, user: UserEndpointSettings) -> UserEndpoint {
        let settings = ClientPlatformSettings {
            user_agent: "test/1.0".to_owned(),
            transport: ClientTransport::Tls(tls),
        };
        let platform = Platform::with_tuning(settings, tuning()).unwrap();
        UserEndpoint::new(&platform, user)
    }
}

impl Drop for Deployment {
    /// A runtime may not wait for its end inside another one.
    fn drop(&mut self) {
        self.kill();
    }
}

/// Establishes an endpoint and its chat session, with the address the server provisions.
pub(crate) async fn chat(endpoint: &LocalEndpoint) -> PersistentChatEndpoint {
    endpoint.establish().await.unwrap();
    PersistentChatEndpoint::establish(endpoint, ChatSettings::default())
        .await
        .unwrap()
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
