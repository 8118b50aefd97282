//! Reads a TOML document key by key: collects every problem with its place, knows which keys were asked for,
//! and so can name the nearest one for a key nobody knows.
//!
//! serde would stop at the first error of a table and cannot say which forms a key accepts; an operator with
//! five mistakes should see five messages (ARCHITECTURE.md, "Configuration").

use std::cell::RefCell;
use std::ops::Range;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Problem, Problems};

/// A value that a configuration key can hold.
pub(crate) trait Form: Sized {
    /// The accepted forms in words, shown with every refusal.
    const ACCEPTED: &'static str;

    /// Reads the value; the error says what is wrong with this one, without repeating the accepted forms.
    fn read(value: &DeValue<'_>) -> Result<Self, String>;
}

/// Collects problems while a document is read.
#[derive(Debug)]
pub(crate) struct Reader<'d> {
    file: &'d Path,
    text: &'d str,
    problems: RefCell<Vec<Problem>>,
}

/// One table of the document, with the keys asked for so far.
#[derive(Debug)]
pub(crate) struct Section<'r, 'd> {
    reader: &'r Reader<'d>,
    table: &'r DeTable<'d>,
    span: Range<usize>,
    path: String,
    asked: RefCell<Vec<&'static str>>,
}

/// A value together with its place, for rules that concern several keys.
#[derive(Debug, Clone)]
pub(crate) struct Located<T> {
    pub(crate) value: T,
    pub(crate) key: String,
    pub(crate) span: Range<usize>,
}

/// Reads `text` with `read`; all problems found come back as one error.
pub(crate) fn read_document<T>(
    file: &Path,
    text: &str,
    read: impl FnOnce(&Section<'_, '_>) -> Option<T>,
) -> Result<T, Problems> {
    let reader = Reader {
        file,
        text,
        problems: RefCell::default(),
    };
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        reader.report(String::new(), span, error.message().to_owned(), None);
    }
    // Half a document would only produce consequential errors.
    let syntax_is_sound = reader.problems.borrow().is_empty();
    let value = syntax_is_sound
        .then(|| {
            let root = Section::new(&reader, document.get_ref(), document.span(), String::new());
            let value = read(&root);
            root.finish();
            value
        })
        .flatten();
    let problems = reader.problems.take();
    match value {
        Some(value) if problems.is_empty() => Ok(value),
        _ => Err(Problems::new(
            file.display().to_string(),
            text.to_owned(),
            problems,
        )),
    }
}

impl<'d> Reader<'d> {
    fn report(&self, key: String, span: Range<usize>, message: String, help: Option<String>) {
        let before = &self.text[..span.start.min(self.text.len())];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        self.problems.borrow_mut().push(Problem {
            line,
            column,
            key,
            message,
            help,
            span,
        });
    }
}

impl<'r, 'd> Section<'r, 'd> {
    fn new(reader: &'r Reader<'d>, table: &'r DeTable<'d>, span: Range<usize>, path: String) -> Self {
        Self {
            reader,
            table,
            span,
            path,
            asked: RefCell::default(),
        }
    }

    /// The dotted path of a key in this section.
    pub(crate) fn key(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    fn lookup(&self, key: &'static str) -> Option<&'r Spanned<DeValue<'d>>> {
        self.asked.borrow_mut().push(key);
        self.table
            .iter()
            .find(|(name, _)| name.get_ref() == key)
            .map(|(_, value)| value)
    }

    /// Whether the key stands in the file.
    pub(crate) fn has(&self, key: &'static str) -> bool {
        self.lookup(key).is_some()
    }

    /// A key that may be absent.
    pub(crate) fn optional<T: Form>(&self, key: &'static str) -> Option<T> {
        self.located(key).map(|located| located.value)
    }

    /// A key that may be absent, with its place.
    pub(crate) fn located<T: Form>(&self, key: &'static str) -> Option<Located<T>> {
        let value = self.lookup(key)?;
        match T::read(value.get_ref()) {
            Ok(read) => Some(Located {
                value: read,
                key: self.key(key),
                span: value.span(),
            }),
            Err(message) => {
                self.reader
                    .report(self.key(key), value.span(), message, Some(accepted::<T>()));
                None
            }
        }
    }

    /// A key with a default.
    pub(crate) fn or<T: Form>(&self, key: &'static str, default: T) -> T {
        self.optional(key).unwrap_or(default)
    }

    /// A key that must be there.
    pub(crate) fn required<T: Form>(&self, key: &'static str) -> Option<T> {
        self.required_located(key).map(|located| located.value)
    }

    /// A key that must be there, with its place.
    pub(crate) fn required_located<T: Form>(&self, key: &'static str) -> Option<Located<T>> {
        if self.lookup(key).is_none() {
            self.problem(key, format!("`{key}` is missing"), Some(accepted::<T>()));
            return None;
        }
        self.located(key)
    }

    /// A path; relative ones are relative to the file's folder, so that the file works from anywhere.
    pub(crate) fn path(&self, key: &'static str) -> Option<PathBuf> {
        let text: String = self.optional(key)?;
        Some(lexically_normal(&self.folder().join(text)))
    }

    /// A folder for state: a path, or `"temporary"`, which is a folder of its own below the system's temporary one for
    /// this configuration file and this user.
    pub(crate) fn data_folder(&self, key: &'static str) -> Option<PathBuf> {
        let text: String = self.optional(key)?;
        if text != TEMPORARY {
            return Some(lexically_normal(&self.folder().join(text)));
        }
        let file = std::path::absolute(self.reader.file).unwrap_or_else(|_| self.reader.file.to_owned());
        let user = std::fs::metadata("/proc/self").map_or(0, |found| found.uid());
        let number = fnv(lexically_normal(&file).as_os_str().as_encoded_bytes());
        Some(std::env::temp_dir().join(format!("parlor-{user}-{number:016x}")))
    }

    /// The folder of the file.
    pub(crate) fn folder(&self) -> PathBuf {
        self.reader
            .file
            .parent()
            .unwrap_or_else(|| Path::new(""))
            .to_owned()
    }

    /// A table below this one.
    pub(crate) fn section(&self, key: &'static str) -> Option<Self> {
        let value = self.lookup(key)?;
        let DeValue::Table(table) = value.get_ref() else {
            self.problem_at(
                key,
                value.span(),
                "is not a table".to_owned(),
                Some(format!("write `[{}]`", self.key(key))),
            );
            return None;
        };
        Some(Section::new(self.reader, table, value.span(), self.key(key)))
    }

    /// A list of tables below this one, `[[key]]` in the file.
    pub(crate) fn sections(&self, key: &'static str) -> Vec<Self> {
        let Some(value) = self.lookup(key) else {
            return Vec::new();
        };
        let DeValue::Array(items) = value.get_ref() else {
            let help = Some(format!("write `[[{}]]` once for each", self.key(key)));
            self.problem_at(key, value.span(), "is not a list of tables".to_owned(), help);
            return Vec::new();
        };
        let mut sections = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let path = format!("{}[{index}]", self.key(key));
            if let DeValue::Table(table) = item.get_ref() {
                sections.push(Section::new(self.reader, table, item.span(), path));
            } else {
                self.reader
                    .report(path, item.span(), "is not a table".to_owned(), None);
            }
        }
        sections
    }

    /// The tables below one that is below this one, `[key.NAME]` in the file, by their names.
    pub(crate) fn named(&self, key: &'static str) -> Vec<(String, Self)> {
        let Some(all) = self.section(key) else {
            return Vec::new();
        };
        let mut named = Vec::new();
        for (name, value) in all.table {
            let name = name.get_ref().to_string();
            if let DeValue::Table(table) = value.get_ref() {
                let path = all.key(&name);
                named.push((name, Section::new(self.reader, table, value.span(), path)));
            } else {
                let help = Some(format!("write `[{}]`", all.key(&name)));
                all.problem_at(&name, value.span(), "is not a table".to_owned(), help);
            }
        }
        named
    }

    /// The whole table as JSON, for settings that another crate reads.
    pub(crate) fn json(&self, key: &'static str) -> Option<serde_json::Value> {
        self.lookup(key).map(|value| to_json(value.get_ref()))
    }

    /// Reports a problem at a key of this section, or at the section when the key is absent.
    pub(crate) fn problem(&self, key: &str, message: impl Into<String>, help: Option<String>) {
        let span = self
            .table
            .iter()
            .find(|(name, _)| name.get_ref() == key)
            .map_or_else(|| self.heading(), |(_, value)| value.span());
        self.problem_at(key, span, message.into(), help);
    }

    fn problem_at(&self, key: &str, span: Range<usize>, message: String, help: Option<String>) {
        self.reader.report(self.key(key), span, message, help);
    }

    /// Reports a problem at a place found by a path such as `feeds[0].url` below `key`; the deepest part that
    /// exists in the file is marked.
    pub(crate) fn problem_below(
        &self,
        key: &'static str,
        path: &str,
        message: impl Into<String>,
        help: Option<String>,
    ) {
        let mut span = self.heading();
        let mut current = None;
        if let Some(value) = self
            .table
            .iter()
            .find(|(name, _)| name.get_ref() == key)
            .map(|(_, value)| value)
        {
            span = value.span();
            current = Some(value);
        }
        for part in path
            .split(['.', '['])
            .map(|part| part.trim_end_matches(']'))
            .filter(|part| !part.is_empty())
        {
            let Some(next) = current.and_then(|value| child(value.get_ref(), part)) else {
                break;
            };
            span = next.span();
            current = Some(next);
        }
        let separator = if path.is_empty() || path.starts_with('[') {
            ""
        } else {
            "."
        };
        self.reader.report(
            format!("{}{separator}{path}", self.key(key)),
            span,
            message.into(),
            help,
        );
    }

    /// Reports at a place kept from an earlier read.
    pub(crate) fn problem_with<T>(&self, at: &Located<T>, message: impl Into<String>, help: Option<String>) {
        self.reader
            .report(at.key.clone(), at.span.clone(), message.into(), help);
    }

    /// The heading line of the table rather than its whole body.
    fn heading(&self) -> Range<usize> {
        let text = &self.reader.text[self.span.clone()];
        let end = text.find('\n').unwrap_or(text.len());
        self.span.start..self.span.start + end
    }

    /// Reports the keys that nobody asked for. Call it last.
    pub(crate) fn finish(&self) {
        let asked = self.asked.borrow();
        for (name, _) in self.table {
            let known = name.get_ref().as_ref();
            if asked.contains(&known) {
                continue;
            }
            let help = nearest(known, &asked).map_or_else(
                || format!("known keys here: {}", listed(&asked)),
                |near| format!("did you mean `{near}`?"),
            );
            self.problem_at(known, name.span(), format!("unknown key `{known}`"), Some(help));
        }
    }
}

fn child<'v, 'd>(value: &'v DeValue<'d>, part: &str) -> Option<&'v Spanned<DeValue<'d>>> {
    match value {
        DeValue::Table(table) => table
            .iter()
            .find(|(name, _)| name.get_ref() == part)
            .map(|(_, value)| value),
        DeValue::Array(items) => part.parse::<usize>().ok().and_then(|index| items.get(index)),
        _ => None,
    }
}

fn accepted<T: Form>() -> String {
    format!("accepted: {}", T::ACCEPTED)
}

fn listed(names: &[&str]) -> String {
    let mut names: Vec<&str> = names.to_vec();
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}

/// The known name nearest to a mistyped one, if any is near enough to be meant.
pub(crate) fn nearest<'n>(typed: &str, known: &[&'n str]) -> Option<&'n str> {
    known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(typed, name), *name))
        .filter(|(distance, name)| *distance <= 1 + name.len().max(typed.len()) / 4)
        .min()
        .map(|(_, name)| name)
}

/// The data folder's name that stands for one below the system's temporary folder.
const TEMPORARY: &str = "temporary";

/// FNV-1a: the same name for the same file in every run, which std's hasher does not promise.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Joins `..` and `.` without asking the file system; the file may not exist yet.
fn lexically_normal(path: &Path) -> PathBuf {
    use std::path::Component;
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if matches!(normal.components().next_back(), Some(Component::Normal(_))) => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    if normal.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        normal
    }
}

fn to_json(value: &DeValue<'_>) -> serde_json::Value {
    use serde_json::Value;
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Integer(number) => i64::from_str_radix(&number.as_str().replace('_', ""), number.radix())
            .map_or(Value::Null, Value::from),
        DeValue::Float(number) => number
            .as_str()
            .replace('_', "")
            .parse::<f64>()
            .map_or(Value::Null, Value::from),
        DeValue::Datetime(moment) => Value::String(moment.to_string()),
        DeValue::Array(items) => Value::Array(items.iter().map(|item| to_json(item.get_ref())).collect()),
        DeValue::Table(table) => Value::Object(
            table
                .iter()
                .map(|(name, value)| (name.get_ref().to_string(), to_json(value.get_ref())))
                .collect(),
        ),
    }
}
