//! Why a time comes or does not come, in words for people.

use std::fmt;

use chrono::{DateTime, MappedLocalTime, NaiveDateTime, TimeDelta, Utc};

use super::{Excluded, Field, Gap, Moment, Overlap, Schedule, Times, Zone, occurrences};

/// What a schedule makes of a time that somebody asks about.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The time as the zone's wall clock shows it.
    pub local: NaiveDateTime,
    /// What is to be said about it, in order. Empty when it is a plain time of the schedule.
    pub findings: Vec<Finding>,
    /// The moments at which it comes: none, one, or two where the wall clock shows it twice.
    pub due: Vec<DateTime<Utc>>,
    /// Moments of the rule at which it would come, if start, end or a calendar let it.
    pub hindered: Vec<DateTime<Utc>>,
    /// The last time before it that comes.
    pub before: Option<DateTime<Utc>>,
    /// The first time after it that comes.
    pub after: Option<DateTime<Utc>>,
}

/// Something about a time.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Finding {
    /// The cron expression has no such time.
    NotInExpression {
        /// The expression.
        times: Times,
        /// The fields that do not match.
        fields: Vec<Field>,
    },
    /// No step of the interval falls on it.
    NotAStep {
        /// The interval.
        times: Times,
    },
    /// The wall clock jumps over it.
    InGap {
        /// Whose wall clock.
        zone: Zone,
        /// The rule for that.
        gap: Gap,
        /// Where the clock jumps.
        end: DateTime<Utc>,
    },
    /// It stands for a time that the wall clock jumped over.
    AfterGap {
        /// Whose wall clock.
        zone: Zone,
    },
    /// The wall clock shows it twice.
    Twice {
        /// Whose wall clock.
        zone: Zone,
        /// The rule for that.
        overlap: Overlap,
        /// The first time.
        first: DateTime<Utc>,
        /// The second time.
        second: DateTime<Utc>,
    },
    /// The schedule starts later.
    BeforeStart {
        /// Its start.
        from: DateTime<Utc>,
    },
    /// The schedule has ended before.
    AfterEnd {
        /// Its end.
        until: DateTime<Utc>,
    },
    /// A calendar keeps it from coming.
    Excluded(Excluded),
}

impl Schedule {
    /// Explains a time of its zone.
    pub fn explain(&self, asked: Moment) -> Explanation {
        let (start, end) = (asked.start(self.zone), asked.end(self.zone));
        let local = match asked {
            Moment::Local(local) => local,
            _ => self.zone.local(start),
        };
        let mut findings = Vec::new();
        let mut due = self.moments_of(asked, local, &mut findings);
        let mut hindered = Vec::new();
        due.retain(|time| match self.hindrance(*time) {
            Some(finding) => {
                if !findings.contains(&finding) {
                    findings.push(finding);
                }
                hindered.push(*time);
                false
            }
            None => true,
        });
        // A time in a gap ends where the gap ends, which may be a time of its own.
        let after = self
            .upcoming(end - TimeDelta::seconds(1))
            .take(LOOKED_AT)
            .find(|time| {
                !due.contains(time) && (*time > end || local != self.zone.local(end)) && self.comes(*time)
            });
        Explanation {
            local,
            findings,
            before: self.last_before(start),
            after,
            due,
            hindered,
        }
    }

    /// The moments that the rule makes of the time, before start, end and calendars are looked at.
    fn moments_of(
        &self,
        asked: Moment,
        local: NaiveDateTime,
        findings: &mut Vec<Finding>,
    ) -> Vec<DateTime<Utc>> {
        let zone = self.zone;
        let instants = match asked {
            Moment::Exact(time) => MappedLocalTime::Single(time),
            _ => zone.instants(local),
        };
        let cron = match &self.times {
            Times::Cron(cron) => cron,
            Times::Every(interval) => {
                let candidates = [instants.earliest(), instants.latest()].into_iter().flatten();
                let mut steps: Vec<_> = candidates.filter(|time| interval.holds(*time)).collect();
                steps.dedup();
                if steps.is_empty() {
                    let times = self.times.clone();
                    findings.push(Finding::NotAStep { times });
                }
                return steps;
            }
        };
        let fields = cron.mismatch(local);
        if !fields.is_empty() {
            // The end of a gap may stand for a time inside it.
            if let MappedLocalTime::Single(time) = instants
                && self.is_time(time)
            {
                findings.push(Finding::AfterGap { zone });
                return vec![time];
            }
            let times = self.times.clone();
            findings.push(Finding::NotInExpression { times, fields });
            return Vec::new();
        }
        match zone.instants(local) {
            MappedLocalTime::None => {
                let (gap, end) = (self.gap, zone.gap_end(local));
                findings.push(Finding::InGap { zone, gap, end });
            }
            MappedLocalTime::Ambiguous(first, second) => findings.push(Finding::Twice {
                zone,
                overlap: self.overlap,
                first,
                second,
            }),
            MappedLocalTime::Single(_) => {}
        }
        let occurrences::Moments { first, second } = occurrences::moments(self, local);
        first
            .into_iter()
            .chain(second)
            .filter(|time| !matches!(asked, Moment::Exact(asked) if asked != *time))
            .collect()
    }

    /// What keeps one of the rule's times from coming.
    fn hindrance(&self, time: DateTime<Utc>) -> Option<Finding> {
        if let Some(from) = self.from.filter(|from| time < *from) {
            return Some(Finding::BeforeStart { from });
        }
        if let Some(until) = self.until.filter(|until| time > *until) {
            return Some(Finding::AfterEnd { until });
        }
        self.excluded(time).map(Finding::Excluded)
    }

    fn comes(&self, time: DateTime<Utc>) -> bool {
        self.hindrance(time).is_none()
    }

    fn is_time(&self, time: DateTime<Utc>) -> bool {
        occurrences::next(self, time - TimeDelta::seconds(1)) == Some(time)
    }

    fn last_before(&self, time: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let long_ago = time - TimeDelta::days(100 * 366);
        let before = time - TimeDelta::seconds(1);
        // Mostly the very last one comes; only on days off many have to be passed over.
        [1, LOOKED_AT].into_iter().find_map(|count| {
            let times = occurrences::latest(self, long_ago, before, count);
            times.into_iter().rev().find(|time| self.comes(*time))
        })
    }
}

/// Times that are looked at for one that comes: a minutely schedule on a day off has 1440.
const LOOKED_AT: usize = 10_000;

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInExpression { times, fields } => {
                let fields: Vec<_> = fields.iter().map(ToString::to_string).collect();
                let verb = if fields.len() == 1 { "does" } else { "do" };
                write!(
                    f,
                    "not a time of `{times}`: {} {verb} not match",
                    fields.join(" and ")
                )
            }
            Self::NotAStep {
                times: Times::Every(interval),
            } => {
                write!(f, "not a time of `{interval}` counted from {}", interval.anchor())
            }
            Self::NotAStep { times } => write!(f, "not a time of `{times}`"),
            Self::InGap { zone, gap, end } => {
                let local = zone.local(*end).format("%H:%M");
                write!(f, "the clock of {zone} jumps over it to {local}; ")?;
                match gap {
                    Gap::RunAfter => write!(f, "gap = \"run_after\": it comes at {local}"),
                    Gap::Skip => f.write_str("gap = \"skip\": it does not come"),
                }
            }
            Self::AfterGap { zone } => {
                write!(
                    f,
                    "it stands for a time that the clock of {zone} jumped over, gap = \"run_after\""
                )
            }
            Self::Twice {
                zone,
                overlap,
                first,
                second,
            } => {
                let (first, second) = (first.format("%H:%M"), second.format("%H:%M"));
                write!(
                    f,
                    "the clock of {zone} shows it twice, at {first} and {second} UTC; "
                )?;
                match overlap {
                    Overlap::First => f.write_str("overlap = \"first\": it comes the first time"),
                    Overlap::Second => f.write_str("overlap = \"second\": it comes the second time"),
                    Overlap::Both => f.write_str("overlap = \"both\": it comes both times"),
                }
            }
            Self::BeforeStart { from } => write!(f, "the schedule starts later, at {from}"),
            Self::AfterEnd { until } => write!(f, "the schedule ended before, at {until}"),
            Self::Excluded(excluded) => write!(f, "kept off by a calendar: {excluded}"),
        }
    }
}
