//! How healthy a host is, for monitoring: its numbers, and for each bot whether its input is fresh and its output young.
//!
//! Serving them over HTTP is left to the program. What is measured is written by those who do the work, on the status
//! board, into the tally and into the state; here it is only read.

mod metrics;
mod readiness;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use parlor_metrics::Exposition;
use tokio::sync::Mutex;
use tokio::time::Instant;

pub use readiness::{BotReadiness, Readiness, Thresholds};

use crate::board::Board;
use crate::clock::Clock;
use crate::ground::Ground;
use crate::state::{Backlog, State};
use crate::status::{EndpointStatus, FeedStatus, InstanceStatus, PoolStatus, RoomStatus};
use crate::tally::{Counted, Tally};

/// Questions that come sooner after each other get the same answer, so that no asker can keep the state file busy.
const ANSWER_HOLDS: Duration = Duration::from_secs(1);
/// How long the state may take to tell what waits; it commits in milliseconds, also on a bad disk in less than this.
const STATE_ANSWERS: Duration = Duration::from_secs(5);

/// Tells how healthy a host is; cheap to clone. It keeps neither the host nor its events alive.
#[derive(Debug, Clone)]
pub struct Health {
    state: State,
    clock: Clock,
    board: Arc<Board>,
    tally: Arc<Tally>,
    last: Arc<Mutex<Option<Taken>>>,
}

/// The last answer, and when it was found.
#[derive(Debug)]
struct Taken {
    at: Instant,
    snapshot: Arc<Snapshot>,
}

/// All that is known at one moment.
#[derive(Debug)]
struct Snapshot {
    now: DateTime<Utc>,
    /// None where the state is a file.
    pool: Option<PoolStatus>,
    endpoints: Vec<EndpointStatus>,
    rooms: Vec<RoomStatus>,
    instances: Vec<InstanceStatus>,
    feeds: Vec<FeedStatus>,
    counted: Counted,
    /// Whether the state answers, if only that it cannot.
    alive: bool,
    /// None when the state does not answer.
    backlog: Option<Backlog>,
}

impl Health {
    pub(crate) fn new(ground: &Ground) -> Self {
        Self {
            state: ground.state.clone(),
            clock: ground.clock,
            board: ground.board.clone(),
            tally: ground.announcer.tally().clone(),
            last: Arc::default(),
        }
    }

    /// Writes the host's numbers.
    pub async fn write(&self, exposition: &mut Exposition, thresholds: &Thresholds) {
        let snapshot = self.snapshot().await;
        metrics::write(exposition, &snapshot, thresholds);
    }

    /// Which bots are ready, and why the others are not.
    pub async fn readiness(&self, thresholds: &Thresholds) -> Readiness {
        readiness::readiness(&*self.snapshot().await, thresholds)
    }

    /// Whether the host is alive: whether its state answers in time. A file that is full answers too, and of a database
    /// that is away its absence is an answer: starting the process again would help neither.
    pub async fn is_alive(&self) -> bool {
        self.snapshot().await.alive
    }

    async fn snapshot(&self) -> Arc<Snapshot> {
        let mut last = self.last.lock().await;
        if let Some(taken) = &*last
            && taken.at.elapsed() < ANSWER_HOLDS
        {
            return taken.snapshot.clone();
        }
        let board = &self.board;
        let asked = tokio::time::timeout(STATE_ANSWERS, self.state.backlog()).await;
        let in_pool = board.pool().is_some();
        let snapshot = Arc::new(Snapshot {
            alive: asked.as_ref().is_ok_and(|answer| in_pool || answer.is_ok()),
            now: self.clock.now(),
            pool: board.pool(),
            endpoints: board.endpoints(),
            rooms: board.rooms(),
            instances: board.instances(),
            feeds: board.feeds(),
            counted: self.tally.counted(),
            backlog: asked.ok().and_then(Result::ok),
        });
        *last = Some(Taken {
            at: Instant::now(),
            snapshot: snapshot.clone(),
        });
        snapshot
    }
}

impl Snapshot {
    /// Seconds since a moment; one in the future, by a clock that was set, is now.
    fn since(&self, moment: DateTime<Utc>) -> f64 {
        (self.now - moment).to_std().unwrap_or_default().as_secs_f64()
    }

    fn since_millis(&self, millis: i64) -> f64 {
        DateTime::from_timestamp_millis(millis).map_or(0.0, |moment| self.since(moment))
    }

    /// How long the oldest event of an instance has waited to be handled: at hand in the worker, or in the inbox.
    fn input_age(&self, instance: &InstanceStatus) -> f64 {
        let at_hand = instance.waiting_since.map(|since| self.since(since));
        let events = self.backlog.iter().flat_map(|backlog| &backlog.events);
        let stored = events
            .filter(|waiting| waiting.instance == instance.id)
            .map(|waiting| self.since_millis(waiting.oldest));
        stored.chain(at_hand).fold(0.0, f64::max)
    }
}
