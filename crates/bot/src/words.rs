//! Finding words in text: many at once, whole words only, without regard to case, in any script.

use std::cell::OnceCell;
use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};
use serde::{Deserialize, Deserializer, de};

/// The most words of one set. A set of this size takes about 12 MB and a second and a half to make.
pub const MAX_WORDS: usize = 100_000;

/// The longest word (or phrase), in bytes.
pub const MAX_WORD: usize = 256;

/// Words and phrases to look for. In settings: a list of texts.
///
/// `Straße` also finds `STRASSE`; white space in a phrase stands for any white space; `cat` does not find `catalogue`.
/// A word that begins or ends with a sign (`C++`, `#help`) has no boundary on that side. Letters composed of two code
/// points are found only when text and word are composed alike.
#[derive(Clone, Debug)]
pub struct WordSet {
    words: Vec<String>,
    automaton: AhoCorasick,
}

/// A word that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Position of the word in the set.
    pub word: usize,
    /// Where it stands in the text, in bytes.
    pub range: Range<usize>,
}

/// Why a list is not a set of words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WordsError {
    /// Too many.
    #[error("{count} words; the limit is {MAX_WORDS}")]
    Many {
        /// How many.
        count: usize,
    },
    /// One of them is empty.
    #[error("word {} is empty", .at + 1)]
    Empty {
        /// Its position.
        at: usize,
    },
    /// One of them is too long.
    #[error("word {} has {bytes} bytes; the limit is {MAX_WORD}", .at + 1)]
    Long {
        /// Its position.
        at: usize,
        /// Its length.
        bytes: usize,
    },
    /// Together they are too much.
    #[error("the words are too much together")]
    Size,
}

impl WordSet {
    /// The set of these words, in their order.
    ///
    /// # Errors
    /// [`WordsError`] when a word is empty or too long, or there are too many.
    pub fn new(words: Vec<String>) -> Result<Self, WordsError> {
        if words.len() > MAX_WORDS {
            return Err(WordsError::Many { count: words.len() });
        }
        let mut folded = Vec::with_capacity(words.len());
        for (at, word) in words.iter().enumerate() {
            let bytes = word.len();
            if bytes > MAX_WORD {
                return Err(WordsError::Long { at, bytes });
            }
            let fold = Folded::new(word.trim());
            if fold.text.is_empty() {
                return Err(WordsError::Empty { at });
            }
            folded.push(fold.text);
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .build(&folded)
            .map_err(|_| WordsError::Size)?;
        Ok(Self { words, automaton })
    }

    /// The words, as given.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The first word that is found.
    pub fn first(&self, text: &str) -> Option<Found> {
        let folded = Folded::new(text);
        self.matches(&folded).next()
    }

    /// All words that are found, in the order in which they end; words inside phrases too.
    pub fn all(&self, text: &str) -> Vec<Found> {
        let folded = Folded::new(text);
        self.matches(&folded).collect()
    }

    fn matches<'a>(&'a self, folded: &'a Folded<'_>) -> impl Iterator<Item = Found> + 'a {
        self.automaton
            .find_overlapping_iter(&folded.text)
            .filter_map(|found| {
                let range = found.range();
                let whole = boundary(&folded.text, range.start) && boundary(&folded.text, range.end);
                whole.then(|| Found {
                    word: found.pattern().as_usize(),
                    range: folded.original(range),
                })
            })
    }
}

impl<'de> Deserialize<'de> for WordSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Vec::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// Whether no word runs across `at`.
fn boundary(text: &str, at: usize) -> bool {
    let before = text[..at].chars().next_back();
    let after = text[at..].chars().next();
    !(before.is_some_and(is_word) && after.is_some_and(is_word))
}

/// Letters, digits, `_`, and the combining marks that belong to the letter before.
fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || matches!(c, '\u{300}'..='\u{36f}' | '\u{200c}' | '\u{200d}')
}

/// Text without case and with single spaces, and where it came from.
struct Folded<'t> {
    original: &'t str,
    text: String,
    /// For every byte of `text` the range of the original character. Made when a word is found: most texts have none.
    origins: OnceCell<Vec<Range<u32>>>,
}

impl<'t> Folded<'t> {
    fn new(original: &'t str) -> Self {
        let mut text = String::with_capacity(original.len());
        fold(original, |c, _| text.push(c));
        Self {
            original,
            text,
            origins: OnceCell::new(),
        }
    }

    /// The original's range for a range of the folded text that is not empty.
    fn original(&self, range: Range<usize>) -> Range<usize> {
        let origins = self.origins.get_or_init(|| {
            let mut origins = Vec::with_capacity(self.text.len());
            fold(self.original, |c, origin| {
                origins.resize(origins.len() + c.len_utf8(), origin)
            });
            origins
        });
        origins[range.start].start as usize..origins[range.end - 1].end as usize
    }
}

/// Hands on each folded character with the range of the one that it came from.
fn fold(text: &str, mut push: impl FnMut(char, Range<u32>)) {
    let mut spaced = false;
    for (at, c) in text.char_indices() {
        let origin = at as u32..(at + c.len_utf8()) as u32;
        let space = c.is_whitespace();
        match c {
            _ if space && spaced => {}
            _ if space => push(' ', origin),
            'ß' | 'ẞ' => {
                push('s', origin.clone());
                push('s', origin);
            }
            'ς' => push('σ', origin),
            'ſ' => push('s', origin),
            c if c.is_ascii() => push(c.to_ascii_lowercase(), origin),
            c => c.to_lowercase().for_each(|c| push(c, origin.clone())),
        }
        spaced = space;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found<'a>(words: &[&str], text: &'a str) -> Vec<&'a str> {
        let set = WordSet::new(words.iter().map(|&word| word.to_owned()).collect()).unwrap();
        set.all(text)
            .into_iter()
            .map(|found| &text[found.range])
            .collect()
    }

    #[test]
    fn whole_words_are_found_in_any_case_and_script() {
        for (word, text, expected) in [
            ("deploy", "Please DEPLOY now", vec!["DEPLOY"]),
            ("deploy", "redeploy, deployed, deploy_it", vec![]),
            ("deploy", "(deploy) deploy", vec!["deploy", "deploy"]),
            (
                "Straße",
                "in der STRASSE, der Straße und der straẞe",
                vec!["STRASSE", "Straße", "straẞe"],
            ),
            ("οδός", "ΟΔΌΣ", vec!["ΟΔΌΣ"]),
            ("привет", "Привет!", vec!["Привет"]),
            ("roll out", "roll \n out", vec!["roll \n out"]),
            ("c++", "I like C++.", vec!["C++"]),
            ("#help", "now #help", vec!["#help"]),
            ("cat", "catalogue", vec![]),
            ("東京", "東京 へ", vec!["東京"]),
            ("İstanbul", "to İSTANBUL", vec!["İSTANBUL"]),
        ] {
            assert_eq!(found(&[word], text), expected, "{word} in {text}");
        }
        assert_eq!(found(&["roll out", "out"], "roll out"), ["roll out", "out"]);
    }

    #[test]
    fn what_is_no_word_is_refused() {
        let refused =
            |words: &[&str]| WordSet::new(words.iter().map(|&word| word.to_owned()).collect()).unwrap_err();
        assert_eq!(refused(&["a", " "]).to_string(), "word 2 is empty");
        assert_eq!(
            refused(&[&"x".repeat(300)]).to_string(),
            "word 1 has 300 bytes; the limit is 256"
        );
    }

    proptest! {
        #[test]
        fn ranges_lie_on_characters(words in prop::collection::vec("\\PC{1,6}", 1..5), text in "\\PC{0,60}") {
            if let Ok(set) = WordSet::new(words) {
                for found in set.all(&text) {
                    prop_assert!(text.get(found.range).is_some());
                }
            }
        }

        #[test]
        fn a_word_between_spaces_is_found(word in "[a-zA-Zà-üß]{1,8}", before in "[a-z ]{0,10}") {
            let set = WordSet::new(vec![word.to_lowercase()]).unwrap();
            let text = format!("{before} {word} .");
            prop_assert!(set.all(&text).iter().any(|found| text[found.range.clone()] == word));
        }
    }
}
