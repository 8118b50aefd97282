//! Schemas of settings and arguments: made from Rust types, put into words, and compared with what stands in a file.
//!
//! A schema is a JSON Schema without references, so that bots in other languages can write theirs.

mod compare;

pub use compare::{Misfit, misfits};

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// The schema of `T`. Recursive types, which alone need references, keep theirs.
pub(crate) fn of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// The schemas of types that are written as a text, or as one of several JSON types.
macro_rules! written_as {
    ($json:tt $($type:ty, $title:literal, [$($example:literal),+];)*) => {
        $(impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                std::any::type_name::<Self>().into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "title": $title, "type": $json, "examples": [$($example),+] })
            }
        })*
    };
}
pub(crate) use written_as;

/// What the comment on a field says.
pub fn about(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap_or_default();
    // Lines of a comment are broken where the source is wide enough, paragraphs where they end.
    let paragraphs: Vec<String> = text
        .split("\n\n")
        .map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    paragraphs.join("\n")
}

/// What a value is, in words: `text`, `whole number`, `list of tables`, `"first" or "second"`.
pub fn form(schema: &Value) -> String {
    if let Some(title) = schema["title"].as_str() {
        return title.to_owned();
    }
    let choices = choices(schema);
    if !choices.is_empty() {
        let quoted: Vec<String> = choices.iter().map(|choice| format!("{choice:?}")).collect();
        return quoted.join(" or ");
    }
    let alternatives: Vec<String> = alternatives(schema).map(form).collect();
    if !alternatives.is_empty() {
        return alternatives.join(" or ");
    }
    match types(schema).first().copied() {
        Some("string") => "text".to_owned(),
        Some("integer") => "whole number".to_owned(),
        Some("number") => "number".to_owned(),
        Some("boolean") => "true or false".to_owned(),
        Some("object") => "table".to_owned(),
        Some("array") => format!("list of {}", plural(&form(&schema["items"]))),
        _ => "anything".to_owned(),
    }
}

/// The texts that a value may be, when there are only so many.
pub fn choices(schema: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    if let Some(values) = schema["enum"].as_array() {
        return values.iter().filter_map(text).collect();
    }
    if let Some(only) = text(&schema["const"]) {
        return vec![only];
    }
    let mut all = Vec::new();
    for alternative in alternatives(schema) {
        let some = choices(alternative);
        if some.is_empty() {
            return some;
        }
        all.extend(some);
    }
    all
}

/// Whether a value is a list.
pub fn is_list(schema: &Value) -> bool {
    types(schema).contains(&"array")
}

/// What a value may be, without `null`: in a file that is a key which is not there.
fn alternatives(schema: &Value) -> impl Iterator<Item = &Value> {
    let lists = [&schema["anyOf"], &schema["oneOf"]];
    lists
        .into_iter()
        .filter_map(Value::as_array)
        .flatten()
        .filter(|schema| schema["type"] != "null")
}

/// The types that a value may have, without `null`.
fn types(schema: &Value) -> Vec<&str> {
    let types = match &schema["type"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    types.into_iter().filter(|name| *name != "null").collect()
}

fn plural(form: &str) -> String {
    match form {
        "text" => "texts".to_owned(),
        "table" => "tables".to_owned(),
        "number" => "numbers".to_owned(),
        "mail address" => "mail addresses".to_owned(),
        "whole number" => "whole numbers".to_owned(),
        other => other.to_owned(),
    }
}
