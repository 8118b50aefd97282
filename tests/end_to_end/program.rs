//! A running `parlor` process: its output line by line, its end, its signals.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long an event may take before the test fails; far above what a loaded machine needs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// One line of output.
#[derive(Debug)]
enum Output {
    Out(String),
    Err(String),
}

/// A process that is killed when the test ends.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    input: Option<ChildStdin>,
    output: Receiver<Output>,
    said: Vec<String>,
}

impl Program {
    pub(crate) fn start(mut command: Command) -> Self {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let (send, output) = channel();
        let out = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let err = BufReader::new(child.stderr.take().expect("stderr is piped"));
        let to_err = send.clone();
        std::thread::spawn(move || {
            out.lines()
                .map_while(Result::ok)
                .try_for_each(|line| send.send(Output::Out(line)))
        });
        std::thread::spawn(move || {
            err.lines()
                .map_while(Result::ok)
                .try_for_each(|line| to_err.send(Output::Err(line)))
        });
        let input = child.stdin.take();
        Self {
            child,
            input,
            output,
            said: Vec::new(),
        }
    }

    /// Types a line.
    pub(crate) fn types(&mut self, line: &str) {
        let input = self.input.as_mut().expect("standard input is open");
        writeln!(input, "{line}")
            .and_then(|()| input.flush())
            .expect("the program reads");
    }

    /// Waits for a line on standard output for which `wanted` gives a value.
    pub(crate) fn wait_for<T>(&mut self, what: &str, mut wanted: impl FnMut(&str) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self
                .output
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(Output::Out(line)) => {
                    let found = wanted(&line);
                    self.said.push(line);
                    if let Some(found) = found {
                        return found;
                    }
                }
                Ok(Output::Err(line)) => self.said.push(format!("stderr: {line}")),
                Err(RecvTimeoutError::Timeout) => {
                    panic!("{what} did not happen; it said:\n{}", self.said.join("\n"))
                }
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("it ended before {what}; it said:\n{}", self.said.join("\n"))
                }
            }
        }
    }

    /// Waits for a line that contains `text`, on either stream.
    pub(crate) fn wait_for_text(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self
                .output
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(Output::Out(line) | Output::Err(line)) => {
                    let found = line.contains(text);
                    self.said.push(line);
                    if found {
                        return;
                    }
                }
                Err(error) => panic!(
                    "`{text}` was not said ({error}); it said:\n{}",
                    self.said.join("\n")
                ),
            }
        }
    }

    /// Waits for an event of this name for which `wanted` holds, and gives it.
    pub(crate) fn event(&mut self, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.wait_for(&format!("event {name}"), |line| {
            let value: Value = serde_json::from_str(line).ok()?;
            (value["event"] == name && wanted(&value)).then_some(value)
        })
    }

    /// Sends a signal by its number.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args(["-s", name, &self.child.id().to_string()])
            .status();
        assert!(status.is_ok_and(|status| status.success()), "kill -s {name}");
    }

    /// Waits for the end.
    pub(crate) fn end(mut self) -> ExitStatus {
        self.end_within(PATIENCE)
    }

    /// Waits for an end with success, for longer than others if need be.
    pub(crate) fn succeed_within(mut self, patience: Duration) {
        let status = self.end_within(patience);
        assert!(
            status.success(),
            "it ended with {status}; it said:\n{}",
            self.said.join("\n")
        );
    }

    /// Waits for an end that it comes to by itself: its input stays open.
    pub(crate) fn ends_by_itself(mut self) -> ExitStatus {
        self.ended_within(PATIENCE)
    }

    fn end_within(&mut self, patience: Duration) -> ExitStatus {
        drop(self.input.take());
        self.ended_within(patience)
    }

    fn ended_within(&mut self, patience: Duration) -> ExitStatus {
        let deadline = Instant::now() + patience;
        loop {
            // The streams end with the process; reading them to the end is the wait.
            match self
                .output
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(Output::Out(line) | Output::Err(line)) => self.said.push(line),
                Err(RecvTimeoutError::Disconnected) => {
                    return self.child.wait().expect("the process can be waited for");
                }
                Err(RecvTimeoutError::Timeout) => {
                    panic!("it did not end; it said:\n{}", self.said.join("\n"))
                }
            }
        }
    }

    /// Stops it as Ctrl-C does, and checks that it ends well.
    pub(crate) fn interrupt(self) {
        self.signal("INT");
        let status = self.end();
        assert!(status.success(), "Ctrl-C should end with success, not {status}");
    }

    /// Kills it without warning.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("the process can be killed");
        let _ = self.child.wait();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Already gone when the test ended it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
