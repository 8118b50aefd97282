//! Two hosts of one pool: one leads while the other stands by, until the first is lost in one way or another.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use parlor_host::fault::{Faults, Point};
use parlor_host::{Clock, Database, Host, HostEvent, HostEvents, Place};
use parlor_testkit::Schema;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::bots::registry;
use crate::crash_store::Edge;
use crate::people::Person;
use crate::script::Script;
use crate::story::{PATIENCE, STEP, countdown};
use crate::world::{NEWS, World};

/// Leaders that are lost, before the last one, which finishes.
const LIVES: std::ops::RangeInclusive<u32> = 2..=3;
/// Short, because every loss is waited for; a host that is too busy to renew in time is one more loss.
const LEASE: Duration = Duration::from_millis(1000);
/// Events of a leader before it is lost for a reason from outside, at the most.
const EVENTS: u32 = 16;

/// How a leader is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// It dies at a point of its work.
    Killed(Point),
    /// It is stopped in an orderly way, in the middle of its work.
    Stopped,
    /// The others take it for dead though it goes on.
    StruckOut,
    /// All connections to the database are cut; it connects anew, and is stopped when the work is done.
    Cut,
    /// The chat server dies; the leader is killed after that.
    ServerKilled(Edge),
    /// All connections to the chat server break; the leader is stopped after that.
    Broken,
}

impl Loss {
    pub(crate) fn every() -> Vec<Self> {
        let mut every: Vec<_> = Point::ALL.map(Self::Killed).into();
        every.extend([Self::Stopped, Self::StruckOut, Self::Cut, Self::Broken]);
        every.extend([Edge::Before, Edge::After].map(Self::ServerKilled));
        every
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Killed(point) => write!(formatter, "the leader was killed at {point:?}"),
            Self::Stopped => formatter.write_str("the leader was stopped"),
            Self::StruckOut => formatter.write_str("the leader was struck out and went on"),
            Self::Cut => formatter.write_str("connections to the database were cut"),
            Self::ServerKilled(Edge::Before) => formatter.write_str("the server died before a commit"),
            Self::ServerKilled(Edge::After) => formatter.write_str("the server died after a commit"),
            Self::Broken => formatter.write_str("connections to the server broke"),
        }
    }
}

pub(crate) struct FailOver {
    script: Script,
    schema: Schema,
    /// What the newest host's clock showed at its start, and when that was.
    clock: (DateTime<Utc>, Instant),
    hosts: u32,
}

/// A host of the pool.
struct Member {
    host: Host,
    events: HostEvents,
    name: String,
    loss: Loss,
    faults: Faults,
    /// From when on its faults count.
    armed: Arc<AtomicBool>,
    /// What its clock showed at its start.
    shown: DateTime<Utc>,
}

impl FailOver {
    pub(crate) fn new(seed: u64) -> Self {
        let script = Script::new(seed);
        Self {
            clock: (script.change.begin(), Instant::now()),
            script,
            schema: Schema::new(),
            hosts: 0,
        }
    }

    /// Tells it to the end; how each leader was lost.
    pub(crate) async fn run(mut self) -> Vec<String> {
        let mut world = World::new().await;
        let alice = Person::join(world.alice(), NEWS).await;
        let mut leader = self.start(&world, Duration::ZERO).await;
        leader.leads().await;
        let mut losses = Vec::new();
        for life in 0..self.script.rng.u32(LIVES) {
            let loss = leader.loss;
            let lost = timeout(PATIENCE, self.lose(&mut world, &alice, leader)).await;
            let seed = self.script.seed;
            leader = lost.unwrap_or_else(|_| panic!("seed {seed}: life {life}, {loss}, hangs"));
            losses.push(loss.to_string());
        }
        self.finish(&world, leader).await;
        losses
    }

    /// Loses the leader; the host that takes over, which has been there before.
    async fn lose(&mut self, world: &mut World, alice: &Person, mut leader: Member) -> Member {
        self.script.publish(world);
        let step = STEP.mul_f32(self.script.rng.f32());
        let mut successor = self.start(world, step).await;
        successor.is_member().await;
        leader.armed.store(true, Ordering::Relaxed);
        let trouble = match leader.loss {
            Loss::ServerKilled(edge) => world.fuse.arm(edge, self.script.rng.u32(..6)),
            Loss::Broken => world.relay.break_after(self.script.rng.usize(500..60_000)),
            _ => CancellationToken::new(),
        };
        self.script.ask(alice);
        let events = self.script.rng.u32(..EVENTS);
        match leader.loss {
            Loss::Killed(_) => {
                tokio::select! {
                    () = leader.faults.crashed() => {}
                    () = self.script.settled(world, &leader.host, leader.shown) => {}
                }
                leader.host.kill().await;
            }
            Loss::Stopped => {
                leader.some_events(events).await;
                leader.host.shutdown(PATIENCE).await;
            }
            Loss::StruckOut => {
                leader.some_events(events).await;
                self.schema
                    .run(&format!("DELETE FROM member WHERE name = '{}'", leader.name));
                self.script.settled(world, &leader.host, leader.shown).await;
                leader.host.shutdown(PATIENCE).await;
            }
            Loss::Cut => {
                leader.some_events(events).await;
                self.schema.cut();
                self.script.settled(world, &leader.host, leader.shown).await;
                leader.host.shutdown(PATIENCE).await;
            }
            Loss::ServerKilled(_) | Loss::Broken => {
                tokio::select! {
                    () = trouble.cancelled() => {}
                    () = self.script.settled(world, &leader.host, leader.shown) => {}
                }
                world.fuse.hold();
                world.relay.hold();
                if matches!(leader.loss, Loss::ServerKilled(_)) {
                    world.kill().await;
                    world.start();
                    leader.host.kill().await;
                } else {
                    leader.host.shutdown(PATIENCE).await;
                }
            }
        }
        successor.leads().await;
        successor
    }

    /// Nothing goes wrong any more, and all due times are past.
    async fn finish(mut self, world: &World, leader: Member) {
        let left = (self.script.change.end() - self.clock.0).to_std();
        let mut last = self.start(world, left.unwrap_or_default()).await;
        last.is_member().await;
        leader.host.shutdown(PATIENCE).await;
        last.leads().await;
        let settled = self.script.settled(world, &last.host, self.script.change.end());
        if timeout(PATIENCE, settled).await.is_err() {
            self.script.check(world).await;
            let status = last.host.status().await;
            panic!("seed {}: the last life hangs: {status:#?}", self.script.seed);
        }
        let report = last.host.shutdown(PATIENCE).await;
        assert_eq!((report.unfinished_handlers, report.undelivered_posts), (0, 0));
        self.script.check(world).await;
    }

    async fn start(&mut self, world: &World, step: Duration) -> Member {
        let (shown, at) = self.clock;
        let now = (shown + at.elapsed()).max((shown + step).min(self.script.change.end()));
        self.clock = (now, Instant::now());
        let every = Loss::every();
        let loss = every[self.script.rng.usize(..every.len())];
        let armed = Arc::<AtomicBool>::default();
        let faults = match loss {
            Loss::Killed(point @ (Point::Fetched | Point::Accepted)) => countdown(point, 0, &armed),
            Loss::Killed(point) => countdown(point, self.script.rng.u32(..6), &armed),
            _ => Faults::none(),
        };
        self.hosts += 1;
        let mut config = world.host();
        config.name = format!("host-{}", self.hosts);
        config.state = Place::Database(Database::new(&self.schema.address(), None, None).unwrap());
        config.tuning.lease = LEASE;
        config.instances.extend(self.script.change.instances());
        config.clock = Clock::starting_at(now);
        config.faults = faults.clone();
        let name = config.name.clone();
        let host = parlor_host::start(config, registry()).await.unwrap();
        Member {
            events: host.events(),
            host,
            name,
            loss,
            faults,
            armed,
            shown: now,
        }
    }
}

impl Member {
    async fn is_member(&mut self) {
        while !matches!(self.events.next().await.unwrap(), HostEvent::PoolChanged { .. }) {}
    }

    /// Returns when it leads the endpoint, is in both rooms and goes by its schedules.
    async fn leads(&mut self) {
        let (mut leads, mut joined, mut scheduled) = (false, 0, false);
        while !(leads && joined >= 2 && scheduled) {
            match self.events.next().await.unwrap() {
                HostEvent::PoolChanged { endpoints, .. } => leads = !endpoints.is_empty(),
                HostEvent::Joined { .. } => joined += 1,
                HostEvent::ScheduleNext { .. } => scheduled = true,
                HostEvent::TakenOver => (leads, joined, scheduled) = (false, 0, false),
                _ => {}
            }
        }
    }

    /// Works for a while, which is shorter than a lease.
    async fn some_events(&mut self, count: u32) {
        let some = async {
            for _ in 0..count {
                self.events.next().await;
            }
        };
        let _in_time = timeout(LEASE, some).await;
    }
}
