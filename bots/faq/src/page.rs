//! The page: all questions and answers in a file, as HTML or Markdown.
//!
//! It is made from the collection and nothing else, so that making it again makes the same page.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use parlor_bot::prelude::*;

use crate::collection::Collection;

#[derive(Clone, Debug)]
pub(crate) struct Page {
    path: PathBuf,
    form: Form,
    title: String,
}

#[derive(Clone, Copy, Debug)]
enum Form {
    Html,
    Markdown,
}

impl Page {
    /// The page `file`, a path beside the configuration.
    pub(crate) fn new(file: &str, title: String, setup: &Setup) -> Result<Self, SetupError> {
        let path = setup.folder().join(file);
        let ending = path
            .extension()
            .and_then(|ending| ending.to_str())
            .map(str::to_lowercase);
        let form = match ending.as_deref() {
            Some("html" | "htm") => Form::Html,
            Some("md") => Form::Markdown,
            _ => {
                return Err(SetupError::setting(
                    "page",
                    format!("`{file}` does not end in `.html` or `.md`"),
                ));
            }
        };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        match folder {
            Some(folder) if !folder.is_dir() => {
                let problem = format!("`{file}`: there is no folder {}", folder.display());
                Err(SetupError::setting("page", problem))
            }
            _ if path.is_dir() => Err(SetupError::setting("page", format!("`{file}` is a folder"))),
            _ => Ok(Self { path, form, title }),
        }
    }

    /// Puts the page in the place of the one before. Readers see the one or the other, never a part.
    pub(crate) async fn write(&self, collection: &Collection) -> io::Result<()> {
        let (path, text) = (self.path.clone(), self.text(collection));
        tokio::task::spawn_blocking(move || replace(&path, &text))
            .await
            .map_err(io::Error::other)?
    }

    fn text(&self, collection: &Collection) -> String {
        match self.form {
            Form::Html => html(&self.title, collection),
            Form::Markdown => markdown(&self.title, collection),
        }
    }
}

/// Renaming replaces a file at once; what is renamed must be on the disk before.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let mut file = File::create(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&beside, path)
}

fn html(title: &str, collection: &Collection) -> String {
    let title = escaped_html(title);
    let mut page = format!(
        "<!DOCTYPE html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n</head>\n<body>\n\
         <h1>{title}</h1>\n"
    );
    for entry in collection.entries() {
        let answer = escaped_html(&entry.answer).replace('\n', "<br>\n");
        let (number, question) = (entry.number, escaped_html(&entry.question));
        page.push_str(&format!(
            "<h2 id=\"q{number}\">{question}</h2>\n<p>{answer}</p>\n"
        ));
    }
    page.push_str("</body>\n</html>\n");
    page
}

/// Text between tags and in quoted attributes.
fn escaped_html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

fn markdown(title: &str, collection: &Collection) -> String {
    let mut page = format!("# {}\n", escaped_markdown(title));
    for entry in collection.entries() {
        let (question, answer) = (escaped_markdown(&entry.question), paragraphs(&entry.answer));
        page.push_str(&format!("\n## {question}\n\n{answer}\n"));
    }
    page
}

/// Lines of Markdown: one that ends in `\` is broken there, an empty one begins a paragraph.
fn paragraphs(text: &str) -> String {
    let (mut written, mut between) = (String::new(), "");
    for line in text.lines().map(escaped_markdown) {
        if line.is_empty() {
            between = "\n\n";
            continue;
        }
        written.push_str(between);
        written.push_str(&line);
        between = "\\\n";
    }
    written
}

/// A line without what Markdown understands: signs anywhere, and those that mean something where a line begins.
fn escaped_markdown(line: &str) -> String {
    let line = line.trim();
    let mut escaped = String::with_capacity(line.len());
    let digits = line.find(|c: char| !c.is_ascii_digit()).unwrap_or(line.len());
    for (at, c) in line.char_indices() {
        let anywhere = matches!(
            c,
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '&' | '$'
        );
        let bullet = at == 0 && matches!(c, '-' | '+' | '=');
        let number = at == digits && at > 0 && matches!(c, '.' | ')');
        if anywhere || bullet || number {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
