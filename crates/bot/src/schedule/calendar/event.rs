//! Events of an iCalendar file: when the first of each is, how long it is, and by what it comes again.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};

use super::lines::{Line, lines};
use super::{CalendarError, CalendarFault, MAX_EVENTS};
use crate::schedule::{Moment, Zone};

/// One event with what makes it come again. Its times are wall-clock times of its frame.
#[derive(Debug)]
pub(super) struct Event {
    /// Where it begins in the file.
    pub(super) line: usize,
    uid: String,
    pub(super) summary: String,
    pub(super) frame: Frame,
    pub(super) start: NaiveDateTime,
    /// In seconds.
    pub(super) length: i64,
    /// Recurrence rules, with their lines.
    pub(super) rules: Vec<(usize, String)>,
    pub(super) additions: Vec<NaiveDateTime>,
    pub(super) exceptions: Vec<NaiveDateTime>,
    /// The occurrence of another event of the same `uid` that this one stands for.
    replaces: Option<When>,
}

/// Whose wall clock an event goes by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Frame {
    /// That of whoever asks: days, and times without a zone.
    Local,
    Zone(Zone),
}

/// A day or time as the file writes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum When {
    Day(NaiveDate),
    Floating(NaiveDateTime),
    In(Zone, NaiveDateTime),
}

impl Frame {
    /// Seconds of the frame's own count: of the wall clock, or since the Unix epoch.
    pub(super) fn seconds(self, local: NaiveDateTime) -> i64 {
        match self {
            Self::Local => local.and_utc().timestamp(),
            Self::Zone(zone) => Moment::Local(local).start(zone).timestamp(),
        }
    }
}

impl When {
    fn frame(self) -> Frame {
        match self {
            Self::Day(_) | Self::Floating(_) => Frame::Local,
            Self::In(zone, _) => Frame::Zone(zone),
        }
    }

    /// As the wall clock of `frame` shows it.
    pub(super) fn within(self, frame: Frame) -> NaiveDateTime {
        match (self, frame) {
            (Self::Day(day), _) => day.and_time(NaiveTime::MIN),
            (Self::In(own, local), Frame::Zone(zone)) if own != zone => {
                zone.local(Moment::Local(local).start(own))
            }
            (Self::Floating(local) | Self::In(_, local), _) => local,
        }
    }

    /// Reads the values of a property, which may be a list.
    fn all(line: &Line) -> Result<Vec<Self>, CalendarError> {
        line.value
            .split(',')
            .map(|value| Self::read(line, value.trim()))
            .collect()
    }

    fn read(line: &Line, value: &str) -> Result<Self, CalendarError> {
        let fault = |expected| {
            let (name, value) = (line.name.clone(), value.to_owned());
            let fault = CalendarFault::Value {
                name,
                value,
                expected,
            };
            fault.at(line.number)
        };
        if line.parameter("VALUE") == Some("DATE") || value.len() == 8 {
            let day = NaiveDate::parse_from_str(value, "%Y%m%d").ok().filter(plausible);
            return day.map(Self::Day).ok_or_else(|| fault("a day, YYYYMMDD"));
        }
        let (digits, utc) = match value.strip_suffix(['Z', 'z']) {
            Some(digits) => (digits, true),
            None => (value, false),
        };
        let local = NaiveDateTime::parse_from_str(digits, "%Y%m%dT%H%M%S")
            .ok()
            .filter(|local| plausible(&local.date()))
            .ok_or_else(|| fault("a time, YYYYMMDDTHHMMSS, or a day, YYYYMMDD"))?;
        if utc {
            return Ok(Self::In(Zone::UTC, local));
        }
        match line.parameter("TZID") {
            None => Ok(Self::Floating(local)),
            Some(zone) => match zone.parse() {
                Ok(zone) => Ok(Self::In(zone, local)),
                Err(_) => {
                    let (name, zone) = (line.name.clone(), zone.to_owned());
                    Err(CalendarFault::Zone { name, zone }.at(line.number))
                }
            },
        }
    }
}

/// Years of four digits, so that no sum of dates leaves the range.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "called by Option::filter")]
fn plausible(day: &NaiveDate) -> bool {
    use chrono::Datelike as _;
    (1000..=9999).contains(&day.year())
}

/// The events of a file without those that are cancelled.
pub(super) fn read(text: &str) -> Result<Vec<Event>, CalendarError> {
    let mut open: Vec<(usize, String)> = Vec::new();
    let mut events: Vec<Draft> = Vec::new();
    for line in lines(text)? {
        if open.is_empty() && (line.name.as_str(), line.value.as_str()) != ("BEGIN", "VCALENDAR") {
            return Err(CalendarFault::NotCalendar.at(line.number));
        }
        match line.name.as_str() {
            "BEGIN" => {
                if line.value == "VEVENT" {
                    if events.len() == MAX_EVENTS {
                        return Err(CalendarFault::Events.at(line.number));
                    }
                    events.push(Draft::new(line.number));
                }
                open.push((line.number, line.value));
            }
            "END" => match open.pop() {
                Some((_, name)) if name == line.value => {}
                Some((_, expected)) => {
                    let found = line.value;
                    return Err(CalendarFault::Nesting { found, expected }.at(line.number));
                }
                None => return Err(CalendarFault::NotCalendar.at(line.number)),
            },
            // An alarm inside an event has properties of its own.
            _ if open.last().is_some_and(|(_, name)| name == "VEVENT") => {
                if let Some(event) = events.last_mut() {
                    event.take(line)?;
                }
            }
            _ => {}
        }
    }
    if let Some((line, name)) = open.pop() {
        return Err(CalendarFault::Unended { name }.at(line));
    }
    if text.trim().is_empty() {
        return Err(CalendarFault::NotCalendar.at(1));
    }
    let events = events.into_iter().filter_map(|draft| draft.finish().transpose());
    let mut events: Vec<Event> = events.collect::<Result<_, _>>()?;
    replace(&mut events);
    Ok(events)
}

/// Takes occurrences that another event stands for out of the event they belong to.
fn replace(events: &mut [Event]) {
    let mut replaced: HashMap<String, Vec<When>> = HashMap::new();
    for event in events.iter() {
        if let Some(when) = event.replaces {
            replaced.entry(event.uid.clone()).or_default().push(when);
        }
    }
    for event in events.iter_mut().filter(|event| event.replaces.is_none()) {
        let gone = replaced.get(&event.uid).into_iter().flatten();
        event.exceptions.extend(gone.map(|when| when.within(event.frame)));
    }
}

/// An event while its lines are read.
#[derive(Debug)]
struct Draft {
    line: usize,
    uid: String,
    summary: String,
    cancelled: bool,
    start: Option<When>,
    end: Option<When>,
    duration: Option<TimeDelta>,
    rules: Vec<(usize, String)>,
    additions: Vec<When>,
    exceptions: Vec<When>,
    replaces: Option<When>,
}

impl Draft {
    fn new(line: usize) -> Self {
        Self {
            line,
            uid: String::new(),
            summary: "untitled event".to_owned(),
            cancelled: false,
            start: None,
            end: None,
            duration: None,
            rules: Vec::new(),
            additions: Vec::new(),
            exceptions: Vec::new(),
            replaces: None,
        }
    }

    fn take(&mut self, line: Line) -> Result<(), CalendarError> {
        match line.name.as_str() {
            "UID" => self.uid = line.value,
            "SUMMARY" if !line.value.trim().is_empty() => line.value.trim().clone_into(&mut self.summary),
            "STATUS" => self.cancelled = line.value.eq_ignore_ascii_case("CANCELLED"),
            "DTSTART" => self.start = Some(When::read(&line, &line.value)?),
            "DTEND" => self.end = Some(When::read(&line, &line.value)?),
            "DURATION" => self.duration = Some(duration(&line)?),
            "RECURRENCE-ID" => self.replaces = Some(When::read(&line, &line.value)?),
            "RRULE" => self.rules.push((line.number, line.value)),
            "RDATE" => self.additions.extend(When::all(&line)?),
            "EXDATE" => self.exceptions.extend(When::all(&line)?),
            _ => {}
        }
        Ok(())
    }

    /// The event; none when it is cancelled, unless it takes an occurrence out of a series.
    fn finish(self) -> Result<Option<Event>, CalendarError> {
        if self.cancelled && self.replaces.is_none() {
            return Ok(None);
        }
        let start = self
            .start
            .ok_or_else(|| CalendarFault::Missing { name: "DTSTART" }.at(self.line))?;
        let length = if self.cancelled { 0 } else { self.length(start)? };
        let frame = start.frame();
        let within = |list: Vec<When>| list.into_iter().map(|when| when.within(frame)).collect();
        Ok(Some(Event {
            line: self.line,
            uid: self.uid,
            summary: self.summary,
            frame,
            start: start.within(frame),
            length,
            rules: self.rules,
            additions: within(self.additions),
            exceptions: within(self.exceptions),
            replaces: self.replaces,
        }))
    }

    /// RFC 5545 section 3.6.1: the end is exclusive; without one a day lasts a day, and a time no time.
    fn length(&self, start: When) -> Result<i64, CalendarError> {
        let frame = start.frame();
        let length = match (self.end, self.duration, start) {
            (Some(end), _, _) => frame.seconds(end.within(frame)) - frame.seconds(start.within(frame)),
            (None, Some(duration), _) => duration.num_seconds(),
            (None, None, When::Day(_)) => 86_400,
            (None, None, _) => 0,
        };
        // Seen in the wild: a whole day whose end is its own day.
        match (length, start) {
            (0, When::Day(_)) => Ok(86_400),
            (..0, _) => Err(CalendarFault::Backwards.at(self.line)),
            _ => Ok(length),
        }
    }
}

/// Units that a length of time is made of: weeks, or days, hours, minutes and seconds.
const MAX_UNITS: u32 = 5;

/// RFC 5545 section 3.3.6: `P2D`, `PT1H30M`, `P1W`.
fn duration(line: &Line) -> Result<TimeDelta, CalendarError> {
    let fault = || {
        let (name, value) = (line.name.clone(), line.value.clone());
        let expected = "a length of time such as P1D or PT1H30M";
        CalendarFault::Value {
            name,
            value,
            expected,
        }
        .at(line.number)
    };
    let text = line.value.trim_start_matches('+');
    let mut number = String::new();
    let mut seconds: i64 = 0;
    let mut units: u32 = 0;
    for letter in text.strip_prefix('P').ok_or_else(fault)?.chars() {
        let unit = match letter {
            '0'..='9' if number.len() < 6 => {
                number.push(letter);
                continue;
            }
            'T' if number.is_empty() => continue,
            'W' => 7 * 86_400,
            'D' => 86_400,
            'H' => 3600,
            'M' => 60,
            'S' => 1,
            _ => return Err(fault()),
        };
        let count: i64 = number.parse().map_err(|_| fault())?;
        number.clear();
        units += 1;
        seconds += count * unit;
        if units > MAX_UNITS {
            return Err(fault());
        }
    }
    if units == 0 || !number.is_empty() {
        return Err(fault());
    }
    Ok(TimeDelta::seconds(seconds))
}

/// The last second that calendars are read for, as in [`crate::schedule::Schedule::next`].
pub(super) fn horizon() -> NaiveDateTime {
    DateTime::<Utc>::from_timestamp(4_102_444_800, 0)
        .unwrap_or_default()
        .naive_utc()
}
