//! A task that can be ended alone, though a whole set of them is waited for at the end.

use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

/// One task of a set.
#[derive(Debug)]
pub(crate) struct Part {
    stop: CancellationToken,
    /// Cancelled when the task is gone, however it went.
    ended: CancellationToken,
    abort: AbortHandle,
}

impl Part {
    /// Begins a task that ends itself when `stop` is cancelled.
    pub(crate) fn begin(
        set: &mut JoinSet<()>,
        stop: CancellationToken,
        task: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        // What ended before is not kept: a set grows by what runs, not by how often it was reloaded.
        while set.try_join_next().is_some() {}
        let ended = CancellationToken::new();
        let gone = ended.clone().drop_guard();
        let abort = set.spawn(async move {
            let _gone = gone;
            task.await;
        });
        Self { stop, ended, abort }
    }

    /// Asks it to end.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.is_cancelled()
    }

    /// Asks it to end and waits for it; after the deadline it is ended in the middle of what it does. Whether it ended
    /// by itself.
    pub(crate) async fn end(&self, deadline: Instant) -> bool {
        self.stop.cancel();
        let by_itself = timeout_at(deadline, self.ended.cancelled()).await.is_ok();
        if !by_itself {
            self.abort.abort();
            self.ended.cancelled().await;
        }
        by_itself
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_part_ends_when_asked_or_is_ended_at_the_deadline() {
        let mut set = JoinSet::new();
        let stop = CancellationToken::new();
        let obedient = Part::begin(&mut set, stop.clone(), {
            let stop = stop.clone();
            async move { stop.cancelled().await }
        });
        let deaf = Part::begin(&mut set, CancellationToken::new(), std::future::pending());
        assert!(!obedient.has_ended());
        let deadline = Instant::now() + Duration::from_secs(5);
        assert!(obedient.end(deadline).await);
        assert!(Instant::now() < deadline);
        assert!(!deaf.end(deadline).await);
        assert_eq!(Instant::now(), deadline);
        assert!(deaf.has_ended());
        let _third = Part::begin(&mut set, CancellationToken::new(), std::future::pending());
        assert_eq!(set.len(), 1, "what ended is not kept");
    }
}
