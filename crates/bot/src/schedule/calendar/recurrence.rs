//! All occurrences of an event, by the crate `rrule`, on the wall clock of the event's frame.
//!
//! The crate is given that wall clock as if it were UTC: so a day stays a day, and a clock change is settled once, when
//! the occurrence becomes a stretch of time.

use std::collections::HashSet;

use chrono::{DateTime, NaiveDateTime, NaiveTime};
use rrule::{Frequency, RRule, RRuleSet, Tz, Unvalidated};

use super::event::{Event, Frame, horizon};
use super::{CalendarError, CalendarFault};

/// The starts of all occurrences; an error when there are more than `limit`.
pub(super) fn starts(event: &Event, limit: usize) -> Result<Vec<NaiveDateTime>, CalendarError> {
    let too_many = || CalendarFault::Occurrences.at(event.line);
    let mut starts = if event.rules.is_empty() {
        vec![event.start]
    } else {
        ruled(event, limit)?
    };
    if starts.len() + event.additions.len() > limit {
        return Err(too_many());
    }
    starts.extend(&event.additions);
    starts.sort_unstable();
    starts.dedup();
    let exceptions: HashSet<_> = event.exceptions.iter().collect();
    starts.retain(|start| !exceptions.contains(start) && *start < horizon());
    Ok(starts)
}

fn ruled(event: &Event, limit: usize) -> Result<Vec<NaiveDateTime>, CalendarError> {
    let start = as_utc(event.start);
    let mut set = RRuleSet::new(start);
    for (line, text) in &event.rules {
        let fault = |reason: String| CalendarFault::Rule { reason }.at(*line);
        let rule: RRule<Unvalidated> = until_in(event.frame, text)
            .parse()
            .map_err(|error: rrule::RRuleError| fault(words(&error)))?;
        if matches!(
            rule.get_freq(),
            Frequency::Hourly | Frequency::Minutely | Frequency::Secondly
        ) {
            let reason = format!(
                "FREQ={} is not understood; there are DAILY, WEEKLY, MONTHLY and YEARLY",
                rule.get_freq()
            );
            return Err(fault(reason));
        }
        let rule = rule.validate(start).map_err(|error| fault(words(&error)))?;
        set = set.rrule(rule);
    }
    let starts: Vec<_> = (&set.limit())
        .into_iter()
        .map(|time| time.naive_utc())
        .take_while(|time| *time < horizon())
        .take(limit + 1)
        .collect();
    if starts.len() > limit {
        return Err(CalendarFault::Occurrences.at(event.line));
    }
    Ok(starts)
}

fn as_utc(local: NaiveDateTime) -> DateTime<Tz> {
    local.and_utc().with_timezone(&Tz::UTC)
}

/// The rule with its `UNTIL` on the wall clock of the frame: the file writes it as a day, as a wall-clock time, or in
/// UTC where the event has a zone (RFC 5545 section 3.3.10).
fn until_in(frame: Frame, rule: &str) -> String {
    let part = |part: &str| {
        let Some(("UNTIL", value)) = part.split_once('=') else {
            return part.to_owned();
        };
        let digits = value.trim_end_matches('Z');
        let until = match NaiveDateTime::parse_from_str(digits, "%Y%m%dT%H%M%S") {
            Ok(until) if digits.len() < value.len() => match frame {
                Frame::Local => until,
                Frame::Zone(zone) => zone.local(until.and_utc()),
            },
            Ok(until) => until,
            Err(_) => match chrono::NaiveDate::parse_from_str(digits, "%Y%m%d") {
                Ok(day) => day.and_time(NaiveTime::MIN) + chrono::TimeDelta::seconds(86_399),
                // The crate says what is wrong with it.
                Err(_) => return part.to_owned(),
            },
        };
        format!("UNTIL={}Z", until.format("%Y%m%dT%H%M%S"))
    };
    rule.to_ascii_uppercase()
        .split(';')
        .filter(|text| !text.is_empty())
        .map(part)
        .collect::<Vec<_>>()
        .join(";")
}

/// The crate's text without its own heading.
fn words(error: &rrule::RRuleError) -> String {
    match error {
        rrule::RRuleError::ParserError(error) => error.to_string(),
        rrule::RRuleError::ValidationError(error) => error.to_string(),
        error => error.to_string(),
    }
}
