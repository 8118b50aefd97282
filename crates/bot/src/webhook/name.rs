//! Names of webhooks and of headers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};

/// The longest name of a webhook or a header, in bytes.
const LONGEST: usize = 64;

/// Headers that hold what a sender proves itself with. Nobody is handed them.
const SECRET_HEADERS: [&str; 4] = ["authorization", "cookie", "proxy-authorization", "x-gitlab-token"];

/// The name of a webhook, as it stands in its address: small letters, digits, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WebhookName(String);

/// The name of a header, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HeaderName(String);

/// Why a text is no such name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookNameError {
    /// Not of the accepted form.
    #[error("not the name of a webhook; small letters, digits, `-` and `_` make one, 64 at most: \"ci\"")]
    Webhook,
    /// Not a token of RFC 9110 section 5.6.2, or too long.
    #[error("not the name of a header; write for example \"X-Event\"")]
    Header,
    /// It holds what a sender proves itself with.
    #[error("the header `{0}` holds secrets and is not handed over")]
    Secret(String),
}

impl WebhookName {
    /// As it stands in the address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl HeaderName {
    /// In lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same, unless it is a header that nobody is handed.
    ///
    /// # Errors
    /// [`WebhookNameError::Secret`].
    pub fn public(self) -> Result<Self, WebhookNameError> {
        if SECRET_HEADERS.contains(&self.as_str()) {
            return Err(WebhookNameError::Secret(self.0));
        }
        Ok(self)
    }
}

impl FromStr for WebhookName {
    type Err = WebhookNameError;

    fn from_str(text: &str) -> Result<Self, WebhookNameError> {
        let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        if text.is_empty() || text.len() > LONGEST || !text.chars().all(letter) {
            return Err(WebhookNameError::Webhook);
        }
        Ok(Self(text.to_owned()))
    }
}

impl FromStr for HeaderName {
    type Err = WebhookNameError;

    fn from_str(text: &str) -> Result<Self, WebhookNameError> {
        let text = text.trim();
        let letter = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if text.is_empty() || text.len() > LONGEST || !text.chars().all(letter) {
            return Err(WebhookNameError::Header);
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

impl fmt::Display for WebhookName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for WebhookName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|problem| de::Error::custom(format_args!("`{text}`: {problem}")))
    }
}

impl<'de> Deserialize<'de> for HeaderName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|problem| de::Error::custom(format_args!("`{text}`: {problem}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_of_one_form() {
        for name in ["ci", "build-42", "a_b"] {
            assert_eq!(name.parse::<WebhookName>().unwrap().as_str(), name);
        }
        let long = "x".repeat(LONGEST + 1);
        for wrong in ["", "CI", "a/b", "a b", "ä", "..", &long] {
            assert_eq!(
                wrong.parse::<WebhookName>(),
                Err(WebhookNameError::Webhook),
                "{wrong}"
            );
        }
        assert_eq!("X-Event".parse::<HeaderName>().unwrap().as_str(), "x-event");
        for wrong in ["", "X Event", "X:Event", "x\r\ny", &long] {
            assert_eq!(
                wrong.parse::<HeaderName>(),
                Err(WebhookNameError::Header),
                "{wrong}"
            );
        }
        let secret: HeaderName = "Authorization".parse().unwrap();
        assert!(secret.public().is_err());
    }
}
