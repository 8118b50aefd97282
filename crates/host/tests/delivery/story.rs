//! One run: what comes in, what goes wrong, and what must stand in the rooms at the end.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use parlor_host::fault::{Faults, Point};
use parlor_host::{Clock, Host, HostEvent};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::bots::registry;
use crate::crash_store::Edge;
use crate::people::Person;
use crate::script::Script;
use crate::world::{NEWS, World};

/// Lives of the host that may end badly, before the last one, which ends well.
const LIVES: std::ops::RangeInclusive<u32> = 2..=5;
/// Longer than anything takes: a story that would hang says where.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// How far the clock is moved on from life to life, at the most: some due times are missed.
pub(crate) const STEP: Duration = Duration::from_secs(90 * 60);

/// How a life of the host ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The host was killed at a point of its work.
    HostKilled(Point),
    /// The server was killed at an edge of a commit.
    ServerKilled(Edge),
    /// All connections broke in the middle of a message.
    Broken,
    /// Nothing went wrong before the work was done.
    Stopped,
}

impl Ending {
    pub(crate) fn every() -> Vec<Self> {
        let mut every: Vec<_> = Point::ALL.map(Self::HostKilled).into();
        every.extend([
            Self::ServerKilled(Edge::Before),
            Self::ServerKilled(Edge::After),
            Self::Broken,
            Self::Stopped,
        ]);
        every
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HostKilled(point) => write!(formatter, "the host was killed at {point:?}"),
            Self::ServerKilled(Edge::Before) => formatter.write_str("the server died before a commit"),
            Self::ServerKilled(Edge::After) => formatter.write_str("the server died after a commit"),
            Self::Broken => formatter.write_str("connections broke"),
            Self::Stopped => formatter.write_str("the work was done before anything went wrong"),
        }
    }
}

pub(crate) struct Story {
    script: Script,
    /// What the host's clock showed last, and when that was.
    clock: (DateTime<Utc>, Instant),
}

impl Story {
    pub(crate) fn new(seed: u64) -> Self {
        let script = Script::new(seed);
        Self {
            clock: (script.change.begin(), Instant::now()),
            script,
        }
    }

    /// Tells it to the end; how each life ended.
    pub(crate) async fn run(mut self) -> Vec<String> {
        let mut world = World::new().await;
        let alice = Person::join(world.alice(), NEWS).await;
        self.first_life(&world).await;
        let mut endings = Vec::new();
        for life in 0..self.script.rng.u32(LIVES) {
            let ended = timeout(PATIENCE, self.live(&mut world, &alice)).await;
            let ended = ended.unwrap_or_else(|_| panic!("seed {}: life {life} hangs", self.script.seed));
            endings.push(ended.to_string());
        }
        self.last_life(&world).await;
        self.script.check(&world).await;
        endings
    }

    /// The host is there once: what comes in from then on is its to deal with.
    async fn first_life(&mut self, world: &World) {
        let host = self.start(world, Faults::none(), Duration::ZERO).await;
        let mut events = host.events();
        let (mut joined, mut scheduled) = (0, false);
        while joined < 2 || !scheduled {
            match events.next().await.unwrap() {
                HostEvent::Joined { .. } => joined += 1,
                HostEvent::ScheduleNext { .. } => scheduled = true,
                _ => {}
            }
        }
        host.shutdown(PATIENCE).await;
    }

    async fn live(&mut self, world: &mut World, alice: &Person) -> Ending {
        self.script.publish(world);
        let every = Ending::every();
        let planned = every[self.script.rng.usize(..every.len())];
        let armed = Arc::new(AtomicBool::new(true));
        let faults = match planned {
            // Passed once a life, or for each post.
            Ending::HostKilled(point @ (Point::Fetched | Point::Accepted)) => countdown(point, 0, &armed),
            Ending::HostKilled(point) => countdown(point, self.script.rng.u32(..6), &armed),
            _ => Faults::none(),
        };
        let server_trouble = match planned {
            Ending::ServerKilled(edge) => world.fuse.arm(edge, self.script.rng.u32(..6)),
            Ending::Broken => world.relay.break_after(self.script.rng.usize(500..60_000)),
            _ => CancellationToken::new(),
        };
        let step = STEP.mul_f32(self.script.rng.f32());
        let host = self.start(world, faults.clone(), step).await;
        self.script.ask(alice);
        let ending = tokio::select! {
            // In this order: what happened together with the end of the work counts as happened.
            biased;
            () = faults.crashed() => planned,
            () = server_trouble.cancelled() => planned,
            () = self.script.settled(world, &host, self.clock.0) => Ending::Stopped,
        };
        world.fuse.hold();
        world.relay.hold();
        // It may have gone wrong just when the work was done.
        let ending = if server_trouble.is_cancelled() {
            planned
        } else {
            ending
        };
        if matches!(ending, Ending::ServerKilled(_)) {
            world.kill().await;
            world.start();
        }
        // After trouble with the server the same host may go on and finish, or not.
        match ending {
            Ending::HostKilled(_) => host.kill().await,
            Ending::ServerKilled(_) | Ending::Broken if self.script.rng.bool() => host.kill().await,
            Ending::ServerKilled(_) | Ending::Broken => {
                self.script.settled(world, &host, self.clock.0).await;
                host.shutdown(PATIENCE).await;
            }
            // The point may be passed yet, and nothing stops in an orderly way after that.
            Ending::Stopped if matches!(planned, Ending::HostKilled(_)) => host.kill().await,
            Ending::Stopped => {
                host.shutdown(PATIENCE).await;
            }
        }
        ending
    }

    /// Nothing goes wrong any more, and all due times are past.
    async fn last_life(&mut self, world: &World) {
        let left = (self.script.change.end() - self.clock.0).to_std();
        let host = self.start(world, Faults::none(), left.unwrap_or_default()).await;
        let settled = timeout(PATIENCE, self.script.settled(world, &host, self.clock.0)).await;
        if settled.is_err() {
            self.script.check(world).await;
            panic!(
                "seed {}: the last life hangs: {:#?}",
                self.script.seed,
                host.status().await
            );
        }
        let report = host.shutdown(PATIENCE).await;
        assert_eq!((report.unfinished_handlers, report.undelivered_posts), (0, 0));
    }

    async fn start(&mut self, world: &World, faults: Faults, step: Duration) -> Host {
        let (shown, at) = self.clock;
        // Time does not go back, and is not moved on beyond the end of the story.
        let now = (shown + at.elapsed()).max((shown + step).min(self.script.change.end()));
        self.clock = (now, Instant::now());
        let mut config = world.host();
        config.instances.extend(self.script.change.instances());
        config.clock = Clock::starting_at(now);
        config.faults = faults;
        parlor_host::start(config, registry()).await.unwrap()
    }
}

/// Kills the host when it passes the point for the time after `passes` more, counted while it is armed.
pub(crate) fn countdown(point: Point, passes: u32, armed: &Arc<AtomicBool>) -> Faults {
    let armed = Arc::clone(armed);
    let left = Mutex::new(passes);
    Faults::when(move |at, _| {
        if at != point || !armed.load(Ordering::Relaxed) {
            return false;
        }
        let mut left = left.lock().unwrap();
        if *left == 0 {
            return true;
        }
        *left -= 1;
        false
    })
}
