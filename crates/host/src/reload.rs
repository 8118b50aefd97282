//! A changed configuration, and what became of it. How it is taken into use: [`crate::shift`].

use std::time::Duration;

use parlor_bot::Registry;
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::host::Host;
use crate::state::StateError;
use crate::validate::Problem;

/// What a reload did, by the ids of instances.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloaded {
    /// New ones.
    pub started: Vec<String>,
    /// Changed ones, and those that had stopped.
    pub restarted: Vec<String>,
    /// Those that are not named any more.
    pub removed: Vec<String>,
    /// Those that were left alone.
    pub unchanged: Vec<String>,
}

/// Why a configuration was not taken into use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReloadError {
    /// Something in it is wrong; nothing was changed.
    #[error("{}", lines(.0))]
    Problems(Vec<Problem>),
    /// The state refused; the same reload again brings about what is missing.
    #[error(transparent)]
    State(#[from] StateError),
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
    lines.join("; ")
}

impl Host {
    /// Takes the instances and endpoints of `config` into use, with these kinds of bots; whatever else stands in it counts
    /// at the next start only. An instance also changes when its kind does. Handlers of changed instances get `drain` to
    /// finish.
    ///
    /// # Errors
    /// [`ReloadError`]; with wrong settings everything goes on as it was.
    pub async fn reload(
        &mut self,
        config: &Config,
        registry: &Registry,
        drain: Duration,
    ) -> Result<Reloaded, ReloadError> {
        let mut shift = self.shift.lock().await;
        let reloaded = shift.reload(config, registry, drain).await;
        if let Some(place) = &self.place {
            place.wanted.send_replace(shift.endpoints());
        }
        reloaded
    }
}
