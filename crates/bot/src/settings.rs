//! Types for settings: what TOML has no word for, with errors that name the accepted forms.
//!
//! Times of a schedule are in [`crate::schedule`], addresses of feeds are [`crate::FeedUrl`], text with variables is
//! [`crate::Template`].

pub use crate::each::Each;
pub use crate::timing::{Timing, Timings};

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::schedule::{Busy, Cron, Jitter, Misfire, Moment, Zone};
use crate::words::WordSet;
use crate::{
    Condition, FeedUrl, FirstRun, HeaderName, HtmlTemplate, RequestKey, SecretSource, Signature, Template,
    WebhookName, schema,
};

/// A length of time as settings spell it: `90s`, `15m`, `2h`, `1d`, `1h30m`; a bare number is seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub Duration);

/// Why a text is not a [`Span`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpanError {
    /// Not of the accepted form.
    #[error("not a length of time; write for example \"90s\", \"15m\", \"2h\", \"1d\" or \"1h30m\"")]
    Form,
    /// More than [`Span::MAX`].
    #[error("a length of time over ten years")]
    TooLong,
}

schema::written_as! {
    ["string", "integer"]
    Span, "length of time", ["90s", "15m", "1h30m"];
    Jitter, "length of time", ["5m"];
}

schema::written_as! {
    ["string"]
    Cron, "cron expression", ["30 8 * * MON-FRI", "@daily"];
    Zone, "time zone by IANA name", ["Europe/Berlin"];
    Moment, "day or time", ["2026-12-01", "2026-12-01T08:00"];
    Misfire, "policy for missed times", ["skip", "latest", "all", "within(15m)"];
    Busy, "policy for times that come too fast", ["queue", "one", "skip"];
    Template, "template", ["{{ author }} said {{ text }}"];
    HtmlTemplate, "template of HTML", ["<p>{{ author }} said {{ text }}</p>"];
    FeedUrl, "address of a feed", ["https://example.com/feed.xml", "file:news.xml"];
    Condition, "condition", ["body.state == 'failed'"];
    WebhookName, "name of a webhook", ["ci"];
    HeaderName, "name of a header", ["X-Event"];
    Signature, "way of signing", ["github", "gitlab", "stripe", "bearer", "path", "hmac(X-Signature)"];
    SecretSource, "place of a secret", ["file:hook.secret", "env:HOOK_SECRET"];
    RequestKey, "place of a key", ["usual", "header(X-Request-Id)", "body(/id)"];
    Network, "network or address", ["192.0.2.0/24", "2001:db8::1"];
    FirstRun, "policy for the first look", ["none", "last(5)", "since(2d)"];
}

impl JsonSchema for WordSet {
    fn schema_name() -> Cow<'static, str> {
        "words".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "array", "items": { "type": "string" } })
    }
}

/// A network, or one address, as settings spell it: `192.0.2.0/24`, `2001:db8::1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(pub IpNet);

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let network = text
            .parse::<IpNet>()
            .or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from));
        network.map(Self).map_err(|_| {
            let forms = "not a network or an address; write for example \"192.0.2.0/24\"";
            de::Error::custom(format_args!("`{text}`: {forms}"))
        })
    }
}

/// Settings of a bot that has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoSettings {}

impl Span {
    /// Ten years: sums with any date of this century stay in range.
    pub const MAX: Duration = Duration::from_secs(3653 * 86_400);

    /// The length of time.
    pub const fn duration(self) -> Duration {
        self.0
    }

    /// The length of time for date arithmetic.
    pub fn delta(self) -> chrono::TimeDelta {
        chrono::TimeDelta::from_std(self.0.min(Self::MAX)).unwrap_or(chrono::TimeDelta::MAX)
    }
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        let mut rest = text.trim();
        let mut seconds: u64 = 0;
        if rest.is_empty() {
            return Err(SpanError::Form);
        }
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let number: u64 = rest[..digits].parse().map_err(|_| SpanError::Form)?;
            rest = &rest[digits..];
            let letters = rest
                .find(|c: char| !c.is_ascii_alphabetic())
                .unwrap_or(rest.len());
            let unit: u64 = match &rest[..letters] {
                "" if rest.is_empty() && digits == text.trim().len() => 1,
                "s" => 1,
                "m" | "min" => 60,
                "h" => 3600,
                "d" => 86_400,
                "w" => 7 * 86_400,
                _ => return Err(SpanError::Form),
            };
            rest = rest[letters..].trim_start();
            let more = number.checked_mul(unit).ok_or(SpanError::TooLong)?;
            seconds = seconds.checked_add(more).ok_or(SpanError::TooLong)?;
        }
        let span = Duration::from_secs(seconds);
        if span > Self::MAX {
            Err(SpanError::TooLong)
        } else {
            Ok(Self(span))
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut seconds = self.0.as_secs();
        if seconds == 0 {
            return f.write_str("0s");
        }
        for (unit, length) in [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)] {
            if seconds >= length {
                write!(f, "{}{unit}", seconds / length)?;
                seconds %= length;
            }
        }
        Ok(())
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Span;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a length of time, for example \"15m\"")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Span, E> {
                text.parse()
                    .map_err(|problem| E::custom(format_args!("`{text}`: {problem}")))
            }
            fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Span, E> {
                let span = Duration::from_secs(seconds);
                if span > Span::MAX {
                    Err(E::custom(SpanError::TooLong))
                } else {
                    Ok(Span(span))
                }
            }
            fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Span, E> {
                self.visit_u64(u64::try_from(seconds).map_err(|_| E::custom(SpanError::Form))?)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_as_people_write_them() {
        for (text, seconds) in [
            ("90s", 90),
            ("15m", 900),
            ("2h", 7200),
            ("1d", 86_400),
            ("1h30m", 5400),
            ("1h 30m", 5400),
            ("20", 20),
        ] {
            assert_eq!(text.parse::<Span>().unwrap().0.as_secs(), seconds, "{text}");
        }
        assert_eq!("1d1h1m1s".parse::<Span>().unwrap().to_string(), "1d1h1m1s");
    }

    #[test]
    fn what_is_no_span_is_refused() {
        for text in ["", "m", "15 minutes", "1.5h", "-3s", "5x", "1h30"] {
            assert_eq!(text.parse::<Span>(), Err(SpanError::Form), "{text}");
        }
        for text in [
            "99999999999999999d",
            "11w9999d",
            "18446744073709551615s18446744073709551615s",
        ] {
            assert_eq!(text.parse::<Span>(), Err(SpanError::TooLong), "{text}");
        }
    }
}
