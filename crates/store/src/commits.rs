//! What the writer's commits were like, for monitoring.

use std::time::Duration;

use parlor_metrics::{Exposition, Histogram};

/// Sizes and times of the commits since the store was opened.
#[derive(Debug)]
pub struct Commits {
    sizes: Histogram,
    seconds: Histogram,
}

impl Default for Commits {
    fn default() -> Self {
        Self {
            sizes: Histogram::new(Histogram::COUNTS),
            seconds: Histogram::new(Histogram::SECONDS),
        }
    }
}

impl Commits {
    /// Writes them as two families.
    pub fn write(&self, exposition: &mut Exposition) {
        exposition.histogram(
            "parlor_server_commit_changes",
            "Posts and other changes that shared one commit of the store.",
            &self.sizes,
        );
        exposition.histogram(
            "parlor_server_commit_seconds",
            "How long a commit of the store took, with its fsync.",
            &self.seconds,
        );
    }

    pub(crate) fn done(&self, changes: usize, took: Duration) {
        self.sizes.observe(changes as f64);
        self.seconds.observe(took.as_secs_f64());
    }
}
