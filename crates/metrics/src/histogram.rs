//! Counting how often a measure fell where.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts by size, shared by any number of tasks; counting takes no lock.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [f64],
    /// One more than bounds: the last is for what is above all of them.
    buckets: Box<[AtomicU64]>,
    /// The bits of an `f64`.
    sum: AtomicU64,
}

/// What a histogram held at one moment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Counted {
    /// How many were at most so large.
    pub(crate) up_to: Vec<(f64, u64)>,
    pub(crate) count: u64,
    pub(crate) sum: f64,
}

impl Histogram {
    /// Bounds for times in seconds: from a tenth of a millisecond, which is one fsync of a good disk, to ten seconds.
    pub const SECONDS: &'static [f64] = &[
        0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
        10.0,
    ];
    /// Bounds for counts of things that go together: posts of one commit, receivers of one post.
    pub const COUNTS: &'static [f64] = &[
        1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0, 10_000.0,
    ];

    /// Counts by these bounds, each greater than the one before.
    pub fn new(bounds: &'static [f64]) -> Self {
        Self {
            bounds,
            buckets: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            sum: AtomicU64::new(0),
        }
    }

    /// Counts one.
    pub fn observe(&self, value: f64) {
        let place = self.bounds.partition_point(|bound| *bound < value);
        self.buckets[place].fetch_add(1, Ordering::Relaxed);
        let add = |bits| Some((f64::from_bits(bits) + value).to_bits());
        let _always = self.sum.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    pub(crate) fn counted(&self) -> Counted {
        let mut count = 0;
        let mut counts = self.buckets.iter().map(|bucket| {
            count += bucket.load(Ordering::Relaxed);
            count
        });
        let up_to = self.bounds.iter().copied().zip(&mut counts).collect();
        // What is above all bounds.
        let count = counts.next().unwrap_or_default();
        Counted {
            up_to,
            count,
            sum: f64::from_bits(self.sum.load(Ordering::Relaxed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_bucket_and_counts_add_up() {
        let histogram = Histogram::new(&[1.0, 2.0]);
        for value in [0.0, 1.0, 1.5, 2.0, 2.5] {
            histogram.observe(value);
        }
        let counted = histogram.counted();
        assert_eq!(counted.up_to, [(1.0, 2), (2.0, 4)]);
        assert_eq!((counted.count, counted.sum), (5, 7.0));
    }

    #[test]
    fn nothing_is_lost_between_threads() {
        let histogram = Histogram::new(Histogram::COUNTS);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1_000).for_each(|_| histogram.observe(3.0)));
            }
        });
        let counted = histogram.counted();
        assert_eq!((counted.count, counted.sum), (4_000, 12_000.0));
    }
}
