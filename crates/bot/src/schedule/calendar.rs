//! Calendars of holidays or shifts: which event of an iCalendar file (RFC 5545) covers a time.
//!
//! Reading lines is `lines`, events `event`, recurrence rules `recurrence`; a file that may change is `file`.

mod event;
mod file;
mod lines;
mod recurrence;

pub use file::{CalendarFile, CalendarFileError};

use std::str::FromStr;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::Zone;
use event::{Event, Frame};

/// Events of one calendar: more than any list of holidays has, few enough to be read at every start.
pub const MAX_EVENTS: usize = 10_000;
/// Single occurrences that the events of one calendar expand to, until the year 2100: a daily one takes 27,000.
pub const MAX_OCCURRENCES: usize = 100_000;

/// When the events of an iCalendar file are, until the year 2100.
///
/// Days are those of the zone of whoever asks; times with a zone of their own are moments. Recurrence rules by day,
/// week, month and year, exceptions (`EXDATE`, `RECURRENCE-ID`) and additions (`RDATE`) are followed; cancelled events
/// are left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calendar {
    /// Days and times without a zone: seconds of a wall clock.
    local: Spans,
    /// Seconds since the Unix epoch.
    exact: Spans,
}

/// Why a text is not an iCalendar file, or one with something that is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct CalendarError {
    /// Where, from 1.
    pub line: usize,
    /// What is wrong there.
    pub fault: CalendarFault,
}

/// What is wrong with a line of an iCalendar file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the texts say it")]
pub enum CalendarFault {
    #[error("not an iCalendar file: it does not begin with BEGIN:VCALENDAR")]
    NotCalendar,
    #[error("not a line of an iCalendar file: `{text}`")]
    Line { text: String },
    #[error("END:{found} where END:{expected} belongs")]
    Nesting { found: String, expected: String },
    #[error("BEGIN:{name} has no END:{name}")]
    Unended { name: String },
    #[error("the event has no {name}")]
    Missing { name: &'static str },
    #[error("{name}: `{value}` is not {expected}")]
    Value {
        name: String,
        value: String,
        expected: &'static str,
    },
    #[error("{name}: no time zone `{zone}`; IANA names such as Europe/Berlin are understood")]
    Zone { name: String, zone: String },
    #[error("the event ends before it starts")]
    Backwards,
    #[error("RRULE: {reason}")]
    Rule { reason: String },
    #[error("more than {MAX_EVENTS} events")]
    Events,
    #[error(
        "from here on there are more than {MAX_OCCURRENCES} occurrences; end the rule with UNTIL or COUNT"
    )]
    Occurrences,
}

impl CalendarFault {
    fn at(self, line: usize) -> CalendarError {
        CalendarError { line, fault: self }
    }
}

impl Calendar {
    /// The event that covers `time`, seen from `zone`.
    pub fn event_at(&self, time: DateTime<Utc>, zone: Zone) -> Option<&str> {
        let local = zone.local(time).and_utc().timestamp();
        self.local.at(local).or_else(|| self.exact.at(time.timestamp()))
    }

    fn add(&mut self, event: &Event, left: &mut usize) -> Result<(), CalendarError> {
        let summary: Arc<str> = event.summary.as_str().into();
        let starts = recurrence::starts(event, *left)?;
        *left -= starts.len();
        let spans = match event.frame {
            Frame::Local => &mut self.local,
            Frame::Zone(_) => &mut self.exact,
        };
        for start in starts {
            let start = event.frame.seconds(start);
            spans.list.push(Span {
                start,
                end: start + event.length,
                summary: Arc::clone(&summary),
            });
        }
        Ok(())
    }
}

impl FromStr for Calendar {
    type Err = CalendarError;

    fn from_str(text: &str) -> Result<Self, CalendarError> {
        let mut calendar = Self::default();
        let mut left = MAX_OCCURRENCES;
        for event in event::read(text)? {
            calendar.add(&event, &mut left)?;
        }
        calendar.local.sort();
        calendar.exact.sort();
        Ok(calendar)
    }
}

/// Stretches of time, by their starts.
#[derive(Clone, Debug, Default, PartialEq)]
struct Spans {
    list: Vec<Span>,
    longest: i64,
}

#[derive(Clone, Debug, PartialEq)]
struct Span {
    start: i64,
    /// The first second after it.
    end: i64,
    summary: Arc<str>,
}

impl Spans {
    fn sort(&mut self) {
        self.list.sort_by_key(|span| span.start);
        self.longest = self
            .list
            .iter()
            .map(|span| span.end - span.start)
            .max()
            .unwrap_or(0);
    }

    /// The latest-starting stretch that covers `second`.
    fn at(&self, second: i64) -> Option<&str> {
        let after = self.list.partition_point(|span| span.start <= second);
        self.list[..after]
            .iter()
            .rev()
            .take_while(|span| span.start + self.longest > second)
            .find(|span| span.end > second)
            .map(|span| &*span.summary)
    }
}
