//! Draws a story: one line for each message, lifelines from top to bottom, what it carries at the right.

use anstyle::Style;

use super::story::{Arrow, Kind, Step, Story};
use crate::terminal::{BAD, FAINT, GOOD, STRONG, WARNING, harmless, styled};

/// Between two lifelines: room for the longest label in use, `200 OK (SUBSCRIBE 1)`, and an arrow.
const GAP: usize = 38;
/// Time and call before the first lifeline.
const MARGIN: usize = 14;

#[derive(Debug)]
pub(super) struct Ladder<'s> {
    story: &'s Story,
    full: bool,
    /// The story's participant in each column, as a step shows it; others are left out.
    columns: Vec<usize>,
}

impl<'s> Ladder<'s> {
    pub(super) fn new(story: &'s Story, full: bool) -> Self {
        let shown = |participant: &usize| {
            story.steps.iter().any(|step| match &step.kind {
                Kind::Message(arrow) => arrow.from == *participant || arrow.to == *participant,
                Kind::Remark { participant: who, .. } => who == participant,
                Kind::Lost(_) => false,
            })
        };
        Self {
            story,
            full,
            columns: (0..story.participants.len()).filter(shown).collect(),
        }
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = String> {
        let started = self.story.started.format("%Y-%m-%d %H:%M:%S UTC");
        let about = format!("recorded from {started} on by {}", self.story.program);
        let mut lines = vec![styled(FAINT, about), String::new(), self.names()];
        for step in &self.story.steps {
            self.step(step, &mut lines);
        }
        lines.push(String::new());
        let shown = |index: usize| {
            let of_call =
                |step: &Step| matches!(&step.kind, Kind::Message(arrow) if arrow.call == Some(index));
            self.story.steps.iter().any(of_call)
        };
        for (_, call) in self
            .story
            .calls
            .iter()
            .enumerate()
            .filter(|(index, _)| shown(*index))
        {
            let noun = if call.messages == 1 { "message" } else { "messages" };
            lines.push(format!(
                "{}  {}, {} {noun}  {}",
                styled(STRONG, &call.label),
                harmless_line(&call.about),
                call.messages,
                styled(FAINT, harmless_line(&call.id))
            ));
        }
        lines.into_iter()
    }

    /// Names, each over its lifeline.
    fn names(&self) -> String {
        let mut text = String::new();
        let mut used = 0;
        for (column, participant) in self.columns.iter().enumerate() {
            let name = shorten(&harmless_line(self.story.name(*participant)), GAP - 2);
            let length = name.chars().count();
            let start = lifeline(column).saturating_sub(length / 2).max(used);
            text.push_str(&" ".repeat(start - used));
            text.push_str(&styled(STRONG, &name));
            used = start + length;
        }
        text
    }

    fn step(&self, step: &Step, lines: &mut Vec<String>) {
        let seconds = (step.time - self.story.started).as_seconds_f64().max(0.0);
        let time = styled(FAINT, format!("{seconds:9.3}"));
        match &step.kind {
            Kind::Message(arrow) => {
                let call = arrow.call.and_then(|call| self.story.calls.get(call));
                let call = call.map_or("", |call| call.label.as_str());
                let summary = shown(&arrow.summary);
                lines.push(format!("{time} {call:<3} {}{summary}", self.arrow(arrow)));
                if self.full {
                    lines.extend(self.message(&arrow.text));
                }
            }
            Kind::Remark { participant, text } => {
                let text = format!("{} {text}", self.story.name(*participant));
                lines.push(format!("{time}     {}{}", self.lifelines(), shown(&text)));
            }
            Kind::Lost(count) => {
                let text = styled(WARNING, format!("{count} records are missing here"));
                lines.push(format!("{time}     {}  {text}", self.lifelines()));
            }
        }
    }

    fn lifelines(&self) -> String {
        let bars: Vec<&str> = self.columns.iter().map(|_| "│").collect();
        bars.join(&" ".repeat(GAP))
    }

    /// The lifelines with an arrow across; the label stands where it starts.
    fn arrow(&self, arrow: &Arrow) -> String {
        let column = |participant| self.columns.iter().position(|shown| *shown == participant);
        let (Some(from), Some(to)) = (column(arrow.from), column(arrow.to)) else {
            return self.lifelines();
        };
        let label = shorten(&harmless_line(&arrow.label), GAP - 6);
        let dashes = "─".repeat(GAP - label.chars().count() - 4);
        let label = styled(style(arrow.status), label);
        let (first, last) = (from.min(to), from.max(to));
        let mut text = String::new();
        for column in 0..self.columns.len() {
            let bar = if column > first && column < last {
                "┼"
            } else {
                "│"
            };
            text.push_str(bar);
            if column + 1 == self.columns.len() {
                break;
            }
            let to_right = from < to;
            let starts = if to_right {
                column == from
            } else {
                column + 1 == from
            };
            let ends = if to_right { column + 1 == to } else { column == to };
            let (left, right) = match (ends, to_right) {
                (true, true) => ("─", "▶"),
                (true, false) => ("◀", "─"),
                (false, _) => ("─", "─"),
            };
            if column < first || column >= last {
                text.push_str(&" ".repeat(GAP));
            } else if !starts {
                text.push_str(&format!("{left}{}{right}", "─".repeat(GAP - 2)));
            } else if to_right {
                text.push_str(&format!("{left} {label} {dashes}{right}"));
            } else {
                text.push_str(&format!("{left}{dashes} {label} {right}"));
            }
        }
        text
    }

    /// The message itself, right of the lifelines.
    fn message(&self, text: &str) -> Vec<String> {
        let lines = text.trim_end().split('\n');
        let indent = " ".repeat(MARGIN);
        lines
            .map(|line| {
                let line = harmless_line(line.trim_end_matches('\r'));
                let lifelines = self.lifelines();
                if line.is_empty() {
                    format!("{indent}{lifelines}")
                } else {
                    format!("{indent}{lifelines}    {}", styled(FAINT, line))
                }
            })
            .collect()
    }
}

/// Where the lifeline of a column is.
fn lifeline(column: usize) -> usize {
    MARGIN + column * (GAP + 1)
}

/// What stands right of the lifelines.
fn shown(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!("  {}", harmless_line(text))
    }
}

fn style(status: Option<u16>) -> Style {
    match status {
        None => STRONG,
        Some(100..=299) => GOOD,
        Some(300..=499) => WARNING,
        Some(_) => BAD,
    }
}

/// One line without what could steer a terminal.
fn harmless_line(text: &str) -> String {
    harmless(text).replace(['\n', '\t'], " ")
}

pub(super) fn shorten(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let start: String = text.chars().take(most - 1).collect();
    format!("{start}…")
}
