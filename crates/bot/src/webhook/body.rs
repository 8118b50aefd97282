//! The body of a request as a JSON value.

use serde_json::{Map, Value, json};

/// Why a body cannot be handed over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// A media type that nobody here reads.
    #[error(
        "a body of type `{0}` is not read; application/json, application/x-www-form-urlencoded and text/plain are"
    )]
    Type(String),
    /// Not JSON, or nested deeper than 127 levels.
    #[error("the body is not JSON: {0}")]
    Json(#[source] serde_json::Error),
    /// Text that is not UTF-8.
    #[error("the body is not UTF-8")]
    Text,
}

pub(super) fn read(content_type: &str, bytes: &[u8]) -> Result<Value, BodyError> {
    let kind = content_type.split(';').next().unwrap_or_default();
    let kind = kind.trim().to_ascii_lowercase();
    match kind.as_str() {
        "" | "application/json" | "text/json" => from_json(bytes),
        json if json.starts_with("application/") && json.ends_with("+json") => from_json(bytes),
        "application/x-www-form-urlencoded" => from_form(bytes),
        "text/plain" => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(json!({ "text": text })),
            Err(_) => Err(BodyError::Text),
        },
        _ => Err(BodyError::Type(kind)),
    }
}

fn from_json(bytes: &[u8]) -> Result<Value, BodyError> {
    serde_json::from_slice(bytes).map_err(BodyError::Json)
}

fn from_form(bytes: &[u8]) -> Result<Value, BodyError> {
    // `curl -d '{...}'` says that it sends a form when it is told nothing else.
    if bytes.trim_ascii_start().starts_with(b"{") {
        return from_json(bytes);
    }
    let mut fields = Map::new();
    for (name, value) in url::form_urlencoded::parse(bytes) {
        let value = Value::String(value.into_owned());
        match fields.get_mut(&*name) {
            None => {
                fields.insert(name.into_owned(), value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    // GitHub and old clients of Slack put their JSON into a field of this name.
    if let Some(Value::String(payload)) = fields.get("payload")
        && let Ok(value @ Value::Object(_)) = serde_json::from_str(payload)
    {
        return Ok(value);
    }
    Ok(Value::Object(fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_read_by_their_type() {
        for (kind, bytes, value) in [
            ("application/json", r#"{"a": 1}"#, json!({"a": 1})),
            ("Application/JSON; charset=utf-8", "[1]", json!([1])),
            ("application/vnd.x+json", "null", Value::Null),
            ("", "{}", json!({})),
            ("text/plain", "hi", json!({"text": "hi"})),
            (
                "application/x-www-form-urlencoded",
                "a=1&b=x+y&a=%32",
                json!({"a": ["1", "2"], "b": "x y"}),
            ),
            (
                "application/x-www-form-urlencoded",
                "payload=%7B%22a%22%3A1%7D&token=x",
                json!({"a": 1}),
            ),
            (
                "application/x-www-form-urlencoded",
                r#" {"a": 1}"#,
                json!({"a": 1}),
            ),
            (
                "application/x-www-form-urlencoded",
                "payload=no",
                json!({"payload": "no"}),
            ),
        ] {
            assert_eq!(read(kind, bytes.as_bytes()).unwrap(), value, "{kind}: {bytes}");
        }
        for (kind, bytes, problem) in [
            ("image/png", &b"x"[..], "a body of type `image/png` is not read"),
            ("application/json", b"{", "the body is not JSON: EOF"),
            ("text/plain", b"\xff", "the body is not UTF-8"),
        ] {
            let error = read(kind, bytes).unwrap_err().to_string();
            assert!(error.starts_with(problem), "{error}");
        }
        let deep = "[".repeat(200);
        assert!(read("", deep.as_bytes()).is_err(), "nesting has a limit");
    }
}
