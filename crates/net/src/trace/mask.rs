//! Hides the secrets in a SIP message: credentials, and what they could be computed from.

use std::borrow::Cow;

/// Header fields that hold credentials or proofs of them.
const SECRET_FIELDS: [&str; 6] = [
    "authorization",
    "proxy-authorization",
    "www-authenticate",
    "proxy-authenticate",
    "authentication-info",
    "proxy-authentication-info",
];
/// Their parameters that may be shown: names and counters, by which a dialogue can be followed.
const SHOWN_PARAMETERS: [&str; 14] = [
    "realm",
    "targetname",
    "username",
    "uri",
    "qop",
    "algorithm",
    "version",
    "opaque",
    "stale",
    "nc",
    "cnum",
    "snum",
    "crand",
    "srand",
];
/// How a client says that it has no token yet, which tells the steps of a sign-in apart.
const EMPTY_TOKEN: &str = "gssapi-data=\"\"";
const MASK: &str = "***";

/// The message as text with the secrets masked.
pub(super) fn masked(message: &[u8]) -> String {
    let text = String::from_utf8_lossy(message);
    let (head, body) = match text.find("\r\n\r\n") {
        Some(end) => text.split_at(end),
        None => (text.as_ref(), ""),
    };
    let mut shown = String::with_capacity(text.len());
    let mut secret = false;
    for line in head.split_inclusive("\r\n") {
        let folded = line.starts_with([' ', '\t']);
        if !folded {
            secret = is_secret(line);
        }
        if secret {
            shown.push_str(&mask_line(line, folded))
        } else {
            shown.push_str(line)
        }
    }
    shown.push_str(body);
    shown
}

fn is_secret(line: &str) -> bool {
    let name = line.split(':').next().unwrap_or_default().trim();
    SECRET_FIELDS.iter().any(|field| name.eq_ignore_ascii_case(field))
}

fn mask_line(line: &str, folded: bool) -> String {
    let content = line.trim_end_matches(['\r', '\n']);
    let end = &line[content.len()..];
    let (start, parameters) = if folded { ("", content) } else { scheme(content) };
    let parameters: Vec<Cow<'_, str>> = split_parameters(parameters).map(mask_parameter).collect();
    format!("{start}{}{end}", parameters.join(","))
}

/// The field name with the scheme if there is one, and the rest.
fn scheme(content: &str) -> (&str, &str) {
    let (_, value) = content.split_once(':').unwrap_or((content, ""));
    let value = value.trim_start();
    let rest = match value.split_once([' ', '\t']) {
        Some((word, rest)) if !word.contains(['=', ',']) => rest,
        _ => value,
    };
    content.split_at(content.len() - rest.len())
}

/// Splits at commas outside of quotes.
fn split_parameters(parameters: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    parameters.split(move |char| {
        quoted ^= char == '"';
        char == ',' && !quoted
    })
}

/// `name=value` with a value that may be shown stays; what is no such pair may be a password.
fn mask_parameter(parameter: &str) -> Cow<'_, str> {
    let bare = parameter.trim();
    let name = bare.split('=').next().unwrap_or_default().trim();
    let shown = bare.is_empty()
        || bare == EMPTY_TOKEN
        || bare.contains('=')
            && SHOWN_PARAMETERS
                .iter()
                .any(|shown| name.eq_ignore_ascii_case(shown));
    if shown {
        return parameter.into();
    }
    let indent = &parameter[..parameter.len() - parameter.trim_start().len()];
    match bare.split_once('=') {
        // A base64 value ends in "=" too: only a token before the first one is a name.
        Some((name, value)) if is_name(name) && !value.trim_matches('=').is_empty() => {
            format!("{indent}{name}=\"{MASK}\"").into()
        }
        _ => format!("{indent}{MASK}").into(),
    }
}

fn is_name(name: &str) -> bool {
    /// The longest is `gssapi-data`; a longer one is no name.
    const LONGEST: usize = 20;
    (1..=LONGEST).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests;
