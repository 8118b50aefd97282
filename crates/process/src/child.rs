//! One process: its pipes, its limits, and its end.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::process::ExitStatus;
use std::time::Duration;

use parlor_bot::process::{FromBot, Lines, MAX_LINE};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::pipe;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::errors;
use crate::failure::{Failure, Fault};
use crate::program::Program;

/// How long a program may take to end by itself after its input was closed.
pub(crate) const GRACE: Duration = Duration::from_secs(2);
/// How long one that closed its output may take to end, so that its exit status can be told.
const LAST_BREATH: Duration = Duration::from_millis(500);
/// How often is looked whether it has ended; there is no other way to know that leaves its process id taken.
const LOOK: Duration = Duration::from_millis(5);
/// Bytes that are read at once: a pipe holds as many.
const CHUNK: usize = 64 << 10;

/// A running program.
#[derive(Debug)]
pub(crate) struct Child {
    name: String,
    process: std::process::Child,
    /// It leads a group of its own, whose id is its own.
    group: Pid,
    input: Option<pipe::Sender>,
    output: pipe::Receiver,
    lines: Lines,
    chunk: Vec<u8>,
    errors: JoinHandle<()>,
    last_words: watch::Receiver<VecDeque<String>>,
}

impl Child {
    /// Starts it; within a runtime.
    pub(crate) fn start(program: &Program, instance: &str) -> Result<Self, Fault> {
        let mut process = program.process().spawn().map_err(|problem| Fault::NotStarted {
            command: program.command.first().cloned().unwrap_or_default(),
            problem,
        })?;
        let group = Pid::from_child(&process);
        match Self::attend(program, instance, &mut process) {
            Ok((input, output, errors, last_words)) => Ok(Self {
                name: program.name.clone(),
                process,
                group,
                input: Some(input),
                output,
                lines: Lines::new(MAX_LINE),
                chunk: vec![0; CHUNK],
                errors,
                last_words,
            }),
            Err(fault) => {
                end_group(group);
                let _status = process.wait();
                Err(fault)
            }
        }
    }

    #[allow(clippy::type_complexity, reason = "the parts of a child, for its only caller")]
    fn attend(
        program: &Program,
        instance: &str,
        process: &mut std::process::Child,
    ) -> Result<
        (
            pipe::Sender,
            pipe::Receiver,
            JoinHandle<()>,
            watch::Receiver<VecDeque<String>>,
        ),
        Fault,
    > {
        if let Some(memory) = program.memory {
            limit(Pid::from_child(process), memory).map_err(Fault::Unlimited)?;
        }
        let (Some(input), Some(output), Some(errors)) =
            (process.stdin.take(), process.stdout.take(), process.stderr.take())
        else {
            return Err(Fault::Io(io::Error::other("a pipe is missing")));
        };
        let input = pipe::Sender::from_owned_fd(OwnedFd::from(input))?;
        let output = pipe::Receiver::from_owned_fd(OwnedFd::from(output))?;
        let errors = pipe::Receiver::from_owned_fd(OwnedFd::from(errors))?;
        let (last, last_words) = watch::channel(VecDeque::new());
        let errors = errors::log(errors, program.name.clone(), instance.to_owned(), last);
        Ok((input, output, tokio::spawn(errors), last_words))
    }

    /// Writes a line, and waits for one.
    pub(crate) async fn ask(&mut self, line: &[u8]) -> Result<FromBot, Fault> {
        if let Some(input) = &mut self.input
            && input.write_all(line).await.is_err()
        {
            // It does not read any more; what it wrote before tells more than that.
            self.input = None;
        }
        self.read().await
    }

    /// Waits for a line. Cancel safe.
    pub(crate) async fn read(&mut self) -> Result<FromBot, Fault> {
        loop {
            if let Some(line) = self.lines.take()? {
                return Ok(FromBot::read(line)?);
            }
            match self.output.read(&mut self.chunk).await {
                Ok(0) | Err(_) => return Err(Fault::Ended(None)),
                Ok(read) => self.lines.push(&self.chunk[..read]),
            }
        }
    }

    /// Closes its input, and kills it with all that it has started when it has not ended after `grace`.
    pub(crate) async fn end(mut self, grace: Duration) {
        self.finish(grace).await;
    }

    /// Ends it because of a fault, and says why it is to be ended.
    pub(crate) async fn fail(mut self, mut fault: Fault) -> Failure {
        let grace = match fault {
            Fault::Ended(_) => LAST_BREATH,
            _ => Duration::ZERO,
        };
        let by_itself = self.finish(grace).await;
        if let Fault::Ended(status) = &mut fault {
            *status = by_itself;
        }
        let words: Vec<String> = self.last_words.borrow().iter().cloned().collect();
        Failure {
            program: self.name,
            fault,
            last_words: (!words.is_empty()).then(|| words.join(" | ")),
        }
    }

    /// How it ended, if it did by itself.
    async fn finish(&mut self, grace: Duration) -> Option<ExitStatus> {
        self.input = None;
        let deadline = Instant::now() + grace;
        while !self.has_ended() && Instant::now() < deadline {
            sleep(LOOK).await;
        }
        let by_itself = self.has_ended();
        // Before it is waited for: until then nobody else can have its id. Also when it has ended, because of what it
        // started.
        end_group(self.group);
        let status = self.process.wait().ok();
        // What it started may have left the group and hold the pipe.
        if timeout(LAST_BREATH, &mut self.errors).await.is_err() {
            self.errors.abort();
        }
        status.filter(|_| by_itself)
    }

    /// Whether it has ended, which leaves it to be waited for.
    fn has_ended(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        !matches!(waitid(WaitId::Pid(self.group), options), Ok(None))
    }
}

fn end_group(group: Pid) {
    if let Err(error) = kill_process_group(group, Signal::KILL) {
        tracing::debug!(%error, "a program could not be killed");
    }
}

/// Limits what a process may take: memory that it can write to and does not share, which is what it really uses. The
/// address space would be the wrong measure: several runtimes reserve a hundred times what they use. What it starts later
/// has the same limits. It leaves no core file either: its memory may hold secrets.
#[cfg(target_os = "linux")]
fn limit(process: Pid, memory: u64) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, prlimit};
    let at_most = |most| Rlimit {
        current: Some(most),
        maximum: Some(most),
    };
    prlimit(Some(process), Resource::Data, at_most(memory))?;
    prlimit(Some(process), Resource::Core, at_most(0))?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn limit(_: Pid, _: u64) -> io::Result<()> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "that is possible on Linux only; write `memory = \"unlimited\"`",
    ))
}
