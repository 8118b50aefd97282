//! Starting and stopping a server.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use parlor_control::{Socket, SocketError};
use parlor_net::{Admission, ListenError, Listener};
use parlor_rooms::{Refusal, Store};
use parlor_xccos::{EncodeOptions, RoomId, RoomUri, UriError};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::accounts::Accounts;
use crate::control::{self, ListenerStatus, Status};
use crate::directory::{DirectoryError, SharedDirectory};
use crate::health::Health;
use crate::lanes::Lanes;
use crate::listener::Approach;
use crate::presence::Presence;
use crate::queries::Queries;
use crate::registrar::{Registrar, end_in_time};
use crate::registry::Registry;
use crate::service::{Counters, Service};
use crate::sessions::Sessions;
use crate::throttle::Throttle;
use crate::wire::Wire;
use crate::{Config, Seed, TrustedPool};
use crate::{keeping, listener, seed};

/// Longest wait for posts that were taken before the stop; one commit takes milliseconds.
const FLUSH_DEADLINE: Duration = Duration::from_secs(10);
/// Longest wait for connections to close after their goodbye.
const CLOSE_DEADLINE: Duration = Duration::from_secs(5);

/// A running server; dropping it leaves its tasks running until the end of the runtime. Stop it with
/// [`Server::shutdown`].
#[derive(Debug)]
pub struct Server {
    service: Arc<Service>,
    admission: Admission,
    addresses: Vec<SocketAddr>,
}

/// Starts a server: loads the directory from the store, creates what the seed names, binds, and accepts.
///
/// # Errors
/// Nothing keeps running when it fails.
pub async fn start(config: Config, store: Arc<dyn Store>) -> Result<Server, StartError> {
    if config.listeners.is_empty() {
        return Err(StartError::NoListener);
    }
    let base =
        RoomUri::new(&config.domain, RoomId::from_bytes([0; 16])).map_err(|source| StartError::Domain {
            domain: config.domain.clone(),
            source,
        })?;
    let directory = SharedDirectory::load(Arc::clone(&store)).await?;
    let accounts = Accounts::load(Arc::clone(&store), &config.domain, config.sign_in)
        .await
        .map_err(DirectoryError::from)?;
    seed::plant(&directory, &accounts, &store, &base, &config.seed).await?;
    let kept = store.documents().await.map_err(DirectoryError::from)?;
    let presence = Presence::recalled(&kept);
    drop(kept);

    let control = match &config.control_socket {
        Some(path) => Some(Socket::open(path)?),
        None => None,
    };
    let limits = parlor_net::Limits {
        connections: config.limits.connections,
        connections_per_peer: config.limits.connections_per_peer,
        ..parlor_net::Limits::default()
    };
    let admission = Admission::new(&limits);
    let mut listeners = Vec::new();
    for listener in &config.listeners {
        listeners.push((
            listener::bind(&config, listener, &admission, &limits).await?,
            Approach {
                unproved: listener.unproved,
                is_private: listener.tls.is_some(),
            },
        ));
    }
    let reloads = config.reloads.clone();
    let addresses: Vec<SocketAddr> = listeners
        .iter()
        .map(|(listener, _)| Listener::local_addr(listener))
        .collect();
    let service = Arc::new(service(
        config, store, directory, accounts, presence, base, &addresses,
    )?);
    for (listener, approach) in listeners {
        tracing::info!(address = %listener.local_addr(), "listening");
        service
            .tasks
            .spawn(listener::accept(Arc::clone(&service), listener, approach));
    }
    service.tasks.spawn(end_in_time(Arc::clone(&service)));
    if let Some(control) = control {
        let (mut router, stopping) = (control::router(Arc::clone(&service)), service.stopping.clone());
        if let Some(reloads) = reloads {
            router = router.merge(parlor_control::reload_route(reloads));
        }
        service.tasks.spawn(control.serve(router, stopping));
    }
    Ok(Server {
        service,
        admission,
        addresses,
    })
}

pub(crate) fn service(
    config: Config,
    store: Arc<dyn Store>,
    directory: SharedDirectory,
    accounts: Accounts,
    presence: Presence,
    base: RoomUri,
    addresses: &[SocketAddr],
) -> Result<Service, StartError> {
    let tasks = TaskTracker::new();
    let stopping = CancellationToken::new();
    let mut first = [0; 8];
    getrandom::fill(&mut first).map_err(StartError::Random)?;
    // Half the range, so that the numbers never wrap.
    let first = u64::from_le_bytes(first) >> 1;
    let options = EncodeOptions {
        legacy_masks: config.legacy_masks,
    };
    let listeners = config
        .listeners
        .iter()
        .zip(addresses)
        .map(|(listener, addr)| ListenerStatus {
            addr: *addr,
            transport: if listener.tls.is_some() { "tls" } else { "tcp" }.to_owned(),
        })
        .collect();
    Ok(Service {
        pools: RwLock::new(shared(&config.trusted_pools)),
        base,
        directory,
        accounts,
        throttle: Throttle::default(),
        rooms: Registry::new(config.limits.room_queue, config.limits.room_endpoints),
        sessions: Sessions::default(),
        registrar: Registrar::default(),
        presence,
        keeping: Lanes::start(keeping::LANES, &tasks, &stopping),
        queries: Queries::start(&store, &tasks, &stopping),
        wire: Arc::new(Wire::new(first, options)),
        counters: Counters::new(),
        listeners,
        tasks,
        stopping,
        store,
        config,
    })
}

fn shared(pools: &[TrustedPool]) -> Arc<[Arc<TrustedPool>]> {
    pools.iter().cloned().map(Arc::new).collect()
}

impl Server {
    /// Bound addresses, in the order of the configured listeners.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// What `GET /status` shows.
    pub fn status(&self) -> Status {
        self.service.status()
    }

    /// How healthy it is, to be asked for as long as somebody wants to know.
    pub fn health(&self) -> Health {
        Health::new(Arc::clone(&self.service), self.admission.clone())
    }

    /// Takes changed pools of trusted applications into use, for connections that come from now on, and creates what
    /// the seed names and does not exist. Whoever is connected keeps what it has proved until it connects again.
    ///
    /// # Errors
    /// Something of the seed is against the rules; what stands before it was created.
    pub async fn reload(&self, trusted_pools: &[TrustedPool], seed: &Seed) -> Result<(), StartError> {
        let service = &self.service;
        seed::plant(
            &service.directory,
            &service.accounts,
            &service.store,
            &service.base,
            seed,
        )
        .await?;
        *service.pools.write().unwrap_or_else(PoisonError::into_inner) = shared(trusted_pools);
        service.rooms.all_changed();
        service.sessions.recheck_users();
        Ok(())
    }

    /// Stops accepting, finishes queued posts, ends every dialog with BYE, closes connections and the control socket.
    /// Takes a few seconds at most, whatever peers and the store do.
    pub async fn shutdown(self) {
        let service = self.service;
        tracing::info!(connections = service.sessions.connections(), "stopping");
        service.stopping.cancel();
        service.tasks.close();
        if tokio::time::timeout(FLUSH_DEADLINE, service.rooms.flush())
            .await
            .is_err()
        {
            tracing::warn!(
                "stopped waiting for the store: posts that it did not confirm were not shown to anybody"
            );
        }
        service.sessions.end();
        if tokio::time::timeout(CLOSE_DEADLINE, self.admission.emptied())
            .await
            .is_err()
        {
            tracing::warn!(
                connections = self.admission.open(),
                "closing connections that did not close"
            );
            self.admission.close_all();
        }
        service.rooms.clear();
        if tokio::time::timeout(CLOSE_DEADLINE, service.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("stopped with tasks still running");
        }
    }
}

impl Service {
    pub(crate) fn status(&self) -> Status {
        let directory = self.directory.read();
        let name = |id: RoomId| {
            directory
                .room(id)
                .map_or_else(|| id.to_string(), |room| room.settings.name.clone())
        };
        Status {
            domain: self.config.domain.clone(),
            chat_uri: self.config.chat_uri.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            started: self.counters.started,
            uptime_seconds: self.counters.began.elapsed().as_secs(),
            listeners: self.listeners.clone(),
            connections: self.sessions.connections(),
            sessions: self.sessions.dialogs(),
            rooms: directory.rooms().count(),
            users: directory.users().count(),
            live: self.rooms.status(name),
            posts: self.counters.posts.load(Ordering::Relaxed),
            deliveries: self.counters.deliveries.load(Ordering::Relaxed),
            refused: self.counters.refusals.all_posts(),
            store: self.counters.store(),
        }
    }
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The configuration has no listener.
    #[error("no listener is configured")]
    NoListener,
    /// The SIP domain cannot be part of a room address.
    #[error("{domain:?} cannot be the domain of rooms")]
    Domain {
        /// The domain.
        domain: String,
        /// Why.
        #[source]
        source: UriError,
    },
    /// An address could not be bound.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The stored directory could not be used.
    #[error("the directory could not be loaded")]
    Directory(#[from] DirectoryError),
    /// Something in the seed is against the rules.
    #[error("cannot create {what} {name:?}")]
    Seed {
        /// `category`, `room` or `user`.
        what: &'static str,
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: Refusal,
    },
    /// A password of the seed could not be set.
    #[error("cannot set the password of {user}")]
    Password {
        /// The user.
        user: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An address in the seed's scope is none.
    #[error("{text:?} in the scope of category {category:?} is neither an address nor a domain")]
    Scope {
        /// The category.
        category: String,
        /// What stands there.
        text: String,
    },
    /// A room of the seed names a category that does not exist.
    #[error("no category {category:?} for room {room:?}")]
    NoSuchCategory {
        /// The room.
        room: String,
        /// The category.
        category: String,
    },
    /// The control socket could not be opened; another server may be running on it.
    #[error(transparent)]
    Control(#[from] SocketError),
    /// The system gives no random numbers.
    #[error("no random numbers from the system")]
    Random(#[source] getrandom::Error),
}
