//! Which stories are told, several at a time, and what happened in them.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Stories when nobody asks for a number: enough for each kind of fault to come up several times.
const SEEDS: u64 = 40;
/// Stories told at once; they mostly wait for each other's reconnects.
const AT_ONCE: usize = 6;
/// With fewer stories it is chance which faults come up.
const ENOUGH: u64 = 200;

type Run = Pin<Box<dyn Future<Output = Vec<String>>>>;

/// How often each life ended how.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    stories: u64,
    endings: BTreeMap<String, u32>,
}

/// Tells all stories. A failing one names its seed.
pub(crate) fn each(tell: fn(u64) -> Run) -> Tally {
    let seeds = asked();
    let next = AtomicU64::new(seeds.start);
    let tally = Mutex::new(Tally::default());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let endings = one(seed, tell);
                    let mut tally = tally.lock().unwrap();
                    tally.stories += 1;
                    for ending in endings {
                        *tally.endings.entry(ending).or_default() += 1;
                    }
                }
            });
        }
    });
    tally.into_inner().unwrap()
}

fn one(seed: u64, tell: fn(u64) -> Run) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(tell(seed))
}

/// `PARLOR_SEEDS`: a count, or a range such as `7..9`.
fn asked() -> Range<u64> {
    let Ok(text) = std::env::var("PARLOR_SEEDS") else {
        return 0..SEEDS;
    };
    let number = |text: &str| text.parse::<u64>().expect("PARLOR_SEEDS is a count or a range");
    match text.split_once("..") {
        Some((from, to)) => number(from)..number(to),
        None => 0..number(&text),
    }
}

impl Tally {
    /// A matrix that never reaches a place proves nothing about it.
    pub(crate) fn shows(&self, every: impl IntoIterator<Item = impl fmt::Display>) {
        if self.stories < ENOUGH {
            return;
        }
        for ending in every {
            let name = ending.to_string();
            assert!(
                self.endings.contains_key(&name),
                "no story ended with: {name}\n{self}"
            );
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{} stories", self.stories)?;
        self.endings
            .iter()
            .try_for_each(|(ending, count)| writeln!(formatter, "{count:5}  {ending}"))
    }
}
