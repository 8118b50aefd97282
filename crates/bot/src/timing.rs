//! When something is due: the schedule that several keys of a bot's settings describe together.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::schedule::{
    CalendarFile, CalendarFileError, Cron, Days, Gap, Interval, Moment, Overlap, Schedule, Zone,
};
use crate::settings::Span;
use crate::{Setup, SetupError};

/// What the keys say; each stands in the settings under the name that it has here.
#[derive(Clone, Debug, Default)]
pub struct Timing<'a> {
    /// Times of the clock; this or `every`.
    pub cron: Option<&'a Cron>,
    /// Elapsed time.
    pub every: Option<Span>,
    /// What `every` counts from.
    pub anchor: Option<Moment>,
    /// The zone; none is [`Timings::zone`].
    pub zone: Option<Zone>,
    /// What happens with a time that a clock change skips.
    pub gap: Option<Gap>,
    /// What happens with a time that a clock change repeats.
    pub overlap: Option<Overlap>,
    /// The first day or time.
    pub from: Option<Moment>,
    /// The last day or time.
    pub until: Option<Moment>,
    /// Calendar files of days without it; none is [`Timings::except`].
    pub except: Option<&'a [String]>,
    /// Calendar files of the only days with it.
    pub only: &'a [String],
}

/// Reads the schedules of one bot: what holds for those that do not say otherwise, and the calendars that are open.
#[derive(Debug)]
pub struct Timings<'a> {
    /// The zone.
    pub zone: Zone,
    /// Calendar files of days without anything.
    pub except: &'a [String],
    setup: &'a Setup,
    /// Each file once, however many schedules go by it.
    open: BTreeMap<PathBuf, Arc<CalendarFile>>,
}

impl<'a> Timings<'a> {
    /// With these defaults.
    pub fn new(zone: Zone, except: &'a [String], setup: &'a Setup) -> Self {
        Self {
            zone,
            except,
            setup,
            open: BTreeMap::new(),
        }
    }

    /// A calendar file beside the configuration.
    ///
    /// # Errors
    /// [`CalendarFileError`].
    pub fn calendar(&mut self, name: &str) -> Result<Arc<CalendarFile>, CalendarFileError> {
        let path = self.setup.folder().join(name);
        if let Some(file) = self.open.get(&path) {
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(CalendarFile::open(&path)?);
        self.open.insert(path, Arc::clone(&file));
        Ok(file)
    }

    /// The bot's own calendars, said once and not at each schedule that goes by them; from then on unreadable ones are
    /// left out.
    pub fn check(&mut self) -> Vec<SetupError> {
        let mut problems = Vec::new();
        for (at, name) in self.except.iter().enumerate() {
            if let Err(problem) = self.calendar(name) {
                problems.push(SetupError::setting(format!("except[{at}]"), problem));
            }
        }
        if !problems.is_empty() {
            self.except = &[];
        }
        problems
    }

    fn days(
        &mut self,
        names: &[String],
        path: &str,
        of: fn(Arc<CalendarFile>) -> Days,
    ) -> Result<Vec<Days>, SetupError> {
        let mut days = Vec::new();
        for (at, name) in names.iter().enumerate() {
            let file = self.calendar(name);
            days.push(of(file.map_err(|problem| {
                SetupError::setting(format!("{path}[{at}]"), problem)
            })?));
        }
        Ok(days)
    }

    /// The schedule that stands at `path`.
    ///
    /// # Errors
    /// [`SetupError`] with the path of the key that does not fit.
    pub fn schedule(&mut self, entry: &Timing<'_>, path: &str) -> Result<Schedule, SetupError> {
        let wrong = |key: &str, problem: &str| Err(SetupError::setting(format!("{path}.{key}"), problem));
        let zone = entry.zone.unwrap_or(self.zone);
        let mut schedule = match (entry.cron, entry.every) {
            (Some(_), Some(_)) => return wrong("every", "`cron` and `every` exclude each other"),
            (None, None) => {
                return wrong(
                    "cron",
                    "missing; write `cron = \"55 8 * * MON-FRI\"` or `every = \"15m\"`",
                );
            }
            (Some(_), None) if entry.anchor.is_some() => {
                return wrong("anchor", "it belongs to `every`, not to `cron`");
            }
            (Some(cron), None) => Schedule::new(cron.clone(), zone),
            (None, Some(_)) if entry.gap.is_some() => return wrong("gap", NO_CLOCK_CHANGE),
            (None, Some(_)) if entry.overlap.is_some() => return wrong("overlap", NO_CLOCK_CHANGE),
            (None, Some(every)) => {
                let anchor = entry
                    .anchor
                    .map_or_else(|| Interval::default_anchor(zone), |anchor| anchor.start(zone));
                let interval = Interval::new(every.duration(), anchor);
                let interval =
                    interval.map_err(|problem| SetupError::setting(format!("{path}.every"), problem))?;
                Schedule::interval(interval, zone)
            }
        };
        if let Some(gap) = entry.gap {
            schedule = schedule.with_gap(gap);
        }
        if let Some(overlap) = entry.overlap {
            schedule = schedule.with_overlap(overlap);
        }
        if let Some(from) = entry.from {
            schedule = schedule.starting(from);
        }
        if let Some(until) = entry.until {
            schedule = schedule.ending(until);
        }
        if let (Some(from), Some(until)) = (schedule.from(), schedule.until())
            && until < from
        {
            return wrong("until", "it is before `from`");
        }
        let mut days = match entry.except {
            Some(names) => self.days(names, &format!("{path}.except"), Days::Except)?,
            None => self.days(self.except, "except", Days::Except)?,
        };
        days.extend(self.days(entry.only, &format!("{path}.only"), Days::Only)?);
        Ok(schedule.with_days(days))
    }
}

const NO_CLOCK_CHANGE: &str = "it belongs to `cron`: `every` is elapsed time, which no clock change touches";
