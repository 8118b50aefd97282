//! Writes a recording from a thread of its own, so that a slow disk never holds back a connection.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::thread::JoinHandle;

use chrono::Utc;

use super::{Head, Line, Record};

/// Records that wait for the disk. When it is full, records are left out and counted in the file.
const WAITING: usize = 4096;
/// A file that would grow beyond this is set aside under a name with `.1`, in place of the one before: a recording
/// takes twice this at most, and the newest half is always there.
const MOST: u64 = 64 << 20;

/// A recording that is being written; ends, with everything on disk, when this is dropped.
#[derive(Debug)]
pub(crate) struct Recorder {
    sink: Sink,
    thread: Option<JoinHandle<()>>,
}

/// Where records go.
#[derive(Debug, Clone)]
pub(super) struct Sink {
    orders: SyncSender<Order>,
    lost: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Order {
    Write(Box<Record>),
    Stop,
}

/// Why there is no recording.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecorderError {
    #[error("{} is not a recording; it is not overwritten", .0.display())]
    Occupied(PathBuf),
    #[error("cannot write the recording {}", path.display())]
    Unwritable { path: PathBuf, source: io::Error },
}

impl Recorder {
    /// Starts a recording, in place of an earlier one in the same file.
    pub(crate) fn start(path: &Path) -> Result<Self, RecorderError> {
        Self::start_bounded(path, MOST)
    }

    fn start_bounded(path: &Path, most: u64) -> Result<Self, RecorderError> {
        let unwritable = |source| RecorderError::Unwritable {
            path: path.to_owned(),
            source,
        };
        if !may_replace(path).map_err(unwritable)? {
            return Err(RecorderError::Occupied(path.to_owned()));
        }
        let (orders, incoming) = sync_channel(WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let recording = Recording::create(path, most).map_err(unwritable)?;
        let seen = Arc::clone(&lost);
        let thread = std::thread::Builder::new()
            .name("sip recording".to_owned())
            .spawn(move || recording.run(&incoming, &seen))
            .map_err(unwritable)?;
        Ok(Self {
            sink: Sink { orders, lost },
            thread: Some(thread),
        })
    }

    pub(super) fn sink(&self) -> Sink {
        self.sink.clone()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // Fails when the thread has given up, which it has said.
        let _ = self.sink.orders.send(Order::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Sink {
    pub(super) fn write(&self, record: Record) {
        if let Err(TrySendError::Full(_)) = self.orders.try_send(Order::Write(Box::new(record))) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What is overwritten must be a recording: a slip in the command line shall not cost a configuration.
fn may_replace(path: &Path) -> io::Result<bool> {
    /// The head is shorter.
    const HEAD: u64 = 1024;
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    let mut first = Vec::new();
    BufReader::new(io::Read::take(file, HEAD)).read_until(b'\n', &mut first)?;
    Ok(first.is_empty() || Head::read(&String::from_utf8_lossy(&first)).is_some())
}

/// The file.
#[derive(Debug)]
struct Recording {
    path: PathBuf,
    file: BufWriter<File>,
    written: u64,
    most: u64,
}

impl Recording {
    fn create(path: &Path, most: u64) -> io::Result<Self> {
        // What people say to each other is in it: the owner's alone.
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)?;
        let mut recording = Self {
            path: path.to_owned(),
            file: BufWriter::new(file),
            written: 0,
            most,
        };
        recording.line(&Head::new(Utc::now()))?;
        recording.file.flush()?;
        Ok(recording)
    }

    fn run(mut self, orders: &Receiver<Order>, lost: &AtomicU64) {
        if let Err(error) = self.write_all(orders, lost) {
            tracing::error!(path = %self.path.display(), %error, "the wire recording ends here");
        }
    }

    fn write_all(&mut self, orders: &Receiver<Order>, lost: &AtomicU64) -> io::Result<()> {
        loop {
            let order = match orders.try_recv() {
                Ok(order) => order,
                Err(TryRecvError::Disconnected) => Order::Stop,
                Err(TryRecvError::Empty) => {
                    // Whatever kills the process finds the file up to date.
                    self.file.flush()?;
                    orders.recv().unwrap_or(Order::Stop)
                }
            };
            match order {
                Order::Write(record) => self.line(&Line::Record(*record))?,
                Order::Stop => return self.file.flush(),
            }
            match lost.swap(0, Ordering::Relaxed) {
                0 => {}
                lost => self.line(&Line::Lost { lost })?,
            }
        }
    }

    fn line(&mut self, value: &impl serde::Serialize) -> io::Result<()> {
        let mut text = serde_json::to_vec(value)?;
        text.push(b'\n');
        let length = text.len() as u64;
        if self.written > 0 && self.written + length > self.most {
            self.file.flush()?;
            let mut aside = self.path.clone().into_os_string();
            aside.push(".1");
            fs::rename(&self.path, aside)?;
            *self = Self::create(&self.path, self.most)?;
        }
        self.written += length;
        self.file.write_all(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::super::What;
    use super::*;

    fn record(message: &str) -> Record {
        Record {
            time: Utc::now(),
            connection: 1,
            transport: "tls".into(),
            accepted: true,
            local: "127.0.0.1:5061".parse().unwrap(),
            peer: "127.0.0.1:40000".parse().unwrap(),
            what: What::Received {
                message: message.into(),
            },
        }
    }

    fn messages(path: &Path) -> Vec<String> {
        let text = fs::read_to_string(path).unwrap();
        let mut lines = text.lines();
        assert!(Head::read(lines.next().unwrap()).is_some_and(|head| head.is_readable()));
        let message = |line| match serde_json::from_str(line).unwrap() {
            Line::Record(Record {
                what: What::Received { message },
                ..
            }) => message,
            other => panic!("{other:?}"),
        };
        lines.map(message).collect()
    }

    #[test]
    fn everything_is_on_disk_when_the_recorder_ends_and_a_new_one_starts_over() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wire");
        for round in ["first", "second"] {
            let recorder = Recorder::start(&path).unwrap();
            recorder.sink().write(record(round));
            recorder.sink().write(record("x\r\ny"));
            drop(recorder);
            assert_eq!(messages(&path), [round, "x\r\ny"]);
        }
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_is_no_recording_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("parlor.toml");
        fs::write(&path, "domain = \"example.com\"\n").unwrap();
        let error = Recorder::start(&path).unwrap_err().to_string();
        assert!(
            error.ends_with("parlor.toml is not a recording; it is not overwritten"),
            "{error}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "domain = \"example.com\"\n");
        fs::write(&path, "").unwrap();
        Recorder::start(&path).unwrap();
    }

    #[test]
    fn a_long_recording_keeps_its_newest_part() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wire");
        let recorder = Recorder::start_bounded(&path, 4096).unwrap();
        for number in 0..100 {
            recorder.sink().write(record(&number.to_string()));
        }
        drop(recorder);
        let mut kept = messages(&folder.path().join("wire.1"));
        kept.extend(messages(&path));
        let newest: Vec<String> = (100 - kept.len()..100).map(|number| number.to_string()).collect();
        assert_eq!(kept, newest);
        assert!((10..60).contains(&kept.len()), "{}", kept.len());
    }

    #[test]
    fn a_writer_that_falls_behind_says_how_much_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wire");
        let (orders, incoming) = sync_channel(2);
        let lost = Arc::new(AtomicU64::new(0));
        let sink = Sink {
            orders,
            lost: Arc::clone(&lost),
        };
        for number in 0..5 {
            sink.write(record(&number.to_string()));
        }
        drop(sink);
        Recording::create(&path, MOST).unwrap().run(&incoming, &lost);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 4);
        assert!(text.contains("{\"lost\":3}"), "{text}");
    }
}
