//! The writer: one thread, one connection, everything that waits in one transaction.

mod accounts;
mod cache;
mod directory;
mod documents;
mod posts;
mod preferences;
mod purge;
mod removals;

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use parlor_rooms::StoreError;
use rusqlite::Connection;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{mpsc, oneshot};
use tracing::{error, warn};

use crate::commits::Commits;
use crate::failure::Failure;

pub(crate) use accounts::{put_account, remove_account};
pub(crate) use cache::Cache;
pub(crate) use directory::apply;
pub(crate) use documents::{change_documents, remove_documents};
pub(crate) use posts::append;
pub(crate) use preferences::put_preference;
pub(crate) use removals::remove;

/// Requests that may wait; further senders wait for a place. A room has one request under way at a time, so this
/// is the number of rooms that are served at once.
const QUEUE: usize = 1024;

/// About how many posts share a transaction: above this the fsync no longer counts, and waiting gets long.
const GROUP: usize = 4000;

/// The sending side of the writer.
#[derive(Debug)]
pub(crate) struct Writer {
    queue: Option<mpsc::Sender<Box<dyn Work>>>,
    thread: Option<JoinHandle<()>>,
    pub(crate) commits: Arc<Commits>,
}

impl Writer {
    pub(crate) fn start(connection: Connection) -> io::Result<Self> {
        let (queue, requests) = mpsc::channel(QUEUE);
        let commits = Arc::new(Commits::default());
        let counted = Arc::clone(&commits);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || {
                Loop {
                    connection,
                    cache: Cache::default(),
                    commits: counted,
                }
                .run(requests)
            })?;
        Ok(Self {
            queue: Some(queue),
            thread: Some(thread),
            commits,
        })
    }

    /// Has `run` done in a transaction; it may be run more than once, each time on a rolled-back state. `weight` says
    /// how many posts it counts as.
    pub(crate) async fn request<I, T>(
        &self,
        input: I,
        weight: usize,
        run: fn(&Connection, &mut Cache, &I) -> Result<T, StoreError>,
    ) -> Result<T, StoreError>
    where
        I: Send + 'static,
        T: Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let request = Request {
            input,
            weight,
            run,
            output: None,
            answer,
        };
        let queue = self.queue.as_ref().ok_or(StoreError::Closed)?;
        queue
            .send(Box::new(request))
            .await
            .map_err(|_| StoreError::Closed)?;
        // The writer dropped a request it had taken: it may have been carried out.
        answered
            .await
            .unwrap_or_else(|gone| Err(StoreError::Uncertain(Box::new(gone))))
    }
}

impl Drop for Writer {
    /// Waits until what was sent is done.
    fn drop(&mut self) {
        self.queue = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            error!("store writer panicked");
        }
    }
}

/// Something to be done in a transaction.
trait Work: Send {
    fn weight(&self) -> usize;
    fn run(&mut self, connection: &Connection, cache: &mut Cache) -> Result<(), StoreError>;
    /// Tells the asker; `Ok` says that the last run is committed.
    fn answer(self: Box<Self>, outcome: Result<(), StoreError>);
}

struct Request<I, T> {
    input: I,
    weight: usize,
    run: fn(&Connection, &mut Cache, &I) -> Result<T, StoreError>,
    output: Option<T>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<I: Send, T: Send> Work for Request<I, T> {
    fn weight(&self) -> usize {
        self.weight
    }

    fn run(&mut self, connection: &Connection, cache: &mut Cache) -> Result<(), StoreError> {
        self.output = Some((self.run)(connection, cache, &self.input)?);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), StoreError>) {
        let Self {
            output,
            answer: asker,
            ..
        } = *self;
        let answer = outcome.and_then(|()| output.ok_or(StoreError::Closed));
        // Nobody waits any more when the caller gave up.
        let _ = asker.send(answer);
    }
}

struct Loop {
    connection: Connection,
    cache: Cache,
    commits: Arc<Commits>,
}

impl Loop {
    fn run(mut self, mut requests: mpsc::Receiver<Box<dyn Work>>) {
        let mut purging = true;
        loop {
            let first = match requests.try_recv() {
                Ok(first) => Some(first),
                Err(TryRecvError::Disconnected) => break,
                // Nobody waits: time to clear away what removed rooms left.
                Err(TryRecvError::Empty) if purging => {
                    purging = purge::step(&mut self.connection).unwrap_or_else(|error| {
                        warn!(%error, "cannot clear away the posts of removed rooms");
                        false
                    });
                    continue;
                }
                Err(TryRecvError::Empty) => requests.blocking_recv(),
            };
            let Some(first) = first else { break };
            let mut weight = first.weight();
            let mut group = vec![first];
            while weight < GROUP
                && let Ok(next) = requests.try_recv()
            {
                weight += next.weight();
                group.push(next);
            }
            self.carry_out(group);
            purging |= std::mem::take(&mut self.cache.rooms_removed);
        }
    }

    /// Commits the whole group or, when one request fails, each on its own, so that none spoils the others.
    fn carry_out(&mut self, mut group: Vec<Box<dyn Work>>) {
        let began = Instant::now();
        match self.transaction(&mut group) {
            Err(Stopped::Work(_)) if group.len() > 1 => {
                for request in group {
                    self.carry_out(vec![request]);
                }
            }
            Ok(()) => {
                let posts = group.iter().map(|request| request.weight()).sum();
                self.commits.done(posts, began.elapsed());
                group.into_iter().for_each(|request| request.answer(Ok(())));
            }
            Err(Stopped::Work(error)) => {
                if let Some(request) = group.pop() {
                    request.answer(Err(error));
                }
            }
            Err(Stopped::Commit(failure)) => {
                error!(error = %failure, requests = group.len(), "commit failed");
                group
                    .into_iter()
                    .for_each(|request| request.answer(Err(failure.commit_error())));
            }
        }
    }

    fn transaction(&mut self, group: &mut [Box<dyn Work>]) -> Result<(), Stopped> {
        let outcome = self.attempt(group);
        if outcome.is_err() {
            // Some errors have ended the transaction already.
            if !self.connection.is_autocommit()
                && let Err(error) = self.connection.execute_batch("ROLLBACK")
            {
                error!(%error, "cannot roll back");
            }
            self.cache.clear();
        }
        outcome
    }

    fn attempt(&mut self, group: &mut [Box<dyn Work>]) -> Result<(), Stopped> {
        let work = |error: rusqlite::Error| Stopped::Work(Failure::from(error).store_error());
        self.connection
            .prepare_cached("BEGIN IMMEDIATE")
            .and_then(|mut begin| begin.execute(()))
            .map_err(work)?;
        for request in group {
            request
                .run(&self.connection, &mut self.cache)
                .map_err(Stopped::Work)?;
        }
        self.cache.store_heads(&self.connection).map_err(work)?;
        let mut commit = self.connection.prepare_cached("COMMIT").map_err(work)?;
        commit
            .execute(())
            .map_err(|error| Stopped::Commit(error.into()))?;
        Ok(())
    }
}

/// Why a transaction was not committed.
enum Stopped {
    Work(StoreError),
    Commit(Failure),
}
