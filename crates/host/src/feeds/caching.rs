//! How long an answer stays true, as HTTP tells it (RFC 9111).

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{AGE, CACHE_CONTROL, DATE, EXPIRES, HeaderMap, HeaderName, RETRY_AFTER};

/// For how long nothing will change: `max-age` less `Age`, else `Expires` less `Date` (sections 4.2.1 and 5.2.2).
/// `no-cache` and `no-store` promise nothing; validators are stored all the same, they are no part of the content.
pub(super) fn fresh_for(headers: &HeaderMap) -> Option<Duration> {
    let mut max_age = None;
    for directives in headers.get_all(CACHE_CONTROL) {
        for directive in directives.to_str().ok()?.split(',') {
            let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
            match name.trim().to_ascii_lowercase().as_str() {
                "no-cache" | "no-store" => return None,
                "max-age" => max_age = max_age.or_else(|| seconds(value.trim_matches([' ', '"']))),
                _ => {}
            }
        }
    }
    let fresh = match max_age {
        Some(fresh) => fresh,
        None => (date(headers, EXPIRES)? - date(headers, DATE)?).to_std().ok()?,
    };
    let age = headers.get(AGE).and_then(|age| seconds(age.to_str().ok()?));
    Some(fresh.saturating_sub(age.unwrap_or_default())).filter(|fresh| !fresh.is_zero())
}

/// `Retry-After`: seconds, or a date (RFC 9110 section 10.2.3).
pub(super) fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?;
    seconds(value).or_else(|| (date(headers, RETRY_AFTER)? - now).to_std().ok())
}

fn seconds(text: &str) -> Option<Duration> {
    text.trim().parse().ok().map(Duration::from_secs)
}

fn date(headers: &HeaderMap, name: HeaderName) -> Option<DateTime<Utc>> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    // `GMT` is what HTTP writes; the parser of mail dates knows it.
    DateTime::parse_from_rfc2822(text).ok().map(|date| date.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn freshness_is_what_the_server_promises() {
        let date = ("date", "Sat, 21 Nov 2026 09:00:00 GMT");
        for (lines, seconds) in [
            (vec![], None),
            (vec![("cache-control", "public, max-age=600")], Some(600)),
            (
                vec![("cache-control", "Max-Age=\"600\""), ("age", "100")],
                Some(500),
            ),
            (vec![("cache-control", "max-age=600"), ("age", "700")], None),
            (vec![("cache-control", "max-age=0")], None),
            (vec![("cache-control", "max-age=600, no-cache")], None),
            (
                vec![
                    ("cache-control", "no-store"),
                    date,
                    ("expires", "Sat, 21 Nov 2026 10:00:00 GMT"),
                ],
                None,
            ),
            (
                vec![date, ("expires", "Sat, 21 Nov 2026 10:00:00 GMT")],
                Some(3600),
            ),
            (vec![date, ("expires", "Sat, 21 Nov 2026 08:00:00 GMT")], None),
            (vec![date, ("expires", "0")], None),
            (vec![("cache-control", "max-age=nonsense")], None),
        ] {
            let read = fresh_for(&headers(&lines));
            assert_eq!(read, seconds.map(Duration::from_secs), "{lines:?}");
        }
    }

    #[test]
    fn a_wait_is_seconds_or_a_date() {
        let now = "2026-11-21T09:00:00Z".parse().unwrap();
        for (value, seconds) in [
            ("120", Some(120)),
            ("Sat, 21 Nov 2026 09:05:00 GMT", Some(300)),
            ("Sat, 21 Nov 2026 08:05:00 GMT", None),
            ("soon", None),
            ("-5", None),
        ] {
            let read = retry_after(&headers(&[("retry-after", value)]), now);
            assert_eq!(read, seconds.map(Duration::from_secs), "{value}");
        }
    }
}
