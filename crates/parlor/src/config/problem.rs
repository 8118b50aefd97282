//! What is wrong with a configuration file: every problem with its place, shown all at once.
//!
//! Reading collects problems here instead of stopping at the first one; showing them is left to miette
//! for people and to `Problem`'s serialised form for programs.

use std::ops::Range;

use miette::{LabeledSpan, NamedSource};
use serde::Serialize;

/// One thing wrong in a configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Problem {
    /// Line in the file, from 1.
    pub(crate) line: usize,
    /// Column in the line, from 1, in characters.
    pub(crate) column: usize,
    /// Dotted path of the key, for example `server.room[2].privacy`.
    pub(crate) key: String,
    /// What is wrong.
    pub(crate) message: String,
    /// Accepted forms or the nearest known name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) help: Option<String>,
    #[serde(skip)]
    pub(crate) span: Range<usize>,
}

/// All problems of one file, as one error.
#[derive(Debug)]
pub(crate) struct Problems {
    /// The file as the user named it.
    pub(crate) file: String,
    text: String,
    /// In the order of their places in the file.
    pub(crate) list: Vec<Problem>,
}

impl Problems {
    pub(crate) fn new(file: String, text: String, mut list: Vec<Problem>) -> Self {
        list.sort_by_key(|problem| problem.span.start);
        Self { file, text, list }
    }
}

impl std::fmt::Display for Problems {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let count = self.list.len();
        let noun = if count == 1 { "problem" } else { "problems" };
        write!(f, "{count} {noun} in {}", self.file)
    }
}

impl std::error::Error for Problems {}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.key.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.key, self.message)
        }
    }
}

impl std::error::Error for Problem {}

impl miette::Diagnostic for Problem {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn std::fmt::Display>)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(
            None,
            self.span.clone(),
        ))))
    }
}

/// Renders the problems for people: one block each with the line of the file and a pointer to the place.
pub(crate) fn render(problems: &Problems) -> String {
    blocks(problems, |report| format!("{report:?}"))
}

/// As [`render`], without colours: for whoever is asked from elsewhere, and for logs.
pub(crate) fn render_plain(problems: &Problems) -> String {
    let handler =
        miette::GraphicalReportHandler::new_themed(miette::GraphicalTheme::unicode_nocolor()).with_width(100);
    blocks(problems, |report| {
        let mut text = String::new();
        handler
            .render_report(&mut text, report.as_ref())
            .map(|()| text)
            .unwrap_or_default()
    })
}

fn blocks(problems: &Problems, show: impl Fn(miette::Report) -> String) -> String {
    let mut text = format!("{problems}\n");
    for problem in &problems.list {
        let source = NamedSource::new(&problems.file, problems.text.clone());
        text.push('\n');
        text.push_str(&show(
            miette::Report::new(problem.clone()).with_source_code(source),
        ));
    }
    text
}
