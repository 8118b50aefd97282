//! What can be asked of a running host, by its owner in the process and through the control socket.

use std::collections::HashMap;
use std::sync::Arc;

use parlor_bot::SipUri;
use tokio::sync::Notify;

use crate::courier::is_person;
use crate::ground::Ground;
use crate::lane::Bell;
use crate::ledger::{LedgerEntry, LedgerQuery, Retried, Retry};
use crate::state::StateError;
use crate::status::{OutboxStatus, Status};
use crate::timekeeper::Timetable;

/// Schedules that a status lists; a host may have ten thousand.
const LISTED_SCHEDULES: usize = 100;

/// A host as those see it who ask it something; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    pub(crate) ground: Ground,
    /// The endpoints in the configuration's order.
    pub(crate) order: Arc<[SipUri]>,
    pub(crate) timetable: Timetable,
    pub(crate) bells: Arc<Bells>,
}

/// Whom to wake for work that comes from outside the usual ways.
#[derive(Debug, Default)]
pub(crate) struct Bells {
    /// Senders by user and room as the outbox spells them.
    pub(crate) senders: HashMap<(String, String), Arc<Notify>>,
    /// Couriers by user.
    pub(crate) couriers: HashMap<String, Arc<Notify>>,
    /// Workers by instance.
    pub(crate) workers: HashMap<String, Arc<Bell>>,
}

impl Desk {
    /// How everything is doing.
    pub(crate) async fn status(&self) -> Status {
        let board = &self.ground.board;
        let now = self.ground.clock.now();
        // Without the state there is nothing to be told about the outbox; its own event has told why.
        let outbox = self.ground.state.outbox_depth().await.unwrap_or_default();
        let age = |oldest: i64| u64::try_from(now.timestamp_millis() - oldest).unwrap_or(0) / 1000;
        let mut endpoints = board.endpoints();
        endpoints.sort_by_key(|line| self.order.iter().position(|user| *user == line.user));
        Status {
            at: now,
            endpoints,
            rooms: board.rooms(),
            instances: board.instances(),
            outbox: OutboxStatus {
                waiting: outbox.waiting,
                oldest_seconds: outbox.oldest.map(age),
                dead: outbox.dead,
            },
            schedules: self.timetable.next(LISTED_SCHEDULES),
            feeds: board.feeds(),
        }
    }

    /// Entries of the ledger, oldest first.
    pub(crate) async fn ledger(&self, query: LedgerQuery) -> Result<Vec<LedgerEntry>, StateError> {
        self.ground.state.ledger(query).await
    }

    /// Everything the ledger tells about one thing.
    pub(crate) async fn ledger_about(&self, what: String) -> Result<Vec<LedgerEntry>, StateError> {
        self.ground.state.ledger_about(what).await
    }

    /// Gives what was given up another chance, and wakes who has to do with it.
    pub(crate) async fn retry(&self, retry: Retry) -> Result<Retried, StateError> {
        let revived = self.ground.state.retry(retry, self.ground.clock.millis()).await?;
        let mut retried = Retried {
            posts: revived.posts.len() as u64,
            events: revived.events.len() as u64,
            kept_back: revived.kept_back,
            waiting_for_start: 0,
        };
        for place in &revived.posts {
            let (user, to) = place;
            let courier = || self.bells.couriers.get(user).filter(|_| is_person(to));
            match self.bells.senders.get(place).or_else(courier) {
                Some(bell) => bell.notify_one(),
                None => retried.waiting_for_start += 1,
            }
        }
        for instance in revived.events {
            self.ground.board.instance(&instance, |line| {
                line.quarantined = line.quarantined.saturating_sub(1);
            });
            match self.bells.workers.get(&instance) {
                Some(bell) => bell.ring_for_inbox(),
                None => retried.waiting_for_start += 1,
            }
        }
        Ok(retried)
    }
}
