//! A moment in UTC and its ISO 8601 text; where "now" comes from is left to the caller.

use std::fmt;
use std::str::FromStr;

use super::serde_as_text;

/// Milliseconds since 1970-01-01T00:00:00Z, within the years 1 to 9999.
///
/// Writes `2026-11-20T18:38:47Z`, with `.123` only when there are milliseconds; always `Z`, because a real client does not
/// read `+00:00`. Reads any number of fraction digits, `Z`, an offset, or no zone (taken as UTC).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// The text is not an ISO 8601 date and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a date and time (expected 2026-11-20T18:38:47Z)")]
pub struct TimestampError;

const SECOND: i64 = 1000;
const DAY: i64 = 86_400 * SECOND;
/// 0001-01-01T00:00:00.000Z.
const FIRST: i64 = -719_162 * DAY;
/// 9999-12-31T23:59:59.999Z.
const LAST: i64 = 2_932_897 * DAY - 1;

impl Timestamp {
    /// 1970-01-01T00:00:00Z; stands for "not said" in posts that came without a readable time.
    pub const EPOCH: Self = Self(0);

    /// Takes milliseconds since 1970 UTC; values outside the years 1 to 9999 are moved to the nearest end.
    pub const fn from_millis(millis: i64) -> Self {
        if millis < FIRST {
            return Self(FIRST);
        }
        if millis > LAST {
            return Self(LAST);
        }
        Self(millis)
    }

    /// Milliseconds since 1970 UTC.
    pub const fn as_millis(self) -> i64 {
        self.0
    }
}

/// The text form in a stack buffer; the direct encoders use it.
pub(crate) struct TimestampText {
    text: [u8; Self::MAX_LEN],
    len: usize,
}

impl TimestampText {
    const MAX_LEN: usize = "2026-11-20T18:38:47.1234567Z".len();

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.text[..self.len]
    }
}

impl Timestamp {
    /// As text, with milliseconds when there are some.
    pub(crate) fn text(self) -> TimestampText {
        self.text_with(if self.0.rem_euclid(SECOND) == 0 { 0 } else { 3 })
    }

    /// As text with seven fraction digits, as the server's clock was seen.
    pub(crate) fn long_text(self) -> TimestampText {
        self.text_with(7)
    }

    fn text_with(self, fraction: usize) -> TimestampText {
        let (year, month, day) = date(self.0.div_euclid(DAY));
        let millis = self.0.rem_euclid(DAY);
        let seconds = millis / SECOND;
        let mut text = *b"0000-00-00T00:00:00.0000000Z";
        put(&mut text[0..4], year);
        put(&mut text[5..7], month);
        put(&mut text[8..10], day);
        put(&mut text[11..13], seconds / 3600);
        put(&mut text[14..16], seconds / 60 % 60);
        put(&mut text[17..19], seconds % 60);
        put(&mut text[20..23], millis % SECOND);
        let end = if fraction == 0 { 19 } else { 20 + fraction };
        text[end] = b'Z';
        TimestampText { text, len: end + 1 }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(std::str::from_utf8(self.text().as_bytes()).unwrap_or_default())
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        parse(text.trim().as_bytes()).ok_or(TimestampError)
    }
}

/// `YYYY-MM-DD`, `T` or space, `hh:mm`, then optionally `:ss`, a fraction and a zone.
fn parse(text: &[u8]) -> Option<Timestamp> {
    let (year, rest) = number(text, 4)?;
    let (month, rest) = number(after(rest, b"-")?, 2)?;
    let (day, rest) = number(after(rest, b"-")?, 2)?;
    let (hour, rest) = number(after(rest, b"Tt ")?, 2)?;
    let (minute, rest) = number(after(rest, b":")?, 2)?;
    let (second, rest) = match after(rest, b":") {
        Some(rest) => number(rest, 2)?,
        None => (0, rest),
    };
    let (millis, rest) = match after(rest, b".,") {
        Some(rest) => fraction(rest)?,
        None => (0, rest),
    };
    // 60 is a leap second; it is taken as the first of the next minute.
    let valid = year >= 1
        && (1..=12).contains(&month)
        && (1..=days_of(year, month)).contains(&day)
        && (hour < 24 || (hour == 24 && minute == 0 && second == 0))
        && minute < 60
        && second <= 60;
    if !valid {
        return None;
    }
    let minutes = hour * 60 + minute - offset(rest)?;
    Some(Timestamp::from_millis(
        day_number(year, month, day) * DAY + (minutes * 60 + second) * SECOND + millis,
    ))
}

/// The zone in minutes east of UTC; none is UTC.
fn offset(text: &[u8]) -> Option<i64> {
    let (sign, rest) = match text {
        [] | [b'Z' | b'z'] => return Some(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, rest) = number(rest, 2)?;
    let (minutes, rest) = match rest {
        [] => (0, rest),
        _ => number(after(rest, b":").unwrap_or(rest), 2)?,
    };
    (rest.is_empty() && hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

/// Milliseconds of a fraction with at least one digit; what is finer is cut.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let digit = |index: usize| {
        if index < digits {
            i64::from(text[index] - b'0')
        } else {
            0
        }
    };
    (digits > 0).then(|| (digit(0) * 100 + digit(1) * 10 + digit(2), &text[digits..]))
}

fn number(text: &[u8], digits: usize) -> Option<(i64, &[u8])> {
    let (head, rest) = text.split_at_checked(digits)?;
    let value = |value, byte: &u8| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0'));
    Some((head.iter().try_fold(0, value)?, rest))
}

fn after<'a>(text: &'a [u8], any: &[u8]) -> Option<&'a [u8]> {
    let (first, rest) = text.split_first()?;
    any.contains(first).then_some(rest)
}

fn put(field: &mut [u8], mut value: i64) {
    for digit in field.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

/// Days since 1970-01-01 of a date of the Gregorian calendar, counted in eras of 400 years that begin on 1 March, so that
/// the leap day is the last day of its year.
const fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The date of a day since 1970-01-01; the inverse of [`day_number`].
const fn date(day: i64) -> (i64, i64, i64) {
    let day = day + 719_468;
    let era = day.div_euclid(146_097);
    let day_of_era = day.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

const fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

serde_as_text!(Timestamp);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn millis(text: &str) -> Option<i64> {
        text.parse().ok().map(Timestamp::as_millis)
    }

    #[test]
    fn known_moments_read_and_write() {
        for (value, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (1, "1970-01-01T00:00:00.001Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_795_199_927_120, "2026-11-20T18:38:47.120Z"),
            (FIRST, "0001-01-01T00:00:00Z"),
            (LAST, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(Timestamp::from_millis(value).to_string(), text);
            assert_eq!(millis(text), Some(value));
        }
        assert_eq!(Timestamp::from_millis(i64::MIN).as_millis(), FIRST);
        assert_eq!(Timestamp::from_millis(i64::MAX).as_millis(), LAST);
    }

    #[test]
    fn any_fraction_and_any_zone_is_read() {
        let expected = millis("2010-09-14T14:26:17Z");
        for text in [
            "2010-09-14T14:26:17",
            "2010-09-14 14:26:17z",
            "2010-09-14T14:26:17.0000000Z",
            "2010-09-14T14:26:17.0009",
            "2010-09-14T16:26:17+02:00",
            "2010-09-14T13:56:17-0030",
            " 2010-09-14T14:26:17+00 ",
        ] {
            assert_eq!(millis(text), expected, "{text}");
        }
        assert_eq!(
            millis("2010-09-14T14:26:17.1234567Z"),
            expected.map(|value| value + 123)
        );
        assert_eq!(millis("2010-09-14T14:26Z"), expected.map(|value| value - 17_000));
        assert_eq!(millis("2016-12-31T23:59:60Z"), millis("2017-01-01T00:00:00Z"));
        assert_eq!(millis("2016-12-31T24:00:00Z"), millis("2017-01-01T00:00:00Z"));
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "now",
            "2010-09-14",
            "2010-13-14T14:26:17Z",
            "2011-02-29T00:00:00Z",
            "2010-09-14T24:00:01Z",
            "2010-09-14T14:60:17Z",
            "2010-09-14T14:26:17.Z",
            "2010-09-14T14:26:17+25:00",
            "2010-09-14T14:26:17ZZ",
            "0000-01-01T00:00:00Z",
            "20100914T142617Z",
            "2010-09-14T14:26:17 UTC",
        ] {
            assert_eq!(millis(text), None, "{text}");
        }
        assert_eq!(
            TimestampError.to_string(),
            "not a date and time (expected 2026-11-20T18:38:47Z)"
        );
    }

    #[test]
    fn the_servers_clock_has_seven_digits() {
        let text = Timestamp::from_millis(5).long_text();
        assert_eq!(text.as_bytes(), b"1970-01-01T00:00:00.0050000Z");
    }

    proptest! {
        #[test]
        fn every_moment_round_trips(value in FIRST..=LAST) {
            prop_assert_eq!(millis(&Timestamp::from_millis(value).to_string()), Some(value));
        }

        #[test]
        fn any_text_is_answered(text in "[0-9TZ:.+ -]{0,32}|.{0,40}") {
            let _ = millis(&text);
        }
    }
}
