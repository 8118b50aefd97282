//! What can be found out about a configuration without starting it: wrong settings.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parlor_bot::{DynBot, Interests, Registry, SecretError, Setup, SetupError, WebhookSpec};
use thiserror::Error;

use crate::config::{Config, InstanceConfig};
use crate::courier::is_person;
use crate::ground::reason;
use crate::mail::is_mail;
use crate::remover::is_removal;
use crate::room::room_key;
use crate::runner::panic_text;
use crate::webhooks::ReadyHook;

/// Something about an instance that keeps it from running.
#[derive(Debug, Error)]
#[error("{instance}: {source}")]
pub struct Problem {
    /// The instance.
    pub instance: String,
    /// Where in the instance's entry: `settings.feeds[0].url`, `user`, `id`, `kind`, `rooms[1]`.
    pub path: String,
    /// What is wrong.
    pub source: ProblemKind,
}

/// What is wrong with an instance.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProblemKind {
    /// Two instances have the same id.
    #[error("another bot has the id `{0}` too; what a bot remembers is kept under its id")]
    DuplicateId(String),
    /// The user is not one of the endpoints.
    #[error("`{user}` is not one of the endpoints ({})", known.join(", "))]
    UnknownUser {
        /// As configured.
        user: String,
        /// The endpoints that exist.
        known: Vec<String>,
    },
    /// A room is named twice.
    #[error("room `{0}` is named twice")]
    DuplicateRoom(String),
    /// A room is named by the address of a user.
    #[error("`{0}` is the address of a user, not of a room")]
    AddressAsRoom(String),
    /// A room has a name that the host needs for itself.
    #[error(
        "a room `{0}` cannot be named here: names with `remove:` stand for messages to be removed; use its address"
    )]
    ReservedRoom(String),
    /// The kind or its settings are wrong.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// A room is named like a mail address.
    #[error("`{0}` is a mail address, not a room")]
    MailAsRoom(String),
    /// The bot sends mail, and there is no server for it.
    #[error("the bot sends mail, and there is no [host.mail] to send it with")]
    NoMailServer,
    /// A webhook has no listener to come in by.
    #[error("the webhook `{0}` has nowhere to come in: the configuration has no [webhooks]")]
    NoListener(String),
    /// Two bots of a host want webhooks of the same name.
    #[error("the webhook `{hook}` is that of bot `{other}` too; their names are part of addresses")]
    DuplicateWebhook {
        /// Its name.
        hook: String,
        /// The bot that has it.
        other: String,
    },
    /// A webhook's secret cannot be read.
    #[error("webhook `{hook}`: {}", reason(.source))]
    Secret {
        /// Its name.
        hook: String,
        /// Why.
        source: SecretError,
    },
    /// The bot asks for two schedules or feeds of the same name.
    #[error("the name `{0}` is used twice; what has fired or was seen is kept under its name")]
    DuplicateInterest(String),
}

impl ProblemKind {
    /// Like its text, but without what [`Problem::path`] says already.
    pub fn message(&self) -> String {
        match self {
            Self::Setup(SetupError::Setting { source, .. }) => source.to_string(),
            Self::Setup(SetupError::UnknownRoom { room, configured, .. }) => {
                let rooms: Vec<_> = configured.iter().map(AsRef::<str>::as_ref).collect();
                format!("`{room}` is not one of this bot's rooms ({})", rooms.join(", "))
            }
            other => other.to_string(),
        }
    }
}

/// Everything that keeps an instance from running, in the configuration's order; empty when all are well.
pub fn validate(config: &Config, registry: &Registry) -> Vec<Problem> {
    problems(inspect(config, registry))
}

/// [`validate`], beside whatever else goes on: bots may take their time to be made.
pub async fn validate_apart(config: &Config, registry: &Registry) -> Vec<Problem> {
    problems(inspect_apart(config, registry).await)
}

fn problems(inspected: Inspected) -> Vec<Problem> {
    inspected
        .into_iter()
        .filter_map(|(_, made)| made.err())
        .flatten()
        .collect()
}

/// An instance whose settings are right.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) bot: Box<dyn DynBot>,
    pub(crate) interests: Interests,
    pub(crate) setup: Arc<Setup>,
    /// Its webhooks, with their secrets as they are now.
    pub(crate) hooks: Vec<ReadyHook>,
}

/// What came of making each instance.
pub(crate) type Inspected = Vec<(InstanceConfig, Result<Made, Vec<Problem>>)>;

/// [`inspect`], beside whatever else goes on.
pub(crate) async fn inspect_apart(config: &Config, registry: &Registry) -> Inspected {
    let (config, registry) = (config.clone(), registry.clone());
    apart(move || inspect(&config, &registry)).await
}

/// [`make`], beside whatever else goes on.
pub(crate) async fn make_apart(
    registry: &Registry,
    instance: &InstanceConfig,
    setup: &Arc<Setup>,
) -> Result<(Box<dyn DynBot>, Interests), SetupError> {
    let (registry, instance, setup) = (registry.clone(), instance.clone(), Arc::clone(setup));
    apart(move || make(&registry, &instance, &setup)).await
}

async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is going down, and this task with it.
            Err(_) => std::future::pending().await,
        },
    }
}

/// Makes every instance, or says why it cannot be made.
pub(crate) fn inspect(config: &Config, registry: &Registry) -> Inspected {
    let mut ids = HashSet::new();
    let mut names = HashMap::new();
    let mut inspected = Vec::new();
    for instance in &config.instances {
        let mut problems = misplaced(config, instance);
        if !ids.insert(instance.id.as_str()) {
            problems.push(("id".to_owned(), ProblemKind::DuplicateId(instance.id.clone())));
        }
        let setup = Arc::new(setup(config, instance));
        let made = match make(registry, instance, &setup) {
            Ok((bot, interests)) => {
                problems.extend(twice(&interests));
                if !interests.mail_to.is_empty() && config.mail.is_none() {
                    problems.push(("settings".to_owned(), ProblemKind::NoMailServer));
                }
                let mut hooks = Vec::new();
                for spec in &interests.webhooks {
                    match ready(config, instance, spec, &mut names) {
                        Ok(hook) => hooks.push(hook),
                        Err(problem) => problems.push(("settings".to_owned(), problem)),
                    }
                }
                Some(Made {
                    hooks,
                    bot,
                    interests,
                    setup,
                })
            }
            Err(error) => {
                let each = error.each().into_iter();
                problems.extend(each.map(|error| (settings_path(&error), ProblemKind::Setup(error))));
                None
            }
        };
        let result = match made {
            Some(made) if problems.is_empty() => Ok(made),
            _ => Err(problems
                .into_iter()
                .map(|(path, source)| Problem {
                    instance: instance.id.clone(),
                    path,
                    source,
                })
                .collect()),
        };
        inspected.push((instance.clone(), result));
    }
    inspected
}

/// Makes an instance and asks it what it wants; a panic in there is a fault of its settings like any other.
pub(crate) fn make(
    registry: &Registry,
    instance: &InstanceConfig,
    setup: &Setup,
) -> Result<(Box<dyn DynBot>, Interests), SetupError> {
    let made = catch_unwind(AssertUnwindSafe(|| {
        let bot = registry.build(&instance.kind, &instance.settings, setup)?;
        let interests = bot.interests();
        Ok((bot, interests))
    }));
    made.unwrap_or_else(|panic| {
        let text = format!("the bot panicked over its settings: {}", panic_text(&*panic));
        Err(SetupError::setting(".", text))
    })
}

/// A webhook that can be used; `names` are those of the instances before.
fn ready<'a>(
    config: &Config,
    instance: &'a InstanceConfig,
    spec: &WebhookSpec,
    names: &mut HashMap<String, &'a str>,
) -> Result<ReadyHook, ProblemKind> {
    let hook = spec.name.to_string();
    if config.webhooks.is_none() {
        return Err(ProblemKind::NoListener(hook));
    }
    if let Some(other) = names.insert(hook.clone(), &instance.id) {
        let other = other.to_owned();
        return Err(ProblemKind::DuplicateWebhook { hook, other });
    }
    ReadyHook::read(spec.clone()).map_err(|source| ProblemKind::Secret { hook, source })
}

/// The surroundings an instance is made with.
pub(crate) fn setup(config: &Config, instance: &InstanceConfig) -> Setup {
    Setup::new(&*instance.id, instance.user.clone())
        .with_rooms(instance.rooms.iter().cloned())
        .with_folder(&*config.folder)
        .with_limits(config.limits)
        .with_removal(config.server_control.is_some())
}

fn settings_path(error: &SetupError) -> String {
    match error.path() {
        None => "kind".to_owned(),
        Some(".") => "settings".to_owned(),
        Some(path) => format!("settings.{path}"),
    }
}

/// What is wrong with an instance apart from its settings.
fn misplaced(config: &Config, instance: &InstanceConfig) -> Vec<(String, ProblemKind)> {
    let mut problems = Vec::new();
    if !config
        .endpoints
        .iter()
        .any(|endpoint| endpoint.user == instance.user)
    {
        let known = config
            .endpoints
            .iter()
            .map(|endpoint| endpoint.user.to_string())
            .collect();
        let user = instance.user.to_string();
        problems.push(("user".to_owned(), ProblemKind::UnknownUser { user, known }));
    }
    for (index, room) in instance.rooms.iter().enumerate() {
        if is_person(&room_key(room)) {
            problems.push((
                format!("rooms[{index}]"),
                ProblemKind::AddressAsRoom(room.to_string()),
            ));
        }
        if is_mail(&room_key(room)) {
            problems.push((
                format!("rooms[{index}]"),
                ProblemKind::MailAsRoom(room.to_string()),
            ));
        }
        if is_removal(&room_key(room)) {
            problems.push((
                format!("rooms[{index}]"),
                ProblemKind::ReservedRoom(room.to_string()),
            ));
        }
        if instance.rooms[..index]
            .iter()
            .any(|earlier| earlier.is(room.as_str()))
        {
            problems.push((
                format!("rooms[{index}]"),
                ProblemKind::DuplicateRoom(room.to_string()),
            ));
        }
    }
    problems
}

/// A name that two schedules or two feeds of an instance share.
fn twice(interests: &Interests) -> Option<(String, ProblemKind)> {
    let repeated = |mut names: Vec<&String>| {
        names.sort_unstable();
        names
            .windows(2)
            .find(|pair| pair[0] == pair[1])
            .map(|pair| pair[0].clone())
    };
    let schedule = repeated(interests.schedules.iter().map(|spec| &spec.id).collect());
    let name = schedule.or_else(|| repeated(interests.feeds.iter().map(|spec| &spec.id).collect()))?;
    Some(("settings".to_owned(), ProblemKind::DuplicateInterest(name)))
}
