//! `;name=value` parameters in their order, values kept as written (a GRUU's may hold colons).

use crate::text::{find_outside_quotes, is_space, is_token, is_token_text, push_line_text, quoted_end};
use std::fmt;

/// A parameter list (RFC 3261 section 25.1 `generic-param`); displays exactly as it was parsed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Params {
    /// Empty, or starting with `;`.
    text: Box<str>,
}

impl Params {
    /// Reads `;name=value;name...`; `None` when it is malformed.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim_matches(is_space);
        if text.is_empty() {
            return Some(Self::default());
        }
        let mut rest = text;
        while !rest.is_empty() {
            rest = param_end(rest.strip_prefix(';')?)?;
        }
        Some(Self { text: text.into() })
    }

    /// The value of a parameter without its quotes; `Some("")` when it has none. Names are compared in any case.
    pub fn get(&self, name: &str) -> Option<&str> {
        find_param(&self.text, name)
    }

    /// Whether the parameter is there, with or without a value.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Names and values as they were written, quotes included.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        split_params(&self.text)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Adds or replaces a parameter. A value that is no token or host is quoted; characters that no name may hold
    /// are left out.
    #[must_use]
    pub fn with(self, name: &str, value: Option<&str>) -> Self {
        let mut text = String::with_capacity(self.text.len() + name.len() + value.map_or(0, str::len) + 4);
        for (other, value) in self.iter().filter(|(other, _)| !other.eq_ignore_ascii_case(name)) {
            text.push(';');
            text.push_str(other);
            if let Some(value) = value {
                text.push('=');
                text.push_str(value);
            }
        }
        text.push(';');
        text.extend(name.chars().filter(|c| c.is_ascii() && is_token(*c as u8)));
        if let Some(value) = value {
            text.push('=');
            push_value(&mut text, value);
        }
        Self { text: text.into() }
    }
}

impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn push_value(text: &mut String, value: &str) {
    let plain = |byte: u8| is_token(byte) || matches!(byte, b':' | b'[' | b']');
    if !value.is_empty() && value.bytes().all(plain) {
        text.push_str(value);
    } else {
        push_quoted(text, value);
    }
}

/// Appends a quoted string; what would end it or the line is escaped or made a space.
pub(crate) fn push_quoted(text: &mut String, value: &str) {
    text.push('"');
    for piece in value.split_inclusive(['"', '\\']) {
        match piece.strip_suffix(['"', '\\']) {
            Some(before) => {
                push_line_text(text, before);
                text.push('\\');
                text.push_str(&piece[before.len()..]);
            }
            None => push_line_text(text, piece),
        }
    }
    text.push('"');
}

/// The value of a parameter in a `;name=value` text, without its quotes; `Some("")` when it has none.
pub(crate) fn find_param<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, value) = split_params(text).find(|(other, _)| other.eq_ignore_ascii_case(name))?;
    let value = value.unwrap_or_default();
    Some(
        value
            .strip_prefix('"')
            .and_then(|inner| inner.strip_suffix('"'))
            .unwrap_or(value),
    )
}

/// The parameters of a `;name=value` text, values as written.
pub(crate) fn split_params(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            rest = rest.split_once(';')?.1;
            let end = find_outside_quotes(rest, b';', false).unwrap_or(rest.len());
            let param = rest[..end].trim_matches(is_space);
            rest = &rest[end..];
            if param.is_empty() {
                continue;
            }
            return Some(match param.split_once('=') {
                Some((name, value)) => (
                    name.trim_end_matches(is_space),
                    Some(value.trim_start_matches(is_space)),
                ),
                None => (param, None),
            });
        }
    })
}

/// What follows one `name[=value]`: nothing or the next `;`. `None` when it is malformed.
fn param_end(text: &str) -> Option<&str> {
    let text = text.trim_start_matches(is_space);
    let name_end = text
        .find(|c: char| matches!(c, '=' | ';') || is_space(c))
        .unwrap_or(text.len());
    if !is_token_text(&text[..name_end]) {
        return None;
    }
    let rest = text[name_end..].trim_start_matches(is_space);
    let Some(value) = rest.strip_prefix('=') else {
        return next_param(rest);
    };
    let value = value.trim_start_matches(is_space);
    let value_end = match value.strip_prefix('"') {
        Some(_) => quoted_end(value)?,
        None => value
            .find(|c: char| matches!(c, ';' | '"' | ',' | '<' | '>') || is_space(c))
            .unwrap_or(value.len()),
    };
    next_param(value[value_end..].trim_start_matches(is_space))
}

fn next_param(rest: &str) -> Option<&str> {
    (rest.is_empty() || rest.starts_with(';')).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(text: &str) -> Params {
        Params::parse(text).unwrap()
    }

    #[test]
    fn values_keep_their_colons_commas_and_quotes() {
        let text =
            r#";methods="INVITE, INFO";proxy=replace;+sip.instance="<urn:uuid:1-2>";opaque=srvr:Mgc:AbC;lr"#;
        let params = params(text);
        assert_eq!(params.to_string(), text);
        assert_eq!(params.get("opaque"), Some("srvr:Mgc:AbC"));
        assert_eq!(params.get("+SIP.instance"), Some("<urn:uuid:1-2>"));
        assert_eq!(params.get("methods"), Some("INVITE, INFO"));
        assert_eq!(params.get("lr"), Some(""));
        assert!(!params.has("tag"));
    }

    #[test]
    fn a_parameter_is_replaced_not_doubled() {
        let params = params(";tag=a;epid=b").with("TAG", Some("c"));
        assert_eq!(params.to_string(), ";epid=b;TAG=c");
    }

    #[test]
    fn a_value_cannot_break_out_of_its_parameter() {
        let params = Params::default().with("x;y", Some("a\";tag=evil\r\nEvil: 1"));
        assert_eq!(params.to_string(), ";xy=\"a\\\";tag=evil  Evil: 1\"");
        assert_eq!(Params::parse(&params.to_string()), Some(params));
    }

    #[test]
    fn malformed_lists_are_refused() {
        for text in ["tag=a", ";=a", r#";a="open"#, ";a b", ";a=\"x\"y", ";;"] {
            assert_eq!(Params::parse(text), None, "{text:?}");
        }
    }
}
