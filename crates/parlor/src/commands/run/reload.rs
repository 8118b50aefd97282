//! A changed file taken into use by a running process: checked in full first, and then in an order in which each step
//! has what it needs from the one before.

use std::path::PathBuf;

use parlor_client::Platform;
use parlor_control::ReloadAnswer;
use parlor_host::{Host, ReloadError, Reloaded};
use parlor_server::Server;

use super::DRAIN;
use super::start::{self, Certificates};
use crate::bots::Kinds;
use crate::config::{self, ConfigError, Settings, needs_restart, render_plain};
use crate::failure::chain;

/// What runs, and the settings it runs by.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) file: PathBuf,
    pub(super) settings: Settings,
    pub(super) certificates: Certificates,
    pub(super) server: Option<Server>,
    pub(super) host: Option<Host>,
    pub(super) platform: Option<Platform>,
}

/// Why the old settings stay.
enum Kept {
    Problems(String),
    NeedsRestart(Vec<String>),
}

impl Running {
    /// Reads the file again and takes up what has changed; with a mistake in it everything goes on as it was.
    pub(super) async fn reload(&mut self) -> ReloadAnswer {
        let mut answer = ReloadAnswer {
            pid: std::process::id(),
            ..ReloadAnswer::default()
        };
        match self.take_up().await {
            Ok(changes) => {
                tracing::info!(?changes, "configuration reloaded");
                (answer.done, answer.changes) = (true, changes);
            }
            Err(Kept::Problems(problems)) => {
                tracing::error!(%problems, "configuration not reloaded, the old one stays in use");
                answer.problems = Some(problems);
            }
            Err(Kept::NeedsRestart(keys)) => {
                tracing::error!(?keys, "configuration not reloaded: this needs a restart");
                answer.needs_restart = keys;
            }
        }
        answer
    }

    /// Reads the file, beside whatever else goes on: its programs may take their time.
    async fn load(&self) -> Result<Settings, ConfigError> {
        let (file, asks) = (self.file.clone(), self.host.is_some());
        let read = move || {
            let kinds = if asks { Kinds::asking() } else { Kinds::believing() };
            config::load(&file, &kinds)
        };
        match tokio::task::spawn_blocking(read).await {
            Ok(loaded) => loaded,
            Err(error) => Err(ConfigError::Unreadable {
                path: self.file.clone(),
                source: error.into(),
            }),
        }
    }

    async fn take_up(&mut self) -> Result<Vec<String>, Kept> {
        let new = self.load().await.map_err(|error| match error {
            ConfigError::Wrong(problems) => Kept::Problems(render_plain(&problems)),
            unreadable @ ConfigError::Unreadable { .. } => Kept::Problems(chain(&unreadable)),
        })?;
        let keys = needs_restart(&self.settings, &new, self.server.is_some(), self.host.is_some());
        if !keys.is_empty() {
            return Err(Kept::NeedsRestart(keys));
        }
        let failed = |failure: crate::failure::Failure| Kept::Problems(failure.message().to_owned());
        self.certificates.check(&new).map_err(failed)?;
        let config = match &self.platform {
            Some(platform) => Some(start::host_config_on(&new, platform).map_err(failed)?),
            None => None,
        };
        let kinds = new.host.as_ref().map(|host| &host.kinds);
        if let (Some(config), Some(kinds)) = (&config, kinds) {
            let problems = parlor_host::validate_apart(config, kinds).await;
            if !problems.is_empty() {
                return Err(Kept::Problems(chain(&ReloadError::Problems(problems))));
            }
        }
        self.certificates.reload().map_err(failed)?;
        let mut changes = Vec::new();
        // The server first: it may have to trust what a new bot claims.
        if let (Some(server), Some(settings)) = (&self.server, &new.server) {
            let reloaded = server
                .reload(&settings.config.trusted_pools, &settings.config.seed)
                .await;
            reloaded.map_err(|error| Kept::Problems(chain(&error)))?;
            let old = self.settings.server.as_ref();
            if old.is_some_and(|old| old.config.trusted_pools != settings.config.trusted_pools) {
                changes.push("trusted applications: for connections that come from now on".to_owned());
            }
        }
        if let (Some(host), Some(config), Some(kinds)) = (&mut self.host, &config, kinds) {
            let reloaded = host.reload(config, kinds, DRAIN).await;
            changes.extend(words(&reloaded.map_err(|error| Kept::Problems(chain(&error)))?));
        }
        self.settings = new;
        Ok(changes)
    }
}

fn words(reloaded: &Reloaded) -> Vec<String> {
    let Reloaded {
        started,
        restarted,
        removed,
        ..
    } = reloaded;
    let lists = [
        ("started", started),
        ("started anew", restarted),
        ("removed", removed),
    ];
    lists
        .into_iter()
        .filter(|(_, ids)| !ids.is_empty())
        .map(|(what, ids)| format!("bots {what}: {}", ids.join(", ")))
        .collect()
}
