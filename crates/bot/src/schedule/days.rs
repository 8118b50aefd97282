//! Calendars that a schedule keeps off or keeps to.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{CalendarFile, Zone};

/// A calendar and what it does to a schedule.
#[derive(Clone, Debug, PartialEq)]
pub enum Days {
    /// Times that an event of it covers do not come: holidays.
    Except(Arc<CalendarFile>),
    /// Only times that an event of it covers come: shifts. Of several such calendars one is enough.
    Only(Arc<CalendarFile>),
}

/// Why a calendar keeps a time from coming.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Excluded {
    /// An event to keep off covers it.
    Except {
        /// The file's name.
        calendar: String,
        /// The event's title.
        event: String,
    },
    /// No event to keep to covers it.
    Only {
        /// The files' names.
        calendars: Vec<String>,
    },
}

impl Days {
    /// The calendar.
    pub fn file(&self) -> &Arc<CalendarFile> {
        match self {
            Self::Except(file) | Self::Only(file) => file,
        }
    }
}

pub(super) fn excluded(days: &[Days], time: DateTime<Utc>, zone: Zone) -> Option<Excluded> {
    let mut missed = Vec::new();
    let mut kept = false;
    for days in days {
        let calendar = days.file().calendar();
        match (days, calendar.event_at(time, zone)) {
            (Days::Except(file), Some(event)) => {
                let (calendar, event) = (file.name(), event.to_owned());
                return Some(Excluded::Except { calendar, event });
            }
            (Days::Except(_), None) => {}
            (Days::Only(_), Some(_)) => kept = true,
            (Days::Only(file), None) => missed.push(file.name()),
        }
    }
    (!kept && !missed.is_empty()).then_some(Excluded::Only { calendars: missed })
}

impl fmt::Display for Excluded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Except { calendar, event } => write!(f, "{event} ({calendar})"),
            Self::Only { calendars } => write!(f, "no event of {} covers it", calendars.join(" or ")),
        }
    }
}
