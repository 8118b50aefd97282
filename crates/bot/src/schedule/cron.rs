//! Cron expressions as crontab reads them, checked here field by field and then evaluated by the `cron` crate.
//!
//! The crate alone differs from crontab in ways that would surprise an operator: it wants seconds, counts the days of
//! the week from Sunday = 1, and demands both when day of month and day of week are given. So the expression is read
//! here, and the crate gets lists of numbers and weekday names that leave nothing to interpret.

mod field;

pub use field::Field;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use chrono::{Datelike, NaiveDateTime, Timelike};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use field::{MONTH_DAYS, Values};

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
    fields: [Values; 6],
    /// One, or two when either day field is enough. Shared between clones: the crate's sets take some kilobytes, and a
    /// host keeps each schedule in several places.
    alternatives: Arc<[cron::Schedule]>,
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

impl Cron {
    /// Whether it is about every hour or every so many minutes, rather than about times of the day: hour or minute
    /// begins with `*`.
    pub fn is_periodic(&self) -> bool {
        let [_, minute, hour, ..] = self.fields;
        !minute.restricted || !hour.restricted
    }

    /// The fields that keep the wall-clock time `local` from being one of the expression's; none when it is one.
    pub(super) fn mismatch(&self, local: NaiveDateTime) -> Vec<Field> {
        let values = [
            local.second(),
            local.minute(),
            local.hour(),
            local.day(),
            local.month(),
            local.weekday().num_days_from_sunday(),
        ];
        let fails = |at: usize| !self.fields[at].has(values[at]);
        let [.., day, _, weekday] = self.fields;
        let either_day = day.restricted && weekday.restricted && !(fails(3) && fails(5));
        (0..6)
            .filter(|at| fails(*at) && !(either_day && (*at == 3 || *at == 5)))
            .map(|at| self.fields[at].field)
            .collect()
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
        let mut fields = Field::ALL.map(Values::none);
        for (values, word) in fields.iter_mut().zip(words) {
            *values = Values::parse(values.field, word)?;
        }
        check_possible(&fields)?;
        Ok(Self {
            text: text.into(),
            alternatives: alternatives(&fields)?,
            fields,
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
