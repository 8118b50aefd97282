//! When to look again.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use parlor_bot::settings::Span;

/// A failing feed is looked at once a day at least, and a server's wish to wait longer than that is not believed.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// What a publisher says of how seldom the feed changes is believed up to this: many a server promises a year for
/// everything, and a conditional request each hour is a burden to nobody.
const LONGEST_PROMISE: Duration = Duration::from_secs(3600);

/// How a feed has been doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// Looks that failed since the last one that did not.
    pub failures: u32,
    /// What the server asked for at the last look.
    pub retry_after: Option<Duration>,
    /// For how long nothing will change, by what HTTP or the feed itself said at the last look.
    pub promised: Option<Duration>,
}

/// When to look again at a feed that was looked at `now` and is wanted every `every`.
///
/// From the second failure in a row on the interval doubles, up to a day; `Retry-After` is kept, up to a day; what the
/// publisher promises is believed, up to an hour. `spread` in 0..1 (a hash of the address) makes it later by up to a
/// tenth, so that feeds do not come in step.
pub fn next_poll(now: DateTime<Utc>, every: Duration, pace: Pace, spread: f64) -> DateTime<Utc> {
    let doubled = every.saturating_mul(1 << pace.failures.saturating_sub(1).min(20));
    let wait = doubled
        .min(LONGEST.max(every))
        .max(pace.retry_after.unwrap_or_default().min(LONGEST))
        .max(pace.promised.unwrap_or_default().min(LONGEST_PROMISE));
    let later = wait.as_secs_f64() * 0.1 * spread.clamp(0.0, 1.0);
    now + Span(wait).delta() + TimeDelta::milliseconds((later * 1000.0) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_and_the_server_put_the_next_look_off() {
        let now: DateTime<Utc> = "2026-11-21T12:00:00Z".parse().unwrap();
        let minutes = |every: u64, failures, retry_after: Option<u64>| {
            let pace = Pace {
                failures,
                retry_after: retry_after.map(Duration::from_secs),
                promised: None,
            };
            (next_poll(now, Duration::from_secs(every * 60), pace, 0.0) - now).num_minutes()
        };
        assert_eq!(minutes(15, 0, None), 15);
        assert_eq!(minutes(15, 1, None), 15, "one failure is an accident");
        assert_eq!(minutes(15, 2, None), 30);
        assert_eq!(minutes(15, 4, None), 120);
        assert_eq!(minutes(15, 99, None), 1440, "never more than a day");
        assert_eq!(minutes(15, 0, Some(3600)), 60);
        assert_eq!(minutes(15, 0, Some(60)), 15);
        assert_eq!(
            minutes(15, 0, Some(10_000_000)),
            1440,
            "a year off is not believed"
        );
        assert_eq!(
            minutes(7 * 1440, 3, None),
            7 * 1440,
            "a slow feed is not made faster"
        );
        let promised = |every: u64, seconds| {
            let pace = Pace {
                promised: Some(Duration::from_secs(seconds)),
                ..Pace::default()
            };
            (next_poll(now, Duration::from_secs(every * 60), pace, 0.0) - now).num_minutes()
        };
        assert_eq!(promised(15, 30 * 60), 30);
        assert_eq!(promised(15, 60), 15, "never more often than wanted");
        assert_eq!(promised(15, 31_536_000), 60, "a year is not believed");
        assert_eq!(promised(120, 31_536_000), 120);
        let spread = next_poll(now, Duration::from_secs(600), Pace::default(), 0.5) - now;
        assert_eq!(spread.num_seconds(), 630);
    }
}
