//! A TLS configuration made of files, replaced while it is in use.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::task::JoinHandle;

use crate::certificates::{CertificateError, Stamp};

/// What a refresh found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reloaded {
    /// Changed files are in use for new handshakes.
    Changed,
    /// No file has changed since the last look.
    Unchanged,
}

/// A value made of files, and the files' stamps when it was made or last tried.
#[derive(Debug)]
pub(super) struct Reloading<T> {
    current: ArcSwap<T>,
    paths: Vec<PathBuf>,
    /// Held over reading the files, so that two reloads do not overtake each other; handshakes never take it.
    seen: Mutex<Vec<Option<Stamp>>>,
}

impl<T> Reloading<T> {
    pub(super) fn new(
        paths: Vec<PathBuf>,
        build: impl FnOnce() -> Result<T, CertificateError>,
    ) -> Result<Self, CertificateError> {
        let seen = stamps(&paths);
        Ok(Self {
            current: ArcSwap::from_pointee(build()?),
            paths,
            seen: Mutex::new(seen),
        })
    }

    pub(super) fn current(&self) -> Arc<T> {
        self.current.load_full()
    }

    /// Makes the value anew, whatever the stamps say.
    pub(super) fn reload(
        &self,
        build: impl FnOnce() -> Result<T, CertificateError>,
    ) -> Result<(), CertificateError> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        *seen = stamps(&self.paths);
        self.current.store(Arc::new(build()?));
        Ok(())
    }

    /// Makes the value anew when a stamp has changed. A bad file is tried, and complained about, once per change.
    pub(super) fn refresh(
        &self,
        build: impl FnOnce() -> Result<T, CertificateError>,
    ) -> Result<Reloaded, CertificateError> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let stamps = stamps(&self.paths);
        if *seen == stamps {
            return Ok(Reloaded::Unchanged);
        }
        *seen = stamps;
        self.current.store(Arc::new(build()?));
        Ok(Reloaded::Changed)
    }
}

/// Taken before reading: a change in between is then found by the next look.
fn stamps(paths: &[PathBuf]) -> Vec<Option<Stamp>> {
    paths.iter().map(|path| Stamp::of(path)).collect()
}

/// Looks for changed files from time to time until it is dropped.
#[derive(Debug)]
#[must_use = "dropping it stops looking"]
pub struct Refreshing {
    task: JoinHandle<()>,
}

impl Refreshing {
    /// Calls `refresh` every `period` on a thread that may block, and logs what it says with `what` it is about.
    pub(super) fn start(
        what: &'static str,
        period: Duration,
        refresh: impl Fn() -> Result<Reloaded, CertificateError> + Clone + Send + 'static,
    ) -> Self {
        let task = tokio::spawn(async move {
            loop {
                tokio::time::sleep(period).await;
                match tokio::task::spawn_blocking(refresh.clone()).await {
                    Ok(Ok(Reloaded::Unchanged)) => {}
                    Ok(Ok(Reloaded::Changed)) => tracing::info!(what, "certificate files reloaded"),
                    Ok(Err(error)) => {
                        let error: &dyn std::error::Error = &error;
                        tracing::warn!(
                            what,
                            error,
                            "changed certificate files are not usable, the old ones stay in use"
                        );
                    }
                    Err(_) => return,
                }
            }
        });
        Self { task }
    }
}

impl Drop for Refreshing {
    fn drop(&mut self) {
        self.task.abort();
    }
}
