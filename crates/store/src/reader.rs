//! The readers: a few threads with a connection each, fed from one bounded queue.

mod accounts;
mod directory;
mod documents;
mod posts;
mod removals;

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use parlor_rooms::StoreError;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};
use tracing::error;

use crate::OpenError;
use crate::open::reader as connect;

pub(crate) use accounts::accounts;
pub(crate) use directory::load;
pub(crate) use documents::documents;
pub(crate) use posts::{Page, head, page, preference};
pub(crate) use removals::{removal, removals};

/// Reads that may wait; further askers wait for a place.
const QUEUE: usize = 1024;

/// The most reading threads; each holds a connection with its page cache of 2 MB.
const MAX_READERS: usize = 16;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// The sending side of the readers.
#[derive(Debug)]
pub(crate) struct Readers {
    queue: Option<mpsc::Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    /// Opens the connections and starts their threads. The writer must have made the database.
    pub(crate) fn start(path: &Path, count: usize) -> Result<Self, OpenError> {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let jobs = Arc::new(Mutex::new(jobs));
        let mut readers = Self {
            queue: Some(queue),
            threads: Vec::new(),
        };
        for number in 0..count.clamp(1, MAX_READERS) {
            let connection = connect(path)?;
            let thread =
                start(number, connection, Arc::clone(&jobs)).map_err(|source| OpenError::Thread {
                    path: path.to_owned(),
                    source,
                })?;
            readers.threads.push(thread);
        }
        Ok(readers)
    }

    /// Has `read` done in a read transaction.
    pub(crate) async fn request<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            // Nobody waits any more when the caller gave up.
            if !answer.is_closed() {
                let _ = answer.send(in_transaction(connection, read));
            }
        });
        let queue = self.queue.as_ref().ok_or(StoreError::Closed)?;
        queue.send(job).await.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                error!("store reader panicked");
            }
        }
    }
}

fn start(
    number: usize,
    mut connection: Connection,
    jobs: Arc<Mutex<mpsc::Receiver<Job>>>,
) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name(format!("store-reader-{number}"))
        .spawn(move || {
            loop {
                // Whoever holds the lock waits for the next job; the others wait for the lock.
                let job = jobs
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .blocking_recv();
                let Some(job) = job else { break };
                job(&mut connection);
            }
        })
}

/// What one read sees belongs together, whatever the writer commits meanwhile.
fn in_transaction<T>(
    connection: &mut Connection,
    read: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let transaction = connection.transaction().map_err(crate::failure::store_error)?;
    let outcome = read(&transaction);
    transaction.finish().map_err(crate::failure::store_error)?;
    outcome
}
