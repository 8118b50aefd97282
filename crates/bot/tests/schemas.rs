//! Schemas of settings: what they say in words, and every misfit at once.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeMap;

use parlor_bot::prelude::*;
use parlor_bot::schedule::{Gap, Zone};
use parlor_bot::schema::{about, form, misfits};
use parlor_bot::settings::Span;
use parlor_bot::words::WordSet;
use parlor_bot::{Description, Template};
use serde_json::{Value, json};

struct Sample;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is of interest")]
struct Settings {
    /// When a line of a comment is broken,
    /// it is one line still.
    ///
    /// A paragraph is not.
    #[serde(default)]
    zone: Zone,
    gap: Option<Gap>,
    every: Option<Span>,
    text: Template,
    words: Option<WordSet>,
    count: Option<u8>,
    ratio: Option<f64>,
    #[serde(default)]
    loud: bool,
    either: Option<Either>,
    rules: Vec<Rule>,
    #[serde(default)]
    names: BTreeMap<String, u8>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is of interest")]
struct Rule {
    name: String,
    replies: Option<Vec<String>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is of interest")]
enum Either {
    Number(u32),
    Texts(Vec<String>),
}

impl Bot for Sample {
    const KIND: &'static str = "sample";
    type Settings = Settings;

    fn from_settings(_: Settings, _: &Setup) -> Result<Self, SetupError> {
        Ok(Self)
    }
}

fn schema() -> Value {
    Description::of::<Sample>().settings
}

#[test]
fn forms_are_put_into_words() {
    let schema = schema();
    for (key, expected) in [
        ("zone", "time zone by IANA name"),
        ("gap", "\"run_after\" or \"skip\""),
        ("every", "length of time"),
        ("text", "template"),
        ("words", "list of texts"),
        ("count", "whole number"),
        ("ratio", "number"),
        ("loud", "true or false"),
        ("either", "whole number or list of texts"),
        ("rules", "list of tables"),
        ("names", "table"),
    ] {
        assert_eq!(form(&schema["properties"][key]), expected, "{key}");
    }
    assert_eq!(
        about(&schema["properties"]["zone"]),
        "When a line of a comment is broken, it is one line still.\nA paragraph is not."
    );
}

#[test]
fn settings_that_fit_have_no_misfit() {
    for settings in [
        json!({"text": "x", "rules": []}),
        json!({
            "zone": "UTC", "gap": "skip", "every": "1m", "text": "x", "words": ["a"], "count": 3, "ratio": 1, "loud": true,
            "either": ["a"], "rules": [{"name": "a", "replies": ["b"]}], "names": {"a": 1},
        }),
        json!({"text": "x", "rules": [], "either": 4, "every": 90}),
    ] {
        assert_eq!(misfits(&schema(), &settings), [], "{settings}");
    }
}

#[test]
fn every_misfit_is_found_with_its_place() {
    let settings = json!({
        "txt": "x", "gap": "jump", "count": "three", "loud": "yes", "either": true,
        "rules": [{"name": 7}, {"nam": "a"}, "b"], "names": {"a": "b"}, "words": "a",
    });
    let found: Vec<(String, String)> = misfits(&schema(), &settings)
        .into_iter()
        .map(|misfit| (misfit.path, misfit.problem))
        .collect();
    let expected = [
        ("count", "`\"three\"` is not a whole number"),
        ("either", "`true` is not a whole number or list of texts"),
        ("gap", "`\"jump\"` is not \"run_after\" or \"skip\""),
        ("loud", "`\"yes\"` is not true or false"),
        ("names.a", "`\"b\"` is not a whole number"),
        ("rules[0].name", "`7` is not a text"),
        ("rules[1].nam", "there is no setting `nam`"),
        ("rules[1]", "`name` is missing: a text"),
        ("rules[2]", "`\"b\"` is not a table"),
        ("txt", "there is no setting `txt`"),
        ("words", "`\"a\"` is not a list of texts"),
        ("", "`text` is missing: a template"),
    ];
    let expected: Vec<(String, String)> = expected
        .iter()
        .map(|(path, problem)| ((*path).to_owned(), (*problem).to_owned()))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn an_unknown_key_comes_with_those_that_exist() {
    let found = misfits(
        &schema(),
        &json!({"text": "x", "rules": [{"name": "a", "reply": "b"}]}),
    );
    assert_eq!(found[0].known, ["name", "replies"]);
}

#[test]
fn tables_are_followed_to_a_limit() {
    let endless = json!({"type": "array", "items": {}});
    let mut schema = endless.clone();
    let mut settings = json!(["too deep to be looked at"]);
    for _ in 0..40 {
        schema = json!({"type": "array", "items": schema});
        settings = json!([settings]);
    }
    assert_eq!(misfits(&schema, &settings), []);
    let shallow = json!({"type": "array", "items": {"type": "array", "items": {"type": "integer"}}});
    assert_eq!(misfits(&shallow, &json!([["x"]]))[0].path, "[0][0]");
}
