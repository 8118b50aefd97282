//! Notices that the configuration file was changed, if that is wanted.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// What tells one content of a file from another without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    changed: SystemTime,
    bytes: u64,
    inode: u64,
}

/// Looks at a file from time to time.
#[derive(Debug)]
pub(super) struct Watch {
    file: PathBuf,
    every: Option<Duration>,
    known: Option<Stamp>,
    /// Seen at the last look: whoever writes has finished when it is the same at the next.
    seen: Option<Stamp>,
}

impl Watch {
    pub(super) fn of(file: PathBuf, every: Option<Duration>) -> Self {
        let known = stamp(&file);
        Self {
            file,
            every,
            known,
            seen: known,
        }
    }

    /// Returns when the file was changed and is left alone since; never when nobody wants to know. Cancel safe.
    pub(super) async fn changed(&mut self) {
        let Some(every) = self.every else {
            return std::future::pending().await;
        };
        loop {
            tokio::time::sleep(every).await;
            if self.look(stamp(&self.file)) {
                return;
            }
        }
    }

    /// Whether `now` is a change that has settled.
    fn look(&mut self, now: Option<Stamp>) -> bool {
        let settled = now.is_some() && now == self.seen && now != self.known;
        self.seen = now;
        if settled {
            self.known = now;
        }
        settled
    }
}

/// None while there is no such file: an editor may have moved it away for a moment.
fn stamp(file: &Path) -> Option<Stamp> {
    let found = file.metadata().ok()?;
    Some(Stamp {
        changed: found.modified().ok()?,
        bytes: found.len(),
        inode: found.ino(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(bytes: u64) -> Option<Stamp> {
        Some(Stamp {
            changed: SystemTime::UNIX_EPOCH,
            bytes,
            inode: 1,
        })
    }

    #[test]
    fn a_change_counts_once_and_when_it_is_finished() {
        let mut watch = Watch {
            file: PathBuf::new(),
            every: None,
            known: stamp(1),
            seen: stamp(1),
        };
        let looks = [stamp(1), stamp(2), stamp(3), None, stamp(4), stamp(4), stamp(4)];
        let told: Vec<_> = looks.into_iter().map(|look| watch.look(look)).collect();
        assert_eq!(told, [false, false, false, false, false, true, false]);
    }
}
