//! A line as words.

use std::borrow::Cow;

/// The words of a line that have not been taken yet. White space separates them; quotes, straight or as chat clients
/// make them, hold several together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words<'t>(&'t str);

impl<'t> Words<'t> {
    pub(super) fn new(line: &'t str) -> Self {
        Self(line.trim())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next word. A quote that nothing closes is a sign like others.
    pub(super) fn next(&mut self) -> Option<&'t str> {
        let first = self.0.chars().next()?;
        let quoted = closing(first).and_then(|close| {
            let inner = &self.0[first.len_utf8()..];
            let end = inner.find(close)?;
            let after = &inner[end..].chars().as_str()[close.len_utf8()..];
            (after.is_empty() || after.starts_with(char::is_whitespace)).then_some((&inner[..end], after))
        });
        let (word, after) = quoted.unwrap_or_else(|| {
            let end = self.0.find(char::is_whitespace).unwrap_or(self.0.len());
            self.0.split_at(end)
        });
        self.0 = after.trim_start();
        Some(word)
    }

    /// All that is left, as it was written; without its quotes when it is one word in quotes.
    pub(super) fn rest(&mut self) -> Option<&'t str> {
        let all = self.0;
        let word = self.next()?;
        let rest = if self.is_empty() { word } else { all };
        self.0 = "";
        Some(rest)
    }
}

fn closing(open: char) -> Option<char> {
    match open {
        '"' => Some('"'),
        '\'' => Some('\''),
        '\u{201c}' | '\u{201e}' => Some('\u{201d}'),
        _ => None,
    }
}

/// What to say about a word in an error: not more than anybody reads.
pub(super) fn shown(word: &str) -> Cow<'_, str> {
    const MAX_SHOWN: usize = 60;
    match word.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => Cow::Owned(format!("{}…", &word[..end])),
        None => Cow::Borrowed(word),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<&str> {
        let mut words = Words::new(line);
        std::iter::from_fn(|| words.next()).collect()
    }

    #[test]
    fn quotes_hold_words_together() {
        for (line, expected) in [
            ("", &[][..]),
            ("  a  b ", &["a", "b"]),
            ("\"a b\" c", &["a b", "c"]),
            ("'a b'", &["a b"]),
            ("\u{201c}a b\u{201d} c", &["a b", "c"]),
            ("\u{201e}a b\u{201d}", &["a b"]),
            ("\"\" x", &["", "x"]),
            ("it's \"open", &["it's", "\"open"]),
            ("\"a\"b c", &["\"a\"b", "c"]),
        ] {
            assert_eq!(words(line), expected, "{line}");
        }
    }

    #[test]
    fn the_rest_keeps_its_form() {
        let rest = |line| Words::new(line).rest();
        assert_eq!(rest(" a  \"b c\" "), Some("a  \"b c\""));
        assert_eq!(rest("\"b c\""), Some("b c"));
        assert_eq!(rest(" "), None);
    }

    #[test]
    fn a_long_word_is_shown_in_part() {
        assert_eq!(shown(&"ä".repeat(61)), format!("{}…", "ä".repeat(60)));
        assert_eq!(shown("short"), "short");
    }
}
