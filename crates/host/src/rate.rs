//! How many posts in which time: a bucket of tokens that are handed out in advance and in order.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use tokio::time::Instant;

/// So many posts in a time: that many at once after a pause, and evenly spread over the time when they do not end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    count: u32,
    per: Duration,
}

/// A text that is no rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a rate is a number of posts and a time, such as \"5/s\", \"60/m\" or \"1000/h\"")]
pub struct NotARate;

impl Rate {
    /// `count` posts in `per`; `None` when one of them is nothing.
    pub fn new(count: u32, per: Duration) -> Option<Self> {
        (count > 0 && !per.is_zero()).then_some(Self { count, per })
    }

    /// The time from one post to the next when they do not end.
    fn step(self) -> Duration {
        self.per / self.count
    }
}

impl FromStr for Rate {
    type Err = NotARate;

    fn from_str(text: &str) -> Result<Self, NotARate> {
        let (count, unit) = text.split_once('/').ok_or(NotARate)?;
        let seconds = match unit.trim() {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            _ => return Err(NotARate),
        };
        let count = count.trim().parse().map_err(|_| NotARate)?;
        Self::new(count, Duration::from_secs(seconds)).ok_or(NotARate)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} posts in {} s", self.count, self.per.as_secs_f64())
    }
}

/// Tokens for one room or one bot.
///
/// A token is reserved before its time has come, so that those who wait are served in the order in which they asked.
#[derive(Debug)]
pub(crate) struct Bucket {
    rate: Option<Rate>,
    /// When the bucket would be full again.
    full: Option<Instant>,
}

impl Bucket {
    /// A full bucket; without a rate it never empties.
    pub(crate) fn new(rate: Option<Rate>) -> Self {
        Self { rate, full: None }
    }

    /// Takes a token that may be used now; else nothing is taken, and this is how long it takes until one is there.
    pub(crate) fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let before = self.full;
        match self.reserve(now).saturating_duration_since(now) {
            Duration::ZERO => Ok(()),
            wait => {
                self.full = before;
                Err(wait)
            }
        }
    }

    /// Takes a token; the time from which it may be used.
    pub(crate) fn reserve(&mut self, now: Instant) -> Instant {
        let Some(rate) = self.rate else { return now };
        let full = self.full.map_or(now, |full| full.max(now)) + rate.step();
        self.full = Some(full);
        // As long as what is taken out fits into the bucket, it is there at once.
        full.checked_sub(rate.per).map_or(now, |at| at.max(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(start: Instant, bucket: &mut Bucket, now: u64) -> u64 {
        let at = bucket.reserve(start + Duration::from_secs(now));
        (at - start).as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_goes_at_once_and_the_rest_is_spread() {
        let start = Instant::now() + Duration::from_secs(3600);
        let mut bucket = Bucket::new(Some("3/m".parse().unwrap()));
        let at: Vec<_> = (0..6).map(|_| second(start, &mut bucket, 0)).collect();
        assert_eq!(at, [0, 0, 0, 20, 40, 60], "and in the order of asking");
        assert_eq!(second(start, &mut bucket, 70), 80);
        assert_eq!(second(start, &mut bucket, 1000), 1000, "after a pause it is full");
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_wait_takes_nothing_in_advance() {
        let start = Instant::now() + Duration::from_secs(3600);
        let mut bucket = Bucket::new(Some("2/m".parse().unwrap()));
        assert_eq!((bucket.take(start), bucket.take(start)), (Ok(()), Ok(())));
        for _ in 0..3 {
            assert_eq!(bucket.take(start), Err(Duration::from_secs(30)));
        }
        assert_eq!(bucket.take(start + Duration::from_secs(30)), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_rate_nobody_waits() {
        let start = Instant::now();
        let mut bucket = Bucket::new(None);
        assert!((0..1000).all(|_| bucket.reserve(start) == start));
    }

    #[test]
    fn a_rate_is_a_number_and_a_time() {
        assert_eq!(
            "60/m".parse::<Rate>(),
            Ok(Rate {
                count: 60,
                per: Duration::from_secs(60)
            })
        );
        for wrong in ["", "60", "0/s", "1/w", "-1/s", "m/60"] {
            assert_eq!(wrong.parse::<Rate>(), Err(NotARate), "{wrong}");
        }
    }
}
