//! Reading words by a description alone, for commands whose arguments are no Rust type.

use serde_json::{Map, Value};

use super::reader::ArgumentsError;
use super::words::{Words, shown};
use crate::ArgumentDescription;

/// The arguments of a command by their names, read from the text after the command's. What is left out is not in it.
pub(crate) fn read(
    arguments: &[ArgumentDescription],
    text: &str,
) -> Result<Map<String, Value>, ArgumentsError> {
    let mut words = Words::new(text);
    let mut values = Map::new();
    for argument in arguments {
        if words.is_empty() {
            if argument.required {
                return Err(ArgumentsError::Missing {
                    argument: argument.name.clone(),
                });
            }
            continue;
        }
        let value = taken(argument, &mut words).map_err(|problem| problem.of(&argument.name))?;
        values.insert(argument.name.clone(), value);
    }
    match words.next() {
        None => Ok(values),
        Some(word) => Err(ArgumentsError::More {
            word: shown(word).into_owned(),
        }),
    }
}

fn taken(argument: &ArgumentDescription, words: &mut Words<'_>) -> Result<Value, ArgumentsError> {
    if !argument.rest {
        return value(argument, words.next().unwrap_or_default());
    }
    if !argument.form.starts_with("list") {
        return value(argument, words.rest().unwrap_or_default());
    }
    let mut list = Vec::new();
    while let Some(word) = words.next() {
        list.push(value(argument, word)?);
    }
    Ok(Value::Array(list))
}

/// One word as what the description calls it; whatever it does not know is text.
fn value(argument: &ArgumentDescription, word: &str) -> Result<Value, ArgumentsError> {
    let wrong = |form: &str| ArgumentsError::Problem(format!("`{}` is not {form}", shown(word)));
    if !argument.choices.is_empty() {
        let folded = word.to_lowercase();
        let found = argument.choices.iter().find(|choice| **choice == folded);
        return found.map(|choice| Value::from(choice.as_str())).ok_or_else(|| {
            let choices = argument.choices.join(", ");
            ArgumentsError::Problem(format!("`{}` is none of {choices}", shown(word)))
        });
    }
    match argument.form.trim_start_matches("list of ").trim_end_matches('s') {
        "whole number" => word
            .parse::<i64>()
            .map(Value::from)
            .map_err(|_| wrong("a whole number in its range")),
        "number" => match word.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Value::from(number)),
            _ => Err(wrong("a number")),
        },
        "true or false" => match word.to_lowercase().as_str() {
            "yes" | "true" | "on" => Ok(Value::from(true)),
            "no" | "false" | "off" => Ok(Value::from(false)),
            _ => Err(wrong("yes or no")),
        },
        _ => Ok(Value::from(word)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn arguments() -> Vec<ArgumentDescription> {
        let described = json!([
            { "name": "cups", "form": "whole number" },
            { "name": "with", "choices": ["milk", "sugar"] },
            { "name": "hot", "form": "true or false", "required": false },
            { "name": "notes", "form": "list of numbers", "rest": true, "required": false },
        ]);
        serde_json::from_value(described).unwrap()
    }

    fn told(text: &str) -> String {
        match read(&arguments(), text) {
            Ok(values) => Value::from(values).to_string(),
            Err(problem) => problem.to_string(),
        }
    }

    #[test]
    fn words_become_what_the_description_says() {
        for (text, expected) in [
            ("2 Milk", r#"{"cups":2,"with":"milk"}"#),
            (
                "-1 sugar no 1 2.5",
                r#"{"cups":-1,"hot":false,"notes":[1.0,2.5],"with":"sugar"}"#,
            ),
            ("", "`cups` is missing"),
            ("2", "`with` is missing"),
            ("two milk", "`cups`: `two` is not a whole number in its range"),
            ("2 lemon", "`with`: `lemon` is none of milk, sugar"),
            ("2 milk maybe", "`hot`: `maybe` is not yes or no"),
            ("2 milk yes NaN", "`notes`: `NaN` is not a number"),
        ] {
            assert_eq!(told(text), expected, "{text}");
        }
    }

    #[test]
    fn the_last_text_takes_the_rest_and_others_do_not() {
        let described = json!([{ "name": "first" }, { "name": "all", "rest": true }]);
        let arguments: Vec<ArgumentDescription> = serde_json::from_value(described).unwrap();
        let values = read(&arguments, "a  b \"c d\"").unwrap();
        assert_eq!(Value::from(values), json!({ "first": "a", "all": "b \"c d\"" }));
        let problem = read(&arguments[..1], "a b").unwrap_err();
        assert_eq!(problem.to_string(), "`b` is more than the command takes");
    }
}
