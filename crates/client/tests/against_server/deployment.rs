//! A server on loopback that can be killed and started again, and clients for it.

use std::sync::Arc;

use parlor_client::{
    ApplicationEndpoint, ApplicationEndpointSettings, ChatSettings, Credentials, LocalEndpoint,
    PersistentChatEndpoint, Proxy, UserEndpoint, UserEndpointSettings,
};
use parlor_rooms::MemoryStore;
use parlor_server::Password;
pub(crate) use parlor_testkit::{ALICE, BOT, uri};
use parlor_testkit::{KillableServer, Site};

/// Of Alice.
pub(crate) const PASSWORD: &str = "Secret123";

/// Everything that outlives one run of the server.
pub(crate) struct Deployment {
    // First, so that it ends before its files go.
    server: Option<KillableServer>,
    site: Site,
    store: Arc<MemoryStore>,
    /// Once known, kept from run to run.
    port: u16,
    password: bool,
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
        let mut deployment = Self {
            site: Site::new(),
            store: Arc::new(MemoryStore::new()),
            port: 0,
            server: None,
            password,
        };
        deployment.start();
        deployment
    }

    /// Starts the server, on the port it had before.
    pub(crate) fn start(&mut self) {
        let mut config = self.site.server(self.port, &["News"]);
        for user in &mut config.seed.users {
            if self.password && user.uri == uri(ALICE) {
                user.password = Some(Password(PASSWORD.to_owned()));
            }
        }
        let server = KillableServer::start(config, Arc::<MemoryStore>::clone(&self.store));
        self.port = server.address().port();
        self.server = Some(server);
    }

    /// Ends the server as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.server = None;
    }

    fn proxy(&self) -> Proxy {
        Proxy::new("127.0.0.1", self.port)
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
        ApplicationEndpoint::new(&self.site.application_platform(), application)
    }

    /// A user whose certificate names `certified`, speaking as `owner`.
    pub(crate) fn user(&self, owner: &str, certified: &str) -> UserEndpoint {
        let settings = UserEndpointSettings::new(uri(owner), self.proxy());
        UserEndpoint::new(&self.site.user_platform(Some(certified)), settings)
    }

    /// Alice with this password and no certificate.
    pub(crate) fn alice_with_password(&self, password: &str) -> UserEndpoint {
        let mut settings = UserEndpointSettings::new(uri(ALICE), self.proxy());
        settings.credentials = Some(Credentials::new("alice@example.com", password));
        UserEndpoint::new(&self.site.user_platform(None), settings)
    }
}

/// Establishes an endpoint and its chat session, with the address the server provisions.
pub(crate) async fn chat(endpoint: &LocalEndpoint) -> PersistentChatEndpoint {
    endpoint.establish().await.unwrap();
    PersistentChatEndpoint::establish(endpoint, ChatSettings::default())
        .await
        .unwrap()
}
