//! What people and programs read: data on standard output, remarks on standard error, colour only on a terminal.

use std::fmt::Display;
use std::io::{IsTerminal as _, Write as _};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::cli::Color;

/// Headings and names.
pub(crate) const STRONG: Style = Style::new().bold();
/// Times, ids, remarks.
pub(crate) const FAINT: Style = Style::new().dimmed();
/// What went well.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// What needs attention.
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default();
/// What failed.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();

/// Settles for the whole process whether styles reach the terminal.
pub(crate) fn choose_color(when: Color) {
    match when {
        // anstream looks at the stream, NO_COLOR, CLICOLOR and TERM.
        Color::Auto => anstream::ColorChoice::Auto,
        Color::Always => anstream::ColorChoice::Always,
        Color::Never => anstream::ColorChoice::Never,
    }
    .write_global();
    let colored = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    let theme = if colored && (std::io::stderr().is_terminal() || when == Color::Always) {
        miette::GraphicalTheme::unicode()
    } else {
        miette::GraphicalTheme::unicode_nocolor()
    };
    // Fails only when a handler is set already, which is then as good.
    let _ = miette::set_hook(Box::new(move |_| {
        let handler = miette::GraphicalReportHandler::new_themed(theme.clone()).with_links(false);
        Box::new(handler.with_width(100))
    }));
}

/// Writes one line to standard output. A closed pipe (`parlor room history News | head`) ends the program quietly.
pub(crate) fn line(text: impl Display) {
    let mut out = anstream::stdout().lock();
    if writeln!(out, "{text}").and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// Writes a remark to standard error.
pub(crate) fn remark(text: impl Display) {
    let mut err = anstream::stderr().lock();
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(err, "{text}");
}

/// Writes one value as one line of JSON.
pub(crate) fn json_line(value: &impl Serialize) {
    match serde_json::to_string(value) {
        Ok(text) => line(text),
        Err(error) => remark(format_args!("cannot write JSON: {error}")),
    }
}

/// Writes one value as an indented JSON document.
pub(crate) fn json_document(value: &impl Serialize) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => line(text),
        Err(error) => remark(format_args!("cannot write JSON: {error}")),
    }
}

/// Text in a style, for use in a line.
pub(crate) fn styled(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Removes what could steer a terminal from text that others wrote.
pub(crate) fn harmless(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\n' && c != '\t' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

/// Lines up rows below headings; the last column is not padded.
pub(crate) fn table(headings: &[&str], rows: &[Vec<String>]) {
    let widths: Vec<usize> = headings
        .iter()
        .enumerate()
        .map(|(column, heading)| {
            let cells = rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| width(cell));
            cells
                .chain(std::iter::once(heading.chars().count()))
                .max()
                .unwrap_or(0)
        })
        .collect();
    let pad = |cells: Vec<&str>| {
        let mut text = String::new();
        for (column, cell) in cells.iter().enumerate() {
            text.push_str(cell);
            if column + 1 < cells.len() {
                let missing = widths
                    .get(column)
                    .map_or(0, |widest| widest.saturating_sub(width(cell)));
                text.push_str(&" ".repeat(missing + 2));
            }
        }
        text
    };
    line(styled(FAINT, pad(headings.to_vec())));
    for row in rows {
        line(pad(row.iter().map(String::as_str).collect()));
    }
}

/// How many characters are shown of a cell that may hold styles.
fn width(cell: &str) -> usize {
    anstream::adapter::strip_str(cell)
        .map(|text| text.chars().count())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn text_of_others_cannot_steer_the_terminal() {
        assert_eq!(harmless("a\u{1b}[2Jb\tc\nd\u{7}"), "a\u{fffd}[2Jb\tc\nd\u{fffd}");
    }
}
