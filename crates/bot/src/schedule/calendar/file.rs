//! A calendar in a file that may change while it is used.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use super::{Calendar, CalendarError};

/// The longest file, in bytes: ten times what a century of one country's holidays takes.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// A calendar file. [`CalendarFile::refresh`] takes its changes into use; a file that was broken meanwhile keeps what
/// was read before.
#[derive(Debug)]
pub struct CalendarFile {
    path: PathBuf,
    loaded: Mutex<Loaded>,
}

#[derive(Debug)]
struct Loaded {
    calendar: Arc<Calendar>,
    /// Of the file that was looked at last, whether it could be used or not.
    stamp: Stamp,
}

/// What changes when a file does.
type Stamp = Option<(SystemTime, u64)>;

/// Why a calendar file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CalendarFileError {
    /// It cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is longer than 4 MiB.
    #[error("{} is longer than {MAX_BYTES} bytes", path.display())]
    Long {
        /// The file.
        path: PathBuf,
    },
    /// It is no iCalendar file, or has something that is not understood.
    #[error("{}, {source}", path.display())]
    Calendar {
        /// The file.
        path: PathBuf,
        /// What, and on which line.
        source: CalendarError,
    },
}

impl CalendarFile {
    /// Reads a file.
    ///
    /// # Errors
    /// [`CalendarFileError`].
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, CalendarFileError> {
        let path = path.into();
        let stamp = stamp(&path);
        let calendar = Arc::new(read(&path)?);
        Ok(Self {
            path,
            loaded: Mutex::new(Loaded { calendar, stamp }),
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file's name without its folder: what people are told.
    pub fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or(self.path.as_os_str());
        name.to_string_lossy().into_owned()
    }

    /// What was read last.
    pub fn calendar(&self) -> Arc<Calendar> {
        Arc::clone(&self.lock().calendar)
    }

    /// Reads the file again when its time or length has changed; whether it had. Reads from the disk.
    ///
    /// # Errors
    /// [`CalendarFileError`], once for each change; what was read before stays in use.
    pub fn refresh(&self) -> Result<bool, CalendarFileError> {
        let stamp = stamp(&self.path);
        {
            let mut loaded = self.lock();
            if loaded.stamp == stamp {
                return Ok(false);
            }
            loaded.stamp = stamp;
        }
        let calendar = Arc::new(read(&self.path)?);
        self.lock().calendar = calendar;
        Ok(true)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Loaded> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PartialEq for CalendarFile {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path
    }
}

fn stamp(path: &Path) -> Stamp {
    let metadata = path.metadata().ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

fn read(path: &Path) -> Result<Calendar, CalendarFileError> {
    let failed = |source| CalendarFileError::Read {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(failed)?;
    let mut text = String::new();
    file.take(MAX_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(failed)?;
    if text.len() as u64 > MAX_BYTES {
        let path = path.to_owned();
        return Err(CalendarFileError::Long { path });
    }
    text.parse().map_err(|source| CalendarFileError::Calendar {
        path: path.to_owned(),
        source,
    })
}
