//! Comparing settings with their schema: every unknown, missing and misshapen key at once.

use serde_json::{Map, Value};

use super::{alternatives, choices, form, types};

/// A place where settings do not fit their schema.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Misfit {
    /// The place, like `rules[2].words`; empty for the whole.
    pub path: String,
    /// What is wrong.
    pub problem: String,
    /// The keys of the table, when one is unknown: one of them may have been meant.
    pub known: Vec<String>,
}

/// How deep tables may lie in each other. Settings of people are three or four deep; the limit keeps a file from
/// exhausting the stack.
const MAX_DEPTH: usize = 32;

/// Where `settings` do not fit `schema`, in the order of the file's keys. Whether a text means something is for the bot
/// to say.
pub fn misfits(schema: &Value, settings: &Value) -> Vec<Misfit> {
    let mut found = Vec::new();
    compare(schema, settings, String::new(), 0, &mut found);
    found
}

fn compare(schema: &Value, value: &Value, path: String, depth: usize, found: &mut Vec<Misfit>) {
    if depth == MAX_DEPTH {
        return;
    }
    let several: Vec<&Value> = alternatives(schema).collect();
    if let [only] = several[..] {
        return compare(only, value, path, depth + 1, found);
    }
    if !fits(schema, value) {
        found.push(Misfit {
            path,
            problem: format!("{} is not {}", shown(value), with_article(&form(schema))),
            known: Vec::new(),
        });
        return;
    }
    match value {
        Value::Object(table) => compare_table(schema, table, &path, depth, found),
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                compare(&schema["items"], item, format!("{path}[{at}]"), depth + 1, found);
            }
        }
        _ => {}
    }
}

fn compare_table(
    schema: &Value,
    table: &Map<String, Value>,
    path: &str,
    depth: usize,
    found: &mut Vec<Misfit>,
) {
    let properties = &schema["properties"];
    let others = &schema["additionalProperties"];
    for (key, value) in table {
        match properties.get(key) {
            Some(property) => compare(property, value, below(path, key), depth + 1, found),
            None if others.is_object() => compare(others, value, below(path, key), depth + 1, found),
            None if *others == false => found.push(Misfit {
                path: below(path, key),
                problem: format!("there is no setting `{key}`"),
                known: properties
                    .as_object()
                    .map_or_else(Vec::new, |all| all.keys().cloned().collect()),
            }),
            None => {}
        }
    }
    let required = schema["required"].as_array().map_or(&[][..], Vec::as_slice);
    for key in required.iter().filter_map(Value::as_str) {
        if !table.contains_key(key) {
            found.push(Misfit {
                path: path.to_owned(),
                problem: format!("`{key}` is missing: {}", with_article(&form(&properties[key]))),
                known: Vec::new(),
            });
        }
    }
}

fn below(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// Whether a value has one of the types that are allowed, and is one of the choices if there are any.
fn fits(schema: &Value, value: &Value) -> bool {
    let several: Vec<&Value> = alternatives(schema).collect();
    if !several.is_empty() {
        return several.into_iter().any(|schema| fits(schema, value));
    }
    let allowed = choices(schema);
    if !allowed.is_empty() {
        return value
            .as_str()
            .is_some_and(|text| allowed.iter().any(|choice| choice == text));
    }
    let types = types(schema);
    let has_type = |name: &&str| match *name {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        _ => true,
    };
    types.is_empty() || types.iter().any(has_type)
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Object(_) => "a table".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::String(text) if text.len() > 60 => "this text".to_owned(),
        plain => format!("`{plain}`"),
    }
}

fn with_article(form: &str) -> String {
    if form.starts_with('"') || form == "anything" || form == "true or false" {
        form.to_owned()
    } else if form.starts_with(['a', 'e', 'i', 'o', 'u']) {
        format!("an {form}")
    } else {
        format!("a {form}")
    }
}
