//! The waits of a connection and the one timer behind them.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::Sleep;

use super::KeepAlivePolicy;
use crate::{CloseCause, Limits};

/// Since when each thing is waited for. All but the write stall are measured from the peer's last byte.
#[derive(Debug)]
pub(super) struct Deadlines {
    first_message: Option<Duration>,
    idle: Option<Duration>,
    write_stall: Duration,
    keep_alive: KeepAlivePolicy,
    opened: Instant,
    heard: Instant,
    /// When the peer stopped taking what is written.
    blocked: Option<Instant>,
    /// When a ping went out that nothing has come after.
    pinged: Option<Instant>,
}

/// Pings more often than this would be traffic, not a keep-alive.
const LEAST_PING: Duration = Duration::from_secs(1);

/// What is due.
#[derive(Debug)]
pub(super) enum Due {
    Close(CloseCause),
    Ping,
}

impl Deadlines {
    pub(super) fn new(limits: &Limits, keep_alive: KeepAlivePolicy, now: Instant) -> Self {
        Self {
            first_message: limits.first_message,
            idle: limits.idle,
            write_stall: limits.write_stall,
            keep_alive,
            opened: now,
            heard: now,
            blocked: None,
            pinged: None,
        }
    }

    pub(super) fn keep_alive(&self) -> KeepAlivePolicy {
        self.keep_alive
    }

    pub(super) fn set_keep_alive(&mut self, keep_alive: KeepAlivePolicy) {
        self.keep_alive = keep_alive;
        self.pinged = None;
    }

    /// Bytes came.
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
        self.pinged = None;
    }

    /// A whole message came.
    pub(super) fn message_came(&mut self) {
        self.first_message = None;
    }

    /// A ping is being sent.
    pub(super) fn pinged(&mut self, now: Instant) {
        self.pinged = Some(now);
    }

    /// The peer took something, or takes no more.
    pub(super) fn writing(&mut self, progress: bool, blocked: bool, now: Instant) {
        self.blocked = match (blocked, progress) {
            (false, _) => None,
            (true, true) => Some(now),
            (true, false) => self.blocked.or(Some(now)),
        };
    }

    /// The earliest.
    pub(super) fn next(&self) -> Option<Instant> {
        [
            self.first_message_due(),
            self.idle_due(),
            self.stall_due(),
            self.answer_due(),
            self.ping_due(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// What is due now; `waiting` are the bytes that the peer did not take.
    pub(super) fn due(&self, now: Instant, waiting: usize) -> Option<Due> {
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        let after = |duration: Option<Duration>| duration.unwrap_or_default();
        if is_due(self.stall_due()) {
            Some(Due::Close(CloseCause::WriteStalled {
                after: self.write_stall,
                bytes: waiting,
            }))
        } else if is_due(self.answer_due()) {
            Some(Due::Close(CloseCause::NoKeepAlive {
                after: after(self.answer_within()),
            }))
        } else if is_due(self.first_message_due()) {
            Some(Due::Close(CloseCause::NoFirstMessage {
                after: after(self.first_message),
            }))
        } else if is_due(self.idle_due()) {
            Some(Due::Close(CloseCause::Idle {
                after: after(self.idle),
            }))
        } else if is_due(self.ping_due()) {
            Some(Due::Ping)
        } else {
            None
        }
    }

    fn first_message_due(&self) -> Option<Instant> {
        Some(self.opened + self.first_message?)
    }

    fn idle_due(&self) -> Option<Instant> {
        Some(self.heard + self.idle?)
    }

    fn stall_due(&self) -> Option<Instant> {
        Some(self.blocked? + self.write_stall)
    }

    fn answer_within(&self) -> Option<Duration> {
        match self.keep_alive {
            KeepAlivePolicy::Ping { answer_within, .. } => answer_within,
            KeepAlivePolicy::Silent | KeepAlivePolicy::Answer => None,
        }
    }

    fn answer_due(&self) -> Option<Instant> {
        Some(self.pinged? + self.answer_within()?)
    }

    fn ping_due(&self) -> Option<Instant> {
        match self.keep_alive {
            KeepAlivePolicy::Ping { after, .. } => {
                Some(self.pinged.unwrap_or(self.heard) + after.max(LEAST_PING))
            }
            KeepAlivePolicy::Silent | KeepAlivePolicy::Answer => None,
        }
    }
}

/// A timer that is set later only when it goes off: most deadlines move away all the time and are never reached, and
/// setting the runtime's timer costs more than one needless wake-up now and then.
#[derive(Debug)]
pub(super) struct Timer {
    sleep: Pin<Box<Sleep>>,
    armed: Option<Instant>,
}

impl Timer {
    pub(super) fn new() -> Self {
        Self {
            sleep: Box::pin(tokio::time::sleep(Duration::ZERO)),
            armed: None,
        }
    }

    /// Ready when it went off, which may be before `deadline`.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        if self.armed.is_none_or(|armed| armed > deadline) {
            self.sleep.as_mut().reset(deadline.into());
            self.armed = Some(deadline);
        }
        let gone_off = self.sleep.as_mut().poll(cx);
        if gone_off.is_ready() {
            self.armed = None;
        }
        gone_off
    }
}
