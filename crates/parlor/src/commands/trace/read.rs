//! Reads a recording.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use crate::failure::Failure;
use crate::recording::{Head, Line};

/// A recording in memory.
#[derive(Debug)]
pub(super) struct Recording {
    pub(super) head: Head,
    pub(super) lines: Vec<Line>,
    pub(super) unreadable: usize,
}

pub(super) fn read(path: &Path) -> Result<Recording, Failure> {
    let name = path.display();
    let unreadable = |error| Failure::caused(&format!("cannot read {name}"), &error);
    let mut lines = BufReader::new(File::open(path).map_err(unreadable)?).lines();
    let first = lines.next().transpose().map_err(unreadable)?.unwrap_or_default();
    let head = Head::read(&first)
        .ok_or_else(|| Failure::new(format!("{name} is not a wire recording")).with_help(MAKE_ONE))?;
    if !head.is_readable() {
        let (version, program) = (head.version, &head.program);
        return Err(Failure::new(format!(
            "{name} has version {version} of the format, written by {program}; this program is older"
        )));
    }
    let mut recording = Recording {
        head,
        lines: Vec::new(),
        unreadable: 0,
    };
    for line in lines {
        match serde_json::from_str(&line.map_err(unreadable)?) {
            Ok(line) => recording.lines.push(line),
            // The last line of a killed process is cut.
            Err(_) => recording.unreadable += 1,
        }
    }
    Ok(recording)
}

const MAKE_ONE: &str = "`parlor serve --trace-sip FILE` makes one; up, host and chat take the option too.";
