//! The text form: families, samples, labels.

use std::fmt::{self, Write as _};

use crate::Histogram;

/// The media type of a finished exposition.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Series one family may have. A thousand feeds and some thousand bots in rooms fit; a mistake that makes a label of
/// something unbounded costs a scrape of moderate size, and shows in `parlor_metrics_series_left_out`.
pub const SERIES_PER_FAMILY: usize = 5_000;

/// What a family's numbers mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, until the process starts again; its name ends in `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
}

/// One number of a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// A count.
    Whole(u64),
    /// A measure.
    Real(f64),
}

/// Families written so far.
#[derive(Debug, Default)]
pub struct Exposition {
    text: String,
    left_out: u64,
}

/// The family that is being written.
#[derive(Debug)]
pub struct Family<'e> {
    exposition: &'e mut Exposition,
    name: &'static str,
    series: usize,
}

impl Exposition {
    /// Begins a family; each has one place in an exposition.
    pub fn family(&mut self, name: &'static str, kind: Kind, help: &'static str) -> Family<'_> {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        self.head(name, kind, help);
        Family {
            exposition: self,
            name,
            series: 0,
        }
    }

    /// A family of one number without labels.
    pub fn number(&mut self, name: &'static str, kind: Kind, help: &'static str, value: impl Into<Value>) {
        self.family(name, kind, help).sample(&[], value);
    }

    /// A family of one histogram.
    pub fn histogram(&mut self, name: &'static str, help: &'static str, histogram: &Histogram) {
        self.head(name, "histogram", help);
        let counted = histogram.counted();
        for (bound, count) in &counted.up_to {
            self.write(format_args!("{name}_bucket{{le=\"{bound}\"}} {count}\n"));
        }
        self.write(format_args!("{name}_bucket{{le=\"+Inf\"}} {}\n", counted.count));
        self.write(format_args!("{name}_sum {}\n", counted.sum));
        self.write(format_args!("{name}_count {}\n", counted.count));
    }

    /// The text, with a last family that tells how many series were too many.
    pub fn finish(mut self) -> String {
        let left_out = self.left_out;
        self.number(
            "parlor_metrics_series_left_out",
            Kind::Gauge,
            "Series above the limit of their family, not shown.",
            left_out,
        );
        self.text
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.write(format_args!("# HELP {name} "));
        // In a help text a quotation mark stays as it is.
        escape(&mut self.text, help, false);
        self.write(format_args!("\n# TYPE {name} {kind}\n"));
    }

    fn write(&mut self, text: fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = self.text.write_fmt(text);
    }
}

impl Family<'_> {
    /// One series. Labels are names as Prometheus has them, and any text; one set of them is given once.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: impl Into<Value>) {
        self.series += 1;
        if self.series > SERIES_PER_FAMILY {
            self.exposition.left_out += 1;
            return;
        }
        let text = &mut self.exposition.text;
        text.push_str(self.name);
        for (place, (name, value)) in labels.iter().enumerate() {
            text.push(if place == 0 { '{' } else { ',' });
            text.push_str(name);
            text.push_str("=\"");
            escape(text, value, true);
            text.push('"');
        }
        if !labels.is_empty() {
            text.push('}');
        }
        let value = value.into();
        self.exposition.write(format_args!(" {value}\n"));
    }
}

/// Backslash and line feed, and the quotation mark in a label's value, are the three that the form reserves.
fn escape(out: &mut String, text: &str, quoted: bool) {
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if quoted => out.push_str("\\\""),
            other => out.push(other),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(number) => number.fmt(formatter),
            Self::Real(number) => number.fmt(formatter),
        }
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Whole(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Whole(number.into())
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Whole(number as u64)
    }
}

impl From<bool> for Value {
    fn from(yes: bool) -> Self {
        Self::Whole(yes.into())
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Real(number)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn families_read_as_the_format_says() {
        let mut exposition = Exposition::default();
        let mut family = exposition.family("posts_total", Kind::Counter, "Posts \"sent\".\nAll of them.");
        family.sample(&[("bot", "a\\b"), ("room", "say \"hi\"\nthere")], 3u64);
        family.sample(&[("bot", "c"), ("room", "")], 0u64);
        exposition.number("age_seconds", Kind::Gauge, "Age.", 0.25);
        let histogram = Histogram::new(&[0.5, 10.0]);
        histogram.observe(0.25);
        histogram.observe(7.0);
        histogram.observe(70.0);
        exposition.histogram("size", "Sizes.", &histogram);
        assert_eq!(
            exposition.finish(),
            r#"# HELP posts_total Posts "sent".\nAll of them.
# TYPE posts_total counter
posts_total{bot="a\\b",room="say \"hi\"\nthere"} 3
posts_total{bot="c",room=""} 0
# HELP age_seconds Age.
# TYPE age_seconds gauge
age_seconds 0.25
# HELP size Sizes.
# TYPE size histogram
size_bucket{le="0.5"} 1
size_bucket{le="10"} 2
size_bucket{le="+Inf"} 3
size_sum 77.25
size_count 3
# HELP parlor_metrics_series_left_out Series above the limit of their family, not shown.
# TYPE parlor_metrics_series_left_out gauge
parlor_metrics_series_left_out 0
"#
        );
    }

    #[test]
    fn a_family_is_bounded_and_says_so() {
        let mut exposition = Exposition::default();
        let mut family = exposition.family("many", Kind::Gauge, "Many.");
        for number in 0..SERIES_PER_FAMILY + 7 {
            family.sample(&[("number", &number.to_string())], true);
        }
        exposition.number("one", Kind::Gauge, "One.", true);
        let text = exposition.finish();
        assert_eq!(
            text.lines().filter(|line| line.starts_with("many{")).count(),
            SERIES_PER_FAMILY
        );
        assert!(text.contains("\none 1\n"), "the next family has its own limit");
        assert!(text.ends_with("parlor_metrics_series_left_out 7\n"));
    }

    proptest! {
        #[test]
        fn any_label_stays_on_its_line_and_between_its_marks(value in any::<String>()) {
            let mut exposition = Exposition::default();
            exposition.family("x", Kind::Gauge, "X.").sample(&[("label", &value)], 1u64);
            let text = exposition.finish();
            let line = text.split('\n').nth(2).unwrap();
            let inner = line.strip_prefix("x{label=\"").and_then(|rest| rest.strip_suffix("\"} 1")).unwrap();
            let mut read = String::new();
            let mut characters = inner.chars();
            while let Some(character) = characters.next() {
                read.push(match character {
                    '\\' => match characters.next() {
                        Some('n') => '\n',
                        Some(other) => other,
                        None => panic!("a lone backslash"),
                    },
                    '"' => panic!("the value ends early"),
                    other => other,
                });
            }
            prop_assert_eq!(read, value);
        }
    }
}
