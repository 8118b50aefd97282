//! Where a sender says which request it is.

use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use super::HeaderName;

/// Headers in which senders name a request, and name it the same when they repeat it: the draft
/// draft-ietf-httpapi-idempotency-key-header (GitLab sends it too), Standard Webhooks, GitHub, Gitea, Gogs.
const USUAL: [&str; 5] = [
    "idempotency-key",
    "webhook-id",
    "x-github-delivery",
    "x-gitea-delivery",
    "x-gogs-delivery",
];

/// Where the sender's key of a request stands.
///
/// In settings: `usual`, `header(X-Request-Id)`, or `body(/event/id)`, a JSON pointer (RFC 6901).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestKey {
    /// In one of the headers that are made for it: `Idempotency-Key`, `Webhook-Id`, `X-GitHub-Delivery` and their like.
    #[default]
    Usual,
    /// In this header.
    Header(HeaderName),
    /// In the body, where this JSON pointer leads: a text or a number.
    Body(String),
}

/// The text says no place of a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the place of a key; write \"usual\", \"header(X-Request-Id)\" or \"body(/event/id)\"")]
pub struct RequestKeyError;

impl RequestKey {
    /// The key of a request; `header` gives a header by its name in lower case.
    pub fn of<'r>(&self, header: impl Fn(&str) -> Option<&'r str>, body: &Value) -> Option<String> {
        let key = match self {
            Self::Usual => USUAL.into_iter().find_map(header).map(str::to_owned),
            Self::Header(name) => header(name.as_str()).map(str::to_owned),
            Self::Body(pointer) => match body.pointer(pointer)? {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            },
        };
        key.map(|key| key.trim().to_owned()).filter(|key| !key.is_empty())
    }
}

impl FromStr for RequestKey {
    type Err = RequestKeyError;

    fn from_str(text: &str) -> Result<Self, RequestKeyError> {
        let text = text.trim();
        if text == "usual" {
            return Ok(Self::Usual);
        }
        let argument = |word: &str| text.strip_prefix(word)?.strip_prefix('(')?.strip_suffix(')');
        if let Some(name) = argument("header") {
            return name.parse().map(Self::Header).map_err(|_| RequestKeyError);
        }
        match argument("body") {
            Some(pointer) if pointer.starts_with('/') => Ok(Self::Body(pointer.to_owned())),
            _ => Err(RequestKeyError),
        }
    }
}

impl<'de> Deserialize<'de> for RequestKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|problem| de::Error::custom(format_args!("`{text}`: {problem}")))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_found_where_they_are_said_to_be() {
        let body = json!({"event": {"id": "evt_1", "number": 7, "parts": []}});
        let headers = |name: &str| match name {
            "x-github-delivery" => Some(" 72d3162e "),
            "x-empty" => Some(" "),
            _ => None,
        };
        for (place, key) in [
            ("usual", Some("72d3162e")),
            ("header(X-GitHub-Delivery)", Some("72d3162e")),
            ("header(X-Empty)", None),
            ("header(X-Other)", None),
            ("body(/event/id)", Some("evt_1")),
            ("body(/event/number)", Some("7")),
            ("body(/event/parts)", None),
            ("body(/else)", None),
        ] {
            let place: RequestKey = place.parse().unwrap();
            assert_eq!(place.of(headers, &body).as_deref(), key, "{place:?}");
        }
        for wrong in ["", "header", "header()", "body(id)", "query(id)"] {
            assert_eq!(wrong.parse::<RequestKey>(), Err(RequestKeyError), "{wrong}");
        }
    }
}
