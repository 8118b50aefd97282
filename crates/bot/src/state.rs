//! What an instance remembers: values by key, stored by the host.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::context::WAKE;

/// The most that an instance may remember, as JSON text. The host holds it in memory and writes changes with every
/// event; a bot with more to remember needs a store of its own.
pub const MAX_STATE_BYTES: usize = 1 << 20;

/// The longest key, in bytes: room for a room URI (about 90), a user URI and a word.
pub const MAX_STATE_KEY: usize = 512;

/// All that an instance remembers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<String, Value>", into = "BTreeMap<String, Value>")]
pub struct State {
    values: BTreeMap<String, Value>,
    bytes: usize,
}

/// One changed key: its new value, or `None` when it is forgotten.
pub type StateChange = (String, Option<Value>);

impl State {
    /// The value under `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(key)
    }

    /// All keys and values, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.values.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// When the instance wants to be woken ([`crate::Context::wake_at`]).
    pub fn wake(&self) -> Option<DateTime<Utc>> {
        DateTime::deserialize(self.get(WAKE)?).ok()
    }

    /// What forgets that time, for a host that gives it up.
    pub fn without_wake() -> StateChange {
        (WAKE.to_owned(), None)
    }

    /// How long it is as JSON text, about.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes over changes that were committed.
    pub fn apply(&mut self, changes: impl IntoIterator<Item = StateChange>) {
        for (key, value) in changes {
            if let Some(old) = self.values.remove(&key) {
                self.bytes -= cost(&key, &old);
            }
            if let Some(value) = value {
                self.bytes += cost(&key, &value);
                self.values.insert(key, value);
            }
        }
    }
}

impl From<BTreeMap<String, Value>> for State {
    fn from(values: BTreeMap<String, Value>) -> Self {
        let bytes = values.iter().map(|(key, value)| cost(key, value)).sum();
        Self { values, bytes }
    }
}

impl From<State> for BTreeMap<String, Value> {
    fn from(state: State) -> Self {
        state.values
    }
}

/// What an entry counts for against [`MAX_STATE_BYTES`].
pub(crate) fn cost(key: &str, value: &Value) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(key.len() + 6);
    // A JSON value always serialises, and counting never fails.
    let _ = serde_json::to_writer(&mut count, value);
    count.0
}
