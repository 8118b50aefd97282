//! The waiting rule between attempts: exponential growth, a cap, and full jitter. It owns no clock; callers sleep.

use std::time::Duration;

/// Yields how long to wait before the next attempt.
///
/// The n-th wait is drawn evenly from zero to `base * 2^n`, capped ("full jitter"), so that a thousand bots that
/// lost the same server do not come back in the same millisecond. The sequence is fixed by the seed.
///
/// ```
/// use std::time::Duration;
/// use parlor_client::Backoff;
///
/// let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(60), 7);
/// assert!(backoff.wait() <= Duration::from_millis(500));
/// assert!(backoff.wait() <= Duration::from_secs(1));
/// assert_eq!(backoff.attempts(), 2);
/// backoff.reset();
/// assert_eq!(backoff.attempts(), 0);
/// ```
#[derive(Debug, Clone)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
    attempts: u32,
    random: fastrand::Rng,
}

impl Backoff {
    /// Starts a sequence whose first wait is at most `base` and whose later ones are at most `cap`.
    pub fn new(base: Duration, cap: Duration, seed: u64) -> Self {
        Self {
            base,
            cap,
            attempts: 0,
            random: fastrand::Rng::with_seed(seed),
        }
    }

    /// The wait before the next attempt; counts the attempt.
    pub fn wait(&mut self) -> Duration {
        let ceiling = self
            .base
            .saturating_mul(2u32.saturating_pow(self.attempts))
            .min(self.cap);
        self.attempts = self.attempts.saturating_add(1);
        ceiling.mul_f64(self.random.f64())
    }

    /// How many waits were handed out since the start or the last reset.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Starts over after a success; the random sequence goes on.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::Backoff;
    use std::time::Duration;

    #[test]
    fn waits_stay_under_a_doubling_ceiling_and_then_under_the_cap() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2), 1);
        for attempt in 0..200u32 {
            let ceiling = Duration::from_millis(100)
                .saturating_mul(2u32.saturating_pow(attempt))
                .min(Duration::from_secs(2));
            assert!(backoff.wait() <= ceiling);
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_waits_and_another_seed_gives_others() {
        let waits = |seed| {
            let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60), seed);
            (0..8).map(|_| backoff.wait()).collect::<Vec<_>>()
        };
        assert_eq!(waits(3), waits(3));
        assert_ne!(waits(3), waits(4));
    }

    #[test]
    fn full_jitter_uses_the_whole_range() {
        let mut low = 0;
        for seed in 0..1000 {
            let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(1), seed);
            low += u32::from(backoff.wait() < Duration::from_millis(500));
        }
        assert!((400..600).contains(&low), "{low} of 1000 waits in the lower half");
    }
}
