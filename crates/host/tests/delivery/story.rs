//! One run: what comes in, what goes wrong, and what must stand in the rooms at the end.

use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, Utc};
use fastrand::Rng;
use parlor_host::fault::{Faults, Point};
use parlor_host::{Clock, Host, HostEvent};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::bots::{FEED, registry};
use crate::clock_change::ClockChange;
use crate::crash_store::Edge;
use crate::people::Person;
use crate::world::{NEWS, TALK, World};

/// Lives of the host that may end badly, before the last one, which ends well.
const LIVES: std::ops::RangeInclusive<u32> = 2..=5;
/// Longer than anything takes: a story that would hang says where.
const PATIENCE: Duration = Duration::from_secs(60);
/// How far the clock is moved on from life to life, at the most: some due times are missed.
const STEP: Duration = Duration::from_secs(90 * 60);

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
    seed: u64,
    rng: Rng,
    items: u32,
    questions: u32,
    change: ClockChange,
    /// What the host's clock showed last, and when that was.
    clock: (DateTime<Utc>, Instant),
}

impl Story {
    pub(crate) fn new(seed: u64) -> Self {
        let change = ClockChange::of_story(seed);
        Self {
            seed,
            change,
            rng: Rng::with_seed(seed),
            items: 0,
            questions: 0,
            clock: (change.begin(), Instant::now()),
        }
    }

    /// Tells it to the end; how each life ended.
    pub(crate) async fn run(mut self) -> Vec<Ending> {
        let mut world = World::new().await;
        let alice = Person::join(world.alice(), NEWS).await;
        self.first_life(&world).await;
        let mut endings = Vec::new();
        for life in 0..self.rng.u32(LIVES) {
            let ended = timeout(PATIENCE, self.live(&mut world, &alice)).await;
            endings.push(ended.unwrap_or_else(|_| panic!("seed {}: life {life} hangs", self.seed)));
        }
        self.last_life(&world).await;
        self.check(&world).await;
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
        self.publish(world);
        let every = Ending::every();
        let planned = every[self.rng.usize(..every.len())];
        let faults = match planned {
            // Passed once a life, or for each post.
            Ending::HostKilled(point @ (Point::Fetched | Point::Accepted)) => countdown(point, 0),
            Ending::HostKilled(point) => countdown(point, self.rng.u32(..6)),
            _ => Faults::none(),
        };
        let server_trouble = match planned {
            Ending::ServerKilled(edge) => world.fuse.arm(edge, self.rng.u32(..6)),
            Ending::Broken => world.relay.break_after(self.rng.usize(500..60_000)),
            _ => CancellationToken::new(),
        };
        let step = STEP.mul_f32(self.rng.f32());
        let host = self.start(world, faults.clone(), step).await;
        for _ in 0..self.rng.u32(..4) {
            self.questions += 1;
            alice.ask(self.questions);
        }
        let ending = tokio::select! {
            // In this order: what happened together with the end of the work counts as happened.
            biased;
            () = faults.crashed() => planned,
            () = server_trouble.cancelled() => planned,
            () = self.settled(world, &host) => Ending::Stopped,
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
            Ending::ServerKilled(_) | Ending::Broken if self.rng.bool() => host.kill().await,
            Ending::ServerKilled(_) | Ending::Broken => {
                self.settled(world, &host).await;
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
        let left = (self.change.end() - self.clock.0).to_std();
        let host = self.start(world, Faults::none(), left.unwrap_or_default()).await;
        let settled = timeout(PATIENCE, self.settled(world, &host)).await;
        if settled.is_err() {
            self.check(world).await;
            panic!(
                "seed {}: the last life hangs: {:#?}",
                self.seed,
                host.status().await
            );
        }
        let report = host.shutdown(PATIENCE).await;
        assert_eq!((report.unfinished_handlers, report.undelivered_posts), (0, 0));
    }

    async fn start(&mut self, world: &World, faults: Faults, step: Duration) -> Host {
        let (shown, at) = self.clock;
        // Time does not go back, and is not moved on beyond the end of the story.
        let now = (shown + at.elapsed()).max((shown + step).min(self.change.end()));
        self.clock = (now, Instant::now());
        let mut config = world.host();
        config.instances.extend(self.change.instances());
        config.clock = Clock::starting_at(now);
        config.faults = faults;
        parlor_host::start(config, registry()).await.unwrap()
    }

    /// Adds some items to the feed, newest first as feeds have them.
    fn publish(&mut self, world: &World) {
        self.items += self.rng.u32(..4);
        let items: String = (1..=self.items)
            .rev()
            .map(|number| {
                let at = format!("Mon, 16 Nov 2026 08:{number:02}:00 GMT");
                format!(
                    "<item><guid>id-{number}</guid><title>item {number}</title><pubDate>{at}</pubDate></item>"
                )
            })
            .collect();
        let feed = format!("<rss version=\"2.0\"><channel><title>News</title>{items}</channel></rss>");
        std::fs::write(world.path(FEED), feed).unwrap();
    }

    /// Returns when all that has come in so far stands in the rooms. What is due while it runs is not waited for.
    async fn settled(&self, world: &World, host: &Host) {
        let mut events = host.events();
        let due =
            ["often ", "nightly "].map(|word| (word, self.change.said(word.trim(), self.clock.0).len()));
        loop {
            let (news, talk) = (world.said(NEWS).await, world.said(TALK).await);
            let (items, questions) = (self.items as usize, self.questions as usize);
            if count(&news, "item ") >= items
                && count(&talk, "item ") >= items
                && count(&news, "pong ") >= questions
                && due.iter().all(|(word, due)| count(&talk, word) >= *due)
            {
                return;
            }
            if events.next().await.is_none() {
                return;
            }
        }
    }

    async fn check(&self, world: &World) {
        let items: Vec<_> = (1..=self.items).map(|number| format!("item {number}")).collect();
        let pings: Vec<_> = (1..=self.questions)
            .map(|number| format!("ping {number}"))
            .collect();
        let pongs: Vec<_> = (1..=self.questions)
            .map(|number| format!("pong {number}, answer {number}"))
            .collect();
        let [often, nightly] = ["often", "nightly"].map(|word| self.change.said(word, self.change.end()));
        let (news, talk) = (world.said(NEWS).await, world.said(TALK).await);
        let seed = self.seed;
        for (room, said, sources) in [
            (NEWS, &news, vec![&items, &pings, &pongs]),
            (TALK, &talk, vec![&items, &often, &nightly]),
        ] {
            let mut rest = said.clone();
            for expected in sources {
                let Some(first) = expected.first() else { continue };
                let kind = &first[..first.find(' ').unwrap() + 1];
                let found: Vec<_> = said
                    .iter()
                    .filter(|text| text.starts_with(kind))
                    .cloned()
                    .collect();
                assert_eq!(&found, expected, "seed {seed}: {kind:?} in {room}: {said:#?}");
                rest.retain(|text| !text.starts_with(kind));
            }
            assert!(
                rest.is_empty(),
                "seed {seed}: nobody said this in {room}: {rest:?}"
            );
        }
    }
}

fn count(said: &[String], kind: &str) -> usize {
    said.iter().filter(|text| text.starts_with(kind)).count()
}

/// Kills the host when it passes the point for the time after `passes` more.
fn countdown(point: Point, passes: u32) -> Faults {
    let left = Mutex::new(passes);
    Faults::when(move |at, _| {
        if at != point {
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
