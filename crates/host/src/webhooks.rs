//! Webhooks: one HTTP listener for all bots. A sender proves itself, its request is stored, and only then it is told
//! that it was taken; what it sends again is known by its key.
//!
//! ```text
//! connection --POST /hooks/NAME--> who may send? proof? too many? readable? -> inbox + key + ledger in ONE transaction
//!            <-202, or 200 for a repeat----------------------------------------------------------------+
//! ```
//!
//! This file knows which webhooks there are. [`listener`] owns connections and their limits, [`intake`] what becomes of
//! one request, [`refusal`] why it is not taken, [`proof`] signatures, [`wrong`] those who send wrong ones.

mod intake;
mod listener;
mod peer;
mod proof;
mod refusal;
#[cfg(test)]
mod tests;
mod wrong;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use ipnet::IpNet;
use parlor_bot::{Secret, SecretError, WebhookSpec};
use parlor_net::ServerTls;

use crate::desk::Bells;
use crate::rate::{Bucket, Rate};

pub(crate) use listener::Listener;
use wrong::Wrong;

/// The shortest secret that is accepted, in bytes: nobody guesses 16 random letters.
pub const SHORTEST_SECRET: usize = 16;

/// Where requests of webhooks come in.
#[derive(Debug, Clone)]
pub struct Webhooks {
    /// The address.
    pub listen: SocketAddr,
    /// TLS; without it a proxy on the same machine is expected to do it.
    pub tls: Option<ServerTls>,
    /// Proxies that say in `X-Forwarded-For` on whose behalf they ask.
    pub proxies: Vec<IpNet>,
    /// The longest body, in bytes.
    pub body: usize,
}

impl Webhooks {
    /// The longest body unless configured: pushes of hundreds of commits and groups of hundreds of alerts are shorter.
    /// A thousand of these may wait for one bot.
    pub const BODY: usize = 256 * 1024;

    /// A listener without TLS and proxies.
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            tls: None,
            proxies: Vec::new(),
            body: Self::BODY,
        }
    }
}

/// A webhook whose secrets were read.
#[derive(Debug)]
pub(crate) struct ReadyHook {
    pub(crate) spec: WebhookSpec,
    secrets: Vec<Secret>,
}

impl ReadyHook {
    /// Reads the secrets, anew each time: after one was replaced a reload is enough.
    pub(crate) fn read(spec: WebhookSpec) -> Result<Self, SecretError> {
        let secrets = spec.secrets.iter().map(|source| source.read(SHORTEST_SECRET));
        let secrets = secrets.collect::<Result<_, _>>()?;
        Ok(Self { spec, secrets })
    }
}

/// A webhook in use.
#[derive(Debug)]
struct Hook {
    instance: String,
    spec: WebhookSpec,
    secrets: Vec<Secret>,
    /// Rings whoever runs the instance, here.
    bells: Bells,
    bucket: Mutex<Bucket>,
    wrong: Wrong,
}

impl Hook {
    /// Counts a request against the webhook's rate; how long to wait when there were too many.
    fn count(&self) -> Result<(), Duration> {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        bucket.take(tokio::time::Instant::now())
    }
}

/// The webhooks there are, by name; all clones know the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hooks(Arc<RwLock<BTreeMap<String, Arc<Hook>>>>);

impl Hooks {
    /// From now on there are these. An instance that is begun anew keeps its bell, so that its webhooks need not pause
    /// meanwhile: what comes in waits in the inbox.
    pub(crate) fn set(&self, hooks: impl IntoIterator<Item = (String, ReadyHook)>, bells: &Bells) {
        let hooks = hooks.into_iter().map(|(instance, hook)| {
            let rate = Rate::new(hook.spec.per_minute, Duration::from_secs(60));
            let name = hook.spec.name.as_str().to_owned();
            let hook = Hook {
                instance,
                spec: hook.spec,
                secrets: hook.secrets,
                bells: bells.clone(),
                bucket: Mutex::new(Bucket::new(rate)),
                wrong: Wrong::default(),
            };
            (name, Arc::new(hook))
        });
        let hooks = hooks.collect();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = hooks;
    }

    fn named(&self, name: &str) -> Option<Arc<Hook>> {
        let hooks = self.0.read().unwrap_or_else(PoisonError::into_inner);
        hooks.get(name).cloned()
    }
}
