//! Days and times of a zone as settings write them: where a schedule starts and ends, where an interval is anchored.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, MappedLocalTime, NaiveDate, NaiveDateTime, SecondsFormat, TimeDelta, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Zone;

/// A day, or a time, in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// A day of a zone: `2026-12-24`.
    Day(NaiveDate),
    /// What the wall clock of a zone shows: `2026-12-24T18:00`.
    Local(NaiveDateTime),
    /// A moment the world over: `2026-12-24T18:00:00+01:00`, `2026-12-24T17:00:00Z`.
    Exact(DateTime<Utc>),
}

/// The text is neither a day nor a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a day or time; write \"2026-12-24\", \"2026-12-24T18:00\" (by the wall clock) or \
     \"2026-12-24T18:00:00+01:00\""
)]
pub struct MomentError;

impl Moment {
    /// The first moment of it in `zone`. A time that the wall clock skips begins where the clock jumps.
    pub fn start(self, zone: Zone) -> DateTime<Utc> {
        match self {
            Self::Day(day) => first(day.and_time(chrono::NaiveTime::MIN), zone),
            Self::Local(local) => first(local, zone),
            Self::Exact(time) => time,
        }
    }

    /// The last moment of it in `zone`: of a day its end, of a time that comes twice the second one.
    pub fn end(self, zone: Zone) -> DateTime<Utc> {
        match self {
            Self::Day(day) => match day.succ_opt() {
                Some(next) => Self::Day(next).start(zone) - TimeDelta::seconds(1),
                None => DateTime::<Utc>::MAX_UTC,
            },
            Self::Local(local) => match zone.instants(local) {
                MappedLocalTime::Ambiguous(_, second) => second,
                _ => first(local, zone),
            },
            Self::Exact(time) => time,
        }
    }
}

fn first(local: NaiveDateTime, zone: Zone) -> DateTime<Utc> {
    zone.instants(local)
        .earliest()
        .unwrap_or_else(|| zone.gap_end(local))
}

impl FromStr for Moment {
    type Err = MomentError;

    fn from_str(text: &str) -> Result<Self, MomentError> {
        let text = text.trim();
        if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            return in_range(day, Self::Day(day));
        }
        // TOML allows a space where RFC 3339 has a T.
        let text = text.replacen(' ', "T", 1);
        if let Ok(time) = DateTime::parse_from_rfc3339(&text) {
            let time = DateTime::from_timestamp(time.timestamp(), 0).ok_or(MomentError)?;
            return in_range(time.date_naive(), Self::Exact(time));
        }
        for form in ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"] {
            if let Ok(local) = NaiveDateTime::parse_from_str(&text, form) {
                return in_range(local.date(), Self::Local(local));
            }
        }
        Err(MomentError)
    }
}

/// Only years of four digits: sums with any length of time that settings allow stay in range.
fn in_range(day: NaiveDate, moment: Moment) -> Result<Moment, MomentError> {
    use chrono::Datelike as _;
    if (1000..=9999).contains(&day.year()) {
        Ok(moment)
    } else {
        Err(MomentError)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(day) => write!(f, "{day}"),
            Self::Local(local) => write!(f, "{}", local.format("%Y-%m-%dT%H:%M:%S")),
            Self::Exact(time) => f.write_str(&time.to_rfc3339_opts(SecondsFormat::Secs, true)),
        }
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|problem| de::Error::custom(format_args!("`{text}`: {problem}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(text: &str, zone: &str) -> [String; 2] {
        let (moment, zone) = (text.parse::<Moment>().unwrap(), zone.parse().unwrap());
        [moment.start(zone), moment.end(zone)].map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true))
    }

    #[test]
    fn a_day_lasts_as_long_as_the_zone_says() {
        for (text, zone, expected) in [
            (
                "2026-12-24",
                "Europe/Berlin",
                ["2026-12-23T23:00:00Z", "2026-12-24T22:59:59Z"],
            ),
            (
                "2026-03-29",
                "Europe/Berlin",
                ["2026-03-28T23:00:00Z", "2026-03-29T21:59:59Z"],
            ),
            // Midnight of that day is skipped in Beirut.
            (
                "2026-03-29",
                "Asia/Beirut",
                ["2026-03-28T22:00:00Z", "2026-03-29T20:59:59Z"],
            ),
            (
                "2026-10-25T02:30",
                "Europe/Berlin",
                ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"],
            ),
            (
                "2026-03-29 02:30",
                "Europe/Berlin",
                ["2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z"],
            ),
            (
                "2026-12-24T18:00:00+01:00",
                "UTC",
                ["2026-12-24T17:00:00Z", "2026-12-24T17:00:00Z"],
            ),
        ] {
            assert_eq!(bounds(text, zone), expected, "{text} {zone}");
        }
    }

    #[test]
    fn what_is_no_day_or_time_is_refused() {
        for text in [
            "",
            "24.12.2026",
            "2026-12-32",
            "2026-12-24T25:00",
            "18:00",
            "0001-01-01",
            "12026-01-01",
        ] {
            assert_eq!(text.parse::<Moment>(), Err(MomentError), "{text}");
        }
    }
}
