//! RTF to text: enough to show and search what others post, at bounded cost.

/// Deepest nesting of groups; word processors need about ten. Deeper documents are read up to there.
pub const MAX_GROUPS: usize = 64;

/// Groups with these words hold no text of the message.
const DESTINATIONS: [&str; 16] = [
    "colortbl",
    "datastore",
    "fldinst",
    "fonttbl",
    "footer",
    "footnote",
    "generator",
    "header",
    "info",
    "listtable",
    "nonshppict",
    "object",
    "pict",
    "stylesheet",
    "themedata",
    "xmlnstbl",
];

/// Reads the text out of RTF; formatting, pictures, objects and link targets are dropped.
///
/// At most `limit` bytes come out; what is not RTF comes out empty.
pub fn to_text(rtf: &str, limit: usize) -> String {
    let rtf = rtf.trim_start();
    if !rtf.starts_with(r"{\rtf") {
        return String::new();
    }
    let mut reader = Reader {
        rest: rtf,
        out: String::new(),
        limit,
        groups: Vec::new(),
        fallback: 0,
        high: None,
    };
    while reader.step() {}
    reader.out.truncate(reader.out.trim_end_matches('\n').len());
    reader.out
}

/// What a group inherits and changes.
#[derive(Clone, Copy)]
struct Group {
    /// Nothing in it is text.
    hidden: bool,
    /// How many characters stand behind each `\u` for readers that know no Unicode.
    fallback: usize,
}

struct Reader<'a> {
    rest: &'a str,
    out: String,
    limit: usize,
    groups: Vec<Group>,
    /// Characters still to pass over.
    fallback: usize,
    /// First half of a character of two UTF-16 units.
    high: Option<u16>,
}

impl Reader<'_> {
    /// Reads one token; says whether to go on.
    fn step(&mut self) -> bool {
        let mut characters = self.rest.chars();
        let Some(character) = characters.next() else {
            return false;
        };
        let after = characters.as_str();
        match character {
            '{' => {
                self.rest = after;
                self.fallback = 0;
                let group = self.groups.last().copied().unwrap_or(Group {
                    hidden: false,
                    fallback: 1,
                });
                self.groups.push(group);
                self.groups.len() <= MAX_GROUPS
            }
            '}' => {
                self.rest = after;
                self.fallback = 0;
                self.groups.pop();
                !self.groups.is_empty()
            }
            '\\' => {
                self.rest = after;
                self.control()
            }
            '\r' | '\n' => {
                self.rest = after;
                true
            }
            _ => {
                self.rest = after;
                self.character(character)
            }
        }
    }

    /// What stands behind a backslash.
    fn control(&mut self) -> bool {
        let Some(symbol) = self.rest.chars().next() else {
            return false;
        };
        if symbol.is_ascii_alphabetic() {
            return self.word();
        }
        self.rest = &self.rest[symbol.len_utf8()..];
        match symbol {
            '\'' => {
                let byte = self
                    .rest
                    .get(..2)
                    .and_then(|hex| u8::from_str_radix(hex, 16).ok());
                let Some(byte) = byte else { return true };
                self.rest = &self.rest[2..];
                self.character(windows_1252(byte))
            }
            '*' => {
                self.hide();
                true
            }
            '~' => self.character('\u{A0}'),
            '_' => self.character('\u{2011}'),
            '\r' | '\n' => self.character('\n'),
            '-' | ':' | '|' => true,
            literal => self.character(literal),
        }
    }

    /// A control word with its number: `\par`, `\u8364`, `\uc1`.
    fn word(&mut self) -> bool {
        let len = self.rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (word, rest) = self.rest.split_at(len);
        let sign = usize::from(rest.starts_with('-'));
        let digits = rest[sign..].bytes().take_while(u8::is_ascii_digit).count();
        let number_len = if digits == 0 { 0 } else { sign + digits };
        let (number, rest) = rest.split_at(number_len);
        self.rest = rest.strip_prefix(' ').unwrap_or(rest);
        let number: Option<i32> = number.parse().ok();
        match word {
            "u" => return self.unit(number.unwrap_or(0) as u16),
            "uc" => {
                if let Some(group) = self.groups.last_mut() {
                    group.fallback = number.unwrap_or(1).clamp(0, 16) as usize;
                }
            }
            "bin" => {
                // Bytes of a picture. In text they may not be there in full: a reader stops at the end.
                let len = self.rest.ceil_char_boundary(number.unwrap_or(0).max(0) as usize);
                self.rest = &self.rest[len..];
            }
            "par" | "line" | "row" | "sect" | "page" => return self.character('\n'),
            "tab" | "cell" => return self.character('\t'),
            "emdash" => return self.character('—'),
            "endash" => return self.character('–'),
            "lquote" => return self.character('‘'),
            "rquote" => return self.character('’'),
            "ldblquote" => return self.character('“'),
            "rdblquote" => return self.character('”'),
            "bullet" => return self.character('•'),
            _ if DESTINATIONS.contains(&word) => self.hide(),
            _ => {}
        }
        true
    }

    /// One UTF-16 unit; two make up a character outside the first plane.
    fn unit(&mut self, unit: u16) -> bool {
        self.fallback = 0;
        let go_on = match (self.high.take(), unit) {
            (_, 0xD800..=0xDBFF) => {
                self.high = Some(unit);
                true
            }
            (Some(high), 0xDC00..=0xDFFF) => {
                let decoded = char::decode_utf16([high, unit]).next();
                decoded
                    .and_then(Result::ok)
                    .is_none_or(|character| self.character(character))
            }
            _ => char::from_u32(unit.into()).is_none_or(|character| self.character(character)),
        };
        self.fallback = self.groups.last().map_or(1, |group| group.fallback);
        go_on
    }

    fn hide(&mut self) {
        if let Some(group) = self.groups.last_mut() {
            group.hidden = true;
        }
    }

    /// A character of the text; says whether there is room for more.
    fn character(&mut self, character: char) -> bool {
        if self.fallback > 0 {
            self.fallback -= 1;
            return true;
        }
        let shown = !character.is_control() || matches!(character, '\n' | '\t');
        if !shown || self.groups.last().is_none_or(|group| group.hidden) {
            return true;
        }
        if self.out.len() + character.len_utf8() > self.limit {
            return false;
        }
        self.out.push(character);
        true
    }
}

/// The code page that `\'hh` means in every document seen; its five unused places stand for themselves.
fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8D}', 'Ž', '\u{8F}',
        '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9D}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9F => HIGH[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}
