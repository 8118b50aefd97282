//! 128-bit ids in GUID text form, and the two that name rooms and categories.

use std::fmt;
use std::str::FromStr;

use super::serde_as_text;

/// A GUID: 16 bytes in the order in which the text shows them.
///
/// Reads `8-4-4-4-12` hex digits in any case, with or without braces; writes lower case without braces.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Guid([u8; 16]);

/// The text is not a GUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a GUID (expected 8-4-4-4-12 hex digits)")]
pub struct GuidError;

impl Guid {
    /// Length of the text form.
    pub const TEXT_LEN: usize = 36;

    /// Takes the bytes as they are.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes, in text order.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The text form in a stack buffer; the direct encoders use it.
    pub(crate) fn text(self) -> [u8; Self::TEXT_LEN] {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut text = [b'-'; Self::TEXT_LEN];
        let mut at = 0;
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                at += 1;
            }
            text[at] = HEX[usize::from(byte >> 4)];
            text[at + 1] = HEX[usize::from(byte & 15)];
            at += 2;
        }
        text
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(std::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Guid {
    type Err = GuidError;

    fn from_str(text: &str) -> Result<Self, GuidError> {
        let text = text
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
            .unwrap_or(text)
            .as_bytes();
        if text.len() != Self::TEXT_LEN {
            return Err(GuidError);
        }
        let mut bytes = [0; 16];
        let mut digits = 0;
        for (index, &character) in text.iter().enumerate() {
            if matches!(index, 8 | 13 | 18 | 23) {
                if character != b'-' {
                    return Err(GuidError);
                }
                continue;
            }
            let digit = match character {
                b'0'..=b'9' => character - b'0',
                b'a'..=b'f' => character - b'a' + 10,
                b'A'..=b'F' => character - b'A' + 10,
                _ => return Err(GuidError),
            };
            bytes[digits / 2] = bytes[digits / 2] << 4 | digit;
            digits += 1;
        }
        Ok(Self(bytes))
    }
}

serde_as_text!(Guid);

macro_rules! guid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Guid);

        impl $name {
            /// Takes the bytes as they are, in text order.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Guid::from_bytes(bytes))
            }

            /// The bytes, in text order.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            pub(crate) const fn guid(self) -> Guid {
                self.0
            }
        }

        impl From<Guid> for $name {
            fn from(guid: Guid) -> Self {
                Self(guid)
            }
        }

        impl From<$name> for Guid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = GuidError;

            fn from_str(text: &str) -> Result<Self, GuidError> {
                text.parse().map(Self)
            }
        }

        serde_as_text!($name);
    };
}

guid_id!(
    /// Names a room; given by the server, never changes.
    RoomId
);
guid_id!(
    /// Names a category; given by the server, never changes.
    CategoryId
);
