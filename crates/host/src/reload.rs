//! A changed configuration taken into use while everything that it does not change goes on.
//!
//! Two runs of one instance would handle everything twice, so a changed one ends before its successor begins; what it
//! has handled, and where it is in each room, feed and schedule, is in the state. Rooms stay joined and endpoints signed
//! in throughout. Messages that come in between are fetched from history.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::config::Config;
use crate::events::HostEvent;
use crate::host::Host;
use crate::state::StateError;
use crate::validate::{Problem, inspect};

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
    /// The state file refused; the same reload again brings about what is missing.
    #[error(transparent)]
    State(#[from] StateError),
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
    lines.join("; ")
}

impl Host {
    /// Takes the instances and endpoints of `config` into use; whatever else stands in it counts at the next start
    /// only. Handlers of changed instances get `drain` to finish.
    ///
    /// # Errors
    /// [`ReloadError`]; with wrong settings everything goes on as it was.
    pub async fn reload(&mut self, config: &Config, drain: Duration) -> Result<Reloaded, ReloadError> {
        let (mut made, mut hooks, mut problems) = (Vec::new(), Vec::new(), Vec::new());
        for (instance, result) in inspect(config, self.crew.registry()) {
            match result {
                Ok(mut one) => {
                    // Also of those that are left alone: their secrets may have been replaced.
                    let own = std::mem::take(&mut one.hooks).into_iter();
                    hooks.extend(own.map(|hook| (instance.id.clone(), hook)));
                    made.push((instance, one));
                }
                Err(wrong) => problems.extend(wrong),
            }
        }
        if !problems.is_empty() {
            return Err(ReloadError::Problems(problems));
        }
        let deadline = Instant::now() + drain;
        let mut reloaded = Reloaded::default();
        let named: BTreeSet<_> = made.iter().map(|(instance, _)| instance.id.clone()).collect();
        let (mut ending, known) = (BTreeSet::new(), self.crew.instances());
        for id in &known {
            if !named.contains(id) {
                reloaded.removed.push(id.clone());
                ending.insert(id.clone());
            }
        }
        made.retain(|(instance, _)| {
            if self.crew.instance(&instance.id) == Some(*instance) {
                reloaded.unchanged.push(instance.id.clone());
                return false;
            }
            let list = if known.contains(&instance.id) {
                ending.insert(instance.id.clone());
                &mut reloaded.restarted
            } else {
                &mut reloaded.started
            };
            list.push(instance.id.clone());
            true
        });
        let mut sources = self.crew.sources_of(&ending);
        for (_, one) in &made {
            sources.feeds |= !one.interests.feeds.is_empty();
            sources.schedules |= !one.interests.schedules.is_empty();
        }
        self.crew.end_sources(sources, deadline).await;
        let mut bells = self.crew.end_instances(&ending, deadline).await;
        for endpoint in &config.endpoints {
            self.crew.begin_endpoint(endpoint);
        }
        let mut outcome = Ok(());
        for (instance, one) in made {
            let begun = self
                .crew
                .begin_instance(instance, one, bells.remove(&instance.id))
                .await;
            outcome = outcome.and(begun);
        }
        self.crew.begin_hooks(hooks);
        // Also those that were left out because of their settings.
        for line in self.ground.board.instances() {
            if !named.contains(&line.id) {
                self.ground.board.remove_instance(&line.id);
            }
        }
        let wanted = config.endpoints.iter().map(|endpoint| endpoint.user.clone());
        let idle = self.crew.end_idle(&wanted.collect(), deadline).await;
        // Whatever the state refused, feeds and schedules go on for those who run.
        self.crew.begin_sources();
        outcome.and(idle)?;
        let Reloaded {
            started,
            restarted,
            removed,
            ..
        } = reloaded.clone();
        self.ground.announcer.tell(HostEvent::Reloaded {
            started,
            restarted,
            removed,
        });
        Ok(reloaded)
    }
}
