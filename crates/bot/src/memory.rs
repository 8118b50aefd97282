//! What an instance remembers as one typed value, taken before a handler and kept after it.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{BotError, Context, Event, Extract};

/// A type that an instance remembers one value of.
///
/// ```
/// use parlor_bot::prelude::*;
///
/// #[derive(Default, Serialize, Deserialize)]
/// struct Wanted(Vec<String>);
///
/// impl Remembered for Wanted {
///     const KEY: &'static str = "wanted";
/// }
/// ```
pub trait Remembered: Serialize + DeserializeOwned + Default + Send + 'static {
    /// The key of [`Context::state`] that it stands under. A type whose form changes takes another key.
    const KEY: &'static str;
}

/// What the instance remembers as `T`; the default when it remembers nothing. An argument of a handler.
///
/// Changes are committed with the handler's posts when it returns `Ok`, and forgotten when it does not.
pub struct Memory<T: Remembered> {
    value: T,
    changed: bool,
    drafts: Drafts,
}

/// Changed memories of one handler, on their way back to its context.
#[derive(Clone, Debug, Default)]
pub(crate) struct Drafts(Arc<Mutex<Vec<Draft>>>);

/// A key and its new value, or why it has none.
pub(crate) type Draft = (&'static str, Result<Value, serde_json::Error>);

impl Drafts {
    fn push(&self, draft: Draft) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(draft);
    }

    pub(crate) fn take(&self) -> Vec<Draft> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<Of, T: Remembered> Extract<Of> for Memory<T> {
    fn extract(_: &Event, context: &mut Context) -> Result<Self, BotError> {
        Ok(Self {
            value: context.state(T::KEY)?.unwrap_or_default(),
            changed: false,
            drafts: context.drafts(),
        })
    }
}

impl<T: Remembered> Deref for Memory<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Remembered> DerefMut for Memory<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.changed = true;
        &mut self.value
    }
}

impl<T: Remembered> Drop for Memory<T> {
    fn drop(&mut self) {
        if self.changed {
            self.drafts.push((T::KEY, serde_json::to_value(&self.value)));
        }
    }
}

impl<T: Remembered + fmt::Debug> fmt::Debug for Memory<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Memory").field(&self.value).finish()
    }
}
