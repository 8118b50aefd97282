//! IANA time zones as settings name them.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, MappedLocalTime, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A time zone by its IANA name, for example `Europe/Berlin`; `UTC` when nothing else is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Zone(Tz);

/// The text is not the name of a time zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no time zone `{name}`; write an IANA name such as \"Europe/Berlin\"{}", suggestion(.near))]
pub struct ZoneError {
    name: String,
    near: Option<&'static str>,
}

fn suggestion(near: &Option<&'static str>) -> String {
    near.map_or_else(String::new, |name| format!("; did you mean \"{name}\"?"))
}

/// Further than any zone's wall clock is away from UTC, and longer than any jump of one (Samoa skipped a day).
const MARGIN: TimeDelta = TimeDelta::hours(26);

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(Tz::UTC);

    /// The IANA name.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// What the wall clock shows at `time`.
    pub fn local(self, time: DateTime<Utc>) -> NaiveDateTime {
        time.naive_utc() + self.offset(time)
    }

    /// A time as people read it: the wall clock, and the zone's name.
    pub fn shown(self, time: DateTime<Utc>) -> String {
        format!("{} {self}", self.local(time).format("%Y-%m-%d %H:%M:%S"))
    }

    /// When the wall clock shows `local`: never, once, or twice.
    pub(super) fn instants(self, local: NaiveDateTime) -> MappedLocalTime<DateTime<Utc>> {
        self.0.from_local_datetime(&local).map(|time| time.to_utc())
    }

    /// When the wall clock jumps over `local`, which it never shows.
    pub(super) fn gap_end(self, local: NaiveDateTime) -> DateTime<Utc> {
        let mut before = local.and_utc() - MARGIN;
        let mut after = local.and_utc() + MARGIN;
        // The first second at which the clock shows a later time than `local` ends the gap.
        while after - before > TimeDelta::seconds(1) {
            let middle = before + TimeDelta::seconds((after - before).num_seconds() / 2);
            if self.local(middle) > local {
                after = middle;
            } else {
                before = middle;
            }
        }
        after
    }

    /// How far the wall clock is ahead of UTC at `time`.
    pub fn offset(self, time: DateTime<Utc>) -> TimeDelta {
        let offset = self.0.offset_from_utc_datetime(&time.naive_utc()).fix();
        TimeDelta::seconds(i64::from(offset.local_minus_utc()))
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self::UTC
    }
}

impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(name: &str) -> Result<Self, ZoneError> {
        let name = name.trim();
        Tz::from_str_insensitive(name).map(Self).map_err(|_| ZoneError {
            name: name.to_owned(),
            near: nearest(name),
        })
    }
}

/// The zone whose city is `name`, or whose name differs from it in spaces and hyphens only.
fn nearest(name: &str) -> Option<&'static str> {
    let plain = |text: &str| text.to_lowercase().replace([' ', '-'], "_");
    let wanted = plain(name);
    let city = wanted.rsplit('/').next().unwrap_or(&wanted);
    chrono_tz::TZ_VARIANTS
        .iter()
        .map(|zone| zone.name())
        .find(|zone| plain(zone) == wanted)
        .or_else(|| {
            chrono_tz::TZ_VARIANTS
                .iter()
                .map(|zone| zone.name())
                .find(|zone| zone.contains('/') && plain(zone.rsplit('/').next().unwrap_or(zone)) == city)
        })
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_have_iana_names() {
        assert_eq!("europe/berlin".parse::<Zone>().unwrap().name(), "Europe/Berlin");
        for (text, expected) in [
            (
                "Berlin",
                "no time zone `Berlin`; write an IANA name such as \"Europe/Berlin\"; did you mean \"Europe/Berlin\"?",
            ),
            (
                "America/New York",
                "no time zone `America/New York`; write an IANA name such as \"Europe/Berlin\"; did you mean \"America/New_York\"?",
            ),
            (
                "Mars/Olympus",
                "no time zone `Mars/Olympus`; write an IANA name such as \"Europe/Berlin\"",
            ),
        ] {
            assert_eq!(text.parse::<Zone>().unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn a_gap_ends_where_the_clock_jumps() {
        let end = |zone: &str, local: &str| {
            zone.parse::<Zone>()
                .unwrap()
                .gap_end(local.parse().unwrap())
                .to_rfc3339()
        };
        assert_eq!(
            end("Europe/Berlin", "2026-03-29T02:30:00"),
            "2026-03-29T01:00:00+00:00"
        );
        assert_eq!(
            end("Australia/Lord_Howe", "2026-10-04T02:15:00"),
            "2026-10-03T15:30:00+00:00"
        );
        // Samoa had no 30 December 2011.
        assert_eq!(
            end("Pacific/Apia", "2011-12-30T12:00:00"),
            "2011-12-30T10:00:00+00:00"
        );
    }
}
