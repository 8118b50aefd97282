//! The emoticons of the original and the strings that are typed for them.

macro_rules! emoticons {
    ($($variant:ident = $text:literal),+ $(,)?) => {
        /// The emoticons of the original, in its order.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[expect(missing_docs, reason = "the names say it")]
        pub enum Emoticon {
            $($variant),+
        }

        impl Emoticon {
            /// All of them.
            pub const EVERY: [Self; 11] = [$(Self::$variant),+];

            /// What is typed for it, and stands in the text.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text),+
                }
            }
        }
    };
}

emoticons! {
    Smile = ":)",
    Frown = ":(",
    Cool = "8-)",
    Laughing = ":-D",
    Shocked = ":-O",
    Confused = ":-/",
    Crying = ":'(",
    Tongue = ":-P",
    Wink = ";)",
    Angry = ">:O",
    Kissing = ":-*",
}

impl Emoticon {
    /// The emoticon that `text` begins with. `before` is the character in front of it: `8-)` is none in `1978-)`.
    pub(super) fn at(text: &str, before: Option<char>) -> Option<Self> {
        let found = Self::EVERY
            .into_iter()
            .find(|emoticon| text.starts_with(emoticon.as_str()))?;
        let part_of_word = found == Self::Cool && before.is_some_and(char::is_alphanumeric);
        (!part_of_word).then_some(found)
    }
}

impl std::fmt::Display for Emoticon {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}
