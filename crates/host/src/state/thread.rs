//! The thread that owns the connection: commits shared by all waiting calls.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};

use super::StateError;
use super::db::{Db, DbError};

/// Calls that share one commit at most; bounds how long the first of them waits for the last.
const SHARED_COMMIT: usize = 64;

/// What the thread is asked to do.
pub(super) enum Job {
    /// Run a call inside the current transaction.
    Call(Box<dyn Work>),
    /// Become another member of the pool in a transaction of its own, after all calls that came before.
    Join(Box<dyn Work>),
    /// Close the database and end.
    Stop,
}

/// One queued call: runs in a savepoint, answers after the commit.
pub(super) trait Work: Send {
    /// Runs the call; `false` asks for its savepoint to be undone.
    fn run(&mut self, db: &Db) -> bool;
    /// Tells the caller how it ended.
    fn finish(self: Box<Self>, commit: Result<(), Arc<DbError>>);
}

struct Call<T, F> {
    work: Option<F>,
    result: Option<Result<T, DbError>>,
    answer: oneshot::Sender<Result<T, StateError>>,
}

/// Work to be queued, and the place where its answer arrives.
pub(super) fn call<T, F>(work: F) -> (Box<dyn Work>, oneshot::Receiver<Result<T, StateError>>)
where
    T: Send + 'static,
    F: FnOnce(&Db) -> Result<T, DbError> + Send + 'static,
{
    let (answer, receiver) = oneshot::channel();
    let call = Call {
        work: Some(work),
        result: None,
        answer,
    };
    (Box::new(call), receiver)
}

impl<T, F> Work for Call<T, F>
where
    T: Send,
    F: FnOnce(&Db) -> Result<T, DbError> + Send,
{
    fn run(&mut self, db: &Db) -> bool {
        let Some(work) = self.work.take() else {
            return false;
        };
        let result = work(db);
        let kept = result.is_ok();
        self.result = Some(result);
        kept
    }

    fn finish(self: Box<Self>, commit: Result<(), Arc<DbError>>) {
        let result = match (self.result, commit) {
            (_, Err(error)) if error.is_fenced() => Err(StateError::Fenced),
            (Some(Err(error)), _) => Err(StateError::Call(error)),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (_, Err(error)) => Err(StateError::Commit(error)),
            (None, Ok(())) => Err(StateError::Closed),
        };
        // A caller that went away does not need its answer.
        let _gone = self.answer.send(result);
    }
}

/// Opens the database on a new thread and serves `queue` there; the receiver turns true when it is closed.
pub(super) async fn start(
    open: impl FnOnce() -> Result<Db, StateError> + Send + 'static,
    queue: mpsc::Receiver<Job>,
) -> Result<watch::Receiver<bool>, StateError> {
    let (opened, wait) = oneshot::channel();
    let (closed, watch) = watch::channel(false);
    std::thread::Builder::new()
        .name("parlor-host-state".into())
        .spawn(move || {
            match open() {
                Ok(db) => {
                    let _gone = opened.send(Ok(()));
                    serve(db, queue);
                }
                Err(error) => {
                    let _gone = opened.send(Err(error));
                }
            }
            closed.send_replace(true);
        })
        .map_err(StateError::Thread)?;
    wait.await.map_err(|_| StateError::Closed)??;
    Ok(watch)
}

fn serve(mut db: Db, mut queue: mpsc::Receiver<Job>) {
    while let Some(first) = queue.blocking_recv() {
        let mut waiting = Vec::new();
        let mut next = Some(first);
        while let Some(Job::Call(work)) = next {
            waiting.push(work);
            next = if waiting.len() < SHARED_COMMIT {
                queue.try_recv().ok()
            } else {
                None
            };
        }
        run(&mut db, waiting);
        match next {
            Some(Job::Join(work)) => {
                db.set_member(None);
                run(&mut db, vec![work]);
            }
            Some(Job::Stop) => return,
            Some(Job::Call(_)) | None => {}
        }
    }
}

/// Runs all `waiting` calls in one transaction and answers them when it is on disk.
fn run(db: &mut Db, mut waiting: Vec<Box<dyn Work>>) {
    if waiting.is_empty() {
        return;
    }
    let committed = in_transaction(db, &mut waiting).map_err(Arc::new);
    if committed.is_err() {
        db.roll_back();
    }
    for work in waiting {
        work.finish(committed.clone());
    }
}

fn in_transaction(db: &mut Db, waiting: &mut [Box<dyn Work>]) -> Result<(), DbError> {
    db.begin()?;
    for work in waiting {
        db.savepoint(|db| work.run(db))?;
    }
    db.commit()
}
