//! Questions about values, in the language of templates.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::TemplateError;
use crate::template::{MAX_SOURCE, language, unknown_root};

/// The language of templates, but for values that do not exist.
static QUESTIONS: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut questions = language(AutoEscape::None);
    questions.set_undefined_behavior(UndefinedBehavior::Chainable);
    questions
});

/// A question as settings hold it: an expression of the language of templates, such as `body.state == "failed"`.
///
/// A value that does not exist is nothing, and what stands below it is nothing too: such questions are asked of
/// everything that comes, and much of it is of another kind.
#[derive(Clone, PartialEq, Eq)]
pub struct Condition {
    source: Arc<str>,
}

impl Condition {
    /// The answer, with the fields of `variables`.
    ///
    /// # Errors
    /// [`TemplateError`] when values cannot be compared so, or it is too much work.
    pub fn holds<V: Serialize>(&self, variables: &V) -> Result<bool, TemplateError> {
        let variables = Value::from(minijinja::value::Serde(variables));
        let expression = QUESTIONS
            .compile_expression(&self.source)
            .map_err(TemplateError::Language)?;
        let answer = expression.eval(variables).map_err(TemplateError::Language)?;
        Ok(answer.is_true())
    }

    /// Finds variables that nobody will ever give.
    ///
    /// # Errors
    /// [`TemplateError::Unknown`].
    pub fn uses_only(&self, known: &[&str]) -> Result<(), TemplateError> {
        let expression = QUESTIONS
            .compile_expression(&self.source)
            .map_err(TemplateError::Language)?;
        unknown_root(expression.undeclared_variables(false), known)
    }

    /// As it was written.
    pub fn source(&self) -> &str {
        &self.source
    }
}

impl FromStr for Condition {
    type Err = TemplateError;

    fn from_str(source: &str) -> Result<Self, TemplateError> {
        if source.len() > MAX_SOURCE {
            return Err(TemplateError::Long { bytes: source.len() });
        }
        QUESTIONS
            .compile_expression(source)
            .map_err(TemplateError::Language)?;
        Ok(Self {
            source: source.into(),
        })
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Condition").field(&self.source).finish()
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let source = String::deserialize(deserializer)?;
        source
            .parse()
            .map_err(|problem| de::Error::custom(format_args!("not a condition: {problem}")))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn holds(source: &str) -> Result<bool, String> {
        let variables = json!({"body": {"state": "failed", "tries": 3, "tags": ["x"]}});
        let condition: Condition = source.parse().map_err(|error: TemplateError| error.to_string())?;
        condition.holds(&variables).map_err(|error| error.to_string())
    }

    #[test]
    fn conditions_hold_or_not_or_are_wrong() {
        for (source, expected) in [
            ("body.state == 'failed' and body.tries > 2", true),
            ("body.state in ['ok', 'fixed']", false),
            ("'x' in body.tags", true),
            ("body.ref == 'main'", false),
            ("body.ref.name == 'main'", false),
            ("body.ref.name is defined", false),
            ("not body.ref", true),
        ] {
            assert_eq!(holds(source), Ok(expected), "{source}");
        }
        let wrong = holds("body.state|round > 1").unwrap_err();
        assert!(wrong.starts_with("invalid operation"), "{wrong}");
        assert!(holds("body.state ==").unwrap_err().starts_with("syntax error"));
        let condition: Condition = "bodi.state == 'failed'".parse().unwrap();
        assert_eq!(
            condition.uses_only(&["body", "room"]).unwrap_err().to_string(),
            "there is no variable `bodi`; there are `body`, `room`"
        );
    }
}
