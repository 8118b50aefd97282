//! The configuration file: from text to settings after which nothing fails because of configuration.
//!
//! Certificates are files of their own; loading them is left to `identity`.

mod database;
mod document;
mod fixed;
mod form;
mod host;
mod mail;
mod metrics;
mod password;
mod problem;
mod program;
mod server;
mod webhooks;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) use database::DatabaseSettings;
pub(crate) use document::nearest;
pub(crate) use fixed::needs_restart;
pub(crate) use form::{HostPort, Transport, parse_duration};
pub(crate) use host::{HostSettings, Instance, SettingsProblem};
pub(crate) use metrics::MetricsSettings;
pub(crate) use problem::{Problems, render, render_plain};
pub(crate) use server::ServerSettings;
pub(crate) use webhooks::WebhookSettings;

use crate::cli::LogFormat;
use document::{Section, read_document};
use parlor_bot::Registry;
use parlor_process::Program;

/// A file that is being written changes for a moment.
const SHORTEST_WATCH: Duration = Duration::from_secs(1);

/// One file, read and checked.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Where state is kept.
    pub(crate) data: PathBuf,
    /// Folder of the development authority, for every certificate that the file does not name.
    pub(crate) development: PathBuf,
    pub(crate) log: LogSettings,
    pub(crate) metrics: MetricsSettings,
    pub(crate) webhooks: Option<WebhookSettings>,
    /// How often the file is looked at for a change; never when it is none.
    pub(crate) watch: Option<Duration>,
    pub(crate) server: Option<ServerSettings>,
    pub(crate) host: Option<HostSettings>,
}

#[derive(Debug)]
pub(crate) struct LogSettings {
    pub(crate) filter: String,
    pub(crate) format: LogFormat,
}

/// Files that prove who a side is; without a certificate the development authority issues one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    pub(crate) roots: Option<PathBuf>,
    pub(crate) crl: Option<PathBuf>,
}

/// Why a configuration could not be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("cannot read the configuration file {}", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{0}")]
    Wrong(Problems),
}

/// Bots that a configuration may name, and how their settings are checked.
pub(crate) trait BotSettings {
    /// Also the kind of bot that a program is; what is wrong with it.
    fn add(&self, program: &Program) -> Result<(), String>;

    /// The names of all kinds of bots.
    fn names(&self) -> Vec<String>;

    /// All kinds of bots.
    fn kinds(&self) -> Registry;

    /// What is wrong with an instance's settings, each with its path below `settings`.
    fn check(&self, instance: &Instance) -> Vec<SettingsProblem>;

    /// Whether an instance sends mail, as far as its settings can be read.
    fn sends_mail(&self, _instance: &Instance) -> bool {
        false
    }
}

/// Reads a file.
///
/// # Errors
/// The file cannot be read, or every problem in it.
pub(crate) fn load(path: &Path, bots: &dyn BotSettings) -> Result<Settings, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    parse(path, &text, bots).map_err(ConfigError::Wrong)
}

fn parse(path: &Path, text: &str, bots: &dyn BotSettings) -> Result<Settings, Problems> {
    read_document(path, text, |root| {
        let data = root.data_folder("data").unwrap_or_else(|| PathBuf::from("data"));
        let development = root
            .section("certificates")
            .and_then(|section| {
                let folder = section.path("development");
                section.finish();
                folder
            })
            .unwrap_or_else(|| PathBuf::from("certs/dev"));
        let log = log_settings(root);
        let metrics = metrics::read(root);
        let webhooks = webhooks::read(root);
        let watch = watch(root);
        let server_section = root.section("server");
        let host_section = root.section("host");
        if server_section.is_none() && host_section.is_none() && !root.has("server") && !root.has("host") {
            root.problem("server", "the file has neither [server] nor [host]", None);
        }
        let sign_in = server::sign_in(root);
        let server = server_section
            .as_ref()
            .and_then(|section| server::read(section, sign_in));
        let host = host_section
            .as_ref()
            .and_then(|section| host::read(section, server.as_ref(), bots));
        Some(Settings {
            data,
            development,
            log,
            metrics,
            webhooks,
            watch,
            server,
            host,
        })
    })
}

/// The `[reload]` table.
fn watch(root: &Section<'_, '_>) -> Option<Duration> {
    let section = root.section("reload")?;
    let every: Option<Duration> = section.required("watch");
    if every.is_some_and(|every| every < SHORTEST_WATCH) {
        section.problem("watch", "must be at least 1s", None);
    }
    section.finish();
    every
}

fn log_settings(root: &Section<'_, '_>) -> LogSettings {
    let mut log = LogSettings {
        filter: "warn".to_owned(),
        format: LogFormat::Human,
    };
    let Some(section) = root.section("log") else {
        return log;
    };
    if let Some(filter) = section.located::<String>("filter") {
        match tracing_subscriber::EnvFilter::try_new(&filter.value) {
            Ok(_) => log.filter = filter.value,
            Err(error) => section.problem_with(&filter, error.to_string(), None),
        }
    }
    log.format = section.or("format", LogFormat::Human);
    section.finish();
    log
}

impl document::Form for LogFormat {
    const ACCEPTED: &'static str = "\"human\" or \"json\"";

    fn read(value: &toml::de::DeValue<'_>) -> Result<Self, String> {
        match value.as_str() {
            Some("human") => Ok(Self::Human),
            Some("json") => Ok(Self::Json),
            _ => Err("is not a log format".to_owned()),
        }
    }
}

/// Reads the TLS files of a section; a certificate and its key come together.
fn tls_files(section: &Section<'_, '_>) -> TlsFiles {
    let files = TlsFiles {
        certificate: section.path("certificate"),
        key: section.path("key"),
        roots: section.path("roots"),
        crl: section.path("crl"),
    };
    match (&files.certificate, &files.key) {
        (Some(_), None) => section.problem("certificate", "a certificate needs its `key`", None),
        (None, Some(_)) => section.problem("key", "a key needs its `certificate`", None),
        _ => {}
    }
    files
}

#[cfg(test)]
mod tests;
