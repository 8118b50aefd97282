//! Writes XML into one buffer; what is well-formed is up to the caller, what is escaped is not.

use super::characters::any;

/// A growing document. `start`, attributes, then `empty`, or `inside` ... `end`.
#[derive(Debug)]
pub(crate) struct Writer {
    out: Vec<u8>,
}

impl Writer {
    /// Starts a document that will have about `capacity` bytes.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self {
            out: Vec::with_capacity(capacity),
        }
    }

    /// `<name`.
    pub(crate) fn start(&mut self, name: &str) {
        self.out.push(b'<');
        self.out.extend_from_slice(name.as_bytes());
    }

    /// ` name="value"`, escaped.
    pub(crate) fn attribute(&mut self, name: &str, value: &str) {
        self.open_attribute(name);
        self.escape(value.as_bytes(), &ATTRIBUTE);
        self.out.push(b'"');
    }

    /// ` name="value"` of pieces that are put together, escaped.
    pub(crate) fn attribute_of(&mut self, name: &str, pieces: &[&[u8]]) {
        self.open_attribute(name);
        for piece in pieces {
            self.escape(piece, &ATTRIBUTE);
        }
        self.out.push(b'"');
    }

    /// ` name="number"`.
    pub(crate) fn number(&mut self, name: &str, value: impl Into<i64>) {
        let value = value.into();
        self.open_attribute(name);
        if value < 0 {
            self.out.push(b'-');
        }
        self.decimal(value.unsigned_abs());
        self.out.push(b'"');
    }

    /// ` name="number"` for numbers that no `i64` holds.
    pub(crate) fn unsigned(&mut self, name: &str, value: u64) {
        self.open_attribute(name);
        self.decimal(value);
        self.out.push(b'"');
    }

    /// ` name="true"` or ` name="false"`.
    pub(crate) fn flag(&mut self, name: &str, value: bool) {
        self.attribute(name, if value { "true" } else { "false" });
    }

    /// ` name="a,b,c"`.
    pub(crate) fn numbers(&mut self, name: &str, values: impl Iterator<Item = usize>) {
        self.open_attribute(name);
        for (index, value) in values.enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            self.decimal(value as u64);
        }
        self.out.push(b'"');
    }

    /// `/>`: the element has no content.
    pub(crate) fn empty(&mut self) {
        self.out.extend_from_slice(b"/>");
    }

    /// `>`: content follows.
    pub(crate) fn inside(&mut self) {
        self.out.push(b'>');
    }

    /// `</name>`.
    pub(crate) fn end(&mut self, name: &str) {
        self.out.extend_from_slice(b"</");
        self.out.extend_from_slice(name.as_bytes());
        self.out.push(b'>');
    }

    /// Text, escaped.
    pub(crate) fn text(&mut self, text: &str) {
        self.escape(text.as_bytes(), &TEXT);
    }

    /// A number as text.
    pub(crate) fn decimal_text(&mut self, value: u32) {
        self.decimal(value.into());
    }

    /// `<name>text</name>`.
    pub(crate) fn element(&mut self, name: &str, text: &str) {
        self.start(name);
        self.inside();
        self.text(text);
        self.end(name);
    }

    /// The document.
    pub(crate) fn into_bytes(self) -> bytes::Bytes {
        self.out.into()
    }

    fn open_attribute(&mut self, name: &str) {
        self.out.push(b' ');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"=\"");
    }

    fn decimal(&mut self, mut value: u64) {
        let mut digits = [0; 20];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b'0' + (value % 10) as u8;
            value /= 10;
            if value == 0 {
                break;
            }
        }
        self.out.extend_from_slice(&digits[at..]);
    }

    /// Copies runs of plain bytes and replaces the others as the table says.
    fn escape(&mut self, text: &[u8], table: &[u8; 256]) {
        let mut plain = 0;
        // Most blocks hold nothing to replace, which the compiler finds out for many bytes at once.
        for (block, bytes) in text.chunks(BLOCK).enumerate() {
            if !any(bytes, may_need_escape) {
                continue;
            }
            for (offset, &byte) in bytes.iter().enumerate() {
                let index = block * BLOCK + offset;
                let replacement: &[u8] = match table[usize::from(byte)] {
                    PLAIN => continue,
                    AMP => b"&amp;",
                    LESS => b"&lt;",
                    GREATER => b"&gt;",
                    QUOTE => b"&quot;",
                    TAB => b"&#9;",
                    LINE_FEED => b"&#10;",
                    RETURN => b"&#13;",
                    // U+FFFE and U+FFFF are EF BF BE and EF BF BF: with BD as last byte they are U+FFFD.
                    FFFE if index >= 2 && text[index - 2..index] == [0xEF, 0xBF] => b"\xBD",
                    FFFE => continue,
                    _ => "\u{FFFD}".as_bytes(),
                };
                self.out.extend_from_slice(&text[plain..index]);
                self.out.extend_from_slice(replacement);
                plain = index + 1;
            }
        }
        self.out.extend_from_slice(&text[plain..]);
    }
}

/// Bytes that are looked at together: one vector register.
const BLOCK: usize = 16;

/// Whether either table has an entry for the byte.
const fn may_need_escape(byte: u8) -> bool {
    (byte < 0x20)
        | (byte == b'&')
        | (byte == b'<')
        | (byte == b'>')
        | (byte == b'"')
        | (byte == 0xBE)
        | (byte == 0xBF)
}

const PLAIN: u8 = 0;
const AMP: u8 = 1;
const LESS: u8 = 2;
const GREATER: u8 = 3;
const QUOTE: u8 = 4;
const TAB: u8 = 5;
const LINE_FEED: u8 = 6;
const RETURN: u8 = 7;
const FFFE: u8 = 8;
const FORBIDDEN: u8 = 9;

/// In text, white space stays as it is: peers send and expect raw CR LF.
static TEXT: [u8; 256] = classes(false);
/// In attributes, white space other than the space must be a reference to survive (XML section 3.3.3).
static ATTRIBUTE: [u8; 256] = classes(true);

const fn classes(attribute: bool) -> [u8; 256] {
    let mut table = [PLAIN; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = FORBIDDEN;
        byte += 1;
    }
    table[b'\t' as usize] = if attribute { TAB } else { PLAIN };
    table[b'\n' as usize] = if attribute { LINE_FEED } else { PLAIN };
    table[b'\r' as usize] = if attribute { RETURN } else { PLAIN };
    table[b'&' as usize] = AMP;
    table[b'<' as usize] = LESS;
    table[b'>' as usize] = GREATER;
    if attribute {
        table[b'"' as usize] = QUOTE;
    }
    table[0xBE] = FFFE;
    table[0xBF] = FFFE;
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Writer)) -> String {
        let mut writer = Writer::with_capacity(0);
        write(&mut writer);
        String::from_utf8(writer.into_bytes().to_vec()).unwrap()
    }

    #[test]
    fn text_is_escaped_and_freed_of_what_xml_cannot_hold() {
        let text = "a<b>&\"'\r\n\t\u{1}\u{FFFE}\u{FFFF}\u{FFFD}ﾾ﾿¾¿";
        assert_eq!(
            written(|writer| writer.text(text)),
            "a&lt;b&gt;&amp;\"'\r\n\t\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}ﾾ﾿¾¿"
        );
    }

    #[test]
    fn the_quick_look_misses_nothing() {
        for byte in 0..=u8::MAX {
            let special = TEXT[usize::from(byte)] != PLAIN || ATTRIBUTE[usize::from(byte)] != PLAIN;
            assert_eq!(may_need_escape(byte), special, "{byte}");
        }
    }

    #[test]
    fn white_space_in_attributes_survives() {
        assert_eq!(
            written(|writer| writer.attribute("n", "a\t\r\n\"<\0")),
            " n=\"a&#9;&#13;&#10;&quot;&lt;\u{FFFD}\""
        );
    }

    #[test]
    fn numbers_are_decimal() {
        assert_eq!(
            written(|writer| writer.number("n", i64::MIN)),
            format!(" n=\"{}\"", i64::MIN)
        );
        assert_eq!(written(|writer| writer.number("n", 0u8)), " n=\"0\"");
        assert_eq!(
            written(|writer| writer.numbers("n", [0, 12, 3].into_iter())),
            " n=\"0,12,3\""
        );
    }
}
