//! The id that a sender gives each of its envelopes.

use std::fmt;
use std::str::FromStr;

use super::serde_as_text;

/// `envid`: a sender's own number, echoed as text in replies (a decimal u64 wherever it was seen).
///
/// Kept as text because the other side compares it as text; at most 20 visible ASCII characters, the digits of a u64.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct EnvelopeId {
    text: [u8; Self::MAX_LEN],
    len: u8,
}

/// The text is empty, longer than 20 bytes or not visible ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an envelope id (expected 1 to 20 visible ASCII characters)")]
pub struct IdError;

impl EnvelopeId {
    /// The digits of the largest u64.
    pub const MAX_LEN: usize = 20;

    /// The id as it stands on the wire.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text[..usize::from(self.len)]).unwrap_or_default()
    }
}

impl Default for EnvelopeId {
    fn default() -> Self {
        Self::from(0)
    }
}

impl From<u64> for EnvelopeId {
    fn from(mut number: u64) -> Self {
        let mut digits = [0; Self::MAX_LEN];
        let mut at = Self::MAX_LEN;
        loop {
            at -= 1;
            digits[at] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        let mut text = [0; Self::MAX_LEN];
        let len = Self::MAX_LEN - at;
        text[..len].copy_from_slice(&digits[at..]);
        Self { text, len: len as u8 }
    }
}

impl FromStr for EnvelopeId {
    type Err = IdError;

    fn from_str(value: &str) -> Result<Self, IdError> {
        if value.is_empty()
            || value.len() > Self::MAX_LEN
            || !value.bytes().all(|byte| byte.is_ascii_graphic())
        {
            return Err(IdError);
        }
        let mut text = [0; Self::MAX_LEN];
        text[..value.len()].copy_from_slice(value.as_bytes());
        Ok(Self {
            text,
            len: value.len() as u8,
        })
    }
}

impl fmt::Display for EnvelopeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for EnvelopeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EnvelopeId({})", self.as_str())
    }
}

serde_as_text!(EnvelopeId);
