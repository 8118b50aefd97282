//! The two kinds of endpoint, as handles on the task that owns the connection.

use std::ops::Deref;
use std::time::Duration;

use parlor_xccos::SipUri;
use tokio::sync::watch;

use crate::command::{Command, Handle};
use crate::credentials::Credentials;
use crate::error::EstablishError;
use crate::platform::Platform;
use crate::state::{EndpointState, EndpointStatus};
use crate::task;

/// The lifetime asked for in REGISTER unless the settings say otherwise.
const REGISTRATION: Duration = Duration::from_secs(600);

/// The next hop of an endpoint: the pool, or the embedded server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// Host name, also the name its certificate must carry.
    pub host: String,
    /// Port, usually 5061.
    pub port: u16,
}

impl Proxy {
    /// A proxy by host and port.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
        }
    }
}

/// How an application endpoint signs in.
#[derive(Debug, Clone)]
pub struct ApplicationEndpointSettings {
    /// The user address the application speaks as; a persistent chat server refuses contact objects (facts E6).
    pub owner: SipUri,
    /// The name shown beside posts, when the server does not know a better one.
    pub display_name: Option<String>,
    /// The next hop.
    pub proxy: Proxy,
    /// Whether to REGISTER; off for trusted applications, which are not challenged either.
    pub use_registration: bool,
}

impl ApplicationEndpointSettings {
    /// Settings with the defaults of the original: no registration, no display name.
    pub fn new(owner: SipUri, proxy: Proxy) -> Self {
        Self {
            owner,
            display_name: None,
            proxy,
            use_registration: false,
        }
    }
}

/// How a user endpoint signs in: by the platform's client certificate, or by a password.
#[derive(Debug, Clone)]
pub struct UserEndpointSettings {
    /// The user's own address.
    pub owner: SipUri,
    /// The name shown beside posts, when the server does not know a better one.
    pub display_name: Option<String>,
    /// The next hop.
    pub proxy: Proxy,
    /// The lifetime asked for in REGISTER; the server may shorten it.
    pub registration: Duration,
    /// Answers the server's challenges, by Digest with SHA-256 and over TLS only. `None` leaves the proof to the
    /// platform's client certificate.
    pub credentials: Option<Credentials>,
}

impl UserEndpointSettings {
    /// Settings with a registration of ten minutes.
    pub fn new(owner: SipUri, proxy: Proxy) -> Self {
        Self {
            owner,
            display_name: None,
            proxy,
            registration: REGISTRATION,
            credentials: None,
        }
    }
}

/// Who an endpoint task is; both kinds of settings end up here.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) owner: SipUri,
    pub(crate) display_name: Option<String>,
    pub(crate) proxy: Proxy,
    /// `None`: no REGISTER.
    pub(crate) registration: Option<Duration>,
    pub(crate) credentials: Option<Credentials>,
    /// Identifies this endpoint among those of the user (facts E1); ten hexadecimal digits.
    pub(crate) epid: String,
    /// Makes jitter and identifiers.
    pub(crate) seed: u64,
}

impl Account {
    fn new(
        platform: &Platform,
        owner: SipUri,
        display_name: Option<String>,
        proxy: Proxy,
        registration: Option<Duration>,
    ) -> Self {
        let seed = platform.shared.seed();
        let epid = format!("{:010x}", seed & 0xff_ffff_ffff);
        Self {
            owner,
            display_name,
            proxy,
            registration,
            credentials: None,
            epid,
            seed,
        }
    }
}

/// What both kinds of endpoint can do. Clones are handles on one connection; dropping the last handle of any kind
/// (chat endpoint, room session and event stream included) signs out.
#[derive(Debug, Clone)]
pub struct LocalEndpoint {
    pub(crate) handle: Handle,
}

impl LocalEndpoint {
    /// The address it speaks as.
    pub fn owner(&self) -> &SipUri {
        &self.handle.owner
    }

    /// Connects and, when the kind or the settings say so, registers. After a failure the endpoint is idle again and
    /// may be tried again; once established it recovers by itself.
    pub async fn establish(&self) -> Result<(), EstablishError> {
        self.handle
            .call(|reply| Command::Establish { reply })
            .await
            .unwrap_or_else(|state| Err(EstablishError::State(state)))
    }

    /// The state right now.
    pub fn state(&self) -> EndpointState {
        self.handle.state()
    }

    /// The state with the reason of a recovery.
    pub fn status(&self) -> EndpointStatus {
        self.handle.status.borrow().clone()
    }

    /// A receiver that sees every change of state.
    ///
    /// ```no_run
    /// # async fn watch(endpoint: parlor_client::ApplicationEndpoint) {
    /// let mut states = endpoint.states();
    /// while states.changed().await.is_ok() {
    ///     tracing::info!(state = %states.borrow().state, "endpoint");
    /// }
    /// # }
    /// ```
    pub fn states(&self) -> watch::Receiver<EndpointStatus> {
        self.handle.status.clone()
    }

    /// Takes no new posts and returns when the posts in flight are settled and every room is left.
    pub async fn drain(&self) {
        let _gone = self.handle.call(|reply| Command::Drain { reply }).await;
    }

    /// Leaves rooms, ends the chat session, deregisters and closes. May be called repeatedly.
    pub async fn terminate(&self) {
        let _gone = self.handle.call(|reply| Command::Terminate { reply }).await;
    }

    fn start(platform: &Platform, account: Account) -> Self {
        Self {
            handle: task::start(&platform.shared, account),
        }
    }
}

/// The endpoint of a trusted application speaking as a user (UCMA `ApplicationEndpoint`).
///
/// ```no_run
/// use parlor_client::{ApplicationEndpoint, ApplicationEndpointSettings, ChatSettings, PersistentChatEndpoint, Platform, Proxy};
///
/// # async fn run(platform: Platform) -> Result<(), Box<dyn std::error::Error>> {
/// let settings = ApplicationEndpointSettings::new("sip:newsbot@example.com".parse()?, Proxy::new("chat.example.com", 5061));
/// let endpoint = ApplicationEndpoint::new(&platform, settings);
/// endpoint.establish().await?;
/// let chat = PersistentChatEndpoint::establish(&endpoint, ChatSettings::default()).await?;
/// let (room, _events) = chat.join("News").await?;
/// room.post("good morning").await?;
/// endpoint.terminate().await;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct ApplicationEndpoint {
    local: LocalEndpoint,
}

impl ApplicationEndpoint {
    /// An idle endpoint. Starts its task, so it must be called within a tokio runtime.
    pub fn new(platform: &Platform, settings: ApplicationEndpointSettings) -> Self {
        let registration = settings.use_registration.then_some(REGISTRATION);
        let account = Account::new(
            platform,
            settings.owner,
            settings.display_name,
            settings.proxy,
            registration,
        );
        Self {
            local: LocalEndpoint::start(platform, account),
        }
    }
}

impl Deref for ApplicationEndpoint {
    type Target = LocalEndpoint;

    fn deref(&self) -> &LocalEndpoint {
        &self.local
    }
}

/// The endpoint of a person's own program (UCMA `UserEndpoint`).
///
/// ```no_run
/// use parlor_client::{Credentials, Platform, Proxy, UserEndpoint, UserEndpointSettings};
///
/// # async fn run(platform: Platform, password: String) -> Result<(), Box<dyn std::error::Error>> {
/// let mut settings = UserEndpointSettings::new("sip:alice@example.com".parse()?, Proxy::new("chat.example.com", 5061));
/// settings.credentials = Some(Credentials::new("alice@example.com", password));
/// let endpoint = UserEndpoint::new(&platform, settings);
/// endpoint.establish().await?; // a wrong password is `EstablishError::WrongPassword`
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct UserEndpoint {
    local: LocalEndpoint,
}

impl UserEndpoint {
    /// An idle endpoint. Starts its task, so it must be called within a tokio runtime.
    pub fn new(platform: &Platform, settings: UserEndpointSettings) -> Self {
        let registration = Some(settings.registration);
        let account = Account {
            credentials: settings.credentials,
            ..Account::new(
                platform,
                settings.owner,
                settings.display_name,
                settings.proxy,
                registration,
            )
        };
        Self {
            local: LocalEndpoint::start(platform, account),
        }
    }
}

impl Deref for UserEndpoint {
    type Target = LocalEndpoint;

    fn deref(&self) -> &LocalEndpoint {
        &self.local
    }
}
