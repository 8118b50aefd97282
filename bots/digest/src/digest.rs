//! One digest: which posts it wants, and when and to whom it goes.

use std::time::Duration;

use parlor_bot::prelude::*;
use parlor_bot::schedule::{Jitter, Zone};
use parlor_bot::settings::{Span, Timings};
use parlor_bot::words::WordSet;
use parlor_bot::{MailAddress, SipUri};

use crate::collected::Collected;
use crate::letter::Templates;
use crate::{DigestSettings, MAX_KEPT, When};

/// Recipients of one digest; more people have a distribution list.
const MAX_RECIPIENTS: usize = 50;

/// The longest name, in bytes: keys of what is remembered hold it.
const MAX_NAME: usize = 100;

/// How long an instant digest may wait.
const WITHIN: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(86_400);

#[derive(Debug)]
pub(crate) struct Digest {
    pub(crate) name: String,
    pub(crate) to: Vec<MailAddress>,
    /// None for an instant one.
    pub(crate) schedule: Option<ScheduleSpec>,
    /// None for one with a schedule.
    pub(crate) within: Option<Span>,
    pub(crate) limit: usize,
    zone: Zone,
    rooms: Vec<Room>,
    words: Option<WordSet>,
    authors: Option<Vec<SipUri>>,
    alerts: bool,
    bots: bool,
    templates: Templates,
}

impl Digest {
    /// Reads the settings that stand at `path`.
    pub(crate) fn new(
        entry: DigestSettings,
        timings: &mut Timings<'_>,
        path: &str,
        setup: &Setup,
    ) -> Result<Self, SetupError> {
        let wrong = |key: &str, problem: String| Err(SetupError::setting(format!("{path}.{key}"), problem));
        if entry.name.trim().is_empty() || entry.name.len() > MAX_NAME {
            return wrong("name", format!("a name has 1 to {MAX_NAME} bytes"));
        }
        if entry.to.is_empty() || entry.to.len() > MAX_RECIPIENTS {
            return wrong("to", format!("a digest has 1 to {MAX_RECIPIENTS} recipients"));
        }
        if !(1..=MAX_KEPT).contains(&entry.limit) {
            return wrong("limit", format!("a mail holds 1 to {MAX_KEPT} posts"));
        }
        if entry.plain && entry.html.is_some() {
            return wrong("html", "`plain` mails have none".to_owned());
        }
        let rooms = match &entry.rooms {
            None => setup.rooms().to_vec(),
            Some(names) => names
                .iter()
                .enumerate()
                .map(|(at, name)| setup.room(format!("{path}.rooms[{at}]"), name))
                .collect::<Result<_, _>>()?,
        };
        if rooms.is_empty() {
            return wrong("rooms", "no room to tell of".to_owned());
        }
        let (schedule, within) = times(&entry, timings, path)?;
        Ok(Self {
            schedule,
            within,
            zone: entry.zone.unwrap_or(timings.zone),
            templates: Templates::new(&entry, path)?,
            name: entry.name,
            to: entry.to,
            limit: entry.limit,
            rooms,
            words: entry.words,
            authors: entry.authors,
            alerts: entry.alerts,
            bots: entry.bots,
        })
    }

    /// Whether a post is in it.
    pub(crate) fn wants(&self, said: &IncomingMessage) -> bool {
        let by = |authors: &Vec<SipUri>| authors.contains(&said.author);
        let holds = |words: &WordSet| words.first(&said.whole_text()).is_some();
        self.rooms.contains(&said.room)
            && (self.bots || !said.automated)
            && (said.alert || !self.alerts)
            && self.authors.as_ref().is_none_or(by)
            && self.words.as_ref().is_none_or(holds)
    }

    /// Gives an instant digest with something in it the time when it is sent, if it has none.
    pub(crate) fn set_time(&self, collected: &mut Collected, context: &mut Context) -> Result<(), BotError> {
        let within = self.within.unwrap_or(DigestSettings::WITHIN).delta();
        let due = collected.due_by(context.now() + within);
        context.wake_at(due)
    }

    /// Sends what was collected, and forgets it.
    pub(crate) fn send(&self, collected: Collected, context: &mut Context) -> Result<(), BotError> {
        let (posts, dropped) = (collected.posts(context)?, collected.dropped());
        let mail = self
            .templates
            .mail(&self.name, &posts, dropped, self.zone)
            .map_err(BotError::reject)?;
        collected.forget(context);
        self.to.iter().try_for_each(|to| context.mail(to, mail.clone()))
    }
}

/// The schedule of a digest that has one, or how long an instant one waits.
fn times(
    entry: &DigestSettings,
    timings: &mut Timings<'_>,
    path: &str,
) -> Result<(Option<ScheduleSpec>, Option<Span>), SetupError> {
    let wrong = |key: &str, problem: &str| Err(SetupError::setting(format!("{path}.{key}"), problem));
    let timed = entry.cron.is_some() || entry.every.is_some();
    match (entry.when, timed) {
        (Some(When::Instant), true) => wrong("when", "`when`, `cron` and `every` exclude each other"),
        (Some(When::Instant), false) => {
            let of_schedules = [
                ("anchor", entry.anchor.is_some()),
                ("gap", entry.gap.is_some()),
                ("overlap", entry.overlap.is_some()),
                ("except", entry.except.is_some()),
                ("jitter", entry.jitter != Jitter::default()),
            ];
            if let Some((key, _)) = of_schedules.iter().find(|(_, given)| *given) {
                return wrong(key, "it belongs to a schedule, and the digest is instant");
            }
            let within = entry.within.unwrap_or(DigestSettings::WITHIN);
            if !WITHIN.contains(&within.duration()) {
                return wrong("within", "it is from 1s to 1d");
            }
            Ok((None, Some(within)))
        }
        (None, false) => wrong(
            "when",
            "missing; write `when = \"instant\"`, `cron = \"0 8 * * MON-FRI\"` or `every = \"1h\"`",
        ),
        (None, true) if entry.within.is_some() => wrong("within", "it belongs to `when = \"instant\"`"),
        (None, true) => {
            let schedule = timings.schedule(&entry.timing(), path)?;
            let spec = ScheduleSpec::new(&*entry.name, schedule);
            Ok((Some(spec.misfire(entry.missed).jitter(entry.jitter)), None))
        }
    }
}
