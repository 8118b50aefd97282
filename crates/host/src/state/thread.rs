//! The thread that owns the connection: opening, locking, and commits shared by all waiting calls.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use super::{StateError, schema};

/// Calls that share one commit at most; bounds how long the first of them waits for the last.
const SHARED_COMMIT: usize = 64;
/// Prepared statements kept; the module has about thirty.
const STATEMENTS: usize = 64;

/// What the thread is asked to do.
pub(super) enum Job {
    /// Run a call inside the current transaction.
    Call(Box<dyn Work>),
    /// Close the file and end.
    Stop,
}

/// One queued call: runs in a savepoint, answers after the commit.
pub(super) trait Work: Send {
    /// Runs the call; `false` asks for its savepoint to be undone.
    fn run(&mut self, connection: &Connection) -> bool;
    /// Tells the caller how it ended.
    fn finish(self: Box<Self>, commit: Result<(), Arc<rusqlite::Error>>);
}

struct Call<T, F> {
    work: Option<F>,
    result: Option<Result<T, rusqlite::Error>>,
    answer: oneshot::Sender<Result<T, StateError>>,
}

impl Job {
    /// A job for `work` and the place where its answer arrives.
    pub(super) fn call<T, F>(work: F) -> (Self, oneshot::Receiver<Result<T, StateError>>)
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, rusqlite::Error> + Send + 'static,
    {
        let (answer, receiver) = oneshot::channel();
        (
            Self::Call(Box::new(Call {
                work: Some(work),
                result: None,
                answer,
            })),
            receiver,
        )
    }
}

impl<T, F> Work for Call<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> Result<T, rusqlite::Error> + Send,
{
    fn run(&mut self, connection: &Connection) -> bool {
        let Some(work) = self.work.take() else {
            return false;
        };
        let result = work(connection);
        let kept = result.is_ok();
        self.result = Some(result);
        kept
    }

    fn finish(self: Box<Self>, commit: Result<(), Arc<rusqlite::Error>>) {
        let result = match (self.result, commit) {
            (Some(Err(error)), _) => Err(StateError::Call(error)),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (_, Err(error)) => Err(StateError::Commit(error)),
            (None, Ok(())) => Err(StateError::Closed),
        };
        // A caller that went away does not need its answer.
        let _gone = self.answer.send(result);
    }
}

/// Opens the file on a new thread and serves `queue` there; the receiver turns true when the file is closed.
pub(super) async fn start(
    path: Arc<Path>,
    queue: mpsc::Receiver<Job>,
) -> Result<watch::Receiver<bool>, StateError> {
    let (opened, wait) = oneshot::channel();
    let (closed, watch) = watch::channel(false);
    let owner = path.clone();
    std::thread::Builder::new()
        .name("parlor-host-state".into())
        .spawn(move || {
            match open(&owner) {
                Ok((connection, lock)) => {
                    let _gone = opened.send(Ok(()));
                    serve(connection, queue);
                    // Only after the connection is closed may another host have the file.
                    drop(lock);
                }
                Err(error) => {
                    let _gone = opened.send(Err(error));
                }
            }
            closed.send_replace(true);
        })
        .map_err(|source| StateError::Open {
            path: path.to_path_buf(),
            source,
        })?;
    wait.await.map_err(|_| StateError::Closed)??;
    Ok(watch)
}

fn open(path: &Path) -> Result<(Connection, File), StateError> {
    let failed = |source| StateError::Open {
        path: path.to_path_buf(),
        source,
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let lock = lock(path)?;
    let mut connection = Connection::open(path).map_err(StateError::Call)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // FULL: a commit that was answered survives a power cut, which is what a post key is worth nothing without.
    connection
        .execute_batch("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=5000;")
        .map_err(StateError::Call)?;
    schema::migrate(&mut connection)
        .map_err(StateError::Call)?
        .map_err(|found| StateError::TooNew {
            path: path.to_path_buf(),
            found,
            known: schema::KNOWN,
        })?;
    Ok((connection, lock))
}

/// Takes the advisory lock beside the file; the operating system gives it back when the process ends in any way.
fn lock(path: &Path) -> Result<File, StateError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let failed = |source| StateError::Open {
        path: path.to_path_buf(),
        source,
    };
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(PathBuf::from(name))
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StateError::InUse {
            path: path.to_path_buf(),
        }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

fn serve(mut connection: Connection, mut queue: mpsc::Receiver<Job>) {
    let mut stopping = false;
    while !stopping {
        let Some(first) = queue.blocking_recv() else { break };
        let mut waiting = Vec::new();
        let mut next = Some(first);
        while let Some(job) = next {
            match job {
                Job::Call(work) => waiting.push(work),
                Job::Stop => {
                    stopping = true;
                    break;
                }
            }
            next = if waiting.len() < SHARED_COMMIT {
                queue.try_recv().ok()
            } else {
                None
            };
        }
        run(&mut connection, waiting);
    }
    // Folds the write-ahead log back; a failure leaves it for the next start to fold.
    let _kept = connection.close();
}

/// Runs all `waiting` calls in one transaction and answers them when it is on disk.
fn run(connection: &mut Connection, mut waiting: Vec<Box<dyn Work>>) {
    if waiting.is_empty() {
        return;
    }
    let committed = in_transaction(connection, &mut waiting).map_err(Arc::new);
    for work in waiting {
        work.finish(committed.clone());
    }
}

fn in_transaction(connection: &mut Connection, waiting: &mut [Box<dyn Work>]) -> Result<(), rusqlite::Error> {
    let mut transaction = connection.transaction()?;
    for work in waiting {
        let savepoint = transaction.savepoint()?;
        if work.run(&savepoint) {
            savepoint.commit()?;
        }
    }
    transaction.commit()
}
