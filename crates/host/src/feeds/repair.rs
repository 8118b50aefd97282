//! Broken XML as found in the wild, made readable: bare ampersands, bytes that are not what they say.

use std::borrow::Cow;

/// A second version of `bytes` to try, when there is something to repair.
pub(super) fn repaired(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = decoded(bytes);
    let escaped = escape_ampersands(&text);
    let changed = matches!(text, Cow::Owned(_)) || escaped.len() != text.len();
    changed.then_some(escaped)
}

/// UTF-8 where it is claimed or nothing is said: latin1 when nothing is said, replacement characters when it is.
/// Other encodings are left to the parser, which knows them; all of them agree about `&` and `;`.
fn decoded(bytes: &[u8]) -> Cow<'_, [u8]> {
    let declared = declaration(bytes);
    if declared
        .as_deref()
        .is_some_and(|name| name != "utf-8" && name != "utf8")
        || std::str::from_utf8(bytes).is_ok()
    {
        return Cow::Borrowed(bytes);
    }
    if declared.is_some() {
        return Cow::Owned(String::from_utf8_lossy(bytes).into_owned().into_bytes());
    }
    Cow::Owned(
        bytes
            .iter()
            .map(|byte| char::from(*byte))
            .collect::<String>()
            .into_bytes(),
    )
}

/// The encoding named by the XML declaration, in lower case.
fn declaration(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).to_ascii_lowercase();
    let head = &head[head.find("<?xml")?..head.find("?>")?];
    let value = head
        .split_once("encoding")?
        .1
        .trim_start()
        .strip_prefix('=')?
        .trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    Some(value[1..].split(quote).next()?.trim().to_owned())
}

/// `&` becomes `&amp;` where no reference begins; CDATA sections and comments stay as they are.
fn escape_ampersands(bytes: &[u8]) -> Vec<u8> {
    const SECTIONS: [(&[u8], &[u8]); 2] = [(b"<![CDATA[", b"]]>"), (b"<!--", b"-->")];
    let mut escaped = Vec::with_capacity(bytes.len() + 64);
    let mut rest = bytes;
    while let Some(&byte) = rest.first() {
        if let Some((start, end)) = SECTIONS.iter().find(|(start, _)| rest.starts_with(start)) {
            let length =
                find(&rest[start.len()..], end).map_or(rest.len(), |at| start.len() + at + end.len());
            escaped.extend_from_slice(&rest[..length]);
            rest = &rest[length..];
            continue;
        }
        if byte == b'&' && !is_reference(&rest[1..]) {
            escaped.extend_from_slice(b"&amp;");
        } else {
            escaped.push(byte);
        }
        rest = &rest[1..];
    }
    escaped
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

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// Whether what follows an `&` makes it an entity or character reference.
fn is_reference(after: &[u8]) -> bool {
    // The longest entity of HTML has 31 letters.
    let Some(end) = after.iter().take(33).position(|byte| *byte == b';') else {
        return false;
    };
    match &after[..end] {
        [] => false,
        [b'#', b'x' | b'X', digits @ ..] => !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit),
        [b'#', digits @ ..] => !digits.is_empty() && digits.iter().all(u8::is_ascii_digit),
        name => name[0].is_ascii_alphabetic() && name.iter().all(u8::is_ascii_alphanumeric),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_ampersands_are_escaped_and_nothing_else() {
        let escaped = |text: &str| String::from_utf8(escape_ampersands(text.as_bytes())).unwrap();
        for (text, expected) in [
            (
                "AT&T &amp; &#169; &#xa9; &eacute;",
                "AT&amp;T &amp; &#169; &#xa9; &eacute;",
            ),
            ("a?b=1&c=2&d;", "a?b=1&amp;c=2&d;"),
            (
                "<![CDATA[a & b]]> & <!-- & -->",
                "<![CDATA[a & b]]> &amp; <!-- & -->",
            ),
            ("&", "&amp;"),
            ("&;&#;&#x;", "&amp;;&amp;#;&amp;#x;"),
            ("<![CDATA[ unfinished &", "<![CDATA[ unfinished &"),
        ] {
            assert_eq!(escaped(text), expected);
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

    #[test]
    fn bytes_that_are_not_utf8_are_read_as_what_they_may_be() {
        let text = |bytes: &[u8]| repaired(bytes).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        assert_eq!(text(b"<rss>caf\xe9</rss>").as_deref(), Some("<rss>café</rss>"));
        assert_eq!(
            text(b"<?xml version='1.0' encoding='UTF-8'?><rss>caf\xe9</rss>").as_deref(),
            Some("<?xml version='1.0' encoding='UTF-8'?><rss>caf\u{fffd}</rss>")
        );
        assert_eq!(
            text(b"<?xml version='1.0' encoding='ISO-8859-1'?><rss>caf\xe9</rss>"),
            None
        );
        assert_eq!(text("<rss>café</rss>".as_bytes()), None, "nothing to repair");
    }
}
