//! Content lines of an iCalendar file (RFC 5545 section 3.1), unfolded, with the places where they begin.

use icalendar::parser::Property;

use super::{CalendarError, CalendarFault};

/// A property and the line that it begins on, from 1.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) number: usize,
    /// In capitals.
    pub(super) name: String,
    pub(super) value: String,
    parameters: Vec<(String, String)>,
}

impl Line {
    /// The value of a parameter, whose name is given in capitals.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(key, _)| key == name)?;
        Some(&found.1)
    }

    fn parse(number: usize, text: &str) -> Result<Self, CalendarError> {
        let fault = || {
            let text = text.chars().take(60).collect();
            CalendarFault::Line { text }.at(number)
        };
        if let Some((name, component)) = text.split_once(':')
            && ["BEGIN", "END"]
                .iter()
                .any(|word| name.eq_ignore_ascii_case(word))
        {
            return Ok(Self {
                number,
                name: name.to_ascii_uppercase(),
                value: component.trim().to_ascii_uppercase(),
                parameters: Vec::new(),
            });
        }
        // The crate takes a line without a colon for a property without a value.
        let Some(property) = text
            .contains(':')
            .then(|| Property::try_from(text).ok())
            .flatten()
        else {
            return Err(fault());
        };
        let name = property.name.as_str().to_ascii_uppercase();
        if name.is_empty() {
            return Err(fault());
        }
        let parameters = property.params.iter().map(|parameter| {
            let value = parameter.val.as_ref().map_or("", |value| value.as_str());
            (
                parameter.key.as_str().to_ascii_uppercase(),
                value.trim_matches('"').to_owned(),
            )
        });
        Ok(Self {
            number,
            name,
            value: property.val.as_str().to_owned(),
            parameters: parameters.collect(),
        })
    }
}

/// The lines of a file; empty ones are passed over.
pub(super) fn lines(text: &str) -> Result<Vec<Line>, CalendarError> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let text = text.trim_start_matches('\u{feff}');
    for (at, line) in text.lines().enumerate() {
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(rest), Some((_, folded))) => folded.push_str(rest),
            _ if line.trim().is_empty() => {}
            _ => lines.push((at + 1, line.to_owned())),
        }
    }
    lines
        .iter()
        .map(|(number, text)| Line::parse(*number, text))
        .collect()
}
