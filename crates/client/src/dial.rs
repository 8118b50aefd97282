//! Opening the connection of an endpoint: over the network, or as a test or tunnel wants it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use parlor_net::{ConnectError, ConnectSettings, Connection, ConnectionSettings, KeepAlivePolicy, Limits};
use parlor_sip::{AgentSettings, Transport};

use crate::endpoint::Proxy;
use crate::platform::{ClientTransport, PlatformSettings};

/// A story of 64 KiB, 999 search results and a long history each come as one body; XCCOS lists are not split.
const MAX_BODY: usize = parlor_xccos::MAX_DOCUMENT;
/// Asked for in INVITE (facts A4); the server may shorten it.
const SESSION_EXPIRES: Duration = Duration::from_secs(600);
/// Name lookup, and each address of the proxy that is tried.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Shorter than the idle limits of firewalls and of the server (15 minutes, facts E6).
const PING_AFTER: Duration = Duration::from_secs(120);

type Dialing = Pin<Box<dyn Future<Output = Result<Connection, ConnectError>> + Send>>;

/// Opens a connection to a proxy.
#[derive(Clone)]
pub struct Dialer {
    dial: Arc<dyn Fn(Proxy) -> Dialing + Send + Sync>,
}

impl Dialer {
    /// A dialer that runs `dial` for each connection.
    pub fn new<F>(dial: impl Fn(Proxy) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Connection, ConnectError>> + Send + 'static,
    {
        Self {
            dial: Arc::new(move |proxy| Box::pin(dial(proxy))),
        }
    }

    pub(crate) fn network(settings: &PlatformSettings) -> Self {
        let (user_agent, tls) = match settings {
            PlatformSettings::Server(server) => (server.user_agent.clone(), Some(server.tls.clone())),
            PlatformSettings::Client(client) => {
                let tls = match &client.transport {
                    ClientTransport::Tls(tls) => Some(tls.clone()),
                    ClientTransport::Tcp => None,
                };
                (client.user_agent.clone(), tls)
            }
        };
        let transport = if tls.is_some() {
            Transport::Tls
        } else {
            Transport::Tcp
        };
        let connection = ConnectionSettings {
            agent: AgentSettings {
                limits: parlor_sip::Limits {
                    body: MAX_BODY,
                    ..parlor_sip::Limits::default()
                },
                session_expires: Some(SESSION_EXPIRES),
                ..AgentSettings::new("", transport, user_agent)
            },
            // The idle deadlines are for servers that guard themselves; keep-alive and SIP timers find a dead peer here.
            limits: Limits {
                idle: None,
                first_message: None,
                ..Limits::default()
            },
            keep_alive: KeepAlivePolicy::Ping {
                after: PING_AFTER,
                answer_within: None,
            },
        };
        Self::new(move |proxy| {
            parlor_net::connect(ConnectSettings {
                host: proxy.host,
                port: proxy.port,
                tls: tls.clone(),
                timeout: CONNECT_TIMEOUT,
                connection: connection.clone(),
            })
        })
    }

    pub(crate) fn dial(&self, proxy: Proxy) -> Dialing {
        (self.dial)(proxy)
    }
}

impl fmt::Debug for Dialer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Dialer")
    }
}
