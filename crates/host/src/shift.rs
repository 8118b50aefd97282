//! What this host runs now: the instances of its configuration whose endpoints are its to lead.
//!
//! All of them, where the state is a file. In a pool the endpoints are shared out: an endpoint is signed in, with its
//! rooms, its outbox and all instances that post as it, on one host at a time.
//!
//! What changes, by a reload or in the pool, is taken into use while everything else goes on. Two runs of one instance
//! would handle everything twice, so a changed one ends before its successor begins; what it has handled, and where it is
//! in each room, feed and schedule, is in the state. Messages that come in between are fetched from history.

use std::collections::BTreeSet;
use std::time::Duration;

use parlor_bot::{Registry, SipUri};
use tokio::time::Instant;

use crate::config::{Config, EndpointConfig, InstanceConfig};
use crate::crew::Crew;
use crate::events::HostEvent;
use crate::ground::Ground;
use crate::house::keep_house;
use crate::reload::{ReloadError, Reloaded};
use crate::state::StateError;
use crate::status::InstanceStatus;
use crate::validate::{Made, Problem, inspect_apart};
use crate::webhooks::ReadyHook;

/// Which endpoints are for this host to lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Leads {
    /// All there are.
    All,
    /// These, by address.
    Only(BTreeSet<String>),
}

impl Leads {
    pub(crate) fn has(&self, endpoint: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(some) => some.contains(endpoint),
        }
    }
}

/// The configuration in use, and what runs of it.
#[derive(Debug)]
pub(crate) struct Shift {
    ground: Ground,
    crew: Crew,
    config: Config,
    leads: Leads,
    /// Whether all that `leads` asks for was begun; the state may have refused.
    settled: bool,
    /// Whether others have taken over and nothing was begun since.
    lost: bool,
}

/// Instances that can run.
type Able = Vec<(InstanceConfig, Made)>;

impl Shift {
    pub(crate) fn new(ground: Ground, crew: Crew, config: Config, leads: Leads) -> Self {
        Self {
            ground,
            crew,
            config,
            leads,
            settled: false,
            lost: false,
        }
    }

    /// The endpoints that this host can lead, by address.
    pub(crate) fn endpoints(&self) -> BTreeSet<String> {
        let endpoints = self.config.endpoints.iter();
        endpoints.map(|endpoint| endpoint.user.to_string()).collect()
    }

    pub(crate) fn crew(&mut self) -> &mut Crew {
        &mut self.crew
    }

    /// Begins what is to run. Instances with wrong settings are reported and left out.
    pub(crate) async fn begin(&mut self) -> Result<(), StateError> {
        self.crew.know_bots(&self.config.endpoints);
        for endpoint in led(&self.config.endpoints, &self.leads) {
            self.crew.begin_endpoint(endpoint);
        }
        let asked = Asked::by(&self.config, self.crew.registry()).await;
        for (instance, made) in asked.able {
            if self.leads.has(instance.user.as_str()) {
                self.crew.begin_instance(&instance, made, None).await?;
            } else {
                self.ground.board.add_instance(InstanceStatus::standby(&instance));
            }
        }
        for (instance, problems) in asked.unable {
            let quarantined = self.ground.state.quarantined(instance.id.clone()).await?;
            leave_out(&self.ground, &instance, quarantined, &problems);
        }
        self.crew.begin_hooks(asked.hooks);
        self.crew.begin_mail(&self.leads);
        self.crew.begin_left_over(&self.leads).await?;
        self.crew.begin_sources();
        self.crew.begin_chore(keep_house);
        (self.settled, self.lost) = (true, false);
        Ok(())
    }

    /// Takes the instances and endpoints of `config` into use; whatever else stands in it counts at the next start
    /// only. Handlers of changed instances get `drain` to finish.
    pub(crate) async fn reload(
        &mut self,
        config: &Config,
        registry: &Registry,
        drain: Duration,
    ) -> Result<Reloaded, ReloadError> {
        let mut asked = Asked::by(config, registry).await;
        if !asked.unable.is_empty() {
            let unable = asked.unable.drain(..);
            return Err(ReloadError::Problems(
                unable.flat_map(|(_, problems)| problems).collect(),
            ));
        }
        self.crew.use_bots(registry.clone());
        let leads = self.leads.clone();
        self.crew.know_bots(&config.endpoints);
        let hooks = std::mem::take(&mut asked.hooks);
        let reloaded = self.change(config, asked, &leads, drain).await;
        self.crew.begin_hooks(hooks);
        self.crew.know_bots(&config.endpoints);
        self.config = config.clone();
        let reloaded = reloaded?;
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

    /// Leads other endpoints from now on. Handlers of instances that go to another host get `drain` to finish, and posts
    /// to be delivered. An instance that runs and whose settings cannot be read just now goes on as it is.
    async fn lead(&mut self, endpoints: BTreeSet<String>, drain: Duration) -> Result<(), StateError> {
        let leads = Leads::Only(endpoints);
        if self.settled && self.leads == leads {
            return Ok(());
        }
        let config = self.config.clone();
        let asked = Asked::by(&config, self.crew.registry()).await;
        for (instance, problems) in &asked.unable {
            if leads.has(instance.user.as_str()) && self.crew.instance(&instance.id).is_none() {
                leave_out(&self.ground, instance, 0, problems);
            }
        }
        self.settled = false;
        // Two hosts that send the same mail send it twice.
        self.crew.end_mail(Instant::now() + drain).await;
        self.leads = leads.clone();
        let changed = self.change(&config, asked, &leads, drain).await;
        self.crew.begin_mail(&leads);
        changed?;
        self.crew.begin_left_over(&leads).await?;
        self.settled = true;
        Ok(())
    }

    /// Ends everything at once: others have taken over.
    pub(crate) async fn lose(&mut self) {
        self.crew.reset().await;
        // Nobody has to wait for them to be made anew to be told where they stand.
        for instance in &self.config.instances {
            self.ground.board.add_instance(InstanceStatus::standby(instance));
        }
        self.leads = Leads::Only(BTreeSet::new());
        self.lost = true;
    }

    /// Begins anew, where everything was lost, and leads these endpoints from now on.
    ///
    /// # Errors
    /// [`StateError`]; the same again brings about what is missing.
    pub(crate) async fn begin_and_lead(
        &mut self,
        endpoints: BTreeSet<String>,
        drain: Duration,
    ) -> Result<(), StateError> {
        if self.lost {
            self.begin().await?;
        }
        self.lead(endpoints, drain).await
    }

    async fn change(
        &mut self,
        config: &Config,
        asked: Asked,
        leads: &Leads,
        drain: Duration,
    ) -> Result<Reloaded, StateError> {
        let deadline = Instant::now() + drain;
        let mut reloaded = Reloaded::default();
        let (mut able, elsewhere): (Able, Able) = asked
            .able
            .into_iter()
            .partition(|(instance, _)| leads.has(instance.user.as_str()));
        let unable = asked.unable.iter().map(|(instance, _)| instance);
        let named: BTreeSet<_> = able
            .iter()
            .map(|(instance, _)| instance)
            .chain(unable.filter(|instance| leads.has(instance.user.as_str())))
            .map(|instance| instance.id.clone())
            .collect();
        let (mut ending, known) = (BTreeSet::new(), self.crew.instances());
        for id in &known {
            if !named.contains(id) {
                reloaded.removed.push(id.clone());
                ending.insert(id.clone());
            }
        }
        able.retain(|(instance, _)| {
            let kind = self.crew.registry().kind(&instance.kind);
            if self.crew.instance(&instance.id) == Some((instance, kind)) {
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
        for (_, one) in &able {
            sources.feeds |= !one.interests.feeds.is_empty();
            sources.schedules |= !one.interests.schedules.is_empty();
        }
        self.crew.end_sources(sources, deadline).await;
        let mut bells = self.crew.end_instances(&ending, deadline).await;
        for endpoint in led(&config.endpoints, leads) {
            self.crew.begin_endpoint(endpoint);
        }
        let mut outcome = Ok(());
        for (instance, one) in able {
            let bell = bells.remove(&instance.id);
            outcome = outcome.and(self.crew.begin_instance(&instance, one, bell).await);
        }
        self.forget_lines(config);
        for (instance, _) in elsewhere {
            self.ground.board.add_instance(InstanceStatus::standby(&instance));
        }
        let wanted: BTreeSet<SipUri> = led(&config.endpoints, leads)
            .map(|endpoint| endpoint.user.clone())
            .collect();
        let idle = self.crew.end_idle(&wanted, leads, deadline).await;
        // Whatever the state refused, feeds and schedules go on for those who run.
        self.crew.begin_sources();
        outcome.and(idle)?;
        Ok(reloaded)
    }

    /// Takes the lines of instances that are not configured any more off the board, also of those that were left out.
    fn forget_lines(&self, config: &Config) {
        for line in self.ground.board.instances() {
            if config.instances.iter().all(|instance| instance.id != line.id) {
                self.ground.board.remove_instance(&line.id);
            }
        }
    }
}

fn led<'a>(endpoints: &'a [EndpointConfig], leads: &'a Leads) -> impl Iterator<Item = &'a EndpointConfig> {
    endpoints
        .iter()
        .filter(|endpoint| leads.has(endpoint.user.as_str()))
}

/// What a configuration asks for.
#[derive(Default)]
struct Asked {
    able: Able,
    /// The webhooks of all instances that can run, wherever they do: a request may come to any host of a pool.
    hooks: Vec<(String, ReadyHook)>,
    /// The instances that cannot run.
    unable: Vec<(InstanceConfig, Vec<Problem>)>,
}

impl Asked {
    /// Makes every instance, of these kinds.
    async fn by(config: &Config, registry: &Registry) -> Self {
        let mut asked = Self::default();
        for (instance, result) in inspect_apart(config, registry).await {
            match result {
                Ok(mut made) => {
                    // Also of those that are left alone: their secrets may have been replaced.
                    let hooks = std::mem::take(&mut made.hooks).into_iter();
                    asked.hooks.extend(hooks.map(|hook| (instance.id.clone(), hook)));
                    asked.able.push((instance, made));
                }
                Err(problems) => asked.unable.push((instance, problems)),
            }
        }
        asked
    }
}

/// An instance whose settings are wrong does not run; the others do.
fn leave_out(ground: &Ground, instance: &InstanceConfig, quarantined: u64, problems: &[Problem]) {
    let reasons = problems
        .iter()
        .map(|problem| format!("{}: {}", problem.path, problem.source.message()));
    let reason = reasons.collect::<Vec<_>>().join("; ");
    tracing::error!(instance = %instance.id, %reason, "bot left out");
    // Of two instances with the same id the first one keeps the line.
    if ground.board.instances().iter().all(|line| line.id != instance.id) {
        ground
            .board
            .add_instance(InstanceStatus::new(instance, quarantined, Some(reason.clone())));
    }
    ground.announcer.tell(HostEvent::BotStopped {
        instance: instance.id.clone(),
        reason,
    });
}
