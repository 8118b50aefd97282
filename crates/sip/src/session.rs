//! Session timers (RFC 4028): who refreshes a dialog, when, and when it is given up.

use crate::typed::parse_seconds;
use crate::{Name, Refresher, Request, SessionExpires};
use std::time::{Duration, Instant};

/// The shortest interval the standard allows (RFC 4028 section 4).
pub(crate) const MIN_INTERVAL: Duration = Duration::from_secs(90);
/// The longest interval taken from a peer: beyond a day a dead session is as good as kept for ever.
const MAX_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);
/// What a refreshing peer gets beyond the interval. RFC 4028 would end the session before it is over, but
/// pidgin-sipe refreshes ten seconds before the end and its UPDATE needs time to arrive.
const GRACE: Duration = Duration::from_secs(32);
/// How long to wait after a refresh that failed for a passing reason.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// The timer of one dialog.
#[derive(Debug)]
pub(crate) struct Session {
    interval: Duration,
    /// When we refresh next; `None` when the peer does or a refresh of ours is on its way.
    refresh_at: Option<Instant>,
    expires_at: Instant,
    ours: bool,
    /// We refresh with a re-INVITE: the peer does not know UPDATE.
    by_invite: bool,
}

/// What a session timer asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionDue {
    Refresh,
    Expire,
}

impl Session {
    pub(crate) fn new(now: Instant, interval: Duration, ours: bool) -> Self {
        let interval = interval.clamp(MIN_INTERVAL, MAX_INTERVAL);
        let mut session = Self {
            interval,
            refresh_at: None,
            expires_at: now,
            ours,
            by_invite: false,
        };
        session.refreshed(now);
        session
    }

    /// Starts over: a refresh succeeded.
    pub(crate) fn refreshed(&mut self, now: Instant) {
        self.refresh_at = self.ours.then(|| now + self.interval / 2);
        self.expires_at = now + self.interval + if self.ours { Duration::ZERO } else { GRACE };
    }

    /// Starts over with what the answer to a refresh of ours says; one that says nothing changes nothing.
    pub(crate) fn agree(&mut self, now: Instant, agreed: Option<SessionExpires>) {
        if let Some(agreed) = agreed {
            self.interval = agreed.interval.clamp(MIN_INTERVAL, MAX_INTERVAL);
            self.ours = agreed.refresher != Some(Refresher::Uas);
        }
        self.refreshed(now);
    }

    /// A refresh was refused for a passing reason; the peer may have asked for a longer interval.
    pub(crate) fn retry(&mut self, now: Instant, min_interval: Option<Duration>) {
        if let Some(interval) = min_interval {
            self.interval = interval.clamp(self.interval, MAX_INTERVAL);
        }
        self.refresh_at = self.ours.then(|| now + RETRY_AFTER);
    }

    pub(crate) fn interval(&self) -> Duration {
        self.interval
    }

    pub(crate) fn is_by_invite(&self) -> bool {
        self.by_invite
    }

    /// From now on a re-INVITE refreshes the session.
    pub(crate) fn use_invite(&mut self) {
        self.by_invite = true;
    }

    pub(crate) fn is_ours(&self) -> bool {
        self.ours
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.refresh_at
            .map_or(self.expires_at, |at| at.min(self.expires_at))
    }

    /// What is due now; a refresh is due once.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<SessionDue> {
        if self.expires_at <= now {
            return Some(SessionDue::Expire);
        }
        self.refresh_at
            .take_if(|at| *at <= now)
            .map(|_| SessionDue::Refresh)
    }
}

/// What we grant to an INVITE, UPDATE or re-INVITE, or `None` when we do not use session timers.
///
/// It is granted to clients that never asked for it as well: pidgin-sipe neither asks nor announces `timer`, but
/// reads the answer and loops without it (facts on the real client, section 3.3).
pub(crate) fn grant(request: &Request, ours: Option<Duration>) -> Option<SessionExpires> {
    let ours = ours?;
    let asked = request.session_expires().ok().flatten();
    let least = request
        .headers()
        .get(Name::MinSe)
        .and_then(parse_min_se)
        .unwrap_or(MIN_INTERVAL);
    let interval = asked
        .map_or(ours, |asked| asked.interval.min(ours))
        .max(least)
        .max(MIN_INTERVAL);
    let refresher = asked.and_then(|asked| asked.refresher).unwrap_or(Refresher::Uac);
    Some(SessionExpires {
        interval: interval.min(MAX_INTERVAL),
        refresher: Some(refresher),
    })
}

/// Whether a request asks for less than the standard allows, so that it gets 422.
pub(crate) fn is_too_brief(request: &Request) -> bool {
    let asked = request.session_expires().ok().flatten();
    asked.is_some_and(|asked| asked.interval < MIN_INTERVAL) && request.supports("timer")
}

pub(crate) fn parse_min_se(text: &str) -> Option<Duration> {
    parse_seconds(text.split(';').next().unwrap_or(text))
}
