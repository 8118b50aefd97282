//! What a running host tells whoever prints or records it.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use parlor_bot::SipUri;
use serde::Serialize;
use tokio::sync::broadcast;

use crate::tally::Tally;

/// Events kept for a slow reader; one that falls further behind misses the oldest and is told how many.
const KEPT: usize = 1024;

/// Something an operator may want to see happen.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum HostEvent {
    /// An endpoint is signed in and has its chat session.
    SignedIn {
        /// The endpoint.
        user: SipUri,
    },
    /// An endpoint could not sign in; it is tried again.
    SignInFailed {
        /// The endpoint.
        user: SipUri,
        /// Why.
        reason: String,
    },
    /// An endpoint lost its server and is being re-established.
    Recovering {
        /// The endpoint.
        user: SipUri,
        /// Why, when it is known.
        reason: Option<String>,
    },
    /// A room is joined.
    Joined {
        /// The endpoint.
        user: SipUri,
        /// The room as configured.
        room: String,
        /// The room's address.
        uri: String,
    },
    /// A room could not be joined or was closed; it is tried again.
    JoinFailed {
        /// The endpoint.
        user: SipUri,
        /// The room as configured.
        room: String,
        /// Why.
        reason: String,
    },
    /// Messages of a room cannot be fetched from history, or its history began anew.
    HistoryGap {
        /// The endpoint.
        user: SipUri,
        /// The room as configured.
        room: String,
        /// What is missing and why.
        reason: String,
    },
    /// An instance runs.
    BotStarted {
        /// The instance.
        instance: String,
        /// Its kind.
        kind: String,
        /// Its rooms as configured.
        rooms: Vec<String>,
    },
    /// An instance cannot run, or asked to be stopped; the others go on.
    BotStopped {
        /// The instance.
        instance: String,
        /// Why.
        reason: String,
    },
    /// A handler panicked or passed its deadline; the instance is made anew.
    BotRestarting {
        /// The instance.
        instance: String,
        /// What happened.
        reason: String,
    },
    /// A handler failed; the event is tried again.
    HandlerFailed {
        /// The instance.
        instance: String,
        /// What was handled.
        cause: String,
        /// Which attempt this was.
        attempt: u32,
        /// Why.
        reason: String,
    },
    /// An event was set aside after its handler failed for good; the instance goes on with the next.
    Quarantined {
        /// The instance.
        instance: String,
        /// What was handled.
        cause: String,
        /// Why.
        reason: String,
    },
    /// A post is in its room.
    Posted {
        /// The instance.
        instance: String,
        /// The room as configured.
        room: String,
        /// The message's id in the room, when the server told it.
        id: Option<i64>,
        /// The first characters.
        excerpt: String,
        /// Whether the server had it already.
        repeated: bool,
    },
    /// An answer has reached the person who wrote to an instance alone. What it says is theirs.
    Answered {
        /// The instance.
        instance: String,
        /// The person's address.
        person: String,
    },
    /// A message is removed from its room.
    Removed {
        /// The instance that wanted it.
        instance: String,
        /// The room as configured.
        room: String,
        /// The message's id in the room.
        id: i64,
        /// Whether it had been removed before.
        repeated: bool,
    },
    /// A post, an answer or a removal could not be delivered.
    DeliveryFailed {
        /// The instance.
        instance: String,
        /// The room as configured; `remove:` and the room for a removal.
        room: String,
        /// Why.
        reason: String,
        /// Whether it is given up; otherwise it is tried again.
        dead: bool,
    },
    /// The mail server has taken a mail. To whom is in the ledger.
    Mailed {
        /// The instance.
        instance: String,
    },
    /// A mail could not be sent.
    MailFailed {
        /// The instance; empty when it is not known any more.
        instance: String,
        /// The server's words, or what happened instead.
        reason: String,
        /// Whether it is given up; otherwise it is tried again.
        dead: bool,
    },
    /// A feed could not be fetched or read.
    FeedFailed {
        /// The address.
        url: String,
        /// Why.
        reason: String,
        /// When it is tried again.
        next: DateTime<Utc>,
    },
    /// A feed is gone for good, its server says; it is not tried again until the host starts again.
    FeedGone {
        /// The address.
        url: String,
    },
    /// A feed has moved for good; it is fetched from its new place.
    FeedMoved {
        /// The configured address.
        url: String,
        /// The new one.
        to: String,
    },
    /// A feed that operators were told of can be read again.
    FeedRecovered {
        /// The address.
        url: String,
        /// Since when it could not.
        since: DateTime<Utc>,
    },
    /// A feed has had nothing new for longer than is expected of it.
    FeedSilent {
        /// The instance that expects something.
        instance: String,
        /// The feed's name there.
        feed: String,
        /// When the last new item was listed.
        since: DateTime<Utc>,
    },
    /// A silent feed has something new again.
    FeedHeard {
        /// The instance.
        instance: String,
        /// The feed's name there.
        feed: String,
    },
    /// No feed server answers: the own network is taken to be down, and feeds wait.
    NetworkDown {
        /// How many hosts did not answer, and none did.
        hosts: usize,
    },
    /// A feed server answers again.
    NetworkUp {
        /// Since when none did.
        since: DateTime<Utc>,
    },
    /// A webhook's request is stored for its instance, or repeats one that is.
    WebhookTaken {
        /// The instance.
        instance: String,
        /// The webhook.
        hook: String,
        /// The name under which the ledger tells of it.
        item: String,
        /// Whether it came before.
        repeated: bool,
    },
    /// A request to a webhook was refused. Of many with the same reason the first is told, and then each thousandth.
    WebhookRefused {
        /// The webhook; empty when there is none of that name.
        hook: String,
        /// Who sent it.
        from: IpAddr,
        /// Why.
        reason: String,
    },
    /// A feed was fetched.
    FeedFetched {
        /// The address.
        url: String,
        /// How many items were new to a bot.
        new: usize,
    },
    /// A schedule's due time came, or was decided after the host had been away.
    ScheduleFired {
        /// The instance.
        instance: String,
        /// The schedule.
        schedule: String,
        /// The time that was due.
        due: DateTime<Utc>,
    },
    /// Due times of a schedule did not fire; the ledger tells the reason of each.
    ScheduleSkipped {
        /// The instance.
        instance: String,
        /// The schedule.
        schedule: String,
        /// The last of the times.
        due: DateTime<Utc>,
        /// How many they were.
        times: usize,
        /// Why the last one did not fire.
        reason: String,
    },
    /// A calendar file was changed and cannot be used; what was read of it before stays in use.
    CalendarFailed {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// When a schedule is due next.
    ScheduleNext {
        /// The instance.
        instance: String,
        /// The schedule.
        schedule: String,
        /// When.
        due: DateTime<Utc>,
    },
    /// The state file refused a change; it is tried again, nothing is lost meanwhile.
    StateFailed {
        /// Why.
        reason: String,
    },
    /// A changed configuration is in use.
    Reloaded {
        /// New instances.
        started: Vec<String>,
        /// Changed instances.
        restarted: Vec<String>,
        /// Instances that are not named any more.
        removed: Vec<String>,
    },
    /// Hosts came to the pool or left it, or this one leads other endpoints than before, with the bots that post as them.
    PoolChanged {
        /// The names of the hosts that are there.
        hosts: Vec<String>,
        /// What this host leads.
        endpoints: Vec<SipUri>,
    },
    /// Other hosts of the pool have taken over, because this one was silent for too long. It has ended all that it did, and
    /// joins the pool anew.
    TakenOver,
    /// The host stops.
    Stopping,
}

/// The reading end of a host's events.
#[derive(Debug)]
pub struct HostEvents {
    receiver: broadcast::Receiver<HostEvent>,
}

impl HostEvents {
    /// The next event; `None` when the host is gone. A reader that fell behind goes on with the oldest kept one.
    /// Cancel safe.
    pub async fn next(&mut self) -> Option<HostEvent> {
        loop {
            match self.receiver.recv().await {
                Ok(event) => return Some(event),
                Err(broadcast::error::RecvError::Lagged(missed)) => {
                    tracing::warn!(missed, "host events were read too slowly");
                }
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}

/// The writing end.
#[derive(Debug, Clone)]
pub(crate) struct Announcer {
    sender: broadcast::Sender<HostEvent>,
    tally: Arc<Tally>,
}

impl Announcer {
    pub(crate) fn new() -> Self {
        Self {
            sender: broadcast::Sender::new(KEPT),
            tally: Arc::default(),
        }
    }

    /// What was announced so far, in numbers.
    pub(crate) fn tally(&self) -> &Arc<Tally> {
        &self.tally
    }

    pub(crate) fn tell(&self, event: HostEvent) {
        self.tally.count(&event);
        // Nobody listening is fine: events are for people, not for the host.
        let _unheard = self.sender.send(event);
    }

    pub(crate) fn listen(&self) -> HostEvents {
        HostEvents {
            receiver: self.sender.subscribe(),
        }
    }
}

/// The first characters of a text on one line, for people.
pub(crate) fn excerpt(text: &str) -> String {
    const SHOWN: usize = 80;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
