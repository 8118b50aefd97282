//! Attributes as values, and the two kinds of trouble: with the document, and with one primitive.

use std::borrow::Cow;
use std::str::FromStr;

use quick_xml::events::BytesStart;

use crate::Fault;
use crate::xml::{Attributes, XmlError};

/// Why reading stopped.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The document cannot be read on.
    Xml(XmlError),
    /// The primitive cannot be used; the document goes on.
    Fault(Fault),
}

impl From<XmlError> for Trouble {
    fn from(error: XmlError) -> Self {
        Self::Xml(error)
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// What reading a primitive gives.
pub(crate) type Read<T> = Result<T, Trouble>;

/// The attributes of an element, as values.
pub(crate) struct Fields<'t>(Attributes<'t>);

impl<'t> Fields<'t> {
    pub(crate) fn of(tag: &'t BytesStart<'_>) -> Result<Self, XmlError> {
        Attributes::of(tag).map(Self)
    }

    /// As text.
    pub(crate) fn text(&self, name: &str) -> Result<Option<Cow<'t, str>>, XmlError> {
        self.0.text(name)
    }

    /// As a value; a fault when it is there and cannot be read.
    pub(crate) fn value<T: FromStr>(&self, name: &'static str) -> Read<Option<T>> {
        match self.text(name)? {
            Some(text) => text
                .trim()
                .parse()
                .map(Some)
                .map_err(|_| Fault::BadValue(name).into()),
            None => Ok(None),
        }
    }

    /// As a value that must be there.
    pub(crate) fn required_value<T: FromStr>(&self, name: &'static str) -> Read<T> {
        self.value(name)?
            .ok_or(Trouble::Fault(Fault::MissingAttribute(name)))
    }

    /// As a value; one that cannot be read counts as not there.
    pub(crate) fn lenient<T: FromStr>(&self, name: &str) -> Result<Option<T>, XmlError> {
        Ok(self.text(name)?.and_then(|text| text.trim().parse().ok()))
    }

    /// As a boolean: `true` in any case or `1`.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, XmlError> {
        Ok(self.text(name)?.map(|text| is_true(&text)))
    }

    /// As a most number of things; a negative one means all.
    pub(crate) fn limit(&self, name: &'static str) -> Read<Option<u32>> {
        let limit: Option<i64> = self.value(name)?;
        Ok(limit
            .filter(|limit| *limit >= 0)
            .map(|limit| limit.min(u32::MAX.into()) as u32))
    }
}

/// Servers write `True`, clients `true`.
pub(crate) fn is_true(text: &str) -> bool {
    let text = text.trim();
    text.eq_ignore_ascii_case("true") || text == "1"
}
