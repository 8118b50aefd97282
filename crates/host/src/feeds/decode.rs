//! Bytes of a feed to text. What they are is told by a byte order mark, by the bytes themselves, by the XML declaration
//! and by HTTP; where these disagree, the bytes are believed first, because servers add a wrong `charset` by habit.

use encoding_rs::{Encoding, ISO_2022_JP, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// How much is looked at for the XML declaration, in bytes; it has to come first.
const DECLARATION: usize = 1024;

/// The text of a feed, without declaration and without what XML forbids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decoded {
    pub(super) text: String,
    /// The encoding that was used, when it is not the one that was named (UTF-8 where none was).
    pub(super) other_than_named: Option<&'static str>,
}

/// Decodes `bytes`; `charset` is what `Content-Type` says.
pub(super) fn decode(bytes: &[u8], charset: Option<&str>) -> Decoded {
    let declared = declaration(bytes);
    let named = [declared.as_deref(), charset].map(|name| name.and_then(known));
    let encoding = encoding(bytes, named);
    // An encoding name that nobody knows is as wrong as one that does not fit.
    let expected = match (declared.is_some(), charset.is_some()) {
        (true, _) => named[0],
        (false, true) => named[1],
        // A mark, or every other byte being zero, names it as well.
        (false, false) if [UTF_16LE, UTF_16BE].contains(&encoding) => Some(encoding),
        (false, false) => Some(UTF_8),
    };
    let (text, _, _) = encoding.decode(bytes);
    Decoded {
        text: legal(without_prolog(&text)),
        other_than_named: (expected != Some(encoding)).then_some(encoding.name()),
    }
}

fn known(name: &str) -> Option<&'static Encoding> {
    Encoding::for_label_no_replacement(name.trim().as_bytes())
}

fn encoding(bytes: &[u8], named: [Option<&'static Encoding>; 2]) -> &'static Encoding {
    if let Some((marked, _)) = Encoding::for_bom(bytes) {
        return marked;
    }
    match bytes {
        [b'<', 0, ..] => return UTF_16LE,
        [0, b'<', ..] => return UTF_16BE,
        _ => {}
    }
    // Its bytes are all ASCII, and told apart by escape sequences.
    if named.contains(&Some(ISO_2022_JP)) && bytes.contains(&0x1b) {
        return ISO_2022_JP;
    }
    // Text in another encoding is hardly ever UTF-8 by accident.
    if std::str::from_utf8(bytes).is_ok() {
        return UTF_8;
    }
    let single = |encoding: &&'static Encoding| ![UTF_8, UTF_16LE, UTF_16BE].contains(encoding);
    if let Some(encoding) = named.into_iter().flatten().find(single) {
        return encoding;
    }
    // UTF-8 with an accident in it, or the usual encoding of those who do not say.
    let is_mostly_utf8 = bytes.utf8_chunks().any(|chunk| !chunk.valid().is_ascii());
    if is_mostly_utf8 { UTF_8 } else { WINDOWS_1252 }
}

/// The encoding named by the XML declaration.
fn declaration(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(DECLARATION)]).to_ascii_lowercase();
    let head = &head[head.find("<?xml")?..];
    let head = &head[..head.find("?>")?];
    let value = head.split_once("encoding")?.1.trim_start();
    let value = value.strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    Some(value[1..].split(quote).next()?.trim().to_owned())
}

/// From the first tag on: without the declaration, whose encoding is not true any more, and without blanks, byte order
/// marks and warnings of the program that made the feed, which no parser takes before a declaration.
fn without_prolog(text: &str) -> &str {
    let text =
        text.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}' | '\0'));
    let head = &text[..text.floor_char_boundary(DECLARATION)];
    let declared = head.find("<?xml ").map(|at| &text[at..]);
    match declared.and_then(|text| text.split_once("?>")) {
        Some((_, text)) => text.trim_start(),
        None => text,
    }
}

/// Without characters that XML forbids (section 2.2) and JSON does too.
fn legal(text: &str) -> String {
    let is_legal =
        |c: char| c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}') || matches!(c, '\t' | '\n' | '\r');
    text.chars().filter(|c| is_legal(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8], charset: Option<&str>) -> (String, Option<&'static str>) {
        let decoded = decode(bytes, charset);
        (decoded.text, decoded.other_than_named)
    }

    #[test]
    fn bytes_are_read_as_what_they_are() {
        let latin1 = b"<?xml version='1.0' encoding='ISO-8859-1'?><a>caf\xe9 \x80</a>";
        let claimed = b"<?xml version=\"1.0\" encoding=\"utf-8\"?><a>caf\xe9</a>";
        let (really, latin2) = (
            "<?xml version='1.0' encoding='latin1'?><a>café</a>",
            b"<a>\xb3\xf3d\xbc</a>",
        );
        for (bytes, charset, expected, other) in [
            (&latin1[..], None, "<a>café €</a>", None),
            (claimed, None, "<a>café</a>", Some("windows-1252")),
            (claimed, Some("iso-8859-2"), "<a>café</a>", Some("ISO-8859-2")),
            (b"<a>caf\xe9</a>", None, "<a>café</a>", Some("windows-1252")),
            (b"<a>\xc3\xa9 \xff</a>", None, "<a>é \u{fffd}</a>", None),
            (really.as_bytes(), Some("us-ascii"), "<a>café</a>", Some("UTF-8")),
            (
                "<a>café</a>".as_bytes(),
                Some("iso-8859-1"),
                "<a>café</a>",
                Some("UTF-8"),
            ),
            (latin2, Some("ISO-8859-2"), "<a>łódź</a>", None),
            (latin2, Some("nonsense"), "<a>³ód¼</a>", Some("windows-1252")),
            (
                b"<?xml encoding='ISO-2022-JP'?><a>\x1b$B4A\x1b(B</a>",
                None,
                "<a>漢</a>",
                None,
            ),
            (
                b"\xef\xbb\xbf<a>\xc3\xa9</a>",
                Some("iso-8859-1"),
                "<a>é</a>",
                Some("UTF-8"),
            ),
            (b"", None, "", None),
        ] {
            assert_eq!(
                text(bytes, charset),
                (expected.to_owned(), other),
                "{expected} {charset:?}"
            );
        }
        let wide = |order: fn(u16) -> [u8; 2], mark: &str| -> Vec<u8> {
            format!("{mark}<a>é</a>").encode_utf16().flat_map(order).collect()
        };
        for bytes in [
            wide(u16::to_le_bytes, "\u{feff}"),
            wide(u16::to_be_bytes, "\u{feff}"),
            wide(u16::to_le_bytes, ""),
            wide(u16::to_be_bytes, ""),
        ] {
            assert_eq!(text(&bytes, None).0, "<a>é</a>");
        }
    }

    #[test]
    fn what_may_not_come_first_or_at_all_is_left_out() {
        for (source, expected) in [
            (" \r\n\u{feff}<?xml version='1.0'?>\n<a/>", "<a/>"),
            ("<b>Warning</b>: mysql in x.php <?xml version='1.0'?><a/>", "<a/>"),
            ("<a>\u{1}b\u{b}\tc\u{ffff}</a>", "<a>b\tc</a>"),
            (
                "<?xml-stylesheet href='x'?><a/>",
                "<?xml-stylesheet href='x'?><a/>",
            ),
            ("<?xml version='1.0' never ends", "<?xml version='1.0' never ends"),
        ] {
            assert_eq!(text(source.as_bytes(), None).0, expected);
        }
    }
}
