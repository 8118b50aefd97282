//! A running host: started from a configuration, asked for its status, shut down.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use parlor_bot::Registry;
use parlor_control::{Socket, SocketError};
use thiserror::Error;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::{Config, InstanceConfig};
use crate::control;
use crate::crew::{Crew, join};
use crate::desk::Desk;
use crate::events::{Announcer, HostEvent, HostEvents};
use crate::ground::{Ground, pause};
use crate::health::Health;
use crate::ledger::{LedgerEntry, LedgerQuery, Retried, Retry};
use crate::state::{Place, State, StateError};
use crate::status::{InstanceStatus, Status};
use crate::validate::{Problem, inspect};
use crate::webhooks::{Listener, Webhooks};

/// How often what is no longer needed is removed from the state.
const HOUSEKEEPING: Duration = Duration::from_secs(3600);
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
    pub(crate) ground: Ground,
    pub(crate) crew: Crew,
    desk: Desk,
    first_listener: Mutex<Option<HostEvents>>,
    /// The control socket is closed last, so that it can be asked how the stopping goes.
    control: JoinSet<()>,
    webhooks: Option<SocketAddr>,
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
    let first_listener = Mutex::new(Some(ground.announcer.listen()));
    let mut crew = Crew::new(ground.clone(), registry.clone(), &config);
    for endpoint in &config.endpoints {
        crew.begin_endpoint(endpoint);
    }
    let mut hooks = Vec::new();
    for (instance, made) in inspect(&config, &registry) {
        match made {
            Ok(mut made) => {
                let own = std::mem::take(&mut made.hooks).into_iter();
                hooks.extend(own.map(|hook| (instance.id.clone(), hook)));
                crew.begin_instance(instance, made, None).await?;
            }
            Err(problems) => {
                let quarantined = ground.state.quarantined(instance.id.clone()).await?;
                leave_out(&ground, instance, quarantined, &problems);
            }
        }
    }
    crew.begin_mail();
    crew.begin_left_over().await?;
    crew.begin_hooks(hooks);
    crew.begin_sources();
    let (listener, webhooks) = listener.unzip();
    if let Some(listener) = listener {
        let hooks = crew.hooks().clone();
        crew.begin_chore(|ground, stop| listener.serve(hooks, ground, stop));
    }
    crew.begin_chore(keep_house);
    let desk = Desk {
        ground: ground.clone(),
        timetable: crew.timetable().clone(),
        bells: crew.bells().clone(),
    };
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
        crew,
        desk,
        first_listener,
        control,
        webhooks,
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

/// An instance whose settings are wrong does not run; the others do.
fn leave_out(ground: &Ground, instance: &InstanceConfig, quarantined: u64, problems: &[Problem]) {
    let reasons = problems
        .iter()
        .map(|problem| format!("{}: {}", problem.path, problem.source.message()));
    let reason = reasons.collect::<Vec<_>>().join("; ");
    tracing::error!(instance = %instance.id, %reason, "bot left out");
    // Of two instances with the same id the first one keeps the line.
    if ground.board.instances().iter().all(|line| line.id != instance.id) {
        ground
            .board
            .add_instance(InstanceStatus::new(instance, quarantined, Some(reason.clone())));
    }
    ground.announcer.tell(HostEvent::BotStopped {
        instance: instance.id.clone(),
        reason,
    });
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
        let unfinished_handlers = self.crew.shut_down(deadline).await;
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
        self.crew.kill().await;
        self.control.shutdown().await;
        self.ground.state.close().await;
    }
}

/// Removes what is no longer needed from the state, now and then.
async fn keep_house(ground: Ground, stop: CancellationToken) {
    let before = |keep: Duration| ground.clock.millis() - i64::try_from(keep.as_millis()).unwrap_or(i64::MAX);
    loop {
        let delivered = ground
            .state
            .forget_delivered(before(ground.tuning.keep_delivered))
            .await;
        let items = ground
            .state
            .forget_unlisted(before(ground.tuning.keep_unlisted))
            .await;
        let entries = ground
            .state
            .forget_ledger(before(ground.tuning.keep_ledger), ground.tuning.ledger_entries)
            .await;
        match (delivered, items, entries) {
            (Ok(posts), Ok(items), Ok(entries)) => tracing::debug!(posts, items, entries, "forgotten"),
            (Err(error), ..) | (_, Err(error), _) | (.., Err(error)) => {
                tracing::warn!(%error, "old rows could not be removed");
            }
        }
        if !pause(&stop, HOUSEKEEPING).await {
            return;
        }
    }
}
