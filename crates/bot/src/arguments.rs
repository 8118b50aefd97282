//! Arguments of commands: the words after the name, read into the fields of a struct.

mod described;
mod reader;
mod words;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{ArgumentDescription, CommandDescription, schema};
pub use reader::ArgumentsError;
use words::Words;

pub(crate) use described::read;

/// The type of a command's arguments: any struct that derives `Deserialize` and `JsonSchema`; `()` for none.
///
/// Its fields are filled in their order, each with a word, or with several in quotes. Numbers, truth values (`yes`,
/// `no`), enums without data, and every type that reads itself from text ([`crate::settings::Span`]) are understood.
/// A field that is an `Option` or has `#[serde(default)]` may be left out, from the end. The last field takes the rest of
/// the line if it is a text, or all remaining words if it is a `Vec`.
///
/// ```
/// use parlor_bot::prelude::*;
///
/// /// `!remind 15m "the cake" take it out`
/// #[derive(Deserialize, JsonSchema)]
/// struct Remind {
///     /// After which time.
///     after: parlor_bot::settings::Span,
///     /// Of what.
///     what: String,
///     /// More about it.
///     note: Option<String>,
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no type of a command's arguments",
    label = "the arguments of this command",
    note = "`#[derive(Deserialize, JsonSchema)]` on a struct, or `()` for none"
)]
pub trait Arguments: DeserializeOwned + JsonSchema + Send {}

impl<A: DeserializeOwned + JsonSchema + Send> Arguments for A {}

/// Reads the text after a command's name.
pub(crate) fn parse<A: Arguments>(text: &str) -> Result<A, ArgumentsError> {
    A::deserialize(reader::Line(Words::new(text)))
}

impl CommandDescription {
    /// The description of a command with these arguments.
    pub(crate) fn of<A: Arguments>(name: &str, about: &str) -> Self {
        let schema = schema::of::<A>();
        let fields = reader::fields::<A>();
        let last = fields.last().copied();
        let argument = |&field: &&str| argument(&schema, field, Some(field) == last);
        Self {
            name: name.to_owned(),
            about: about.to_owned(),
            arguments: fields.iter().map(argument).collect(),
        }
    }
}

fn argument(schema: &Value, field: &str, last: bool) -> ArgumentDescription {
    let property = &schema["properties"][field];
    let required = schema["required"]
        .as_array()
        .is_some_and(|names| names.iter().any(|name| name == field));
    let form = schema::form(property);
    ArgumentDescription {
        name: field.to_owned(),
        about: schema::about(property),
        choices: schema::choices(property),
        required,
        rest: last && (schema::is_list(property) || form == "text"),
        form,
    }
}
