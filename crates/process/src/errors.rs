//! What a program writes to its standard error: into the log, in lines, no more than anybody reads.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::sync::watch;

/// The longest line that is logged, in bytes; the rest of it is dropped.
const MAX_LINE: usize = 2000;
/// How many lines are logged at once, and in [`PERIOD`] when it goes on.
const LINES: u32 = 60;
const PERIOD: Duration = Duration::from_secs(60);
/// How many lines are kept as last words: the end of a traceback, or a panic with its note.
const LAST: usize = 3;
/// The longest of them, in characters.
const MAX_LAST: usize = 200;

/// Logs what comes until nothing comes any more, and keeps the last lines.
pub(crate) async fn log(
    mut from: impl AsyncRead + Unpin,
    program: String,
    instance: String,
    last: watch::Sender<VecDeque<String>>,
) {
    let mut cutter = Cutter::default();
    let mut budget = Budget::new(Instant::now());
    let mut chunk = vec![0; 8192];
    while let Ok(read @ 1..) = from.read(&mut chunk).await {
        let lines = cutter.push(&chunk[..read]);
        tell(lines, &program, &instance, &mut budget, &last);
    }
    tell(cutter.end(), &program, &instance, &mut budget, &last);
    if budget.dropped > 0 {
        tracing::warn!(%program, %instance, "{} more lines not shown", budget.dropped);
    }
}

fn tell(
    lines: Vec<String>,
    program: &str,
    instance: &str,
    budget: &mut Budget,
    last: &watch::Sender<VecDeque<String>>,
) {
    for line in lines.into_iter().filter(|line| !line.trim().is_empty()) {
        if budget.take(Instant::now()) {
            let dropped = std::mem::take(&mut budget.dropped);
            if dropped > 0 {
                tracing::warn!(%program, %instance, "{dropped} lines not shown");
            }
            tracing::warn!(%program, %instance, "{line}");
        }
        last.send_modify(|lines| {
            if lines.len() == LAST {
                lines.pop_front();
            }
            lines.push_back(line.trim().chars().take(MAX_LAST).collect());
        });
    }
}

/// Bytes into lines, of which the beginning is kept. Signs that would do something to a terminal are written out.
#[derive(Debug, Default)]
struct Cutter {
    line: Vec<u8>,
}

impl Cutter {
    fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        let mut pieces = bytes.split(|byte| *byte == b'\n');
        self.add(pieces.next().unwrap_or_default());
        for piece in pieces {
            lines.push(self.take());
            self.add(piece);
        }
        lines
    }

    fn end(&mut self) -> Vec<String> {
        vec![self.take()]
    }

    fn add(&mut self, piece: &[u8]) {
        let room = MAX_LINE - self.line.len();
        self.line.extend_from_slice(&piece[..piece.len().min(room)]);
    }

    fn take(&mut self) -> String {
        let line = std::mem::take(&mut self.line);
        let mut shown = String::with_capacity(line.len());
        for sign in String::from_utf8_lossy(&line).trim_end().chars() {
            match sign {
                '\t' => shown.push(' '),
                sign if sign.is_control() => shown.extend(sign.escape_default()),
                sign => shown.push(sign),
            }
        }
        shown
    }
}

/// How many lines may still be logged.
#[derive(Debug)]
struct Budget {
    left: u32,
    since: Instant,
    dropped: u64,
}

impl Budget {
    fn new(now: Instant) -> Self {
        Self {
            left: LINES,
            since: now,
            dropped: 0,
        }
    }

    fn take(&mut self, now: Instant) -> bool {
        if now.duration_since(self.since) >= PERIOD {
            (self.left, self.since) = (LINES, now);
        }
        if self.left == 0 {
            self.dropped += 1;
            return false;
        }
        self.left -= 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_and_harmless() {
        let mut cutter = Cutter::default();
        assert_eq!(cutter.push(b"one\r\ntwo"), ["one"]);
        assert_eq!(
            cutter.push(b" more\n\x1b[31mred\xff\n"),
            ["two more", "\\u{1b}[31mred\u{fffd}"]
        );
        let mut long = vec![b'x'; 3 * MAX_LINE];
        assert!(cutter.push(&long).is_empty());
        long.push(b'\n');
        let lines = cutter.push(&long);
        assert_eq!(lines, ["x".repeat(MAX_LINE)]);
        assert_eq!(cutter.push(b"next\n"), ["next"]);
    }

    #[test]
    fn a_flood_is_counted_instead_of_logged() {
        let start = Instant::now();
        let mut budget = Budget::new(start);
        let taken = (0..1000).filter(|_| budget.take(start)).count();
        assert_eq!((taken, budget.dropped), (LINES as usize, 1000 - u64::from(LINES)));
        assert!(budget.take(start + PERIOD));
    }
}
