//! Tags, branches and Call-IDs: a seeded sequence, so that a test sees the same ones every time.

/// SplitMix64 (Steele, Lea, Flood 2014): eight bytes of state, every output different for 2^64 draws.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Sixteen hexadecimal digits.
    pub(crate) fn token(&mut self) -> String {
        let mut text = String::with_capacity(16);
        crate::text::push_hex(&mut text, self.draw());
        text
    }
}
