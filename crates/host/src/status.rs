//! How a host is doing, as a snapshot for people and programs.

use chrono::{DateTime, Utc};
use parlor_bot::{ScheduleSpec, SipUri};
use serde::{Deserialize, Serialize};

use crate::config::InstanceConfig;
use crate::schedule::Next;

/// A snapshot of a running host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// When it was taken.
    pub at: DateTime<Utc>,
    /// The pool; none for a host whose state is a file.
    #[serde(default)]
    pub pool: Option<PoolStatus>,
    /// The endpoints, by address.
    pub endpoints: Vec<EndpointStatus>,
    /// The rooms, by user and room.
    pub rooms: Vec<RoomStatus>,
    /// The bots, by name.
    pub instances: Vec<InstanceStatus>,
    /// What is on its way.
    pub outbox: OutboxStatus,
    /// The next due times, soonest first.
    pub schedules: Vec<ScheduleStatus>,
    /// The feeds, by address.
    pub feeds: Vec<FeedStatus>,
}

/// An endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EndpointStatus {
    /// Its address.
    pub user: SipUri,
    /// The state in UCMA's words: idle, establishing, established, recovering, draining, terminating, terminated.
    pub state: String,
    /// Why it is not established, when it is not.
    pub last_error: Option<String>,
}

/// A room of an endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoomStatus {
    /// The endpoint.
    pub user: SipUri,
    /// The room as configured.
    pub room: String,
    /// The room's address, once it was found.
    pub uri: Option<String>,
    /// Whether it is joined now.
    pub joined: bool,
    /// Instances that are behind and read from history until they have caught up.
    pub behind: Vec<String>,
    /// Why it is not joined, when it is not.
    pub last_error: Option<String>,
    /// Since when it is not joined any more; none while it is, and before it was joined for the first time.
    #[serde(default)]
    pub lost_since: Option<DateTime<Utc>>,
    /// Since when somebody is behind.
    #[serde(default)]
    pub behind_since: Option<DateTime<Utc>>,
    /// When the last message was heard here since the host started.
    #[serde(default)]
    pub heard: Option<DateTime<Utc>>,
}

impl RoomStatus {
    /// A room that is not joined yet.
    pub(crate) fn new(user: SipUri, room: String) -> Self {
        Self {
            user,
            room,
            uri: None,
            joined: false,
            behind: Vec::new(),
            last_error: None,
            lost_since: None,
            behind_since: None,
            heard: None,
        }
    }

    pub(crate) fn is_joined(&mut self) {
        (self.joined, self.lost_since) = (true, None);
    }

    pub(crate) fn is_lost(&mut self, now: DateTime<Utc>) {
        if self.joined {
            (self.joined, self.lost_since) = (false, Some(now));
        }
    }

    pub(crate) fn is_behind(&mut self, behind: Vec<String>, now: DateTime<Utc>) {
        self.behind_since = match self.behind_since {
            _ if behind.is_empty() => None,
            since => since.or(Some(now)),
        };
        self.behind = behind;
    }
}

/// What an instance is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum InstanceState {
    /// It handles events.
    Running,
    /// It panicked or passed its deadline and is made anew after a wait.
    Restarting,
    /// Its settings are wrong, or it asked to be stopped.
    Stopped,
    /// Another host of the pool runs it.
    Standby,
}

/// A bot instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstanceStatus {
    /// Its name.
    pub id: String,
    /// Its kind.
    pub kind: String,
    /// The endpoint it posts as.
    pub user: SipUri,
    /// Its rooms as configured.
    pub rooms: Vec<String>,
    /// What it is doing.
    pub state: InstanceState,
    /// Events handled since the host started.
    pub handled: u64,
    /// Attempts that failed since the host started.
    pub failed: u64,
    /// Presence events that were not handed over because the instance was too slow, since the host started.
    pub presence_dropped: u64,
    /// Since when the oldest event that is at hand and not handled has waited.
    #[serde(default)]
    pub waiting_since: Option<DateTime<Utc>>,
    /// Events set aside, ever.
    pub quarantined: u64,
    /// The last failure.
    pub last_error: Option<String>,
}

impl InstanceStatus {
    /// An instance at its start; one with an error does not run.
    pub(crate) fn new(instance: &InstanceConfig, quarantined: u64, error: Option<String>) -> Self {
        Self {
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
}

impl InstanceStatus {
    /// An instance that another host runs.
    pub(crate) fn standby(instance: &InstanceConfig) -> Self {
        Self {
            state: InstanceState::Standby,
            ..Self::new(instance, 0, None)
        }
    }
}

/// A pool of hosts that share their state, as one of them sees it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PoolStatus {
    /// Whether this host is a member; if not, it runs no bots.
    pub member: bool,
    /// The names of the hosts that are there, this one too.
    pub hosts: Vec<String>,
    /// The endpoints and the host that leads each; none for one that is free.
    pub endpoints: Vec<PoolEndpoint>,
}

/// An endpoint, and who runs the bots that post as it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolEndpoint {
    /// The endpoint.
    pub user: SipUri,
    /// The name of the host.
    pub host: Option<String>,
    /// Whether that is this host.
    pub here: bool,
}

/// The outbox.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct OutboxStatus {
    /// Posts on their way.
    pub waiting: u64,
    /// How long the oldest of them has waited.
    pub oldest_seconds: Option<u64>,
    /// Posts given up.
    pub dead: u64,
}

/// A schedule's next due time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScheduleStatus {
    /// The instance.
    pub instance: String,
    /// The schedule.
    pub schedule: String,
    /// When it is due next.
    pub due: DateTime<Utc>,
    /// The same as the schedule's zone shows it, with the zone.
    pub local: String,
    /// When it comes, later than `due` by its jitter.
    pub comes: DateTime<Utc>,
    /// The calendar that keeps it from coming.
    pub excluded: Option<String>,
}

impl ScheduleStatus {
    pub(crate) fn new(instance: &str, spec: &ScheduleSpec, next: Next) -> Self {
        let (schedule, zone) = (&spec.schedule, spec.schedule.zone());
        Self {
            instance: instance.to_owned(),
            schedule: spec.id.clone(),
            due: next.due,
            local: zone.shown(next.due),
            comes: next.comes,
            excluded: schedule.excluded(next.due).map(|excluded| excluded.to_string()),
        }
    }
}

/// How a feed is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FeedState {
    /// It was read at the last look, or has not been looked at yet.
    Fine,
    /// The last look failed; it is tried again, less and less often.
    Failing,
    /// The own network is taken to be down; it is looked at when that is back.
    Waiting,
    /// Its server says that it is gone for good (410); it is not looked at until the host starts again.
    Gone,
}

/// A feed address.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeedStatus {
    /// The address.
    pub url: String,
    /// How many subscriptions it serves.
    pub subscriptions: usize,
    /// How it is doing.
    pub state: FeedState,
    /// When it was last fetched without an error.
    pub last_fetched: Option<DateTime<Utc>>,
    /// When something new was listed last.
    pub last_new: Option<DateTime<Utc>>,
    /// When it is fetched next.
    pub next_fetch: Option<DateTime<Utc>>,
    /// Where it has moved to for good; it is fetched from there.
    pub moved_to: Option<String>,
    /// Fetches that failed since the last good one.
    pub failures: u32,
    /// Why the last one failed.
    pub last_error: Option<String>,
}
