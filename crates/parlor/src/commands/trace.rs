//! `parlor trace`: a wire recording as a ladder diagram.

mod fold;
mod ladder;
mod message;
mod read;
mod story;

use crate::cli::{Global, TraceArgs};
use crate::failure::Failure;
use crate::terminal::{json_line, line, remark};
use ladder::Ladder;
use story::Story;

pub(crate) fn run(global: &Global, arguments: &TraceArgs) -> Result<(), Failure> {
    let recording = read::read(&arguments.file)?;
    if recording.unreadable > 0 {
        let count = recording.unreadable;
        remark(format_args!("{count} lines could not be read and are left out"));
    }
    let mut story = Story::of(&recording);
    if let Some(call) = &arguments.call {
        story.keep_call(call).map_err(Failure::new)?;
    }
    if global.json {
        story
            .steps
            .iter()
            .for_each(|step| json_line(&story.json(step, arguments.full)));
    } else {
        Ladder::new(&story, arguments.full).lines().for_each(line);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
