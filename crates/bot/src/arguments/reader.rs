//! Reading words into the fields of a struct, through serde.

use std::fmt;

use serde::Deserialize;
use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer as _, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::words::{Words, shown};

/// Why the words after a command's name are not its arguments; what the one who asked is told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArgumentsError {
    /// There are too few words.
    #[error("`{argument}` is missing")]
    Missing {
        /// The first argument that got none.
        argument: String,
    },
    /// There are too many.
    #[error("`{word}` is more than the command takes")]
    More {
        /// The first that is left over.
        word: String,
    },
    /// A word is not what its argument takes.
    #[error("`{argument}`: {problem}")]
    Wrong {
        /// The argument.
        argument: String,
        /// What is wrong, with the word.
        problem: String,
    },
    /// As [`ArgumentsError::Wrong`], of arguments that have no name.
    #[error("{0}")]
    Problem(String),
}

impl de::Error for ArgumentsError {
    fn custom<T: fmt::Display>(problem: T) -> Self {
        Self::Problem(problem.to_string())
    }

    fn missing_field(argument: &'static str) -> Self {
        Self::Missing {
            argument: argument.to_owned(),
        }
    }

    fn unknown_variant(word: &str, choices: &'static [&'static str]) -> Self {
        Self::Problem(format!("`{}` is none of {}", shown(word), choices.join(", ")))
    }
}

impl ArgumentsError {
    pub(super) fn of(self, argument: &str) -> Self {
        match self {
            Self::Problem(problem) => Self::Wrong {
                argument: argument.to_owned(),
                problem,
            },
            other => other,
        }
    }
}

/// All arguments of a command.
pub(super) struct Line<'t>(pub(super) Words<'t>);

impl Line<'_> {
    /// Nothing may be left.
    fn end(mut words: Words<'_>) -> Result<(), ArgumentsError> {
        match words.next() {
            None => Ok(()),
            Some(word) => Err(ArgumentsError::More {
                word: shown(word).into_owned(),
            }),
        }
    }
}

impl<'t, 'de> Deserializer<'de> for Line<'t> {
    type Error = ArgumentsError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ArgumentsError> {
        Self::end(self.0)?;
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ArgumentsError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ArgumentsError> {
        let mut words = self.0;
        let value = visitor.visit_map(Fields {
            words: &mut words,
            fields,
            current: "",
        })?;
        Self::end(words)?;
        Ok(value)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// The fields that are still to be filled.
struct Fields<'w, 't> {
    words: &'w mut Words<'t>,
    fields: &'static [&'static str],
    current: &'static str,
}

impl<'de> MapAccess<'de> for Fields<'_, '_> {
    type Error = ArgumentsError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ArgumentsError> {
        let Some((&field, rest)) = self.fields.split_first().filter(|_| !self.words.is_empty()) else {
            return Ok(None);
        };
        (self.current, self.fields) = (field, rest);
        let key: StrDeserializer<'_, ArgumentsError> = field.into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, ArgumentsError> {
        let value = Value {
            last: self.fields.is_empty(),
            words: self.words,
        };
        seed.deserialize(value).map_err(|error| error.of(self.current))
    }
}

/// One argument.
struct Value<'w, 't> {
    words: &'w mut Words<'t>,
    /// Whether what is left of the line is all its own.
    last: bool,
}

impl<'t> Value<'_, 't> {
    fn take(&mut self) -> Result<&'t str, ArgumentsError> {
        let taken = if self.last {
            self.words.rest()
        } else {
            self.words.next()
        };
        taken.ok_or_else(|| ArgumentsError::Problem("a word is missing".to_owned()))
    }

    fn number<N: std::str::FromStr>(&mut self, form: &str) -> Result<N, ArgumentsError> {
        let word = self.take()?;
        word.parse()
            .map_err(|_| ArgumentsError::Problem(format!("`{}` is not {form}", shown(word))))
    }
}

const WHOLE: &str = "a whole number in its range";

macro_rules! numbers {
    ($form:expr, $($method:ident $visit:ident $type:ty,)*) => {
        $(fn $method<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, ArgumentsError> {
            visitor.$visit(self.number::<$type>($form)?)
        })*
    };
}

impl<'de> Deserializer<'de> for Value<'_, '_> {
    type Error = ArgumentsError;

    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, ArgumentsError> {
        visitor.visit_str(self.take()?)
    }

    fn deserialize_bool<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, ArgumentsError> {
        let word = self.take()?;
        match word.to_lowercase().as_str() {
            "yes" | "true" | "on" => visitor.visit_bool(true),
            "no" | "false" | "off" => visitor.visit_bool(false),
            _ => Err(ArgumentsError::Problem(format!(
                "`{}` is not yes or no",
                shown(word)
            ))),
        }
    }

    numbers! { WHOLE,
        deserialize_i8 visit_i8 i8,
        deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64,
        deserialize_u8 visit_u8 u8,
        deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64,
    }
    numbers! { "a number",
        deserialize_f32 visit_f32 f32,
        deserialize_f64 visit_f64 f64,
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ArgumentsError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ArgumentsError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ArgumentsError> {
        visitor.visit_seq(Each { words: self.words })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ArgumentsError> {
        let word = self.take()?.to_lowercase();
        let variant: StrDeserializer<'_, ArgumentsError> = word.as_str().into_deserializer();
        visitor.visit_enum(variant)
    }

    forward_to_deserialize_any! {
        i128 u128 char str string bytes byte_buf unit unit_struct tuple tuple_struct map struct identifier ignored_any
    }
}

/// The remaining words, for a list.
struct Each<'w, 't> {
    words: &'w mut Words<'t>,
}

impl<'de> SeqAccess<'de> for Each<'_, '_> {
    type Error = ArgumentsError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, ArgumentsError> {
        if self.words.is_empty() {
            return Ok(None);
        }
        let value = Value {
            words: self.words,
            last: false,
        };
        seed.deserialize(value).map(Some)
    }
}

/// The names of the fields of `A`, in their order.
pub(super) fn fields<'de, A: Deserialize<'de>>() -> Vec<&'static str> {
    let mut names = Vec::new();
    // It reads nothing and so always fails; the names are what it is for.
    let _ = A::deserialize(Names(&mut names));
    names
}

/// Notes the fields that it is asked for.
struct Names<'n>(&'n mut Vec<&'static str>);

impl<'de> Deserializer<'de> for Names<'_> {
    type Error = ArgumentsError;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, ArgumentsError> {
        Err(ArgumentsError::Problem(String::new()))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ArgumentsError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, ArgumentsError> {
        self.0.extend(fields);
        Err(ArgumentsError::Problem(String::new()))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
