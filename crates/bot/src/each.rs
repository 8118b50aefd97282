//! Lists in settings whose entries are read one by one, so that every wrong one is told, not only the first.

use std::borrow::Cow;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::SetupError;
use crate::registry::parse;

/// A list of `T` as a setting; its entries are read by [`Each::read`].
#[derive(Clone, Debug)]
pub struct Each<T> {
    entries: Vec<Value>,
    of: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Each<T> {
    /// The entries with their paths, for a list that stands at `path`.
    pub fn read(self, path: &str) -> impl Iterator<Item = (String, Result<T, SetupError>)> {
        self.entries.into_iter().enumerate().map(move |(at, entry)| {
            let path = format!("{path}[{at}]");
            let read = parse(&entry).map_err(|problem| problem.below(&path));
            (path, read)
        })
    }
}

impl<'de, T> Deserialize<'de> for Each<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self {
            entries: Vec::deserialize(deserializer)?,
            of: PhantomData,
        })
    }
}

impl<T: JsonSchema> JsonSchema for Each<T> {
    fn schema_name() -> Cow<'static, str> {
        Vec::<T>::schema_name()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Vec::<T>::json_schema(generator)
    }
}
