//! The kinds of bot that a program has, by the name that the configuration uses.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::{Bot, Description, DynBot, Setup, SetupError};

type Build = dyn Fn(&Value, &Setup) -> Result<Box<dyn DynBot>, SetupError> + Send + Sync;

/// One kind of bot: its name and how an instance is made from settings.
#[derive(Clone)]
pub struct BotKind {
    name: &'static str,
    build: Arc<Build>,
    describe: fn() -> Description,
}

impl BotKind {
    /// The kind that `B` is.
    pub fn of<B: Bot>() -> Self {
        let build = |settings: &Value, setup: &Setup| -> Result<Box<dyn DynBot>, SetupError> {
            let settings = parse::<B::Settings>(settings)?;
            Ok(Box::new(B::from_settings(settings, setup)?))
        };
        Self {
            name: B::KIND,
            build: Arc::new(build),
            describe: Description::of::<B>,
        }
    }

    /// The name that the configuration uses.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What it does.
    pub fn description(&self) -> Description {
        (self.describe)()
    }

    /// Makes an instance. Also the way to check settings: make one and drop it.
    ///
    /// # Errors
    /// [`SetupError`] with the path of the setting that is wrong.
    pub fn build(&self, settings: &Value, setup: &Setup) -> Result<Box<dyn DynBot>, SetupError> {
        (self.build)(settings, setup)
    }
}

impl fmt::Debug for BotKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BotKind").field(&self.name).finish()
    }
}

/// Settings from JSON, with the path of what does not fit.
pub(crate) fn parse<S: serde::de::DeserializeOwned>(settings: &Value) -> Result<S, SetupError> {
    serde_path_to_error::deserialize(settings)
        .map_err(|error| SetupError::setting(error.path().to_string(), error.into_inner()))
}

/// All kinds of bot of a program: `Registry::new().with::<Feed>().with::<Keywords>()`.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    kinds: BTreeMap<&'static str, BotKind>,
}

impl Registry {
    /// No kinds.
    pub fn new() -> Self {
        Self::default()
    }

    /// Also the kind that `B` is; it replaces one of the same name.
    #[must_use]
    pub fn with<B: Bot>(mut self) -> Self {
        self.kinds.insert(B::KIND, BotKind::of::<B>());
        self
    }

    /// The kind called `name`.
    pub fn kind(&self, name: &str) -> Option<&BotKind> {
        self.kinds.get(name)
    }

    /// The names of all kinds, in order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.kinds.keys().copied()
    }

    /// Makes an instance of the kind called `kind`.
    ///
    /// # Errors
    /// [`SetupError::UnknownKind`], or what is wrong with the settings.
    pub fn build(&self, kind: &str, settings: &Value, setup: &Setup) -> Result<Box<dyn DynBot>, SetupError> {
        match self.kind(kind) {
            Some(found) => found.build(settings, setup),
            None => Err(SetupError::UnknownKind {
                kind: kind.to_owned(),
                known: self.names().collect(),
            }),
        }
    }
}
