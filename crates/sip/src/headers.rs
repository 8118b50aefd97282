//! The headers of a message, by name, in wire order.

use crate::Name;
use crate::head::Field;
use bytes::Bytes;

/// The headers of one message: spans over its bytes.
#[derive(Clone, Debug)]
pub struct Headers {
    /// The whole message.
    frame: Bytes,
    fields: Vec<Field>,
    /// The head with its line folds made spaces, byte for byte as long; only when there are any.
    unfolded: Option<Box<[u8]>>,
}

impl Headers {
    pub(crate) fn new(frame: Bytes, head_length: usize, fields: Vec<Field>, folded: bool) -> Self {
        let unfolded = folded.then(|| unfold(&frame[..head_length]));
        Self {
            frame,
            fields,
            unfolded,
        }
    }

    pub(crate) fn frame(&self) -> &Bytes {
        &self.frame
    }

    /// What the spans point into.
    pub(crate) fn text(&self) -> &[u8] {
        self.unfolded.as_deref().unwrap_or(&self.frame)
    }

    /// The value of the first line of this name, unfolded and without surrounding white space.
    pub fn get(&self, name: Name) -> Option<&str> {
        let field = self.fields.iter().find(|field| field.name == Some(name))?;
        Some(field.value.of(self.text()))
    }

    /// The values of every line of this name, in order; lists are not split at their commas.
    pub fn all(&self, name: Name) -> impl Iterator<Item = &str> {
        let fields = self.fields.iter().filter(move |field| field.name == Some(name));
        fields.map(|field| field.value.of(self.text()))
    }

    /// Like [`Self::get`], by the text of the name in any case.
    pub fn get_other(&self, name: &str) -> Option<&str> {
        let field = self
            .fields
            .iter()
            .find(|field| self.is_named(field, Name::from_text(name), name))?;
        Some(field.value.of(self.text()))
    }

    /// Like [`Self::all`], by the text of the name in any case.
    pub fn all_other<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let known = Name::from_text(name);
        let fields = self
            .fields
            .iter()
            .filter(move |field| self.is_named(field, known, name));
        fields.map(|field| field.value.of(self.text()))
    }

    fn is_named(&self, field: &Field, known: Option<Name>, name: &str) -> bool {
        match known {
            Some(_) => field.name == known,
            None => field.name.is_none() && field.written.of(self.text()).eq_ignore_ascii_case(name),
        }
    }

    /// Every line in order: the name as it was written, the value as [`Self::get`] gives it.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields
            .iter()
            .map(|field| (field.written.of(self.text()), field.value.of(self.text())))
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }
}

/// Makes the line end of every folded line two spaces, so that spans stay where they are.
fn unfold(head: &[u8]) -> Box<[u8]> {
    let mut text: Box<[u8]> = head.into();
    for at in memchr::memmem::find_iter(head, b"\r\n") {
        if matches!(head.get(at + 2), Some(b' ' | b'\t')) {
            text[at..at + 2].fill(b' ');
        }
    }
    text
}

/// Why a typed header could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// The message does not have it.
    #[error("{0} is missing")]
    Missing(Name),
    /// Its value has another form than the standard gives it.
    #[error("{0} is malformed")]
    Malformed(Name),
}
