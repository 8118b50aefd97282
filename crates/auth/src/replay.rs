//! Which counters were seen: a window behind the highest one.

/// How far behind the highest counter a message may still arrive (MS-SIPAE keeps 256). One ordered connection needs
/// none; a client that signs on several threads may swap neighbours.
pub(crate) const WINDOW: u32 = 256;

const WORDS: usize = (WINDOW / 64) as usize;

/// Takes each counter once; refuses what is too old to be remembered.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReplayWindow {
    highest: u32,
    /// Bit `n` of the whole: `highest - n` was seen.
    seen: [u64; WORDS],
}

impl ReplayWindow {
    /// Whether the counter would be taken.
    pub(crate) fn admits(&self, counter: u32) -> bool {
        match self.highest.checked_sub(counter) {
            _ if counter == 0 => false,
            None => true,
            Some(behind) if behind >= WINDOW => false,
            Some(behind) => self.seen[(behind / 64) as usize] & (1 << (behind % 64)) == 0,
        }
    }

    /// Marks the counter; `false` when it was seen before, is too old or zero.
    pub(crate) fn take(&mut self, counter: u32) -> bool {
        if !self.admits(counter) {
            return false;
        }
        if counter > self.highest {
            self.shift(counter - self.highest);
            self.highest = counter;
        }
        let behind = self.highest - counter;
        self.seen[(behind / 64) as usize] |= 1 << (behind % 64);
        true
    }

    fn shift(&mut self, by: u32) {
        let (words, bits) = ((by / 64) as usize, by % 64);
        let old = self.seen;
        self.seen = std::array::from_fn(|i| {
            let word = |at: Option<usize>| at.and_then(|at| old.get(at)).copied().unwrap_or(0);
            let from = i.checked_sub(words);
            let carried = match bits {
                0 => 0,
                _ => word(from.and_then(|at| at.checked_sub(1))) >> (64 - bits),
            };
            word(from) << bits | carried
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    #[test]
    fn each_counter_is_good_once_and_old_ones_never() {
        let mut window = ReplayWindow::default();
        assert!(!window.take(0));
        assert!(window.take(1) && !window.take(1));
        assert!(window.take(300), "a gap is no fault");
        assert!(window.take(299) && !window.take(299), "neighbours may swap");
        assert!(window.take(45) && !window.take(44), "256 are remembered");
        assert!(window.take(u32::MAX) && !window.take(300));
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_set(counters in prop::collection::vec(1u32..700, 1..200)) {
            let mut window = ReplayWindow::default();
            let (mut seen, mut highest) = (HashSet::new(), 0);
            for counter in counters {
                let fresh = counter + WINDOW > highest && seen.insert(counter);
                prop_assert_eq!(window.take(counter), fresh);
                highest = highest.max(counter);
            }
        }
    }
}
