//! What is remembered of somebody: strikes with their times, and the last warning.

use parlor_bot::SipUri;
use parlor_bot::prelude::*;
use parlor_bot::settings::Span;

/// The most strikes that are counted of one person; older ones make room. Whoever has so many is known well enough, and
/// what is remembered of one person stays below a kilobyte.
pub(crate) const MAX_STRIKES: usize = 20;

/// Of how many people strikes are remembered; whoever had none for the longest time is forgotten first. Together with
/// [`MAX_STRIKES`] it stays below what an instance may remember, [`parlor_bot::MAX_STATE_BYTES`].
const MAX_PEOPLE: usize = 1000;

/// Keys of people begin with it.
const PREFIX: &str = "strikes/";

/// Somebody's strikes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Strikes {
    /// When they were earned, the oldest first.
    times: Vec<DateTime<Utc>>,
    /// When a warning was given last.
    warned: Option<DateTime<Utc>>,
}

impl Strikes {
    /// Those of `person` that count now, and a new one.
    pub(crate) fn with_one_more(
        person: &SipUri,
        forget_after: Span,
        context: &Context,
    ) -> Result<Self, BotError> {
        let mut strikes = Self::of(person, forget_after, context)?;
        if strikes.times.len() == MAX_STRIKES {
            strikes.times.remove(0);
        }
        strikes.times.push(context.now());
        Ok(strikes)
    }

    /// Those of `person` that count now.
    pub(crate) fn of(person: &SipUri, forget_after: Span, context: &Context) -> Result<Self, BotError> {
        Self::under(&key(person), forget_after, context)
    }

    /// Everybody's that count now, with the addresses of those who have some.
    pub(crate) fn all(forget_after: Span, context: &Context) -> Result<Vec<(String, Self)>, BotError> {
        let mut all = Vec::new();
        for key in context.state_keys(PREFIX) {
            let strikes = Self::under(&key, forget_after, context)?;
            if strikes.count() > 0 {
                all.push((key[PREFIX.len()..].to_owned(), strikes));
            }
        }
        Ok(all)
    }

    /// Forgets those of `person`; whether there was anything to forget.
    pub(crate) fn forget(person: &SipUri, context: &mut Context) -> bool {
        let key = key(person);
        let known = context.state_keys(&key).contains(&key);
        if known {
            context.clear_state(&key);
        }
        known
    }

    fn under(key: &str, forget_after: Span, context: &Context) -> Result<Self, BotError> {
        let now = context.now();
        let mut strikes: Self = context.state(key)?.unwrap_or_default();
        strikes.times.retain(|time| now < *time + forget_after.delta());
        Ok(strikes)
    }

    /// When the last was earned.
    pub(crate) fn last(&self) -> Option<DateTime<Utc>> {
        self.times.last().copied()
    }

    /// How many.
    pub(crate) fn count(&self) -> usize {
        self.times.len()
    }

    /// Whether the last warning is not longer ago than `cooldown`.
    pub(crate) fn cooling(&self, cooldown: Span, now: DateTime<Utc>) -> bool {
        self.warned.is_some_and(|warned| now < warned + cooldown.delta())
    }

    /// Notes that a warning is given now.
    pub(crate) fn warn(&mut self, now: DateTime<Utc>) {
        self.warned = Some(now);
    }

    /// Remembers them, and forgets somebody else when that would be one person too many.
    pub(crate) fn keep(&self, person: &SipUri, context: &mut Context) -> Result<(), BotError> {
        let key = key(person);
        let known = context.state_keys(PREFIX);
        if known.len() >= MAX_PEOPLE && !known.contains(&key) {
            let mut oldest = None;
            for known in known {
                let last = context
                    .state::<Self>(&known)?
                    .and_then(|strikes| strikes.times.last().copied());
                oldest = oldest.into_iter().chain([(last, known)]).min();
            }
            if let Some((_, oldest)) = oldest {
                context.clear_state(&oldest);
            }
        }
        context.set_state(&key, self)
    }
}

fn key(person: &SipUri) -> String {
    format!("{PREFIX}{person}")
}
