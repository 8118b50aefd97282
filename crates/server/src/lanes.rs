//! Work that waits for the store, kept out of sessions and rooms: a few tasks with bounded queues; what one user asks is
//! done in order.

use std::hash::{DefaultHasher, Hash, Hasher};

use parlor_rooms::BoxFuture;
use parlor_xccos::SipUri;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::registry::Busy;

/// Jobs waiting in one lane; one takes a few milliseconds at most.
const QUEUE: usize = 512;

/// The lanes of one kind of work.
#[derive(Debug)]
pub(crate) struct Lanes(Vec<mpsc::Sender<BoxFuture<'static, ()>>>);

impl Lanes {
    /// Starts `count` lanes; with `stopping` they do what was given and end.
    pub(crate) fn start(count: usize, tasks: &TaskTracker, stopping: &CancellationToken) -> Self {
        let lanes = (0..count)
            .map(|_| {
                let (sender, mut queue) = mpsc::channel::<BoxFuture<'static, ()>>(QUEUE);
                let stopping = stopping.clone();
                tasks.spawn(async move {
                    loop {
                        tokio::select! {
                            biased;
                            next = queue.recv() => match next {
                                Some(job) => job.await,
                                None => return,
                            },
                            () = stopping.cancelled() => return,
                        }
                    }
                });
                sender
            })
            .collect();
        Self(lanes)
    }

    /// Queues a job of `user`; `job` is made once there is place.
    pub(crate) fn give<F>(&self, user: &SipUri, job: impl FnOnce() -> F) -> Result<(), Busy>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut hasher = DefaultHasher::new();
        user.hash(&mut hasher);
        let index = hasher.finish() % (self.0.len() as u64);
        let lane = usize::try_from(index)
            .ok()
            .and_then(|index| self.0.get(index))
            .ok_or(Busy)?;
        lane.try_reserve().map_err(|_| Busy)?.send(Box::pin(job()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn a_lane_takes_so_many_jobs_and_does_them_in_order() {
        let (tasks, stopping) = (TaskTracker::new(), CancellationToken::new());
        let lanes = Lanes::start(1, &tasks, &stopping);
        let user: SipUri = "sip:alice@example.com".parse().unwrap();
        let (gate, done) = (Arc::new(Semaphore::new(0)), Arc::new(Mutex::new(Vec::new())));
        let give = |number: usize| {
            let (gate, done) = (Arc::clone(&gate), Arc::clone(&done));
            lanes.give(&user, || async move {
                gate.acquire().await.unwrap().forget();
                done.lock().unwrap().push(number);
            })
        };
        // Nothing runs before the first await.
        let taken = (0..).take_while(|number| give(*number).is_ok()).count();
        assert_eq!(taken, QUEUE);
        gate.add_permits(taken);
        stopping.cancel();
        tasks.close();
        tasks.wait().await;
        assert_eq!(*done.lock().unwrap(), (0..taken).collect::<Vec<_>>());
        assert_eq!(give(taken), Err(Busy));
    }
}
