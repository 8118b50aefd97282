//! From a configuration to the tasks of a host: which rooms of which endpoints, which lanes between rooms and
//! instances, which mailboxes. Nothing runs yet.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use parlor_bot::{Room, SipUri, State as Values};
use parlor_client::RoomSession;
use tokio::sync::{Notify, watch};

use crate::config::{Config, InstanceConfig};
use crate::courier::is_person;
use crate::desk::Bells;
use crate::lane::{Bell, lane};
use crate::operators::Operators;
use crate::poller::Subscriber;
use crate::reception::PrivateListener;
use crate::room::{Authors, Listening, room_key};
use crate::runner::Runner;
use crate::timekeeper::Scheduled;
use crate::validate::Made;
use crate::worker::{Job, Mailbox};

/// An instance that can run, with what it remembers.
#[derive(Debug)]
pub(crate) struct Ready<'a> {
    pub(crate) instance: &'a InstanceConfig,
    pub(crate) made: Made,
    pub(crate) values: Values,
}

/// The tasks to be started.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// By endpoint, then by room.
    pub(crate) rooms: BTreeMap<SipUri, BTreeMap<String, RoomPlan>>,
    /// By endpoint: who wants private messages, and who is rung for answers.
    pub(crate) private: BTreeMap<SipUri, PrivatePlan>,
    pub(crate) bots: Arc<HashSet<SipUri>>,
    pub(crate) workers: Vec<(Job, Runner)>,
    pub(crate) scheduled: Vec<Scheduled>,
    pub(crate) subscribers: Vec<Subscriber>,
}

/// The private messages of one endpoint.
#[derive(Debug, Default)]
pub(crate) struct PrivatePlan {
    pub(crate) listeners: Vec<PrivateListener>,
    /// Rung for the courier.
    pub(crate) bell: Arc<Notify>,
}

/// One room of one endpoint.
#[derive(Debug)]
pub(crate) struct RoomPlan {
    /// As the first instance spells it.
    pub(crate) shown: String,
    pub(crate) listening: Vec<Listening>,
    pub(crate) authors: Authors,
    pub(crate) drained: Arc<Notify>,
    /// Rung for the sender.
    pub(crate) bell: Arc<Notify>,
    pub(crate) session: watch::Sender<Option<RoomSession>>,
}

impl Plan {
    /// Plans for the instances that are ready; `boot` names this start.
    pub(crate) fn new(config: &Config, ready: Vec<Ready<'_>>, boot: i64) -> Self {
        let bots: Arc<HashSet<SipUri>> = Arc::new(
            config
                .endpoints
                .iter()
                .map(|endpoint| endpoint.user.clone())
                .collect(),
        );
        let mut plan = Self {
            bots: bots.clone(),
            ..Self::default()
        };
        for endpoint in &config.endpoints {
            plan.private.insert(endpoint.user.clone(), PrivatePlan::default());
            plan.rooms.insert(endpoint.user.clone(), BTreeMap::new());
        }
        for one in ready {
            plan.add(config, &bots, one, boot);
        }
        plan
    }

    /// Plans for posts of an earlier run whose room no instance names any more; `false` when their endpoint is gone.
    pub(crate) fn add_left_over(&mut self, user: &SipUri, room: &str) -> bool {
        let Some(rooms) = self.rooms.get_mut(user) else {
            return false;
        };
        if is_person(room) {
            // The endpoint's courier looks for itself.
            return true;
        }
        let authors = Authors {
            own: user.clone(),
            bots: Arc::default(),
        };
        rooms
            .entry(room.to_owned())
            .or_insert_with(|| RoomPlan::new(room, authors));
        true
    }

    /// Whom to wake for work that comes from outside the usual ways.
    pub(crate) fn bells(&self) -> Bells {
        let senders = self.rooms.iter().flat_map(|(user, rooms)| {
            rooms
                .iter()
                .map(|(room, planned)| ((user.to_string(), room.clone()), planned.bell.clone()))
        });
        let couriers = self
            .private
            .iter()
            .map(|(user, private)| (user.to_string(), private.bell.clone()));
        let workers = self
            .workers
            .iter()
            .map(|(job, _)| (job.instance.id.clone(), job.bell.clone()));
        Bells {
            senders: senders.collect(),
            couriers: couriers.collect(),
            workers: workers.collect(),
        }
    }

    fn add(&mut self, config: &Config, bots: &Arc<HashSet<SipUri>>, ready: Ready<'_>, boot: i64) {
        let Ready {
            instance,
            made: Made {
                bot,
                interests,
                setup,
            },
            values,
        } = ready;
        let bell = Arc::new(Bell::default());
        let (mut lanes, mut mailboxes) = (Vec::new(), HashMap::new());
        for room in &instance.rooms {
            let planned = self.room(instance, bots, room);
            let mailbox = Mailbox {
                room: room_key(room),
                bell: planned.bell.clone(),
            };
            mailboxes.insert(room.clone(), mailbox);
            if !interests.messages && !interests.presence {
                continue;
            }
            let (sender, receiver) = lane(config.tuning.lane, bell.clone(), planned.drained.clone());
            lanes.push(receiver);
            planned.listening.push(Listening {
                instance: instance.id.clone(),
                room: room.clone(),
                lane: sender,
                messages: interests.messages,
                presence: interests.presence,
                replay: instance.replay,
                hears_bots: instance.hears_bots,
            });
        }
        let room = config.operator_room.as_ref();
        let room = room.filter(|_| !interests.feeds.is_empty());
        let operators = room.map(|room| Operators {
            user: instance.user.clone(),
            room: room_key(room),
            shown: room.to_string(),
            bell: self.room(instance, bots, room).bell.clone(),
        });
        let private = self.private.entry(instance.user.clone()).or_default();
        let courier = private.bell.clone();
        if interests.private_messages {
            private.listeners.push(PrivateListener {
                instance: instance.id.clone(),
                hears_bots: instance.hears_bots,
                bell: bell.clone(),
            });
        }
        let feeds = interests.feeds.into_iter();
        self.subscribers.extend(feeds.map(|spec| Subscriber {
            instance: instance.id.clone(),
            spec,
            bell: bell.clone(),
            operators: operators.clone(),
            since: config.clock.now(),
        }));
        self.scheduled.push(Scheduled {
            instance: instance.id.clone(),
            schedules: interests.schedules,
            bell: bell.clone(),
        });
        let job = Job {
            instance: instance.clone(),
            setup,
            values,
            lanes,
            bell,
            mailboxes,
            courier,
            boot,
        };
        self.workers.push((job, Runner::start(bot)));
    }

    fn room(&mut self, instance: &InstanceConfig, bots: &Arc<HashSet<SipUri>>, room: &Room) -> &mut RoomPlan {
        let rooms = self.rooms.entry(instance.user.clone()).or_default();
        rooms.entry(room_key(room)).or_insert_with(|| {
            RoomPlan::new(
                room.as_str(),
                Authors {
                    own: instance.user.clone(),
                    bots: bots.clone(),
                },
            )
        })
    }
}

impl RoomPlan {
    fn new(shown: &str, authors: Authors) -> Self {
        Self {
            shown: shown.to_owned(),
            listening: Vec::new(),
            authors,
            drained: Arc::default(),
            bell: Arc::default(),
            session: watch::Sender::new(None),
        }
    }
}
