//! A running host: started from a configuration, asked for its status, shut down.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use parlor_bot::{Registry, SipUri, State as Values};
use parlor_control::{Socket, SocketError};
use thiserror::Error;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::{Config, EndpointConfig, InstanceConfig};
use crate::control;
use crate::courier::Courier;
use crate::desk::Desk;
use crate::endpoint::EndpointTask;
use crate::events::{Announcer, HostEvent, HostEvents};
use crate::feeds::Fetcher;
use crate::ground::{Ground, pause};
use crate::health::Health;
use crate::ledger::{LedgerEntry, LedgerQuery, Retried, Retry};
use crate::plan::{Plan, PrivatePlan, Ready, RoomPlan};
use crate::poller::Poller;
use crate::reception::Reception;
use crate::room::{RoomJob, RoomTask};
use crate::sender::{Budgets, Sender, Turns};
use crate::state::{State, StateError};
use crate::status::{EndpointStatus, InstanceState, InstanceStatus, RoomStatus, Status};
use crate::timekeeper::{Timekeeper, Timetable};
use crate::validate::{Made, Problem, inspect};
use crate::worker::Worker;

/// How often what is no longer needed is removed from the state.
const HOUSEKEEPING: Duration = Duration::from_secs(3600);
/// What signing out may take beyond the drain time; the SDK has a shorter deadline of its own.
const SIGN_OUT: Duration = Duration::from_secs(10);
/// How long an answer on the control socket may hold up the end.
const CONTROL: Duration = Duration::from_secs(2);

/// Why a host cannot start. A server that is away or a bot with wrong settings is not a reason.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The state file cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
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
    desk: Desk,
    first_listener: Mutex<Option<HostEvents>>,
    stops: Stops,
    tasks: Tasks,
}

/// The order in which a host stops.
#[derive(Debug, Default)]
struct Stops {
    /// Rooms, feeds and schedules take nothing in.
    intake: CancellationToken,
    /// Workers end after the event they are at.
    work: CancellationToken,
    /// Senders end when nothing is left that can be delivered.
    finish: CancellationToken,
    /// Rooms are left, endpoints signed out.
    leave: CancellationToken,
    /// The control socket is closed: last, so that it can be asked how the stopping goes.
    control: CancellationToken,
}

/// All tasks, by when they are waited for.
#[derive(Debug, Default)]
struct Tasks {
    sources: JoinSet<()>,
    workers: JoinSet<()>,
    senders: JoinSet<()>,
    connections: JoinSet<()>,
    control: JoinSet<()>,
    /// How often bots may post, shared by all senders.
    budgets: Budgets,
}

/// Starts a host and returns when its state is loaded and its tasks run; signing in goes on behind.
///
/// Must be called within a tokio runtime. Instances with wrong settings are reported and left out.
///
/// # Errors
/// [`StartError`].
pub async fn start(config: Config, registry: Registry) -> Result<Host, StartError> {
    let socket = config.control_socket.as_deref().map(Socket::open).transpose()?;
    let mut state = State::open(config.state_path.clone()).await?;
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
    let plan = plan(&ground, &config, &registry).await?;
    let timetable = Timetable::default();
    let stops = Stops::default();
    let endpoints = config.endpoints.iter().map(|endpoint| endpoint.user.clone());
    let desk = Desk {
        ground: ground.clone(),
        order: endpoints.collect(),
        timetable: timetable.clone(),
        bells: plan.bells().into(),
    };
    let mut tasks = Tasks::spawn(&ground, &config, &registry, plan, &timetable, &stops);
    if let Some(socket) = socket {
        let router = control::router(desk.clone());
        tasks.control.spawn(socket.serve(router, stops.control.clone()));
    }
    Ok(Host {
        ground,
        desk,
        first_listener,
        stops,
        tasks,
    })
}

/// Gives dead posts and quarantined events of a host that does not run another chance: at its next start.
///
/// # Errors
/// [`StateError::InUse`] when it runs after all, and whatever else keeps the file from being opened.
pub async fn retry_stopped(state_path: PathBuf, retry: Retry) -> Result<Retried, StateError> {
    let state = State::open(state_path).await?;
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

/// Makes the instances, loads what they remember, and plans their tasks.
async fn plan(ground: &Ground, config: &Config, registry: &Registry) -> Result<Plan, StateError> {
    let mut ready = Vec::new();
    for (instance, made) in inspect(config, registry) {
        let quarantined = ground.state.quarantined(instance.id.clone()).await?;
        match made {
            Ok(made) => {
                ground.board.add_instance(line(instance, quarantined, None));
                let values = values(ground, instance).await?;
                ready.push(Ready {
                    instance,
                    made,
                    values,
                });
            }
            Err(problems) => leave_out(ground, instance, quarantined, &problems),
        }
    }
    for one in &ready {
        announce_started(ground, one.instance, &one.made);
    }
    let mut plan = Plan::new(config, ready, ground.clock.millis());
    for (user, room) in ground.state.rooms_with_waiting_posts().await? {
        let planned = user
            .parse::<SipUri>()
            .is_ok_and(|user| plan.add_left_over(&user, &room));
        if !planned {
            let reason = format!("posts wait for {user}, which is not one of the endpoints any more");
            let instance = String::new();
            ground.announcer.tell(HostEvent::DeliveryFailed {
                instance,
                room,
                reason,
                dead: false,
            });
        }
    }
    Ok(plan)
}

async fn values(ground: &Ground, instance: &InstanceConfig) -> Result<Values, StateError> {
    let mut values = BTreeMap::new();
    for (name, json) in ground.state.values(instance.id.clone()).await? {
        match serde_json::from_str(&json) {
            Ok(value) => {
                values.insert(name, value);
            }
            Err(error) => {
                tracing::error!(instance = %instance.id, %name, %error, "a stored value cannot be read")
            }
        }
    }
    Ok(Values::from(values))
}

fn announce_started(ground: &Ground, instance: &InstanceConfig, made: &Made) {
    let rooms = made.setup.rooms().iter().map(ToString::to_string).collect();
    let (instance, kind) = (instance.id.clone(), instance.kind.clone());
    ground.announcer.tell(HostEvent::BotStarted {
        instance,
        kind,
        rooms,
    });
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
            .add_instance(line(instance, quarantined, Some(reason.clone())));
    }
    ground.announcer.tell(HostEvent::BotStopped {
        instance: instance.id.clone(),
        reason,
    });
}

fn line(instance: &InstanceConfig, quarantined: u64, error: Option<String>) -> InstanceStatus {
    InstanceStatus {
        id: instance.id.clone(),
        kind: instance.kind.clone(),
        user: instance.user.clone(),
        rooms: instance.rooms.iter().map(ToString::to_string).collect(),
        state: if error.is_some() {
            InstanceState::Stopped
        } else {
            InstanceState::Running
        },
        handled: 0,
        failed: 0,
        presence_dropped: 0,
        waiting_since: None,
        quarantined,
        last_error: error,
    }
}

impl Tasks {
    fn spawn(
        ground: &Ground,
        config: &Config,
        registry: &Registry,
        mut plan: Plan,
        timetable: &Timetable,
        stops: &Stops,
    ) -> Self {
        let mut tasks = Self::default();
        let rates = config.instances.iter().map(|instance| {
            let rate = instance.rate.or(config.tuning.bot_rate);
            (instance.id.clone(), rate)
        });
        tasks.budgets = Budgets::new(rates);
        for endpoint in &config.endpoints {
            let rooms = plan.rooms.remove(&endpoint.user).unwrap_or_default();
            let PrivatePlan { listeners, bell } = plan.private.remove(&endpoint.user).unwrap_or_default();
            let reception = Reception {
                ground: ground.clone(),
                user: endpoint.user.clone(),
                listeners,
                bots: plan.bots.clone(),
                intake: stops.intake.clone(),
            };
            tasks.spawn_endpoint(ground, config, endpoint, rooms, (reception, bell), stops);
        }
        for (job, runner) in plan.workers {
            let worker = Worker::new(ground.clone(), registry.clone(), stops.work.clone(), job, runner);
            tasks.workers.spawn(worker.run());
        }
        let timekeeper = Timekeeper::new(ground.clone(), timetable.clone(), stops.intake.clone());
        tasks.sources.spawn(timekeeper.run(plan.scheduled));
        let fetcher = Fetcher::new(&config.user_agent, &config.feed_roots);
        let poller = Poller::new(ground.clone(), fetcher, stops.intake.clone(), plan.subscribers);
        tasks.sources.spawn(poller.run());
        tasks
            .sources
            .spawn(keep_house(ground.clone(), stops.intake.clone()));
        tasks
    }

    fn spawn_endpoint(
        &mut self,
        ground: &Ground,
        config: &Config,
        endpoint: &EndpointConfig,
        rooms: BTreeMap<String, RoomPlan>,
        (reception, bell): (Reception, Arc<Notify>),
        stops: &Stops,
    ) {
        let boot = ground.clock.millis();
        let user = endpoint.user.clone();
        let (state, last_error) = ("idle".to_owned(), None);
        ground.board.add_endpoint(EndpointStatus {
            user: user.clone(),
            state,
            last_error,
        });
        let (chat, offered) = watch::channel(None);
        for (key, room) in rooms {
            let RoomPlan {
                shown,
                listening,
                authors,
                drained,
                bell,
                session,
            } = room;
            ground
                .board
                .add_room(RoomStatus::new(user.clone(), shown.clone()));
            self.senders.spawn(
                Sender {
                    ground: ground.clone(),
                    user: user.clone(),
                    room: key,
                    shown: shown.clone(),
                    bell,
                    session: session.subscribe(),
                    turns: Turns::new(ground.tuning.room_rate, self.budgets.clone()),
                    started: Some(boot),
                    finish: stops.finish.clone(),
                }
                .run(),
            );
            let job = RoomJob {
                user: user.clone(),
                room: shown,
                listening,
                authors,
                drained,
                chat: offered.clone(),
                session,
                intake: stops.intake.clone(),
                leave: stops.leave.clone(),
            };
            self.connections.spawn(RoomTask::new(ground.clone(), job).run());
        }
        let (local, signed_in) = watch::channel(None);
        let courier = Courier {
            ground: ground.clone(),
            user,
            bell,
            endpoint: signed_in,
            finish: stops.finish.clone(),
        };
        self.senders.spawn(courier.run());
        self.connections.spawn(
            EndpointTask {
                ground: ground.clone(),
                endpoint: endpoint.clone(),
                service: config.service.clone(),
                chat,
                local,
                reception,
                leave: stops.leave.clone(),
            }
            .run(),
        );
    }
}

impl Host {
    /// How everything is doing.
    pub async fn status(&self) -> Status {
        self.desk.status().await
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
        self.stops.intake.cancel();
        join(&mut self.tasks.sources, deadline).await;
        self.stops.work.cancel();
        let unfinished_handlers = join(&mut self.tasks.workers, deadline).await;
        self.stops.finish.cancel();
        join(&mut self.tasks.senders, deadline).await;
        self.stops.leave.cancel();
        join(&mut self.tasks.connections, Instant::now() + SIGN_OUT).await;
        let outbox = self.ground.state.outbox_depth().await.unwrap_or_default();
        self.stops.control.cancel();
        join(&mut self.tasks.control, Instant::now() + CONTROL).await;
        self.ground.state.close().await;
        ShutdownReport {
            unfinished_handlers,
            undelivered_posts: outbox.waiting,
        }
    }

    /// Ends everything at once, as a crash would; returns when the state file is free again.
    pub async fn kill(mut self) {
        let Tasks {
            sources,
            workers,
            senders,
            connections,
            control,
            budgets: _,
        } = &mut self.tasks;
        for tasks in [sources, workers, senders, connections, control] {
            tasks.shutdown().await;
        }
        self.ground.state.close().await;
    }
}

/// Waits for tasks until the deadline, then ends them; how many had to be ended.
async fn join(tasks: &mut JoinSet<()>, deadline: Instant) -> usize {
    loop {
        match timeout_at(deadline, tasks.join_next()).await {
            Ok(None) => return 0,
            Ok(Some(Ok(()))) => {}
            Ok(Some(Err(error))) => tracing::error!(%error, "a task of the host failed"),
            Err(_) => {
                let left = tasks.len();
                tasks.shutdown().await;
                return left;
            }
        }
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
