//! Hexadecimal digits and UTF-16.

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

const LOWER: &[u8; 16] = b"0123456789abcdef";
const UPPER: &[u8; 16] = b"0123456789ABCDEF";

pub(crate) fn hex(bytes: &[u8]) -> String {
    digits(bytes, LOWER)
}

pub(crate) fn upper_hex(bytes: &[u8]) -> String {
    digits(bytes, UPPER)
}

fn digits(bytes: &[u8], alphabet: &[u8; 16]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(alphabet[usize::from(digit)]))
        .collect()
}

/// Exactly `N` bytes from digits of any case.
pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => byte - b'0',
        _ => (byte | 0x20) - b'a' + 10,
    };
    Some(std::array::from_fn(|i| {
        digit(digits[2 * i]) << 4 | digit(digits[2 * i + 1])
    }))
}

/// A number written as exactly eight hexadecimal digits, as a nonce count is.
pub(crate) fn unhex_u32(text: &str) -> Option<u32> {
    unhex::<4>(text).map(u32::from_be_bytes)
}

pub(crate) fn utf16(text: &str) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(text.encode_utf16().flat_map(u16::to_le_bytes).collect())
}

/// Reads UTF-16; `None` for half characters.
pub(crate) fn from_utf16(bytes: &[u8]) -> Option<String> {
    let (units, []) = bytes.as_chunks::<2>() else {
        return None;
    };
    char::decode_utf16(units.iter().map(|unit| u16::from_le_bytes(*unit)))
        .collect::<Result<_, _>>()
        .ok()
}

/// Compares without telling by its duration where the difference stands.
pub(crate) fn same(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}
