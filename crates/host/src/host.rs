//! A running host: started from a configuration, asked for its status, shut down.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use parlor_bot::Registry;
use parlor_control::{Socket, SocketError};
use thiserror::Error;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::Config;
use crate::control;
use crate::crew::{Crew, join};
use crate::desk::Desk;
use crate::events::{Announcer, HostEvent, HostEvents};
use crate::ground::Ground;
use crate::health::Health;
use crate::ledger::{LedgerEntry, LedgerQuery, Retried, Retry};
use crate::pool::{self, Pool};
use crate::shift::{Leads, Shift};
use crate::state::{Place, State, StateError};
use crate::status::Status;
use crate::webhooks::{Listener, Webhooks};

/// How long an answer on the control socket may hold up the end.
const CONTROL: Duration = Duration::from_secs(2);

/// Why a host cannot start. A server that is away or a bot with wrong settings is not a reason.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The state file cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// The address for webhooks cannot be listened on.
    #[error("cannot listen on {address} for webhooks")]
    Webhooks {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The control socket cannot be opened.
    #[error(transparent)]
    Control(#[from] SocketError),
}

/// What a shutdown left undone; all of it is taken up at the next start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct ShutdownReport {
    /// Handlers that did not finish in time; their events are handled again.
    pub unfinished_handlers: usize,
    /// Posts that are still on their way.
    pub undelivered_posts: u64,
}

/// A running host. Dropping it without [`Host::shutdown`] ends it as a crash would: nothing committed is lost.
#[derive(Debug)]
pub struct Host {
    ground: Ground,
    pub(crate) shift: Arc<Mutex<Shift>>,
    /// None where the state is a file.
    pub(crate) place: Option<pool::Place>,
    desk: Desk,
    first_listener: std::sync::Mutex<Option<HostEvents>>,
    webhooks: Option<SocketAddr>,
    /// The listener for webhooks: whichever host of a pool is asked takes a request.
    listening: JoinSet<()>,
    end_listening: CancellationToken,
    /// The control socket is closed last, so that it can be asked how the stopping goes.
    control: JoinSet<()>,
    end_control: CancellationToken,
}

/// Starts a host and returns when its state is loaded and its tasks run; signing in goes on behind.
///
/// Must be called within a tokio runtime. Instances with wrong settings are reported and left out.
///
/// # Errors
/// [`StartError`].
pub async fn start(config: Config, registry: Registry) -> Result<Host, StartError> {
    let socket = config.control_socket.as_deref().map(Socket::open).transpose()?;
    let listener = match config.webhooks.clone() {
        Some(webhooks) => Some(listen(webhooks).await?),
        None => None,
    };
    let mut state = State::open(config.state.clone()).await?;
    if config.tuning.keep_ledger.is_zero() {
        state = state.without_ledger();
    }
    let ground = Ground {
        state,
        clock: config.clock,
        announcer: Announcer::new(),
        faults: config.faults.clone(),
        tuning: config.tuning.clone().into(),
        board: Default::default(),
    };
    let first_listener = std::sync::Mutex::new(Some(ground.announcer.listen()));
    let crew = Crew::new(ground.clone(), registry, &config);
    let hooks = crew.hooks().clone();
    let desk = Desk {
        ground: ground.clone(),
        timetable: crew.timetable().clone(),
        bells: crew.bells().clone(),
    };
    let in_pool = matches!(config.state, Place::Database(_));
    let leads = if in_pool {
        Leads::Only(BTreeSet::new())
    } else {
        Leads::All
    };
    let mut shift = Shift::new(ground.clone(), crew, config.clone(), leads);
    shift.begin().await?;
    let shift = Arc::new(Mutex::new(shift));
    let place = match in_pool {
        true => Some(take_place(&desk, &shift, &config).await),
        false => None,
    };
    // Begun last: from now on requests are taken.
    let (listener, webhooks) = listener.unzip();
    let (mut listening, end_listening) = (JoinSet::new(), CancellationToken::new());
    if let Some(listener) = listener {
        listening.spawn(listener.serve(hooks, ground.clone(), end_listening.clone()));
    }
    let (mut control, end_control) = (JoinSet::new(), CancellationToken::new());
    if let Some(socket) = socket {
        let mut router = control::router(desk.clone());
        if let Some(reloads) = config.reloads {
            router = router.merge(parlor_control::reload_route(reloads));
        }
        control.spawn(socket.serve(router, end_control.clone()));
    }
    Ok(Host {
        ground,
        shift,
        place,
        desk,
        first_listener,
        webhooks,
        listening,
        end_listening,
        control,
        end_control,
    })
}

/// Takes the address for webhooks, before anything runs that would have to be stopped again.
async fn listen(webhooks: Webhooks) -> Result<(Listener, SocketAddr), StartError> {
    let address = webhooks.listen;
    let bound = async {
        let listener = Listener::bind(webhooks).await?;
        let address = listener.address()?;
        Ok((listener, address))
    };
    bound
        .await
        .map_err(|source| StartError::Webhooks { address, source })
}

/// Begins to take part in the pool.
async fn take_place(desk: &Desk, shift: &Arc<Mutex<Shift>>, config: &Config) -> pool::Place {
    let (wanted, told) = watch::channel(shift.lock().await.endpoints());
    let stop = CancellationToken::new();
    let pool = Pool {
        ground: desk.ground.clone(),
        shift: Arc::clone(shift),
        bells: desk.bells.clone(),
        name: config.name.clone(),
        lease: config.tuning.lease,
        wanted: told,
        stop: stop.clone(),
    };
    pool::Place {
        wanted,
        stop,
        task: tokio::spawn(pool.run()),
    }
}

/// Gives dead posts and quarantined events of a host that does not run another chance: at its next start.
///
/// # Errors
/// [`StateError::InUse`] when it runs after all, and whatever else keeps the file from being opened.
pub async fn retry_stopped(place: Place, retry: Retry) -> Result<Retried, StateError> {
    let state = State::open(place).await?;
    let revived = state.retry(retry, Clock::System.millis()).await;
    state.close().await;
    let revived = revived?;
    let (posts, events) = (revived.posts.len() as u64, revived.events.len() as u64);
    Ok(Retried {
        posts,
        events,
        kept_back: revived.kept_back,
        waiting_for_start: posts + events,
    })
}

impl Host {
    /// How everything is doing.
    pub async fn status(&self) -> Status {
        self.desk.status().await
    }

    /// Where webhooks come in, with the port that was chosen.
    pub fn webhooks(&self) -> Option<SocketAddr> {
        self.webhooks
    }

    /// How healthy it is, to be asked for as long as somebody wants to know; a host that has ended is not.
    pub fn health(&self) -> Health {
        Health::new(&self.ground)
    }

    /// Entries of the ledger, oldest first.
    ///
    /// # Errors
    /// [`StateError`].
    pub async fn ledger(&self, query: LedgerQuery) -> Result<Vec<LedgerEntry>, StateError> {
        self.desk.ledger(query).await
    }

    /// Everything the ledger tells about one thing: an item by its name or the end of it, an address, or the id of a
    /// message.
    ///
    /// # Errors
    /// [`StateError`].
    pub async fn ledger_about(&self, what: &str) -> Result<Vec<LedgerEntry>, StateError> {
        self.desk.ledger_about(what.to_owned()).await
    }

    /// Gives dead posts and quarantined events another chance.
    ///
    /// # Errors
    /// [`StateError`].
    pub async fn retry(&self, retry: Retry) -> Result<Retried, StateError> {
        self.desk.retry(retry).await
    }

    /// What happens from now on; the first caller also gets what happened since [`start`].
    pub fn events(&self) -> HostEvents {
        let first = self
            .first_listener
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        first.unwrap_or_else(|| self.ground.announcer.listen())
    }

    /// Stops taking in, lets handlers finish and the outbox empty within `drain`, leaves rooms and signs out.
    pub async fn shutdown(mut self, drain: Duration) -> ShutdownReport {
        let deadline = Instant::now() + drain;
        self.ground.announcer.tell(HostEvent::Stopping);
        if let Some(place) = &self.place {
            place.wanted.send_replace(BTreeSet::new());
        }
        self.end_listening.cancel();
        join(&mut self.listening, deadline).await;
        let unfinished_handlers = self.shift.lock().await.crew().shut_down(deadline).await;
        if let Some(place) = self.place.take() {
            place.leave().await;
        }
        let outbox = self.ground.state.outbox_depth().await.unwrap_or_default();
        self.end_control.cancel();
        join(&mut self.control, Instant::now() + CONTROL).await;
        self.ground.state.close().await;
        ShutdownReport {
            unfinished_handlers,
            undelivered_posts: outbox.waiting,
        }
    }

    /// Ends everything at once, as a crash would; returns when the state file is free again.
    pub async fn kill(mut self) {
        if let Some(place) = self.place.take() {
            place.task.abort();
            let _ended = place.task.await;
        }
        self.listening.shutdown().await;
        self.shift.lock().await.crew().kill().await;
        self.control.shutdown().await;
        self.ground.state.close().await;
    }
}
