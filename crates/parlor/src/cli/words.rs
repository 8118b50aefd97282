//! What several commands take as an argument: an address, a moment.

use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use parlor_xccos::SipUri;

/// An address as people write it: `sip:` may be left out.
pub(super) fn address(text: &str) -> Result<SipUri, String> {
    let bare = !text.contains(':') && text.contains('@');
    let whole = if bare {
        format!("sip:{text}")
    } else {
        text.to_owned()
    };
    whole
        .parse()
        .map_err(|error| format!("{error}; write it as sip:user@example.com"))
}

/// A moment, or how long ago it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Since {
    Ago(Duration),
    Moment(DateTime<Utc>),
}

impl Since {
    /// The moment, seen from `now`.
    pub(crate) fn from(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::Ago(time) => {
                let ago = chrono::TimeDelta::from_std(time).unwrap_or(chrono::TimeDelta::MAX);
                now.checked_sub_signed(ago).unwrap_or(DateTime::UNIX_EPOCH)
            }
            Self::Moment(moment) => moment,
        }
    }
}

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self::Moment(moment.to_utc()));
        }
        crate::config::parse_duration(text)
            .map(Self::Ago)
            .map_err(|error| format!("{error}; write `2h`, `1d` or a time such as 2026-11-21T08:00:00Z"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_be_written_without_its_scheme() {
        let written = |text: &str| address(text).map(|uri| uri.to_string());
        assert_eq!(
            written("alice@example.com"),
            Ok("sip:alice@example.com".to_owned())
        );
        assert_eq!(
            written("sip:Alice@Example.com"),
            Ok("sip:alice@example.com".to_owned())
        );
        for wrong in ["alice", "mailto:alice@example.com", "@example.com"] {
            let told = written(wrong).unwrap_err();
            assert!(told.ends_with("; write it as sip:user@example.com"), "{told}");
        }
    }

    #[test]
    fn since_is_a_time_or_how_long_ago() {
        let now: DateTime<Utc> = "2026-11-21T12:00:00Z".parse().unwrap();
        let since = |text: &str| text.parse::<Since>().map(|since| since.from(now).to_rfc3339());
        assert_eq!(since("2h").unwrap(), "2026-11-21T10:00:00+00:00");
        assert_eq!(
            since("2026-11-20T08:00:00+01:00").unwrap(),
            "2026-11-20T07:00:00+00:00"
        );
        assert!(since("yesterday").is_err());
    }
}
