//! The timekeeper with a state file and a clock of its own, through restarts at any moment.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use parlor_bot::ScheduleSpec;
use parlor_bot::schedule::{CalendarFile, Days, Jitter, Misfire, Schedule};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Scheduled, Timekeeper, Timetable};
use crate::board::Board;
use crate::clock::Clock;
use crate::config::Tuning;
use crate::events::{Announcer, HostEvent, HostEvents};
use crate::fault::Faults;
use crate::ground::Ground;
use crate::lane::Bell;
use crate::ledger::LedgerStatus;
use crate::state::State;

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn schedule(cron: &str, zone: &str) -> Schedule {
    Schedule::new(cron.parse().unwrap(), zone.parse().unwrap())
}

/// A running timekeeper; dropped or stopped, its state remains.
struct Life {
    state: State,
    events: HostEvents,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Life {
    async fn begin(path: PathBuf, now: DateTime<Utc>, schedules: Vec<ScheduleSpec>) -> Self {
        let announcer = Announcer::new();
        let events = announcer.listen();
        let ground = Ground {
            state: State::open(path).await.unwrap(),
            clock: Clock::starting_at(now),
            announcer,
            faults: Faults::none(),
            tuning: Arc::new(Tuning::default()),
            board: Arc::new(Board::default()),
        };
        let (state, stop) = (ground.state.clone(), CancellationToken::new());
        let timekeeper = Timekeeper::new(ground, Timetable::default(), stop.clone());
        let scheduled = Scheduled {
            instance: "bot".into(),
            schedules,
            bell: Arc::<Bell>::default(),
        };
        Self {
            state,
            events,
            stop,
            task: tokio::spawn(timekeeper.run(vec![scheduled])),
        }
    }

    /// Waits for so many fires.
    async fn fires(&mut self, count: usize) {
        for _ in 0..count {
            while !matches!(self.events.next().await, Some(HostEvent::ScheduleFired { .. })) {}
        }
    }

    /// Ends it where it stands, as a crash would, or in order; the state file is free then.
    async fn end(self, crash: bool) {
        if crash {
            self.task.abort();
        }
        self.stop.cancel();
        let _ended = self.task.await;
        self.state.close().await;
    }
}

/// The due times that are in the inbox, in order: whoever ran, each once.
async fn accepted(path: PathBuf) -> Vec<DateTime<Utc>> {
    let state = State::open(path).await.unwrap();
    let mut due = Vec::new();
    while let Some(head) = state.inbox_heads("bot".into(), 1).await.unwrap().pop() {
        let time = head.cause.strip_prefix("schedule:test:").unwrap();
        due.push(utc(time));
        let handled = crate::state::Handled {
            instance: "bot".into(),
            inbox: Some(head.seq),
            ..Default::default()
        };
        state.commit(handled).await.unwrap();
    }
    state.close().await;
    due
}

/// Both changes of the zone's clock in 2026, from some hours before to some after, with the host stopped or killed at
/// random moments. Every time of the schedule is accepted once.
#[tokio::test(start_paused = true)]
async fn restarts_at_any_moment_of_a_clock_change_neither_skip_nor_repeat() {
    for (zone, nights) in [
        ("Europe/Berlin", ["2026-03-28", "2026-10-24"]),
        ("America/New_York", ["2026-03-07", "2026-10-31"]),
        ("Australia/Lord_Howe", ["2026-04-04", "2026-10-03"]),
        ("Africa/Casablanca", ["2026-02-14", "2026-03-21"]),
    ] {
        for (night, seed) in nights.iter().zip(0..) {
            for cron in ["*/20 * * * *", "30 2 * * *"] {
                through(cron, zone, utc(&format!("{night}T12:00:00Z")), seed).await;
            }
        }
    }
}

async fn through(cron: &str, zone: &str, start: DateTime<Utc>, seed: u64) {
    let folder = tempfile::tempdir().unwrap();
    let path = || folder.path().join("host.db");
    let mut random = fastrand::Rng::with_seed(seed);
    let jitter = Jitter::up_to(Duration::from_secs(300)).unwrap();
    let spec = ScheduleSpec::new("test", schedule(cron, zone))
        .misfire(Misfire::All)
        .jitter(jitter);
    let mut now = start;
    while now < start + TimeDelta::hours(30) {
        let (mut life, began) = (Life::begin(path(), now, vec![spec.clone()]).await, Instant::now());
        // Either after some fires, or at any moment: tokio's paused time goes on while the state file is written, so
        // that such a moment is often in the middle of a decision.
        if random.bool() {
            life.fires(random.usize(1..4)).await;
        } else {
            tokio::time::sleep(Duration::from_secs(random.u64(1..7200))).await;
        }
        life.end(random.bool()).await;
        now += TimeDelta::from_std(began.elapsed()).unwrap() + TimeDelta::seconds(random.i64(0..3600));
    }
    // A last start decides about what passed while it was away, and goes on.
    let (mut life, began) = (Life::begin(path(), now, vec![spec.clone()]).await, Instant::now());
    life.fires(2).await;
    life.end(false).await;
    now += TimeDelta::from_std(began.elapsed()).unwrap();
    let seed = parlor_bot::schedule::Seed::of("bot", "test");
    let expected: Vec<_> = spec
        .schedule
        .upcoming(start)
        .take_while(|due| spec.comes_at(seed, *due) <= now)
        .collect();
    assert_eq!(accepted(path()).await, expected, "{cron} in {zone} from {start}");
}

#[tokio::test(start_paused = true)]
async fn a_calendar_that_changes_is_used_as_it_is_when_a_time_comes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("days.ics");
    let write = |day: &str| {
        let event = format!("BEGIN:VEVENT\nSUMMARY:Off\nDTSTART;VALUE=DATE:{day}\nEND:VEVENT");
        std::fs::write(&file, format!("BEGIN:VCALENDAR\n{event}\nEND:VCALENDAR\n")).unwrap();
    };
    write("20260601");
    let days = Days::Except(Arc::new(CalendarFile::open(&file).unwrap()));
    let spec = ScheduleSpec::new("test", schedule("0 9 * * *", "UTC").with_days([days]));
    let path = || folder.path().join("host.db");
    let mut life = Life::begin(path(), utc("2026-06-01T08:00:00Z"), vec![spec]).await;
    let mut told = async || loop {
        match life.events.next().await.unwrap() {
            HostEvent::ScheduleFired { due, .. } => return format!("{} fires", due.format("%d")),
            HostEvent::ScheduleSkipped { due, reason, .. } => {
                return format!("{} {reason}", due.format("%d"));
            }
            HostEvent::CalendarFailed { reason, .. } => return reason,
            _ => {}
        }
    };
    assert_eq!(told().await, "01 Off (days.ics)");
    // A day and its length differ, so that the change is seen whatever the file system's clock does.
    write("20260602\nDURATION:P1D");
    assert_eq!(told().await, "02 Off (days.ics)");
    std::fs::write(&file, "BEGIN:VCALENDAR").unwrap();
    let failed = told().await;
    assert!(
        failed.ends_with("days.ics, line 1: BEGIN:VCALENDAR has no END:VCALENDAR"),
        "{failed}"
    );
    assert_eq!(told().await, "03 fires");
    let item = "schedule:test:2026-06-02T09:00:00+00:00";
    let entries = life.state.ledger_about(item.into()).await.unwrap();
    let last = entries.last().unwrap();
    assert_eq!(
        (last.status, last.detail.as_deref()),
        (LedgerStatus::Skipped, Some("Off (days.ics)"))
    );
    life.end(false).await;
}
