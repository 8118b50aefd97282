//! Where nonces and challenges come from: one block of real chance per state machine, stretched.

use crate::text::hex;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use zeroize::Zeroizing;

/// Thirty-two bytes that nobody can guess; take them from the operating system, once per connection.
#[derive(Clone)]
pub struct Seed(Zeroizing<[u8; 32]>);

impl Seed {
    /// Wraps the bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl From<[u8; 32]> for Seed {
    fn from(bytes: [u8; 32]) -> Self {
        Self::new(bytes)
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// HMAC-SHA-256 of a counter under the seed. What was drawn tells nothing about what will be.
#[derive(Debug)]
pub(crate) struct Stream {
    seed: Seed,
    drawn: u64,
}

impl Stream {
    pub(crate) fn new(seed: Seed) -> Self {
        Self { seed, drawn: 0 }
    }

    pub(crate) fn draw<const N: usize>(&mut self) -> [u8; N] {
        const { assert!(N <= 32) };
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.seed.0).expect("HMAC takes keys of any length");
        mac.update(&self.drawn.to_le_bytes());
        self.drawn += 1;
        let block = mac.finalize().into_bytes();
        std::array::from_fn(|i| block[i])
    }

    /// `N` bytes as lower-case hexadecimal digits.
    pub(crate) fn token<const N: usize>(&mut self) -> String {
        hex(&self.draw::<N>())
    }

    /// A seed of its own for something that outlives this stream.
    pub(crate) fn split(&mut self) -> Seed {
        Seed::new(self.draw())
    }
}
