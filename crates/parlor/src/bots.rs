//! The kinds of bot in this program, and how a configuration's settings are checked against them.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::OnceLock;

use parlor_bot::schema::misfits;
use parlor_bot::{Registry, Room, Setup, SetupError};
use parlor_process::Program;

use crate::config::{BotSettings, Instance, SettingsProblem, nearest};

/// What this program was made with. It is said once, before the command line is read, and the same for every command.
static CHOSEN: OnceLock<Registry> = OnceLock::new();

/// The kinds of bot that come with Parlor.
pub fn shipped() -> Registry {
    Registry::new()
        .with::<parlor_bot_announcer::Announcer>()
        .with::<parlor_bot_digest::Digests>()
        .with::<parlor_bot_faq::Faq>()
        .with::<parlor_bot_feed::Feed>()
        .with::<parlor_bot_keywords::Keywords>()
        .with::<parlor_bot_moderator::Moderator>()
        .with::<parlor_bot_relay::Relay>()
}

/// Settles which kinds of bot this program has.
pub(crate) fn choose(bots: Registry) {
    // A second program in one process keeps the bots of the first, as `run` says.
    let _ = CHOSEN.set(bots);
}

/// Every kind of bot that this program has by itself.
pub(crate) fn registry() -> &'static Registry {
    CHOSEN.get_or_init(shipped)
}

/// Every kind of bot that one configuration can name, as the configuration's checker: those of this program, and the
/// programs that the configuration names.
#[derive(Debug)]
pub(crate) struct Kinds {
    registry: RefCell<Registry>,
    /// Programs that are not asked, or that failed when they were.
    unasked: RefCell<BTreeSet<String>>,
    asks: bool,
}

impl Kinds {
    /// Starts the configuration's programs and asks them what they are, and whether they take their settings.
    pub(crate) fn asking() -> Self {
        Self {
            registry: RefCell::new(registry().clone()),
            unasked: RefCell::default(),
            asks: true,
        }
    }

    /// Believes of the programs what the configuration says: for commands that have no use for bots.
    pub(crate) fn believing() -> Self {
        Self {
            asks: false,
            ..Self::asking()
        }
    }
}

impl BotSettings for Kinds {
    fn add(&self, program: &Program) -> Result<(), String> {
        let asked = self.asks.then(|| parlor_process::kind(program));
        match asked {
            Some(Ok(kind)) => {
                self.registry
                    .replace_with(|registry| std::mem::take(registry).with_kind(kind));
                Ok(())
            }
            other => {
                // Its instances are no problem of their own.
                self.unasked.borrow_mut().insert(program.name.clone());
                match other {
                    Some(Err(failure)) => Err(failure.to_string()),
                    _ => Ok(()),
                }
            }
        }
    }

    fn names(&self) -> Vec<String> {
        let registry = self.registry.borrow();
        let unasked = self.unasked.borrow();
        let mut names: Vec<String> = registry.names().map(str::to_owned).collect();
        names.extend(unasked.iter().cloned());
        names
    }

    fn kinds(&self) -> Registry {
        self.registry.borrow().clone()
    }

    /// What does not fit the schema comes first, all of it; then what the bot itself refuses, unless that is the same.
    fn check(&self, instance: &Instance) -> Vec<SettingsProblem> {
        let registry = self.registry.borrow();
        if self.unasked.borrow().contains(&instance.kind) {
            return Vec::new();
        }
        let mut problems = unfitting(&registry, instance);
        let places: BTreeSet<String> = problems.iter().map(|problem| problem.path.clone()).collect();
        if let Err(error) = registry.build(&instance.kind, &instance.settings, &setup(instance)) {
            let refused = error.each().into_iter().map(|error| SettingsProblem {
                path: error
                    .path()
                    .unwrap_or_default()
                    .trim_start_matches('.')
                    .to_owned(),
                message: without_path(&error),
                help: None,
            });
            problems.extend(refused.filter(|problem| !places.contains(&problem.path)));
        }
        problems
    }

    fn sends_mail(&self, instance: &Instance) -> bool {
        let registry = self.registry.borrow();
        let built = registry.build(&instance.kind, &instance.settings, &setup(instance));
        built.is_ok_and(|bot| !bot.interests().mail_to.is_empty())
    }
}

/// What the host tells an instance when it makes it.
pub(crate) fn setup(instance: &Instance) -> Setup {
    Setup::new(&instance.id, instance.user.clone())
        .with_rooms(instance.rooms.iter().map(Room::new))
        .with_folder(&instance.folder)
        .with_removal(instance.can_remove)
}

/// What is wrong, without the setting's path: that stands before it already.
fn without_path(error: &SetupError) -> String {
    let told = error.to_string();
    let path = error.path().map(|path| format!("{path}: "));
    match path.and_then(|path| told.strip_prefix(&path).map(str::to_owned)) {
        Some(rest) => rest,
        None => told,
    }
}

fn unfitting(registry: &Registry, instance: &Instance) -> Vec<SettingsProblem> {
    let Some(kind) = registry.kind(&instance.kind) else {
        return Vec::new();
    };
    let found = misfits(&kind.description().settings, &instance.settings);
    let told = found.into_iter().map(|misfit| {
        let known: Vec<&str> = misfit.known.iter().map(String::as_str).collect();
        let key = misfit.path.rsplit('.').next().unwrap_or_default();
        let help = if known.is_empty() {
            None
        } else {
            Some(nearest(key, &known).map_or_else(
                || format!("settings: {}", known.join(", ")),
                |near| format!("did you mean `{near}`?"),
            ))
        };
        SettingsProblem {
            path: misfit.path,
            message: misfit.problem,
            help,
        }
    });
    told.collect()
}
