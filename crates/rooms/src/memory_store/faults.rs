//! The switches by which a test makes the in-memory store fail, or wait.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use crate::StoreError;

/// The switches of one [`crate::MemoryStore`].
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<Switches>>);

#[derive(Debug, Default)]
struct Switches {
    fail: bool,
    lose: bool,
    full: bool,
    /// While it is there, appends and changes of documents wait.
    gate: Option<Gate>,
}

#[derive(Debug, Default)]
struct Gate {
    waiting: usize,
    wakers: Vec<Waker>,
}

impl Gate {
    fn wake_later(&mut self, waker: &Waker) {
        if !self.wakers.iter().any(|known| known.will_wake(waker)) {
            self.wakers.push(waker.clone());
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AfterCommit {
    Answer,
    Lose,
}

/// Holds every append and every change of documents back until it is released or dropped.
#[derive(Debug)]
#[must_use = "dropping the gate opens it"]
pub struct AppendGate(Faults);

impl Faults {
    /// The next append fails before anything is stored ([`StoreError::Unavailable`]).
    pub fn fail_next_append(&self) {
        self.lock().fail = true;
    }

    /// The next append stores its posts, then answers [`StoreError::Uncertain`].
    pub fn lose_next_answer(&self) {
        self.lock().lose = true;
    }

    /// While `full`, every change fails with [`StoreError::Full`].
    pub fn set_full(&self, full: bool) {
        self.lock().full = full;
    }

    /// Appends and changes of documents wait from now on.
    pub fn hold_appends(&self) -> AppendGate {
        self.lock().gate.get_or_insert_default();
        AppendGate(self.clone())
    }

    pub(super) fn before_commit(&self) -> Result<(), StoreError> {
        if self.lock().full {
            Err(StoreError::Full)
        } else {
            Ok(())
        }
    }

    pub(super) fn next_append(&self) -> Result<AfterCommit, StoreError> {
        let mut switches = self.lock();
        if std::mem::take(&mut switches.fail) {
            return Err(StoreError::Unavailable("failed on purpose".into()));
        }
        let lose = std::mem::take(&mut switches.lose);
        Ok(if lose {
            AfterCommit::Lose
        } else {
            AfterCommit::Answer
        })
    }

    /// Ready when no gate is closed.
    pub(super) async fn held(&self) {
        let mut counted = false;
        poll_fn(|context| {
            let mut switches = self.lock();
            let Some(gate) = &mut switches.gate else {
                return Poll::Ready(());
            };
            if !counted {
                counted = true;
                gate.waiting += 1;
                // Somebody may wait for this very change to be held.
                gate.wakers.drain(..).for_each(Waker::wake);
            }
            gate.wake_later(context.waker());
            Poll::Pending
        })
        .await;
    }

    fn lock(&self) -> MutexGuard<'_, Switches> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AppendGate {
    /// Ready when at least `appends` of them are held back.
    pub async fn holds(&self, appends: usize) {
        poll_fn(|context| {
            let mut switches = self.0.lock();
            match &mut switches.gate {
                Some(gate) if gate.waiting < appends => {
                    gate.wake_later(context.waker());
                    Poll::Pending
                }
                _ => Poll::Ready(()),
            }
        })
        .await;
    }

    /// Lets them go on.
    pub fn release(self) {}
}

impl Drop for AppendGate {
    fn drop(&mut self) {
        let gate = self.0.lock().gate.take();
        gate.into_iter()
            .flat_map(|gate| gate.wakers)
            .for_each(Waker::wake);
    }
}
