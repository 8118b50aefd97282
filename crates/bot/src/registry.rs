//! The kinds of bot that a program has, by the name that the configuration uses.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::{Bot, Description, DynBot, Setup, SetupError};

type Build = dyn Fn(&Value, &Setup) -> Result<Box<dyn DynBot>, SetupError> + Send + Sync;
type Describe = dyn Fn() -> Description + Send + Sync;

/// One kind of bot: its name and how an instance is made from settings.
///
/// Two are equal when an instance of the one may go on as one of the other: when name and revision are the same.
#[derive(Clone)]
pub struct BotKind {
    name: Arc<str>,
    /// Empty for bots of this program, which do not change while it runs.
    revision: Arc<str>,
    build: Arc<Build>,
    describe: Arc<Describe>,
}

impl BotKind {
    /// The kind that `B` is.
    pub fn of<B: Bot>() -> Self {
        let build = |settings: &Value, setup: &Setup| -> Result<Box<dyn DynBot>, SetupError> {
            let settings = parse::<B::Settings>(settings)?;
            Ok(Box::new(B::from_settings(settings, setup)?))
        };
        Self {
            name: B::KIND.into(),
            revision: "".into(),
            build: Arc::new(build),
            describe: Arc::new(Description::of::<B>),
        }
    }

    /// A kind that is no Rust type: what it does, and how an instance is made. `revision` tells it from an earlier or
    /// later kind of the same name: when it changes, a reload makes the instances anew.
    pub fn new(
        description: Description,
        revision: impl AsRef<str>,
        build: impl Fn(&Value, &Setup) -> Result<Box<dyn DynBot>, SetupError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: description.kind.as_str().into(),
            revision: revision.as_ref().into(),
            build: Arc::new(build),
            describe: Arc::new(move || description.clone()),
        }
    }

    /// The name that the configuration uses.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it does.
    pub fn description(&self) -> Description {
        (self.describe)()
    }

    /// Makes an instance. Also the way to check settings: make one and drop it. It may wait for a program to start, so
    /// that nothing that must go on calls it directly.
    ///
    /// # Errors
    /// [`SetupError`] with the path of the setting that is wrong.
    pub fn build(&self, settings: &Value, setup: &Setup) -> Result<Box<dyn DynBot>, SetupError> {
        (self.build)(settings, setup)
    }
}

impl PartialEq for BotKind {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.revision) == (&other.name, &other.revision)
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
    kinds: BTreeMap<Arc<str>, BotKind>,
}

impl Registry {
    /// No kinds.
    pub fn new() -> Self {
        Self::default()
    }

    /// Also the kind that `B` is; it replaces one of the same name.
    #[must_use]
    pub fn with<B: Bot>(self) -> Self {
        self.with_kind(BotKind::of::<B>())
    }

    /// Also this kind; it replaces one of the same name.
    #[must_use]
    pub fn with_kind(mut self, kind: BotKind) -> Self {
        self.kinds.insert(Arc::clone(&kind.name), kind);
        self
    }

    /// The kind called `name`.
    pub fn kind(&self, name: &str) -> Option<&BotKind> {
        self.kinds.get(name)
    }

    /// The names of all kinds, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> + '_ {
        self.kinds.keys().map(AsRef::as_ref)
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
                known: self.names().map(str::to_owned).collect(),
            }),
        }
    }
}
