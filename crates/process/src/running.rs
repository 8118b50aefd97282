//! How many programs run. A process that ends waits for them, so that none is left behind.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Children belong to the process, not to one of the hosts and checks in it that started them.
static RUNNING: Mutex<usize> = Mutex::new(0);
static ENDED: Condvar = Condvar::new();

/// One running program, as long as this is kept.
#[derive(Debug)]
pub(crate) struct Counted;

impl Counted {
    pub(crate) fn one() -> Self {
        *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        ENDED.notify_all();
    }
}

/// Waits until every program that this process has started is gone, each of which ends by itself or is killed two seconds
/// after it is not needed any more; how many are left after `limit`. It blocks.
pub fn wait_until_ended(limit: Duration) -> usize {
    let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    let waited = ENDED.wait_timeout_while(running, limit, |running| *running > 0);
    *waited.unwrap_or_else(PoisonError::into_inner).0
}
