//! A night in which clocks are changed, and what is due in it. Worked out minute by minute, unlike the host does it.

use chrono::{DateTime, NaiveTime, Offset, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use parlor_host::InstanceConfig;

use crate::world::{TALK, instance};

/// One hour at night, half an hour, and a summer time that is interrupted.
const ZONES: [Tz; 4] = [
    Tz::Europe__Berlin,
    Tz::America__New_York,
    Tz::Australia__Lord_Howe,
    Tz::Africa__Casablanca,
];
const YEAR: i32 = 2026;
/// How long before the change a story begins, and how long after it ends.
const BEFORE: TimeDelta = TimeDelta::hours(2);
const AFTER: TimeDelta = TimeDelta::hours(4);

/// Comes at each time the clock shows, as often as it shows it.
const OFTEN: &str = "*/20 * * * *";
/// Comes once in each night.
const NIGHTLY: &str = "30 2 * * *";

#[derive(Debug, Clone, Copy)]
pub(crate) struct ClockChange {
    zone: Tz,
    at: DateTime<Utc>,
}

impl ClockChange {
    /// Both changes of each zone in turn.
    pub(crate) fn of_story(seed: u64) -> Self {
        let all: Vec<_> = ZONES.into_iter().flat_map(changes).collect();
        assert_eq!(all.len(), 2 * ZONES.len());
        all[seed as usize % all.len()]
    }

    pub(crate) fn begin(&self) -> DateTime<Utc> {
        self.at - BEFORE
    }

    pub(crate) fn end(&self) -> DateTime<Utc> {
        self.at + AFTER
    }

    /// The bots that go by this zone's clock.
    pub(crate) fn instances(&self) -> [InstanceConfig; 2] {
        [("often", OFTEN), ("nightly", NIGHTLY)].map(|(word, cron)| {
            let mut crier = instance("crier", &[TALK]);
            crier.id = word.to_owned();
            crier.settings = serde_json::json!({ "cron": cron, "zone": self.zone.name(), "word": word });
            crier
        })
    }

    /// What they have said when the clock shows `until`.
    pub(crate) fn said(&self, word: &str, until: DateTime<Utc>) -> Vec<String> {
        let due = if word == "often" {
            self.often()
        } else {
            self.nightly()
        };
        due.into_iter()
            .filter(|due| *due <= until)
            .map(|due| format!("{word} {}", due.format("%Y-%m-%dT%H:%M:%SZ")))
            .collect()
    }

    fn often(&self) -> Vec<DateTime<Utc>> {
        let local = |time: &DateTime<Utc>| time.with_timezone(&self.zone);
        self.minutes()
            .filter(|time| local(time).minute() % 20 == 0)
            .collect()
    }

    fn nightly(&self) -> Vec<DateTime<Utc>> {
        let mut due = Vec::new();
        for time in self.minutes() {
            let day = time.with_timezone(&self.zone).date_naive();
            let wanted = day.and_time(NaiveTime::from_hms_opt(2, 30, 0).unwrap());
            let comes = match self.zone.from_local_datetime(&wanted).earliest() {
                Some(first) => first.with_timezone(&Utc),
                // There is no half past two in this night: it comes when the clock is moved on.
                None => self.at,
            };
            if comes == time {
                due.push(time);
            }
        }
        due
    }

    fn minutes(&self) -> impl Iterator<Item = DateTime<Utc>> {
        let (begin, count) = (self.begin(), (BEFORE + AFTER).num_minutes());
        (1..=count).map(move |minute| begin + TimeDelta::minutes(minute))
    }
}

/// When the zone's clock is moved in the year.
fn changes(zone: Tz) -> Vec<ClockChange> {
    let first = Utc.with_ymd_and_hms(YEAR, 1, 1, 0, 0, 0).unwrap();
    let offset = |time: DateTime<Utc>| zone.offset_from_utc_datetime(&time.naive_utc()).fix();
    (1..365 * 48)
        .map(|half_hour| first + TimeDelta::minutes(30 * half_hour))
        .filter(|time| offset(*time) != offset(*time - TimeDelta::minutes(30)))
        .map(|at| ClockChange { zone, at })
        .collect()
}
