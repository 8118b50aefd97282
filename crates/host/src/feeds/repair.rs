//! Broken XML as found in the wild, made readable: bare ampersands, references to characters that do not exist.

use std::borrow::Cow;
use std::fmt;

/// Something wrong with a feed that was read all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Repair {
    /// The bytes are not in the encoding that is named; this one was used.
    Encoding(&'static str),
    /// Ampersands stood alone, or references led to no character.
    References,
    /// Items that are cut off or do not fit together were left out; how many.
    Items(usize),
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encoding(name) => write!(f, "not in the encoding that it names; read as {name}"),
            Self::References => f.write_str("a bare `&`, or a reference to no character"),
            Self::Items(0) => f.write_str("it is cut off after its items"),
            Self::Items(1) => f.write_str("1 item is cut off or broken and was left out"),
            Self::Items(count) => write!(f, "{count} items are cut off or broken and were left out"),
        }
    }
}

/// `&` becomes `&amp;` where no reference begins, and references to characters that XML forbids go; CDATA sections and
/// comments stay as they are. `None` when nothing is to be done.
pub(super) fn references(text: &str) -> Option<String> {
    const SECTIONS: [(&str, &str); 2] = [("<![CDATA[", "]]>"), ("<!--", "-->")];
    let mut repaired = String::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<']) {
        repaired.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = if rest.starts_with('&') {
            match reference(&rest[1..]) {
                Reference::None => {
                    repaired.push_str("&amp;");
                    rest = &rest[1..];
                    continue;
                }
                Reference::Forbidden(length) => {
                    rest = &rest[1 + length..];
                    continue;
                }
                Reference::Fine(length) => 1 + length,
            }
        } else {
            match SECTIONS.iter().find(|(start, _)| rest.starts_with(start)) {
                Some((_, end)) => rest.find(end).map_or(rest.len(), |at| at + end.len()),
                None => 1,
            }
        };
        repaired.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    repaired.push_str(rest);
    (repaired != text).then_some(repaired)
}

/// What follows an `&`, with its length in bytes.
enum Reference {
    None,
    Fine(usize),
    Forbidden(usize),
}

/// The longest reference, in bytes: the longest name of HTML has 31 letters.
const MAX_REFERENCE: usize = 33;

fn reference(after: &str) -> Reference {
    let Some(end) = after.bytes().take(MAX_REFERENCE).position(|byte| byte == b';') else {
        return Reference::None;
    };
    let (name, length) = (&after[..end], end + 1);
    let Some(number) = name.strip_prefix('#') else {
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.bytes().all(|b| b.is_ascii_alphanumeric());
        return if is_name {
            Reference::Fine(length)
        } else {
            Reference::None
        };
    };
    let (digits, radix) = match number.strip_prefix(['x', 'X']) {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return Reference::None;
    }
    let legal = u32::from_str_radix(digits, radix)
        .ok()
        .and_then(char::from_u32)
        .is_some_and(|c| {
            c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}') || matches!(c, '\t' | '\n' | '\r')
        });
    if legal {
        Reference::Fine(length)
    } else {
        Reference::Forbidden(length)
    }
}

/// Puts a space between an e-mail address and a letter outside ASCII that touches it: feed-rs 3.0.0 cuts authors such as
/// `ann@example.com（安）` one byte after the address, inside the letter, and panics. Elsewhere the space does no harm.
pub(super) fn apart(bytes: &[u8]) -> Cow<'_, [u8]> {
    let in_address = |byte: &u8| byte.is_ascii_alphanumeric() || b"._%+-".contains(byte);
    let mut spaces = Vec::new();
    for at in bytes
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'@')
        .map(|(at, _)| at)
    {
        let start = at
            - bytes[..at]
                .iter()
                .rev()
                .take(MAX_ADDRESS)
                .take_while(|byte| in_address(byte))
                .count();
        let end = at
            + 1
            + bytes[at + 1..]
                .iter()
                .take(MAX_ADDRESS)
                .take_while(|byte| in_address(byte))
                .count();
        // References may stand for such letters, and end with `;`.
        if start > 0 && (bytes[start - 1] >= 0x80 || bytes[start - 1] == b';') {
            spaces.push(start);
        }
        if bytes.get(end).is_some_and(|byte| *byte >= 0x80 || *byte == b'&') {
            spaces.push(end);
        }
    }
    if spaces.is_empty() {
        return Cow::Borrowed(bytes);
    }
    spaces.sort_unstable();
    spaces.dedup();
    let mut parted = Vec::with_capacity(bytes.len() + spaces.len());
    let mut from = 0;
    for at in spaces {
        parted.extend_from_slice(&bytes[from..at]);
        parted.push(b' ');
        from = at;
    }
    parted.extend_from_slice(&bytes[from..]);
    Cow::Owned(parted)
}

/// The longest side of an e-mail address that is looked at, in bytes: the longest domain name.
const MAX_ADDRESS: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_ampersands_are_escaped_and_nothing_else() {
        for (text, expected) in [
            ("a?b=1&c=2&d;", "a?b=1&amp;c=2&d;"),
            (
                "<![CDATA[a & b]]> & <!-- & -->",
                "<![CDATA[a & b]]> &amp; <!-- & -->",
            ),
            ("&", "&amp;"),
            ("&é;", "&amp;é;"),
            ("&;&#;&#x;&#9a;", "&amp;;&amp;#;&amp;#x;&amp;#9a;"),
            ("a&#0;b&#x1F;c&#9;&#xfffe;&#99999999;d", "abc&#9;d"),
        ] {
            assert_eq!(references(text).as_deref(), Some(expected));
        }
        for fine in [
            "AT&amp;T &#169; &#xa9; &eacute;",
            "<![CDATA[ unfinished &",
            "",
            "<a>b</a>",
        ] {
            assert_eq!(references(fine), None);
        }
    }

    #[test]
    fn letters_are_kept_apart_from_addresses() {
        let apart = |text: &str| String::from_utf8(apart(text.as_bytes()).into_owned()).unwrap();
        for (text, expected) in [
            ("ann@example.com（安）", "ann@example.com （安）"),
            ("（安）ann@example.com", "（安） ann@example.com"),
            (
                "&#x5b89;ann@example.com&#x5b89;",
                "&#x5b89; ann@example.com &#x5b89;",
            ),
            ("ann@example.com (Ann)", "ann@example.com (Ann)"),
            ("@", "@"),
        ] {
            assert_eq!(apart(text), expected);
        }
    }
}
