//! The running parts of a host: each can be begun and ended alone, and all of them be stopped in order.
//!
//! What is to run is decided by whoever calls in here: [`crate::start`] for everything, a reload for what changed. What
//! a part has achieved is in the state before it ends, so that its successor goes on where it was.

mod ending;
mod endpoints;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use parlor_bot::{BotKind, FeedSpec, Registry, Room, ScheduleSpec, SipUri, State as Values};
use parlor_client::PersistentChatEndpoint;
use parlor_control::Client;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::{ChatService, Config, InstanceConfig};
use crate::courier::is_person;
use crate::desk::Bells;
use crate::events::HostEvent;
use crate::feeds::Fetcher;
use crate::ground::Ground;
use crate::lane::{Bell, lane};
use crate::mail::{MailConfig, is_mail};
use crate::operators::Operators;
use crate::part::Part;
use crate::poller::{Poller, Subscriber};
use crate::reception::{PrivateListener, PrivateListeners};
use crate::remover::is_removal;
use crate::room::{Arrivals, Authors, Bots, Listening, RoomJob, RoomTask, room_key};
use crate::runner::Runner;
use crate::sender::{Budgets, Sender, Turns};
use crate::shift::Leads;
use crate::state::StateError;
use crate::status::{InstanceStatus, RoomStatus};
use crate::timekeeper::{Scheduled, Timekeeper, Timetable};
use crate::validate::Made;
use crate::webhooks::{Hooks, ReadyHook};
use crate::worker::{Job, Mailbox, Mailing, Worker};

pub(crate) use ending::join;

/// What signing out may take beyond the drain time; the SDK has a shorter deadline of its own.
const SIGN_OUT: Duration = Duration::from_secs(10);

/// Everything that runs.
#[derive(Debug)]
pub(crate) struct Crew {
    ground: Ground,
    registry: Registry,
    service: ChatService,
    /// The server's control socket, where this host may use it.
    server_control: Option<Client>,
    fetcher: Fetcher,
    operator_room: Option<Room>,
    timetable: Timetable,
    hooks: Hooks,
    bells: Bells,
    bots: Bots,
    /// How often bots may post, shared by all senders.
    budgets: Budgets,
    /// Cancelled when all is begun that new endpoints serve: whoever signs in is complete.
    complete: CancellationToken,
    /// Rung for mails; nobody listens without a mail server.
    mail_bell: Arc<Notify>,
    mail: Option<Arc<MailConfig>>,
    mail_courier: Option<Part>,
    stops: Stops,
    tasks: Tasks,
    endpoints: BTreeMap<SipUri, RunningEndpoint>,
    /// By user and room as the outbox spells it.
    rooms: BTreeMap<(SipUri, String), RunningRoom>,
    instances: BTreeMap<String, RunningInstance>,
    poller: Option<Part>,
    timekeeper: Option<Part>,
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
}

/// All tasks, by when they are waited for.
#[derive(Debug, Default)]
struct Tasks {
    sources: JoinSet<()>,
    workers: JoinSet<()>,
    senders: JoinSet<()>,
    connections: JoinSet<()>,
}

#[derive(Debug)]
struct RunningEndpoint {
    chat: watch::Receiver<Option<PersistentChatEndpoint>>,
    private: PrivateListeners,
    /// Rung for answers to private messages.
    bell: Arc<Notify>,
    courier: Part,
    /// With the bell that is rung for removals.
    remover: Option<(Arc<Notify>, Part)>,
    part: Part,
}

#[derive(Debug)]
struct RunningRoom {
    arrivals: Arc<Arrivals>,
    bell: Arc<Notify>,
    sender: Part,
    leave: CancellationToken,
    part: Part,
}

#[derive(Debug)]
struct RunningInstance {
    config: InstanceConfig,
    kind: Option<BotKind>,
    feeds: Vec<FeedSpec>,
    schedules: Vec<ScheduleSpec>,
    /// Stays the same when the instance is begun anew: feeds and schedules ring it.
    bell: Arc<Bell>,
    part: Part,
}

impl Crew {
    pub(crate) fn new(ground: Ground, registry: Registry, config: &Config) -> Self {
        Self {
            ground,
            registry,
            service: config.service.clone(),
            server_control: config.server_control.as_ref().map(Client::new),
            fetcher: Fetcher::new(&config.user_agent, &config.feed_roots),
            operator_room: config.operator_room.clone(),
            timetable: Timetable::default(),
            hooks: Hooks::default(),
            bells: Bells::default(),
            bots: Bots::default(),
            budgets: Budgets::default(),
            complete: CancellationToken::new(),
            mail_bell: Arc::default(),
            mail: config.mail.clone().map(Arc::new),
            mail_courier: None,
            stops: Stops::default(),
            tasks: Tasks::default(),
            endpoints: BTreeMap::new(),
            rooms: BTreeMap::new(),
            instances: BTreeMap::new(),
            poller: None,
            timekeeper: None,
        }
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Kinds of bots for instances that begin from now on.
    pub(crate) fn use_bots(&mut self, registry: Registry) {
        self.registry = registry;
    }

    pub(crate) fn timetable(&self) -> &Timetable {
        &self.timetable
    }

    /// The webhooks there are; a request for one of them may come in at any time.
    pub(crate) fn hooks(&self) -> &Hooks {
        &self.hooks
    }

    /// From now on there are these webhooks, by instance. What comes for one that does not run here waits in the inbox for
    /// whoever runs it.
    pub(crate) fn begin_hooks(&self, hooks: impl IntoIterator<Item = (String, ReadyHook)>) {
        self.hooks.set(hooks, &self.bells);
    }

    /// Whom to wake for work that comes from outside the usual ways; follows what is begun and ended.
    pub(crate) fn bells(&self) -> &Bells {
        &self.bells
    }

    /// Begins an instance: it loads what it remembers, listens in its rooms and works.
    pub(crate) async fn begin_instance(
        &mut self,
        instance: &InstanceConfig,
        made: Made,
        bell: Option<Arc<Bell>>,
    ) -> Result<(), StateError> {
        let quarantined = self.ground.state.quarantined(instance.id.clone()).await?;
        self.ground
            .board
            .add_instance(InstanceStatus::new(instance, quarantined, None));
        let values = self.values(instance).await?;
        self.announce_started(instance, &made);
        let rate = instance.rate.or(self.ground.tuning.bot_rate);
        self.budgets.set(&instance.id, rate);
        let Made {
            bot,
            interests,
            setup,
            hooks: _,
        } = made;
        let bell = bell.unwrap_or_default();
        let (mut lanes, mut mailboxes) = (Vec::new(), HashMap::new());
        for room in &instance.rooms {
            let Some(running) = self.room(&instance.user, room.as_str()) else {
                continue;
            };
            let mailbox = Mailbox {
                room: room_key(room),
                bell: running.bell.clone(),
            };
            mailboxes.insert(room.clone(), mailbox);
            if !interests.messages && !interests.presence {
                continue;
            }
            let arrivals = running.arrivals.clone();
            let (sender, receiver) = lane(self.ground.tuning.lane, bell.clone(), arrivals.drained());
            lanes.push(receiver);
            arrivals.add(Listening {
                instance: instance.id.clone(),
                room: room.clone(),
                lane: sender,
                messages: interests.messages,
                presence: interests.presence,
                replay: instance.replay,
                hears_bots: instance.hears_bots,
            });
        }
        let endpoint = self.endpoints.get(&instance.user);
        if interests.private_messages
            && let Some(endpoint) = endpoint
        {
            endpoint.private.add(PrivateListener {
                instance: instance.id.clone(),
                hears_bots: instance.hears_bots,
                bell: bell.clone(),
            });
        }
        let job = Job {
            courier: endpoint.map(|endpoint| endpoint.bell.clone()).unwrap_or_default(),
            mailing: Mailing {
                bell: self.mail_bell.clone(),
                server: self.mail.clone(),
                declared: interests.mail_to,
            },
            remover: endpoint
                .and_then(|endpoint| Some(endpoint.remover.as_ref()?.0.clone()))
                .unwrap_or_default(),
            instance: instance.clone(),
            setup,
            values,
            lanes,
            bell: bell.clone(),
            mailboxes,
            boot: self.ground.clock.millis(),
        };
        let stop = self.stops.work.child_token();
        let (ground, registry) = (self.ground.clone(), self.registry.clone());
        let worker = Worker::new(ground, registry, stop.clone(), job, Runner::start(bot));
        let part = Part::begin(&mut self.tasks.workers, stop, worker.run());
        self.bells.worker(&instance.id, Some(bell.clone()));
        self.instances.insert(
            instance.id.clone(),
            RunningInstance {
                config: instance.clone(),
                kind: self.registry.kind(&instance.kind).cloned(),
                feeds: interests.feeds,
                schedules: interests.schedules,
                bell,
                part,
            },
        );
        Ok(())
    }

    /// Serves posts of an earlier run whose room no instance names any more, of the endpoints that are for this host.
    pub(crate) async fn begin_left_over(&mut self, leads: &Leads) -> Result<(), StateError> {
        for (user, room) in self.ground.state.rooms_with_waiting_posts().await? {
            // Another host looks after what it leads; what nobody can lead is told here too.
            if !leads.has(&user) && user.parse().is_ok_and(|user| self.bots.contains(&user)) {
                continue;
            }
            if is_mail(&room) {
                if self.mail.is_none() {
                    let reason = "mail waits, and there is no [host.mail] any more".to_owned();
                    let (instance, dead) = (String::new(), false);
                    self.ground.announcer.tell(HostEvent::MailFailed {
                        instance,
                        reason,
                        dead,
                    });
                }
                continue;
            }
            // The endpoint's courier and remover look for themselves.
            let served = user.parse::<SipUri>().is_ok_and(|user| {
                let Some(endpoint) = self.endpoints.get(&user) else {
                    return false;
                };
                if is_removal(&room) {
                    endpoint.remover.is_some()
                } else {
                    is_person(&room) || self.room(&user, &room).is_some()
                }
            });
            if !served {
                let reason = if is_removal(&room) && self.server_control.is_none() {
                    "messages wait to be removed, and `server_control` in [host] names no server any more"
                        .to_owned()
                } else {
                    format!("posts wait for {user}, which is not one of the endpoints any more")
                };
                let instance = String::new();
                self.ground.announcer.tell(HostEvent::DeliveryFailed {
                    instance,
                    room,
                    reason,
                    dead: false,
                });
            }
        }
        Ok(())
    }

    /// Begins to look at feeds and schedules, those of them that do not run, and lets new endpoints sign in.
    pub(crate) fn begin_sources(&mut self) {
        if self.timekeeper.is_none() {
            self.timetable.clear();
            let stop = self.stops.intake.child_token();
            let timekeeper = Timekeeper::new(self.ground.clone(), self.timetable.clone(), stop.clone());
            let scheduled = self.instances.iter().map(|(id, one)| Scheduled {
                instance: id.clone(),
                schedules: one.schedules.clone(),
                bell: one.bell.clone(),
            });
            let task = timekeeper.run(scheduled.collect());
            self.timekeeper = Some(Part::begin(&mut self.tasks.sources, stop, task));
        }
        if self.poller.is_none() {
            let subscribers = self.subscribers();
            let feeds: BTreeSet<_> = subscribers.iter().map(|one| one.spec.url.to_string()).collect();
            self.ground.board.keep_feeds(|url| feeds.contains(url));
            let stop = self.stops.intake.child_token();
            let poller = Poller::new(
                self.ground.clone(),
                self.fetcher.clone(),
                stop.clone(),
                subscribers,
            );
            self.poller = Some(Part::begin(&mut self.tasks.sources, stop, poller.run()));
        }
        std::mem::take(&mut self.complete).cancel();
    }

    /// Begins a task that lives as long as the host takes things in.
    pub(crate) fn begin_chore<F>(&mut self, chore: impl FnOnce(Ground, CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let chore = chore(self.ground.clone(), self.stops.intake.clone());
        self.tasks.sources.spawn(chore);
    }

    fn subscribers(&mut self) -> Vec<Subscriber> {
        let since = self.ground.clock.now();
        let wanted: Vec<_> = self
            .instances
            .iter()
            .filter(|(_, one)| !one.feeds.is_empty())
            .map(|(id, one)| {
                (
                    id.clone(),
                    one.config.user.clone(),
                    one.feeds.clone(),
                    one.bell.clone(),
                )
            })
            .collect();
        let mut subscribers = Vec::new();
        for (instance, user, feeds, bell) in wanted {
            let room = self.operator_room.clone();
            let operators = room.and_then(|room| {
                Some(Operators {
                    bell: self.room(&user, room.as_str())?.bell.clone(),
                    user,
                    room: room_key(&room),
                    shown: room.to_string(),
                })
            });
            subscribers.extend(feeds.into_iter().map(|spec| Subscriber {
                instance: instance.clone(),
                spec,
                bell: bell.clone(),
                operators: operators.clone(),
                since,
            }));
        }
        subscribers
    }

    /// A room of an endpoint, joined from now on if it is not yet; none without the endpoint.
    fn room(&mut self, user: &SipUri, shown: &str) -> Option<&RunningRoom> {
        let key = (user.clone(), shown.to_lowercase());
        if !self.rooms.contains_key(&key) {
            let chat = self.endpoints.get(user)?.chat.clone();
            let running = self.begin_room(&key, shown, chat);
            self.rooms.insert(key.clone(), running);
        }
        self.rooms.get(&key)
    }

    fn begin_room(
        &mut self,
        (user, key): &(SipUri, String),
        shown: &str,
        chat: watch::Receiver<Option<PersistentChatEndpoint>>,
    ) -> RunningRoom {
        let (bell, arrivals) = (Arc::default(), Arc::<Arrivals>::default());
        let session = watch::Sender::new(None);
        self.ground
            .board
            .add_room(RoomStatus::new(user.clone(), shown.to_owned()));
        self.bells.sender(user.as_str(), key, Some(Arc::clone(&bell)));
        let finish = self.stops.finish.child_token();
        let sender = Sender {
            ground: self.ground.clone(),
            user: user.clone(),
            room: key.clone(),
            shown: shown.to_owned(),
            bell: Arc::clone(&bell),
            session: session.subscribe(),
            turns: Turns::new(self.ground.tuning.room_rate, self.budgets.clone()),
            started: Some(self.ground.clock.millis()),
            finish: finish.clone(),
        };
        let sender = Part::begin(&mut self.tasks.senders, finish, sender.run());
        let (intake, leave) = (self.stops.intake.child_token(), self.stops.leave.child_token());
        let job = RoomJob {
            user: user.clone(),
            room: shown.to_owned(),
            arrivals: arrivals.clone(),
            authors: Authors {
                own: user.clone(),
                bots: self.bots.clone(),
            },
            chat,
            session,
            intake: intake.clone(),
            leave: leave.clone(),
        };
        let task = RoomTask::new(self.ground.clone(), job).run();
        let part = Part::begin(&mut self.tasks.connections, intake, task);
        RunningRoom {
            arrivals,
            bell,
            sender,
            leave,
            part,
        }
    }

    async fn values(&self, instance: &InstanceConfig) -> Result<Values, StateError> {
        let mut values = BTreeMap::new();
        for (name, json) in self.ground.state.values(instance.id.clone()).await? {
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

    fn announce_started(&self, instance: &InstanceConfig, made: &Made) {
        let rooms = made.setup.rooms().iter().map(ToString::to_string).collect();
        let (instance, kind) = (instance.id.clone(), instance.kind.clone());
        self.ground.announcer.tell(HostEvent::BotStarted {
            instance,
            kind,
            rooms,
        });
    }
}
