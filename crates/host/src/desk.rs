//! What can be asked of a running host, by its owner in the process and through the control socket.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::courier::is_person;
use crate::ground::Ground;
use crate::lane::Bell;
use crate::ledger::{LedgerEntry, LedgerQuery, Retried, Retry};
use crate::mail::is_mail;
use crate::remover::is_removal;
use crate::state::StateError;
use crate::status::{OutboxStatus, Status};
use crate::timekeeper::Timetable;

/// Schedules that a status lists; a host may have ten thousand.
const LISTED_SCHEDULES: usize = 100;

/// A host as those see it who ask it something; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    pub(crate) ground: Ground,
    pub(crate) timetable: Timetable,
    pub(crate) bells: Bells,
}

/// Whom to wake for work that comes from outside the usual ways; all clones know the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bells(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    /// Senders by user and room as the outbox spells them.
    senders: HashMap<(String, String), Arc<Notify>>,
    /// Couriers by user.
    couriers: HashMap<String, Arc<Notify>>,
    /// The one for mail.
    mail: Option<Arc<Notify>>,
    /// Removers by user.
    removers: HashMap<String, Arc<Notify>>,
    /// Workers by instance.
    workers: HashMap<String, Arc<Bell>>,
}

impl Bells {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A sender began, or ended.
    pub(crate) fn sender(&self, user: &str, room: &str, bell: Option<Arc<Notify>>) {
        let key = (user.to_owned(), room.to_owned());
        match bell {
            Some(bell) => self.lock().senders.insert(key, bell),
            None => self.lock().senders.remove(&key),
        };
    }

    /// A courier began, or ended.
    pub(crate) fn courier(&self, user: &str, bell: Option<Arc<Notify>>) {
        match bell {
            Some(bell) => self.lock().couriers.insert(user.to_owned(), bell),
            None => self.lock().couriers.remove(user),
        };
    }

    /// The courier for mail began.
    pub(crate) fn mail(&self, bell: Arc<Notify>) {
        self.lock().mail = Some(bell);
    }

    /// A remover began, or ended.
    pub(crate) fn remover(&self, user: &str, bell: Option<Arc<Notify>>) {
        match bell {
            Some(bell) => self.lock().removers.insert(user.to_owned(), bell),
            None => self.lock().removers.remove(user),
        };
    }

    /// A worker began, or ended.
    pub(crate) fn worker(&self, instance: &str, bell: Option<Arc<Bell>>) {
        match bell {
            Some(bell) => self.lock().workers.insert(instance.to_owned(), bell),
            None => self.lock().workers.remove(instance),
        };
    }

    /// Wakes nobody any more.
    pub(crate) fn clear(&self) {
        *self.lock() = Known::default();
    }

    /// Wakes a sender, or the courier when it is a person or mail, or the remover; `false` when there is none.
    pub(crate) fn ring_sender(&self, place: &(String, String)) -> bool {
        let known = self.lock();
        let (user, to) = place;
        let courier = || known.couriers.get(user).filter(|_| is_person(to));
        let mail = || known.mail.as_ref().filter(|_| is_mail(to));
        let remover = || known.removers.get(user).filter(|_| is_removal(to));
        let bell = known
            .senders
            .get(place)
            .or_else(courier)
            .or_else(mail)
            .or_else(remover);
        bell.inspect(|bell| bell.notify_one()).is_some()
    }

    /// Wakes a worker for its inbox; `false` when there is none.
    pub(crate) fn ring_worker(&self, instance: &str) -> bool {
        let known = self.lock();
        let bell = known.workers.get(instance);
        bell.inspect(|bell| bell.ring_for_inbox()).is_some()
    }
}

impl Desk {
    /// How everything is doing.
    pub(crate) async fn status(&self) -> Status {
        let board = &self.ground.board;
        let now = self.ground.clock.now();
        // Without the state there is nothing to be told about the outbox; its own event has told why.
        let outbox = self.ground.state.outbox_depth().await.unwrap_or_default();
        let age = |oldest: i64| u64::try_from(now.timestamp_millis() - oldest).unwrap_or(0) / 1000;
        Status {
            at: now,
            pool: board.pool(),
            endpoints: board.endpoints(),
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
            retried.waiting_for_start += u64::from(!self.bells.ring_sender(place));
        }
        for instance in revived.events {
            self.ground.board.instance(&instance, |line| {
                line.quarantined = line.quarantined.saturating_sub(1);
            });
            retried.waiting_for_start += u64::from(!self.bells.ring_worker(&instance));
        }
        Ok(retried)
    }
}
