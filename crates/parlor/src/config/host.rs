//! The `[host]` table: the trusted application, the service it signs in to, and its bots.

use std::path::PathBuf;
use std::time::Duration;

use parlor_bot::Registry;
use parlor_host::{MailConfig, Rate, Replay};
use parlor_xccos::SipUri;
use toml::de::DeValue;

use super::database::{self, DatabaseSettings};
use super::document::{Form, Located, Section};
use super::form::{HostPort, Port, parse_duration};
use super::server::{ApplicationId, ServerSettings};
use super::{BotSettings, TlsFiles, mail, nearest, program, tls_files};

/// Shorter attempts to post would end before a server far away, or one that just commits, has answered.
const SHORTEST_ATTEMPT: Duration = Duration::from_secs(1);

/// Who the host is, where it signs in, and which bots it runs.
#[derive(Debug, Clone)]
pub(crate) struct HostSettings {
    /// `urn:application:NAME`.
    pub(crate) application: String,
    /// This computer's name, as the trusted-application entry has it.
    pub(crate) fqdn: String,
    /// The pool's name when it differs from the computer's.
    pub(crate) pool: String,
    pub(crate) port: u16,
    pub(crate) gruu: String,
    /// The next hop; none means the server of the same file.
    pub(crate) server: Option<HostPort>,
    /// The name that the server's certificate must hold, when it is not the host dialled.
    pub(crate) server_name: Option<String>,
    /// The chat service; none asks for it by in-band provisioning.
    pub(crate) chat_uri: Option<SipUri>,
    /// Whether the bots' users are registered.
    pub(crate) register: bool,
    pub(crate) tls: TlsFiles,
    pub(crate) ledger: LedgerSettings,
    pub(crate) feeds: FeedNetwork,
    /// Where trouble with feeds is told.
    pub(crate) operator_room: Option<String>,
    /// The server's control socket, where bots may have messages removed.
    pub(crate) server_control: Option<PathBuf>,
    pub(crate) outbox: OutboxSettings,
    /// The database that hosts of a pool share; none keeps the state in a file.
    pub(crate) database: Option<DatabaseSettings>,
    /// The mail server; without one no bot sends mail.
    pub(crate) mail: Option<MailConfig>,
    /// All kinds of bots, `[host.program.NAME]` among them.
    pub(crate) kinds: Registry,
    pub(crate) instances: Vec<Instance>,
}

/// How much of what happened is kept to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LedgerSettings {
    /// How long; zero keeps no ledger.
    pub(crate) keep: Duration,
    /// How many entries at most.
    pub(crate) entries: u64,
}

/// How feeds are fetched, whichever bot wants them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FeedNetwork {
    /// PEM file of authorities beside the system's.
    pub(crate) roots: Option<PathBuf>,
    pub(crate) at_once: usize,
}

/// How posts are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutboxSettings {
    /// How long one attempt may take.
    pub(crate) attempt: Duration,
    /// Into one room as one user; none is no limit.
    pub(crate) room_rate: Option<Rate>,
    /// By one bot, over all its rooms; none is no limit.
    pub(crate) bot_rate: Option<Rate>,
}

/// One configured bot.
#[derive(Debug, Clone)]
pub(crate) struct Instance {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) user: SipUri,
    pub(crate) rooms: Vec<String>,
    pub(crate) deadline: Option<Duration>,
    pub(crate) replay: Replay,
    /// How often it may post, when that is not `bot_rate`.
    pub(crate) rate: Option<Rate>,
    pub(crate) hears_bots: bool,
    /// Whether the host may have messages removed.
    pub(crate) can_remove: bool,
    /// The file's folder, from which relative paths in settings start.
    pub(crate) folder: PathBuf,
    pub(crate) settings: serde_json::Value,
}

/// A problem in the settings of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SettingsProblem {
    /// Path below `settings`, for example `feeds[0].url`; empty for the whole.
    pub(crate) path: String,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

pub(super) fn read(
    section: &Section<'_, '_>,
    server: Option<&ServerSettings>,
    bots: &dyn BotSettings,
) -> Option<HostSettings> {
    let application = section.required_located::<ApplicationId>("application");
    let fqdn: Option<String> = section.required("fqdn");
    let pool: Option<String> = section.optional("pool");
    let port: Option<Port> = section.required("port");
    let gruu: Option<String> = section.required("gruu");
    let next_hop: Option<HostPort> = section.optional("server");
    let server_name: Option<String> = section.optional("server_name");
    let chat_uri: Option<SipUri> = section.optional("chat_uri");
    let register = section.or("register", true);
    if next_hop.is_none() && !section.has("server") && server.is_none() {
        let help =
            Some("add `server = \"HOST:PORT\"`, or a [server] table to run one in the same file".to_owned());
        section.problem("server", "there is no server to sign in to", help);
    }
    let tls = section.section("tls").map(|table| {
        let files = tls_files(&table);
        table.finish();
        files
    });
    let ledger = ledger(section);
    let feeds = feeds(section);
    let operator_room: Option<String> = section.optional("operator_room");
    let server_control = section.path("server_control");
    let outbox = outbox(section);
    let database = database::read(section);
    let has_mail = section.has("mail");
    let mail = mail::read(section, fqdn.as_deref());
    program::read(section, bots);
    let instances = instances(section, bots, has_mail, server_control.is_some());
    section.finish();
    if let (Some(application), Some(server)) = (&application, server) {
        trusted(section, application, fqdn.as_deref(), &instances, server);
    }
    let fqdn = fqdn?;
    Some(HostSettings {
        application: application?.value.0,
        pool: pool.unwrap_or_else(|| fqdn.clone()),
        fqdn,
        port: port?.0,
        gruu: gruu?,
        server: next_hop,
        server_name,
        chat_uri,
        register,
        tls: tls.unwrap_or_default(),
        ledger,
        feeds,
        operator_room,
        server_control,
        outbox,
        database,
        mail,
        kinds: bots.kinds(),
        instances: instances.into_iter().map(|(instance, _)| instance).collect(),
    })
}

fn ledger(section: &Section<'_, '_>) -> LedgerSettings {
    let defaults = parlor_host::Tuning::default();
    let mut settings = LedgerSettings {
        keep: defaults.keep_ledger,
        entries: defaults.ledger_entries,
    };
    if let Some(table) = section.section("ledger") {
        settings.keep = table.or("keep", settings.keep);
        settings.entries = table
            .optional::<u32>("entries")
            .map_or(settings.entries, u64::from);
        table.finish();
    }
    settings
}

fn feeds(section: &Section<'_, '_>) -> FeedNetwork {
    let mut settings = FeedNetwork {
        roots: None,
        at_once: parlor_host::Tuning::default().fetches,
    };
    if let Some(table) = section.section("feeds") {
        settings.roots = table.path("roots");
        if let Some(AtOnce(count)) = table.optional("at_once") {
            settings.at_once = count;
        }
        table.finish();
    }
    settings
}

fn outbox(section: &Section<'_, '_>) -> OutboxSettings {
    let defaults = parlor_host::Tuning::default();
    let mut settings = OutboxSettings {
        attempt: defaults.attempt,
        room_rate: defaults.room_rate,
        bot_rate: defaults.bot_rate,
    };
    if let Some(table) = section.section("outbox") {
        if let Some(attempt) = table.located::<Duration>("attempt") {
            if attempt.value < SHORTEST_ATTEMPT {
                table.problem_with(
                    &attempt,
                    "is too short for an answer to come back; 1s at least",
                    None,
                );
            }
            settings.attempt = attempt.value;
        }
        settings.room_rate = table.or("room_rate", RateForm(settings.room_rate)).0;
        settings.bot_rate = table.or("bot_rate", RateForm(settings.bot_rate)).0;
        table.finish();
    }
    settings
}

fn instances(
    section: &Section<'_, '_>,
    bots: &dyn BotSettings,
    has_mail: bool,
    can_remove: bool,
) -> Vec<(Instance, Located<SipUri>)> {
    let mut instances: Vec<(Instance, Located<SipUri>)> = Vec::new();
    for table in section.sections("bot") {
        let Some((instance, user)) = instance(&table, bots, can_remove) else {
            continue;
        };
        if instances.iter().any(|(other, _)| other.id == instance.id) {
            table.problem("id", format!("another bot has the id `{}`", instance.id), None);
        }
        if !has_mail && bots.sends_mail(&instance) {
            let help = Some("add [host.mail] with `server` and `from`".to_owned());
            table.problem(
                "settings",
                "this bot sends mail, and there is no server to send it with",
                help,
            );
        }
        instances.push((instance, user));
    }
    instances
}

fn instance(
    table: &Section<'_, '_>,
    bots: &dyn BotSettings,
    can_remove: bool,
) -> Option<(Instance, Located<SipUri>)> {
    let id: Option<String> = table.required("id");
    let kind = table.required_located::<String>("kind");
    let user = table.required_located::<SipUri>("user");
    let rooms: Vec<String> = table.or("rooms", Vec::new());
    let deadline = table.optional("deadline");
    let replay = table.or("replay", ReplayForm(Replay::default())).0;
    let rate = table.optional::<RateForm>("rate");
    let hears_bots = table.or("hears_bots", false);
    let settings = table.json("settings").unwrap_or_else(|| serde_json::json!({}));
    table.finish();
    let (id, kind, user) = (id?, kind?, user?);
    let kinds = bots.names();
    if !kinds.contains(&kind.value) {
        let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
        let help = nearest(&kind.value, &kinds).map_or_else(
            || format!("kinds of bots: {}", kinds.join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        table.problem_with(
            &kind,
            format!("there is no bot of kind `{}`", kind.value),
            Some(help),
        );
        return None;
    }
    let folder = table.folder();
    let (kind, at) = (kind.value, user.value.clone());
    let instance = Instance {
        id,
        kind,
        user: at,
        rooms,
        deadline,
        replay,
        rate: rate.and_then(|rate| rate.0),
        hears_bots,
        can_remove,
        folder,
        settings,
    };
    for problem in bots.check(&instance) {
        table.problem_below("settings", &problem.path, problem.message, problem.help);
    }
    Some((instance, user))
}

/// When server and host stand in one file, the host must be one of the server's trusted applications.
fn trusted(
    section: &Section<'_, '_>,
    application: &Located<ApplicationId>,
    fqdn: Option<&str>,
    instances: &[(Instance, Located<SipUri>)],
    server: &ServerSettings,
) {
    let pools = &server.config.trusted_pools;
    let entry = pools.iter().find_map(|pool| {
        let found = pool
            .applications
            .iter()
            .find(|entry| entry.id == application.value.0)?;
        Some((pool, found))
    });
    let Some((pool, entry)) = entry else {
        let known: Vec<&str> = pools
            .iter()
            .flat_map(|pool| &pool.applications)
            .map(|entry| entry.id.as_str())
            .collect();
        let help = nearest(&application.value.0, &known).map(|near| format!("did you mean `{near}`?"));
        let message = format!(
            "the server of this file trusts no application `{}`",
            application.value.0
        );
        section.problem_with(application, message, help);
        return;
    };
    if let Some(fqdn) = fqdn
        && pool.fqdn != fqdn
        && !pool.computers.iter().any(|computer| computer == fqdn)
    {
        section.problem(
            "fqdn",
            format!("`{fqdn}` is not a computer of the trusted pool {}", pool.fqdn),
            None,
        );
    }
    for (instance, user) in instances {
        if !entry.allowed_users.contains(&instance.user) {
            let message = format!(
                "the trusted application {} may not speak as {}",
                entry.id, instance.user
            );
            let help = Some("add it to `users` of that [[server.trusted_pool.application]]".to_owned());
            section.problem_with(user, message, help);
        }
    }
}

/// How many feeds are fetched at once; more than 64 connections from one host are no help to anybody.
struct AtOnce(usize);

impl Form for AtOnce {
    const ACCEPTED: &'static str = "a whole number from 1 to 64";

    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        match u32::read(value)? {
            number @ 1..=64 => Ok(Self(number as usize)),
            number => Err(format!("{number} is not from 1 to 64")),
        }
    }
}

/// A rate, or none.
pub(super) struct RateForm(pub(super) Option<Rate>);

impl Form for RateForm {
    const ACCEPTED: &'static str =
        "posts in a time, such as \"5/s\", \"60/m\" or \"1000/h\", or \"unlimited\"";

    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let text = String::read(value)?;
        if text == "unlimited" {
            return Ok(Self(None));
        }
        let rate = text.parse().map_err(|_| format!("`{text}` is not a rate"))?;
        Ok(Self(Some(rate)))
    }
}

struct ReplayForm(Replay);

impl Form for ReplayForm {
    const ACCEPTED: &'static str = "\"cursor\", \"now\" or \"since DURATION\", for example \"since 2h\"";

    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let text = String::read(value)?;
        match (text.as_str(), text.strip_prefix("since ")) {
            ("cursor", _) => Ok(Self(Replay::Cursor)),
            ("now", _) => Ok(Self(Replay::Now)),
            (_, Some(time)) => parse_duration(time.trim()).map(|time| Self(Replay::Since(time))),
            _ => Err(format!("`{text}` is not a replay policy")),
        }
    }
}
