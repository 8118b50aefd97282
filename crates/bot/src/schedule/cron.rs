//! Cron expressions as crontab reads them, checked here field by field and then evaluated by the `cron` crate.
//!
//! The crate alone differs from crontab in ways that would surprise an operator: it wants seconds, counts the days of
//! the week from Sunday = 1, and demands both when day of month and day of week are given. So the expression is read
//! here, and the crate gets lists of numbers and weekday names that leave nothing to interpret.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use chrono::NaiveDateTime;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The longest expression, in bytes; a list of all minutes has 170.
const MAX_TEXT: usize = 512;

/// A cron expression.
///
/// Five fields (minute, hour, day of month, month, day of week) or six (second first), each `*`, a number, a range
/// `a-b`, a step `*/n` or `a-b/n` or `a/n`, or a list of these. Months are `1-12` or `JAN-DEC`, days of the week
/// `0-7` (0 and 7 are Sunday) or `SUN-SAT`; `?` is `*`. When both day of month and day of week are restricted, either is
/// enough, as in crontab: `0 9 13 * FRI` is each 13th *and* each Friday. A field counts as restricted unless it begins
/// with `*`. Also `@yearly`, `@monthly`, `@weekly`, `@daily`, `@hourly`.
#[derive(Clone, Debug)]
pub struct Cron {
    text: Arc<str>,
    periodic: bool,
    /// One, or two when either day field is enough. Shared between clones: the crate's sets take some kilobytes, and a
    /// host keeps each schedule in several places.
    alternatives: Arc<[cron::Schedule]>,
}

/// A field of a cron expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Field {
    Second,
    Minute,
    Hour,
    DayOfMonth,
    Month,
    DayOfWeek,
}

/// Why a text is not a cron expression, or not one that ever comes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CronError {
    /// Neither five nor six fields.
    #[error(
        "{count} fields; a schedule has five (minute hour day-of-month month day-of-week) or six (second first)"
    )]
    Fields {
        /// How many there are.
        count: usize,
    },
    /// More than 512 bytes.
    #[error("longer than {MAX_TEXT} bytes")]
    Long,
    /// An `@` word that does not exist.
    #[error("no schedule `{word}`; there are @yearly, @monthly, @weekly, @daily and @hourly")]
    Word {
        /// The word.
        word: String,
    },
    /// Something that is no number, name, range or step.
    #[error("{field}: `{text}` is not {}", field.expected())]
    Value {
        /// Where.
        field: Field,
        /// What.
        text: String,
    },
    /// A number outside the field's range.
    #[error("{field}: {value} is not in {}-{}", field.bounds().0, field.bounds().1)]
    Range {
        /// Where.
        field: Field,
        /// What.
        value: u32,
    },
    /// A range that ends before it starts.
    #[error("{field}: the range `{text}` ends before it starts; write it as two ranges")]
    Backwards {
        /// Where.
        field: Field,
        /// What.
        text: String,
    },
    /// A step of zero or of more than the field holds.
    #[error("{field}: the step in `{text}` is not in 1-{}", field.bounds().1)]
    Step {
        /// Where.
        field: Field,
        /// What.
        text: String,
    },
    /// No month of those given has such a day.
    #[error("it never comes: no month of those given has a day {day}")]
    Never {
        /// The earliest day of month asked for.
        day: u32,
    },
    /// The evaluation refuses what was read here; that would be a fault of this program.
    #[error("the evaluation refuses it")]
    Engine,
}

impl Field {
    const ALL: [Self; 6] = [
        Self::Second,
        Self::Minute,
        Self::Hour,
        Self::DayOfMonth,
        Self::Month,
        Self::DayOfWeek,
    ];

    const fn bounds(self) -> (u32, u32) {
        match self {
            Self::Second | Self::Minute => (0, 59),
            Self::Hour => (0, 23),
            Self::DayOfMonth => (1, 31),
            Self::Month => (1, 12),
            Self::DayOfWeek => (0, 7),
        }
    }

    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Month => &[
                "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
            ],
            Self::DayOfWeek => &WEEKDAYS,
            _ => &[],
        }
    }

    const fn expected(self) -> &'static str {
        match self {
            Self::Second | Self::Minute => "a number 0-59, a range, a step or `*`",
            Self::Hour => "a number 0-23, a range, a step or `*`",
            Self::DayOfMonth => "a number 1-31, a range, a step or `*`",
            Self::Month => "a number 1-12, JAN-DEC, a range, a step or `*`",
            Self::DayOfWeek => "a number 0-7, SUN-SAT, a range, a step or `*`",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::DayOfMonth => "day of month",
            Self::Month => "month",
            Self::DayOfWeek => "day of week",
        })
    }
}

const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// The longest that each month gets.
const MONTH_DAYS: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// The values of one field, as bits.
#[derive(Clone, Copy)]
struct Values {
    field: Field,
    bits: u64,
    restricted: bool,
}

impl Values {
    fn parse(field: Field, text: &str) -> Result<Self, CronError> {
        let mut bits = 0;
        for item in text.split(',') {
            bits |= parse_item(field, item)?;
        }
        if field == Field::DayOfWeek && bits & (1 << 7) != 0 {
            bits = (bits | 1) & !(1 << 7);
        }
        Ok(Self {
            field,
            bits,
            restricted: !text.starts_with(['*', '?']),
        })
    }

    fn iter(self) -> impl Iterator<Item = u32> {
        (0..=59).filter(move |value| self.bits & (1 << value) != 0)
    }

    /// For the `cron` crate: a list, the weekdays by name, because it numbers them differently.
    fn list(self) -> String {
        let name = |value: u32| match self.field {
            Field::DayOfWeek => WEEKDAYS[value as usize % 7].to_owned(),
            _ => value.to_string(),
        };
        let all = match self.field {
            Field::DayOfWeek => 7,
            field => field.bounds().1 - field.bounds().0 + 1,
        };
        if self.bits.count_ones() == all {
            return "*".to_owned();
        }
        self.iter().map(name).collect::<Vec<_>>().join(",")
    }
}

fn parse_item(field: Field, item: &str) -> Result<u64, CronError> {
    let (min, max) = field.bounds();
    let wrong = || CronError::Value {
        field,
        text: item.to_owned(),
    };
    let (range, step) = match item.split_once('/') {
        Some((range, step)) => (range, Some(step)),
        None => (item, None),
    };
    let any_day = matches!(field, Field::DayOfMonth | Field::DayOfWeek) && range == "?";
    let (from, to) = if range == "*" || any_day {
        (min, if field == Field::DayOfWeek { 6 } else { max })
    } else if let Some((from, to)) = range.split_once('-') {
        let (from, to) = (parse_value(field, from, item)?, parse_value(field, to, item)?);
        // Sunday also ends a week.
        (
            from,
            if field == Field::DayOfWeek && to == 0 && from > 0 {
                7
            } else {
                to
            },
        )
    } else {
        let from = parse_value(field, range, item)?;
        (from, if step.is_some() { max } else { from })
    };
    if from > to {
        return Err(CronError::Backwards {
            field,
            text: item.to_owned(),
        });
    }
    let step: u32 = match step {
        None => 1,
        Some(step) if step.bytes().all(|b| b.is_ascii_digit()) && !step.is_empty() => {
            step.parse().unwrap_or(0)
        }
        Some(_) => return Err(wrong()),
    };
    if step == 0 || step > max {
        return Err(CronError::Step {
            field,
            text: item.to_owned(),
        });
    }
    Ok((from..=to)
        .step_by(step as usize)
        .fold(0, |bits, value| bits | 1 << value))
}

fn parse_value(field: Field, text: &str, item: &str) -> Result<u32, CronError> {
    let (min, max) = field.bounds();
    if let Some(at) = field
        .names()
        .iter()
        .position(|name| name.eq_ignore_ascii_case(text))
    {
        return Ok(at as u32 + min);
    }
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(CronError::Value {
            field,
            text: item.to_owned(),
        });
    }
    let value = text.parse().unwrap_or(u32::MAX);
    if (min..=max).contains(&value) {
        Ok(value)
    } else {
        Err(CronError::Range { field, value })
    }
}

impl Cron {
    /// Whether it is about every hour or every so many minutes, rather than about times of the day: hour or minute
    /// begins with `*`.
    pub fn is_periodic(&self) -> bool {
        self.periodic
    }

    /// The wall-clock times after `after`, in order, until the year 2100.
    pub(super) fn after(&self, after: NaiveDateTime) -> impl Iterator<Item = NaiveDateTime> + '_ {
        let mut now = after.and_utc();
        std::iter::from_fn(move || {
            now = self
                .alternatives
                .iter()
                .filter_map(|schedule| schedule.after(&now).next())
                .min()?;
            Some(now.naive_utc())
        })
    }
}

fn alternatives(fields: &[Values; 6]) -> Result<Arc<[cron::Schedule]>, CronError> {
    let [second, minute, hour, day, month, weekday] = fields.map(Values::list);
    let schedule = |day: &str, weekday: &str| {
        let text = format!("{second} {minute} {hour} {day} {month} {weekday}");
        cron::Schedule::from_str(&text).map_err(|_| CronError::Engine)
    };
    if fields[3].restricted && fields[5].restricted {
        return Ok(Arc::new([schedule(&day, "*")?, schedule("*", &weekday)?]));
    }
    Ok(Arc::new([schedule(&day, &weekday)?]))
}

/// Refuses days that no month has, such as 30 February. Where a day of the week is enough, it comes all the same.
fn check_possible(fields: &[Values; 6]) -> Result<(), CronError> {
    let [.., day, month, weekday] = fields;
    let longest = month
        .iter()
        .map(|month| MONTH_DAYS[month as usize - 1])
        .max()
        .unwrap_or(0);
    let earliest = day.iter().next().unwrap_or(0);
    if earliest > longest && !weekday.restricted {
        return Err(CronError::Never { day: earliest });
    }
    Ok(())
}

impl FromStr for Cron {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, CronError> {
        let text = text.trim();
        if text.len() > MAX_TEXT {
            return Err(CronError::Long);
        }
        let expanded = match text.to_ascii_lowercase().as_str() {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            word if word.starts_with('@') => {
                return Err(CronError::Word {
                    word: text.to_owned(),
                });
            }
            _ => text,
        };
        let mut words: Vec<&str> = expanded.split_ascii_whitespace().collect();
        match words.len() {
            5 => words.insert(0, "0"),
            6 => {}
            count => return Err(CronError::Fields { count }),
        }
        let mut fields = Field::ALL.map(|field| Values {
            field,
            bits: 0,
            restricted: false,
        });
        for (values, word) in fields.iter_mut().zip(words) {
            *values = Values::parse(values.field, word)?;
        }
        check_possible(&fields)?;
        Ok(Self {
            text: text.into(),
            periodic: !fields[1].restricted || !fields[2].restricted,
            alternatives: alternatives(&fields)?,
        })
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Serialize for Cron {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Cron {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|problem| de::Error::custom(format_args!("`{text}`: {problem}")))
    }
}
