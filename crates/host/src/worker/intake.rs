//! What an instance has to handle, and which of it is next: in order per source, one source not waiting for another.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use parlor_bot::{
    Event, FeedDigest, FeedItem, IncomingMessage, Presence, PrivateMessage, ScheduleFired, WebhookRequest,
};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::lane::{Input, LaneReceiver};
use crate::state::InboxRow;

/// An event on its way through the handler.
#[derive(Debug, Clone)]
pub(crate) struct Trial {
    pub(crate) event: Arc<Event>,
    /// What must stay in order among itself.
    pub(crate) source: String,
    /// What makes the event this one.
    pub(crate) cause: String,
    pub(crate) progress: Progress,
    /// Attempts that failed.
    pub(crate) attempts: u32,
    /// Not before this time.
    pub(crate) retry_at: Option<Instant>,
    /// Since when it has waited here.
    pub(crate) since: Instant,
}

/// What is to be recorded when the event is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Progress {
    Nothing,
    Cursor { room: Arc<str>, id: i64 },
    Inbox(i64),
}

/// Where a trial came from and goes back to when it is to be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    Start,
    Wake,
    Lane(usize),
    Inbox,
}

/// An event as inbox and quarantine keep it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Accepted {
    Feed(FeedItem),
    Digest(FeedDigest),
    Schedule(ScheduleFired),
    Private(PrivateMessage),
    Webhook(WebhookRequest),
    /// One that was set aside: a message that comes in the first time is kept by its room.
    Message(IncomingMessage),
    Joined(Presence),
    Parted(Presence),
    /// One that was set aside: its time is kept with what the instance remembers.
    Woken(DateTime<Utc>),
}

impl Accepted {
    /// What is kept of an event; `None` for one that nobody would want to try again later.
    pub(crate) fn of(event: &Event) -> Option<Self> {
        match event.clone() {
            Event::FeedItem(item) => Some(Self::Feed(item)),
            Event::FeedDigest(digest) => Some(Self::Digest(digest)),
            Event::Schedule(fired) => Some(Self::Schedule(fired)),
            Event::PrivateMessage(message) => Some(Self::Private(message)),
            Event::Webhook(request) => Some(Self::Webhook(request)),
            Event::Message(message) => Some(Self::Message(message)),
            Event::Joined(presence) => Some(Self::Joined(presence)),
            Event::Parted(presence) => Some(Self::Parted(presence)),
            Event::Woken(at) => Some(Self::Woken(at)),
            _ => None,
        }
    }
}

impl From<Accepted> for Event {
    fn from(accepted: Accepted) -> Self {
        match accepted {
            Accepted::Feed(item) => Self::FeedItem(item),
            Accepted::Digest(digest) => Self::FeedDigest(digest),
            Accepted::Schedule(fired) => Self::Schedule(fired),
            Accepted::Message(message) => Self::Message(message),
            Accepted::Joined(presence) => Self::Joined(presence),
            Accepted::Parted(presence) => Self::Parted(presence),
            Accepted::Woken(at) => Self::Woken(at),
            Accepted::Private(message) => Self::PrivateMessage(message),
            Accepted::Webhook(request) => Self::Webhook(request),
        }
    }
}

#[derive(Debug)]
struct Lane {
    receiver: LaneReceiver,
    head: Option<Trial>,
}

/// Everything that waits for one instance.
#[derive(Debug)]
pub(crate) struct Intake {
    start: Option<Trial>,
    /// The time that the instance asked for, once it has come.
    wake: Option<Trial>,
    lanes: Vec<Lane>,
    /// The lane that is looked at first, so that a busy room does not starve the others.
    first: usize,
    inbox: Vec<Trial>,
    /// Whether the inbox was served last: then the lanes come first, so that neither starves the other.
    inbox_last: bool,
    /// The inbox may hold more than is loaded.
    stale: bool,
    /// Messages that need no handling, by room: how far the cursor may move.
    passed: BTreeMap<Arc<str>, i64>,
}

impl Intake {
    pub(crate) fn new(start: Trial, lanes: Vec<LaneReceiver>) -> Self {
        let lanes = lanes
            .into_iter()
            .map(|receiver| Lane { receiver, head: None })
            .collect();
        Self {
            start: Some(start),
            wake: None,
            lanes,
            first: 0,
            inbox: Vec::new(),
            inbox_last: false,
            stale: true,
            passed: BTreeMap::new(),
        }
    }

    /// The next event that may be tried at `now`.
    pub(crate) fn next(&mut self, now: Instant) -> Option<(Slot, Trial)> {
        if let Some(start) = &self.start {
            // Nothing comes before the start.
            return if due(start, now) {
                self.start.take().map(|trial| (Slot::Start, trial))
            } else {
                None
            };
        }
        if self.wake.as_ref().is_some_and(|trial| due(trial, now)) {
            return self.wake.take().map(|trial| (Slot::Wake, trial));
        }
        let next = if self.inbox_last {
            self.next_of_lanes(now).or_else(|| self.next_of_inbox(now))
        } else {
            self.next_of_inbox(now).or_else(|| self.next_of_lanes(now))
        };
        self.inbox_last = matches!(next, Some((Slot::Inbox, _)));
        next
    }

    fn next_of_inbox(&mut self, now: Instant) -> Option<(Slot, Trial)> {
        let index = self.inbox.iter().position(|trial| due(trial, now))?;
        // What is left of the same source is not loaded.
        self.stale = true;
        Some((Slot::Inbox, self.inbox.remove(index)))
    }

    fn next_of_lanes(&mut self, now: Instant) -> Option<(Slot, Trial)> {
        let count = self.lanes.len();
        for index in (self.first..count).chain(0..self.first) {
            self.fill(index);
            let lane = &mut self.lanes[index];
            if lane.head.as_ref().is_some_and(|trial| due(trial, now)) {
                self.first = (index + 1) % count;
                return lane.head.take().map(|trial| (Slot::Lane(index), trial));
            }
        }
        None
    }

    /// Puts an event back to be tried again; its source waits for it.
    pub(crate) fn put_back(&mut self, slot: Slot, trial: Trial) {
        match slot {
            Slot::Start => self.start = Some(trial),
            Slot::Wake => self.wake = Some(trial),
            Slot::Lane(index) => self.lanes[index].head = Some(trial),
            Slot::Inbox => self.inbox.push(trial),
        }
    }

    /// Adds the time that the instance asked for, which has come; one that is there already is that one.
    pub(crate) fn wake(&mut self, at: DateTime<Utc>) {
        if self.wake.is_none() {
            self.wake = Some(Trial {
                event: Arc::new(Event::Woken(at)),
                source: "wake".to_owned(),
                cause: format!("wake:{}", at.to_rfc3339_opts(SecondsFormat::Millis, true)),
                progress: Progress::Nothing,
                attempts: 0,
                retry_at: None,
                since: Instant::now(),
            });
        }
    }

    /// When the first of the events that were put back may be tried.
    pub(crate) fn earliest_retry(&self) -> Option<Instant> {
        let heads = self.lanes.iter().filter_map(|lane| lane.head.as_ref());
        self.start
            .iter()
            .chain(&self.wake)
            .chain(heads)
            .chain(&self.inbox)
            .filter_map(|trial| trial.retry_at)
            .min()
    }

    /// Since when the oldest of the events that are at hand has waited.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        let heads = self.lanes.iter().filter_map(|lane| lane.head.as_ref());
        let all = self
            .start
            .iter()
            .chain(&self.wake)
            .chain(heads)
            .chain(&self.inbox);
        all.map(|trial| trial.since).min()
    }

    /// Whether the inbox is to be loaded again: all that is ready has been tried, and there may be more.
    pub(crate) fn wants_inbox(&self, now: Instant) -> bool {
        self.stale && self.start.is_none() && !self.inbox.iter().any(|trial| due(trial, now))
    }

    /// Notes that the inbox holds something new.
    pub(crate) fn inbox_changed(&mut self) {
        self.stale = true;
    }

    /// Takes the oldest events of each source; those known already keep their count of attempts.
    pub(crate) fn load_inbox(&mut self, heads: Vec<(InboxRow, Event)>) {
        self.stale = false;
        for (row, event) in heads {
            let progress = Progress::Inbox(row.seq);
            if self.inbox.iter().all(|trial| trial.progress != progress) {
                self.inbox.push(Trial {
                    event: Arc::new(event),
                    source: row.source,
                    cause: row.cause,
                    progress,
                    attempts: 0,
                    retry_at: None,
                    since: Instant::now(),
                });
            }
        }
    }

    /// How far the cursors may move because of messages that needed no handling.
    pub(crate) fn take_passed(&mut self) -> BTreeMap<Arc<str>, i64> {
        std::mem::take(&mut self.passed)
    }

    /// Brings the next event of a lane to its head.
    fn fill(&mut self, index: usize) {
        let lane = &mut self.lanes[index];
        while lane.head.is_none() {
            let Some((since, input)) = lane.receiver.take() else {
                return;
            };
            let trial = match input {
                Input::Passed { room, id } => {
                    self.passed.insert(room, id);
                    continue;
                }
                Input::Message { event, room, id } => {
                    let cause = match id {
                        Some(id) => format!("message:{room}:{id}"),
                        None => format!("message:{room}:unnumbered:{}", unnumbered(&event)),
                    };
                    let source = format!("room:{room}");
                    let progress = id.map_or(Progress::Nothing, |id| Progress::Cursor { room, id });
                    Trial {
                        event,
                        source,
                        cause,
                        progress,
                        attempts: 0,
                        retry_at: None,
                        since,
                    }
                }
                Input::Presence { event, cause } => Trial {
                    event,
                    source: "presence".to_owned(),
                    cause,
                    progress: Progress::Nothing,
                    attempts: 0,
                    retry_at: None,
                    since,
                },
            };
            lane.head = Some(trial);
        }
    }
}

fn due(trial: &Trial, now: Instant) -> bool {
    trial.retry_at.is_none_or(|at| at <= now)
}

/// What tells apart the messages of a server that gives no numbers.
fn unnumbered(event: &Event) -> String {
    match event {
        Event::Message(message) => format!("{}:{}", message.author, message.sent.timestamp_millis()),
        _ => String::new(),
    }
}
