//! The host's durable state: cursors, bot values, outbox, inbox, feeds and schedules in one SQLite file.
//!
//! Owns the file, its lock, its one thread and its layout. What the rows mean to delivery is decided by the
//! workers and senders that call in here; nothing in this module talks to a network.
//!
//! One thread owns the one connection (WAL, `synchronous=FULL`). Calls wait in a bounded queue; all that wait
//! together share one commit, each in a savepoint of its own, so that one failing call does not undo its
//! neighbours and a burst costs one fsync.

mod backlog;
mod commit;
mod cursors;
mod error;
mod feeds;
mod inbox;
mod ledger;
mod outbox;
mod read_only;
mod retry;
mod schedules;
mod schema;
mod thread;

use std::path::PathBuf;

use tokio::sync::{mpsc, watch};

pub use error::StateError;

pub(crate) use backlog::Backlog;
#[cfg(test)]
pub(crate) use backlog::Waiting;
pub(crate) use commit::{Handled, Quarantined, StateChange};
pub(crate) use feeds::{FeedRecord, FeedRow, FeedTurn, Subscription, SubscriptionRow, Trouble};
pub(crate) use inbox::{InboxRow, NewInput};
pub(crate) use ledger::NewEntry;
pub use read_only::LedgerFile;

pub(crate) use outbox::{NewPost, OutboxRow};
pub(crate) use schedules::{Decisions, DueTime, Settled};

use ledger::Ledger;
use thread::Job;

/// Calls that may wait for the state thread; callers beyond it wait in order for room, nothing is refused.
const QUEUE: usize = 256;

/// A handle to the host's state file; cheap to clone, all clones share one thread and one connection.
#[derive(Debug, Clone)]
pub(crate) struct State {
    jobs: mpsc::Sender<Job>,
    closed: watch::Receiver<bool>,
    ledger: Ledger,
}

impl State {
    /// Opens or creates the file, brings its layout up to date and takes the lock that keeps a second host out.
    ///
    /// # Errors
    /// [`StateError::InUse`] when another process has it, [`StateError::TooNew`] when a later version wrote it,
    /// and what SQLite or the file system say.
    pub(crate) async fn open(path: PathBuf) -> Result<Self, StateError> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let closed = thread::start(path.into(), queue).await?;
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
        F: FnOnce(&rusqlite::Connection) -> Result<T, rusqlite::Error> + Send + 'static,
    {
        let (job, answer) = Job::call(work);
        self.jobs.send(job).await.map_err(|_| StateError::Closed)?;
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

/// A `count(*)` in the first column.
fn count(row: &rusqlite::Row<'_>) -> Result<u64, rusqlite::Error> {
    row.get::<_, i64>(0).map(i64::unsigned_abs)
}

#[cfg(test)]
mod tests;
