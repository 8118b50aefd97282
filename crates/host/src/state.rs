//! The host's durable state: cursors, bot values, outbox, inbox, feeds and schedules, in a file of SQLite for one host
//! or in PostgreSQL for the hosts of a pool.
//!
//! Owns the database, its one thread and its layout. What the rows mean to delivery is decided by the workers and
//! senders that call in here.
//!
//! One thread owns the one connection. Calls wait in a bounded queue; all that wait together share one commit, each
//! in a savepoint of its own, so that one failing call does not undo its neighbours and a burst costs one fsync.

mod backlog;
mod commit;
mod cursors;
mod database;
mod db;
mod error;
mod feeds;
mod inbox;
mod ledger;
mod membership;
mod outbox;
mod read_only;
mod retry;
mod schedules;
mod schema;
mod thread;
mod webhooks;

use std::path::PathBuf;

use tokio::sync::{mpsc, watch};

pub use database::{Database, DatabaseError};
pub use db::DbError;
pub use error::StateError;

pub(crate) use backlog::{Backlog, Waiting};
pub(crate) use commit::{Handled, Quarantined, StateChange};
pub(crate) use feeds::{FeedRecord, FeedRow, FeedTurn, Subscription, SubscriptionRow, Trouble};
pub(crate) use inbox::{InboxRow, NewInput};
pub(crate) use ledger::NewEntry;
pub(crate) use membership::{Standing, fair_share};
pub use read_only::LedgerReader;

pub(crate) use outbox::{NewPost, OutboxRow};
pub(crate) use schedules::{Decisions, DueTime, Settled};

#[cfg(test)]
pub(crate) use webhooks::WAITING as WAITING_REQUESTS;
pub(crate) use webhooks::{KnownBy, NewRequest, Taken};

use db::{Db, Postgres, Sqlite};
use ledger::Ledger;
use thread::Job;

/// Calls that may wait for the state thread; callers beyond it wait in order for room, nothing is refused.
const QUEUE: usize = 256;

/// Where the state is.
#[derive(Debug, Clone)]
pub enum Place {
    /// A file of SQLite, for one host.
    File(PathBuf),
    /// A database that the hosts of a pool share.
    Database(Database),
}

impl Place {
    fn open_to_read(&self) -> Result<Db, StateError> {
        Ok(match self {
            Self::File(path) => Sqlite::read_only(path)?.into(),
            Self::Database(_) => self.open()?,
        })
    }

    fn open(&self) -> Result<Db, StateError> {
        Ok(match self {
            Self::File(path) => Sqlite::open(path)?.into(),
            Self::Database(database) => Postgres::open(database.clone())?.into(),
        })
    }
}

impl From<PathBuf> for Place {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

/// A handle to the host's state; cheap to clone, all clones share one thread and one connection.
#[derive(Debug, Clone)]
pub(crate) struct State {
    jobs: mpsc::Sender<Job>,
    closed: watch::Receiver<bool>,
    ledger: Ledger,
}

impl State {
    /// Opens or creates the state and brings its layout up to date. On a file it takes the lock that keeps a second host
    /// out.
    ///
    /// # Errors
    /// [`StateError::InUse`] when another process has the file, [`StateError::TooNew`] when a later version wrote it,
    /// and what the database or the file system say.
    pub(crate) async fn open(place: impl Into<Place>) -> Result<Self, StateError> {
        let place = place.into();
        Self::opened(move || place.open()).await
    }

    async fn opened(
        open: impl FnOnce() -> Result<Db, StateError> + Send + 'static,
    ) -> Result<Self, StateError> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let closed = thread::start(open, queue).await?;
        let ledger = Ledger { on: true };
        Ok(Self { jobs, closed, ledger })
    }

    /// Writes no ledger through this handle: for those who want none, and to measure what it costs.
    #[must_use]
    pub(crate) fn without_ledger(mut self) -> Self {
        self.ledger = Ledger { on: false };
        self
    }

    /// Runs `work` inside the thread's current transaction and returns after that is on disk.
    async fn call<T, F>(&self, work: F) -> Result<T, StateError>
    where
        T: Send + 'static,
        F: FnOnce(&Db) -> Result<T, DbError> + Send + 'static,
    {
        let (work, answer) = thread::call(work);
        let sent = self.jobs.send(Job::Call(work)).await;
        sent.map_err(|_| StateError::Closed)?;
        answer.await.map_err(|_| StateError::Closed)?
    }

    /// Finishes what is queued, closes the file and gives its lock back; later calls get [`StateError::Closed`].
    pub(crate) async fn close(&self) {
        // An error means that the thread is gone already, which is what is wanted.
        let _gone = self.jobs.send(Job::Stop).await;
        let mut closed = self.closed.clone();
        let _gone = closed.wait_for(|closed| *closed).await;
    }
}

#[cfg(test)]
mod homes;
#[cfg(test)]
mod tests;
