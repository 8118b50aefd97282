//! The accept loop of each listening socket; each connection becomes a session task.

use std::sync::Arc;

use parlor_net::{Admission, ConnectionSettings, KeepAlivePolicy, ListenError, ListenSettings, Listener};
use parlor_sip::{AgentSettings, Transport};
use tracing::Instrument;

use crate::config::{Config, ListenerConfig, UnprovedUsers};
use crate::service::Service;
use crate::session;

/// What a story of the greatest size needs with every character escaped, and its rtf besides; the same as the largest
/// document that is decoded.
const MAX_BODY: usize = parlor_xccos::MAX_DOCUMENT;
/// The 2013 server's name: clients choose features by it (real-client 3.1).
const SERVER_NAME: &str = concat!("RTC/5.0 Parlor/", env!("CARGO_PKG_VERSION"));

/// What the way somebody came says about them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Approach {
    pub(crate) unproved: UnprovedUsers,
    /// Nobody can listen.
    pub(crate) is_private: bool,
}

/// Opens a listening socket.
pub(crate) async fn bind(
    config: &Config,
    listener: &ListenerConfig,
    admission: &Admission,
    limits: &parlor_net::Limits,
) -> Result<Listener, ListenError> {
    let transport = if listener.tls.is_some() {
        Transport::Tls
    } else {
        Transport::Tcp
    };
    let mut agent = AgentSettings::new("", transport, SERVER_NAME);
    agent.limits.body = MAX_BODY;
    // The session refuses a user's dialogs and requests earlier.
    agent.limits.dialogs = config.limits.trusted_dialogs.max(config.limits.user_dialogs);
    agent.limits.server_transactions = config.limits.trusted_pending.max(config.limits.user_pending);
    agent.session_expires = Some(config.session_expires);
    // A receiver's 200 to a post is of no interest, and there is one per delivery.
    agent.quiet_info_success = true;
    let connection = ConnectionSettings {
        agent,
        limits: limits.clone(),
        keep_alive: KeepAlivePolicy::Silent,
    };
    Listener::bind(ListenSettings {
        address: listener.addr,
        tls: listener.tls.clone(),
        connection,
        admission: admission.clone(),
    })
    .await
}

/// Accepts until the server stops.
pub(crate) async fn accept(service: Arc<Service>, listener: Listener, approach: Approach) {
    loop {
        let incoming = tokio::select! {
            () = service.stopping.cancelled() => return,
            incoming = listener.accept() => incoming,
        };
        match incoming {
            Ok(incoming) => {
                let span = tracing::info_span!("connection", peer = %incoming.peer_addr());
                let session = session::serve(Arc::clone(&service), incoming, approach);
                service.tasks.spawn(session.instrument(span));
            }
            Err(error) => {
                tracing::error!(%error, address = %listener.local_addr(), "listener failed");
                return;
            }
        }
    }
}
