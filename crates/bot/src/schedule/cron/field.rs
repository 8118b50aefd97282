//! The fields of an expression: which values each may have, and how they are read.

use std::fmt;

use super::CronError;

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

impl Field {
    pub(super) const ALL: [Self; 6] = [
        Self::Second,
        Self::Minute,
        Self::Hour,
        Self::DayOfMonth,
        Self::Month,
        Self::DayOfWeek,
    ];

    pub(super) const fn bounds(self) -> (u32, u32) {
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

    pub(super) const fn expected(self) -> &'static str {
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
pub(super) const MONTH_DAYS: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// The values of one field, as bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Values {
    pub(super) field: Field,
    bits: u64,
    /// Whether the field does not begin with `*`.
    pub(super) restricted: bool,
}

impl Values {
    /// No values yet.
    pub(super) fn none(field: Field) -> Self {
        Self {
            field,
            bits: 0,
            restricted: false,
        }
    }

    pub(super) fn parse(field: Field, text: &str) -> Result<Self, CronError> {
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

    pub(super) fn has(self, value: u32) -> bool {
        self.bits & (1 << value) != 0
    }

    pub(super) fn iter(self) -> impl Iterator<Item = u32> {
        (0..=59).filter(move |value| self.has(*value))
    }

    /// For the `cron` crate: a list, the weekdays by name, because it numbers them differently.
    pub(super) fn list(self) -> String {
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
