//! Text with variables for posts: minijinja, bounded.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, Value};
use serde::{Deserialize, Deserializer, Serialize, de};

/// What one rendering may cost, in minijinja's instructions: an ordinary template needs below a hundred; an endless
/// loop ends after about a millisecond.
const FUEL: u64 = 50_000;

/// The longest template, in bytes.
pub(crate) const MAX_SOURCE: usize = 16 * 1024;

/// The longest result, in bytes: the longest story, and room to be cut at a word.
const MAX_RESULT: usize = 128 * 1024;

/// The language, once for all templates: an environment and a compiled template take ten kilobytes, and a host may hold ten
/// thousand templates. So a template keeps its text only and is compiled for each post, which takes microseconds.
pub(crate) static LANGUAGE: LazyLock<Environment<'static>> = LazyLock::new(|| language(AutoEscape::None));

/// The same with what comes out of variables escaped.
static HTML: LazyLock<Environment<'static>> = LazyLock::new(|| language(AutoEscape::Html));

/// A template as settings hold it: checked when the configuration is read, rendered for each post.
///
/// The language is that of Jinja: `{{ title }}`, `{{ title|upper }}`, `{% if link %}...{% endif %}`; additionally
/// `{{ text|short(200) }}` cuts at a word. A variable that does not exist is an error, not an empty text; one that
/// has no value at the moment renders as nothing.
#[derive(Clone)]
pub struct Template {
    source: Arc<str>,
}

/// A [`Template`] for HTML: what comes out of variables is escaped, so that nobody can post markup into a mail.
#[derive(Clone, Debug)]
pub struct HtmlTemplate(Template);

/// What is wrong with a template, or with a rendering.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// More than 16 KiB.
    #[error("a template of {bytes} bytes; the limit is {MAX_SOURCE}")]
    Long {
        /// Its length.
        bytes: usize,
    },
    /// Not a template, or a rendering that fails.
    #[error("{}", detail(.0))]
    Language(#[source] minijinja::Error),
    /// It uses variables that do not exist.
    #[error("there is no variable {}; there are {}", quoted(unknown), quoted(known))]
    Unknown {
        /// Those that it uses.
        unknown: Vec<String>,
        /// Those that exist.
        known: Vec<String>,
    },
    /// It rendered to more than 128 KiB.
    #[error("the result has {bytes} bytes; the limit is {MAX_RESULT}")]
    LongResult {
        /// The result's length.
        bytes: usize,
    },
}

fn detail(error: &minijinja::Error) -> String {
    let text = match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    match error.line() {
        Some(line) if line > 1 => format!("{text} (line {line})"),
        _ => text,
    }
}

fn quoted(names: &[String]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

impl Template {
    /// Renders with the fields of `variables`.
    ///
    /// # Errors
    /// [`TemplateError`] when a variable does not exist, the work is too much, or the result is too long.
    pub fn render<V: Serialize>(&self, variables: &V) -> Result<String, TemplateError> {
        self.render_in(&LANGUAGE, variables)
    }

    fn render_in<V: Serialize>(
        &self,
        language: &Environment<'_>,
        variables: &V,
    ) -> Result<String, TemplateError> {
        let variables = Value::from(minijinja::value::Serde(variables));
        let template = language
            .template_from_str(&self.source)
            .map_err(TemplateError::Language)?;
        let text = template
            .render(variables.clone())
            .map_err(|error| match error.kind() {
                ErrorKind::UndefinedError => self.unknown(&variables, error),
                _ => TemplateError::Language(error),
            })?;
        if text.len() > MAX_RESULT {
            return Err(TemplateError::LongResult { bytes: text.len() });
        }
        Ok(text)
    }

    /// The error for a variable that does not exist, by name: minijinja does not say which one it was.
    fn unknown(&self, variables: &Value, error: minijinja::Error) -> TemplateError {
        let used = LANGUAGE
            .template_from_str(&self.source)
            .map(|template| template.undeclared_variables(true));
        let is_unknown = |name: &String| {
            let mut value = Some(variables.clone());
            for step in name.split('.') {
                value = value
                    .and_then(|value| value.get_attr(step).ok())
                    .filter(|value| !value.is_undefined());
            }
            value.is_none()
        };
        let mut unknown: Vec<String> = used.unwrap_or_default().into_iter().filter(is_unknown).collect();
        if unknown.is_empty() {
            return TemplateError::Language(error);
        }
        unknown.sort_unstable();
        let names = variables.try_iter().into_iter().flatten();
        TemplateError::Unknown {
            unknown,
            known: names.map(|name| name.to_string()).collect(),
        }
    }

    /// Finds variables that nobody will ever give, for templates over values that are not known beforehand.
    ///
    /// # Errors
    /// [`TemplateError::Unknown`].
    pub fn uses_only(&self, known: &[&str]) -> Result<(), TemplateError> {
        let template = LANGUAGE
            .template_from_str(&self.source)
            .map_err(TemplateError::Language)?;
        unknown_root(template.undeclared_variables(false), known)
    }

    /// As it was written.
    pub fn source(&self) -> &str {
        &self.source
    }
}

/// The error for variables that are not among the known ones.
pub(crate) fn unknown_root(used: HashSet<String>, known: &[&str]) -> Result<(), TemplateError> {
    let mut unknown: Vec<String> = used
        .into_iter()
        // Functions of the language count as variables.
        .filter(|name| {
            !known.contains(&name.as_str()) && !LANGUAGE.globals().any(|(global, _)| global == name)
        })
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    unknown.sort_unstable();
    Err(TemplateError::Unknown {
        unknown,
        known: known.iter().map(|&name| name.to_owned()).collect(),
    })
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(source: &str) -> Result<Self, TemplateError> {
        if source.len() > MAX_SOURCE {
            return Err(TemplateError::Long { bytes: source.len() });
        }
        LANGUAGE
            .template_from_str(source)
            .map_err(TemplateError::Language)?;
        Ok(Self {
            source: source.into(),
        })
    }
}

impl HtmlTemplate {
    /// Renders with the fields of `variables`, escaped.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn render<V: Serialize>(&self, variables: &V) -> Result<String, TemplateError> {
        self.0.render_in(&HTML, variables)
    }
}

impl FromStr for HtmlTemplate {
    type Err = TemplateError;

    fn from_str(source: &str) -> Result<Self, TemplateError> {
        source.parse().map(Self)
    }
}

/// The language in which templates are written.
pub(crate) fn language(escape: AutoEscape) -> Environment<'static> {
    let mut language = Environment::new();
    language.set_auto_escape_callback(move |_| escape.clone());
    language.set_undefined_behavior(UndefinedBehavior::Strict);
    language.set_fuel(Some(FUEL));
    language.set_formatter(|out, state, value| {
        if value.is_none() {
            Ok(())
        } else {
            minijinja::escape_formatter(out, state, value)
        }
    });
    language.add_filter("short", |text: String, limit: usize| {
        crate::message::short(&text, limit).into_owned()
    });
    language
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Template").field(&self.source).finish()
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let source = String::deserialize(deserializer)?;
        source
            .parse()
            .map_err(|problem| de::Error::custom(format_args!("not a template: {problem}")))
    }
}

impl<'de> Deserialize<'de> for HtmlTemplate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Template::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn render(source: &str) -> Result<String, String> {
        let variables = json!({"title": "One two three", "none": null, "named": {"id": "7"}});
        let template = source.parse::<Template>().map_err(|error| error.to_string())?;
        template.render(&variables).map_err(|error| error.to_string())
    }

    #[test]
    fn templates_render_their_variables() {
        for (source, expected) in [
            ("{{ title|upper }}!", "ONE TWO THREE!"),
            ("<{{ none }}>", "<>"),
            ("{% if none %}x{% else %}y{% endif %}", "y"),
            ("{{ title|short(8) }}", "One two…"),
            ("{{ title|short(13) }}", "One two three"),
            ("{{ named.id }} <b>", "7 <b>"),
        ] {
            assert_eq!(render(source).as_deref(), Ok(expected), "{source}");
        }
    }

    #[test]
    fn html_keeps_its_own_markup_and_escapes_what_comes_from_others() {
        let variables = json!({"said": "<b>\"R&D\"</b>", "none": null, "long": "a <b> c"});
        let render = |source: &str| {
            source
                .parse::<HtmlTemplate>()
                .unwrap()
                .render(&variables)
                .unwrap()
        };
        assert_eq!(
            render("<p>{{ said }}{{ none }}</p>"),
            "<p>&lt;b&gt;&quot;R&amp;D&quot;&lt;&#x2f;b&gt;</p>"
        );
        assert_eq!(render("{{ long|short(4) }}"), "a…");
        assert_eq!(
            render("{% for word in [said] %}{{ word|upper }}{% endfor %}"),
            render("{{ said|upper }}")
        );
    }

    #[test]
    fn what_is_wrong_with_a_template_is_said() {
        for (source, expected) in [
            (
                "{{ titel }}",
                "there is no variable `titel`; there are `named`, `none`, `title`",
            ),
            (
                "{{ named.x }}",
                "there is no variable `named.x`; there are `named`, `none`, `title`",
            ),
            ("{{ title|shout }}", "unknown filter: filter shout is unknown"),
            ("a\n{% if %}", "syntax error: unexpected end of block (line 2)"),
            (
                "{% for i in range(9999) %}{% for j in range(9999) %}x{% endfor %}{% endfor %}",
                "engine ran out of fuel",
            ),
        ] {
            assert_eq!(render(source).unwrap_err(), expected, "{source}");
        }
        assert_eq!(
            render(&"x".repeat(20_000)).unwrap_err(),
            "a template of 20000 bytes; the limit is 16384"
        );
    }
}
