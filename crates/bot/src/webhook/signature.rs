//! How a sender proves that it knows the secret of a webhook. Checking the proof is the host's task.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

use super::HeaderName;
use crate::settings::Span;

/// How a sender proves that it knows the secret.
///
/// In settings: `github`, `gitlab`, `stripe`, `stripe(10m)`, `bearer`, `path`, `hmac(X-Signature)`,
/// `timestamped(X-Signature, 10m)` or `token(X-Token)`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signature {
    /// HMAC-SHA256 over the body, in hexadecimal digits, with or without `sha256=` before them.
    Hmac {
        /// Where it stands.
        header: HeaderName,
    },
    /// `t=SECONDS,v1=DIGITS`: HMAC-SHA256 over the time, a full stop and the body; a proof that is older or younger
    /// than `tolerance` does not count.
    Timestamped {
        /// Where it stands.
        header: HeaderName,
        /// How far clocks may differ, with the time of the way.
        tolerance: Duration,
    },
    /// The secret itself.
    Token {
        /// Where it stands.
        header: HeaderName,
    },
    /// The secret itself, as `Authorization: Bearer SECRET` (RFC 6750 section 2.1).
    Bearer,
    /// The secret itself, as the last part of the address: `/hooks/NAME/SECRET`. For senders that know an address and
    /// nothing else; whoever reads the address in a log knows the secret.
    Path,
}

/// The text is no way of proof.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a signature; write \"github\", \"gitlab\", \"stripe\", \"bearer\", \"path\", \"hmac(X-Signature)\", \
     \"timestamped(X-Signature, 5m)\" or \"token(X-Token)\""
)]
pub struct SignatureError;

impl Signature {
    /// How far clocks may differ unless said otherwise.
    pub const TOLERANCE: Duration = Duration::from_secs(5 * 60);

    /// The header that holds the proof; none when the address does.
    pub fn header(&self) -> Option<&str> {
        match self {
            Self::Hmac { header } | Self::Timestamped { header, .. } | Self::Token { header } => {
                Some(header.as_str())
            }
            Self::Bearer => Some("authorization"),
            Self::Path => None,
        }
    }
}

impl FromStr for Signature {
    type Err = SignatureError;

    fn from_str(text: &str) -> Result<Self, SignatureError> {
        let header = |name: &str| name.parse::<HeaderName>().map_err(|_| SignatureError);
        let (word, argument) = match text.trim().split_once('(') {
            Some((word, rest)) => (word, Some(rest.strip_suffix(')').ok_or(SignatureError)?)),
            None => (text.trim(), None),
        };
        match (word, argument) {
            ("github", None) => Ok(Self::Hmac {
                header: header("x-hub-signature-256")?,
            }),
            ("gitlab", None) => Ok(Self::Token {
                header: header("x-gitlab-token")?,
            }),
            ("stripe", tolerance) => timestamped(header("stripe-signature")?, tolerance),
            ("bearer", None) => Ok(Self::Bearer),
            ("path", None) => Ok(Self::Path),
            ("hmac", Some(name)) => Ok(Self::Hmac {
                header: header(name)?,
            }),
            ("token", Some(name)) => Ok(Self::Token {
                header: header(name)?,
            }),
            ("timestamped", Some(arguments)) => match arguments.split_once(',') {
                Some((name, tolerance)) => timestamped(header(name)?, Some(tolerance)),
                None => timestamped(header(arguments)?, None),
            },
            _ => Err(SignatureError),
        }
    }
}

fn timestamped(header: HeaderName, tolerance: Option<&str>) -> Result<Signature, SignatureError> {
    let tolerance = match tolerance {
        Some(text) => text.parse::<Span>().map_err(|_| SignatureError)?.duration(),
        None => Signature::TOLERANCE,
    };
    if tolerance.is_zero() {
        return Err(SignatureError);
    }
    Ok(Signature::Timestamped { header, tolerance })
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hmac { header } => write!(f, "hmac({header})"),
            Self::Timestamped { header, tolerance } => {
                write!(f, "timestamped({header}, {})", Span(*tolerance))
            }
            Self::Token { header } => write!(f, "token({header})"),
            Self::Bearer => f.write_str("bearer"),
            Self::Path => f.write_str("path"),
        }
    }
}

impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|problem| de::Error::custom(format_args!("`{text}`: {problem}")))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn signatures_read_as_they_are_shown() {
        for (text, shown) in [
            ("github", "hmac(x-hub-signature-256)"),
            ("gitlab", "token(x-gitlab-token)"),
            ("stripe", "timestamped(stripe-signature, 5m)"),
            ("stripe(10m)", "timestamped(stripe-signature, 10m)"),
            ("bearer", "bearer"),
            ("path", "path"),
            ("hmac(X-Signature)", "hmac(x-signature)"),
            ("token( X-Token )", "token(x-token)"),
            ("timestamped(X-S, 90s)", "timestamped(x-s, 1m30s)"),
        ] {
            let read: Signature = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(read.to_string(), shown);
            assert_eq!(shown.parse(), Ok(read));
        }
        for wrong in [
            "",
            "none",
            "hmac",
            "hmac()",
            "hmac(a b)",
            "github(x)",
            "stripe(0s)",
            "token(x",
        ] {
            assert_eq!(wrong.parse::<Signature>(), Err(SignatureError), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_text_confuses_the_reader(text in "[a-z]{0,12}[(]?[ -~]{0,24}[)]?") {
            if let Ok(read) = text.parse::<Signature>() {
                prop_assert_eq!(read.to_string().parse::<Signature>(), Ok(read));
            }
        }
    }
}
