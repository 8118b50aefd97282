//! From settings to a running server and a running host.

use std::collections::BTreeSet;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parlor_bot::Room;
use parlor_client::Platform;
use parlor_control::Reloads;
use parlor_host::feeds::{Roots, RootsError};
use parlor_host::{ChatService, EndpointConfig, Host, InstanceConfig, SignIn};
use parlor_net::{ClientTls, Refreshing, ServerTls};
use parlor_server::{ListenerConfig, Server, UnprovedUsers};
use parlor_store::{Commits, SqliteStore};

use crate::cli::exit;
use crate::commands::{control_socket, host_socket, host_state};
use crate::config::{HostSettings, Instance, ServerSettings, Settings, Transport, WebhookSettings};
use crate::failure::{Failure, chain};
use crate::identity;

/// How often certificate files are looked at; a renewed certificate is in use within this time.
const CERTIFICATES_EVERY: Duration = Duration::from_secs(60);

/// The TLS files of both sides, looked at again from time to time while this is kept.
#[derive(Debug, Default)]
pub(super) struct Certificates {
    server: Option<(ServerTls, Refreshing)>,
    host: Option<(ClientTls, Refreshing)>,
    webhooks: Option<(ServerTls, Refreshing)>,
}

impl Certificates {
    fn server(&mut self, settings: &Settings, server: &ServerSettings) -> Result<ServerTls, Failure> {
        if let Some((tls, _)) = &self.server {
            return Ok(tls.clone());
        }
        let tls = identity::server_tls(settings, server)?;
        self.server = Some((tls.clone(), tls.keep_fresh(CERTIFICATES_EVERY)));
        Ok(tls)
    }

    fn host(&mut self, settings: &Settings, host: &HostSettings) -> Result<ClientTls, Failure> {
        let tls = identity::host_tls(settings, host)?;
        self.host = Some((tls.clone(), tls.keep_fresh(CERTIFICATES_EVERY)));
        Ok(tls)
    }

    fn webhooks(&mut self, settings: &WebhookSettings) -> Result<Option<ServerTls>, Failure> {
        let tls = match &settings.tls {
            Some(files) => identity::webhook_tls(files)?,
            None => None,
        };
        self.webhooks = tls
            .clone()
            .map(|tls| (tls.clone(), tls.keep_fresh(CERTIFICATES_EVERY)));
        Ok(tls)
    }

    /// Finds out whether the files can be used as they are now, without using them.
    pub(super) fn check(&self, settings: &Settings) -> Result<(), Failure> {
        if let (Some(_), Some(server)) = (&self.server, &settings.server) {
            identity::server_tls(settings, server)?;
        }
        if let (Some(_), Some(host)) = (&self.host, &settings.host) {
            identity::host_tls(settings, host)?;
        }
        let webhooks = settings
            .webhooks
            .as_ref()
            .and_then(|webhooks| webhooks.tls.as_ref());
        if let (Some(_), Some(files)) = (&self.webhooks, webhooks) {
            identity::webhook_tls(files)?;
        }
        Ok(())
    }

    /// Takes the files into use for connections that come from now on; a bad one keeps the old ones.
    pub(super) fn reload(&self) -> Result<(), Failure> {
        let server = self.server.as_ref().map_or(Ok(()), |(tls, _)| tls.reload());
        let host = self.host.as_ref().map_or(Ok(()), |(tls, _)| tls.reload());
        let webhooks = self.webhooks.as_ref().map_or(Ok(()), |(tls, _)| tls.reload());
        server.and(host).and(webhooks).map_err(|error| {
            Failure::caused("a certificate cannot be used", &error).with_code(exit::CONFIGURATION)
        })
    }
}

/// The folder for state: the owner's alone.
pub(super) fn data_folder(settings: &Settings) -> Result<(), Failure> {
    let folder = &settings.data;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| {
            Failure::caused(
                &format!("cannot create the data folder {}", folder.display()),
                &error,
            )
        })?;
    let own = std::fs::metadata("/proc/self").map(|found| found.uid());
    if let (Ok(found), Ok(own)) = (folder.metadata(), own)
        && found.uid() != own
    {
        return Err(Failure::new(format!(
            "the data folder {} belongs to somebody else",
            folder.display()
        )));
    }
    if let Ok(found) = folder.metadata()
        && found.permissions().mode() & 0o077 != 0
    {
        tracing::warn!(folder = %folder.display(), "others on this machine can look into the data folder; chmod 700 it");
    }
    Ok(())
}

/// The server, and what tells of its store's commits.
pub(super) async fn server(
    settings: &Settings,
    certificates: &mut Certificates,
    reloads: Reloads,
) -> Result<(Server, Arc<Commits>), Failure> {
    let server = settings.server.as_ref().ok_or_else(|| {
        Failure::new("the configuration has no [server] table").with_code(exit::CONFIGURATION)
    })?;
    let mut config = server.config.clone();
    for listener in &server.listen {
        let tls = match listener.transport {
            Transport::Tls => Some(certificates.server(settings, server)?),
            Transport::Tcp => None,
        };
        config.listeners.push(ListenerConfig {
            addr: listener.address,
            tls,
            unproved: UnprovedUsers::Refused,
        });
    }
    config.control_socket = Some(control_socket(settings));
    config.reloads = Some(reloads);
    let path = settings.data.join("server.db");
    let store = SqliteStore::open(&path, parlor_store::Options::default())
        .map_err(|error| Failure::caused(&format!("cannot open the store {}", path.display()), &error))?;
    let commits = store.commits();
    let server = parlor_server::start(config, Arc::new(store)).await;
    server.map(|server| (server, commits)).map_err(|error| {
        let failure = Failure::caused("cannot start the server", &error);
        match error {
            parlor_server::StartError::Listen(_) => {
                failure.with_help("Is another server running? `listen` in [server] names the address.")
            }
            _ => failure,
        }
    })
}

/// The host, and its platform for endpoints that a reload adds.
pub(super) async fn host(
    settings: &Settings,
    certificates: &mut Certificates,
    reloads: Reloads,
) -> Result<(Host, Platform), Failure> {
    let host = host_settings(settings)?;
    let platform = identity::host_platform(host, certificates.host(settings, host)?)?;
    let mut config = host_config_on(settings, &platform)?;
    config.reloads = Some(reloads);
    if let (Some(webhooks), Some(configured)) = (&mut config.webhooks, &settings.webhooks) {
        webhooks.tls = certificates.webhooks(configured)?;
    }
    let host = parlor_host::start(config, host.kinds.clone()).await;
    host.map(|host| (host, platform)).map_err(|error| {
        let failure = Failure::caused("cannot start the host", &error);
        match error {
            parlor_host::StartError::Webhooks { .. } => {
                failure.with_help("`listen` in [webhooks] names the address.")
            }
            _ => failure,
        }
    })
}

fn host_settings(settings: &Settings) -> Result<&HostSettings, Failure> {
    settings
        .host
        .as_ref()
        .ok_or_else(|| Failure::new("the configuration has no [host] table").with_code(exit::CONFIGURATION))
}

/// The host's configuration; everything it will need is loaded here.
pub(crate) fn host_config(settings: &Settings) -> Result<parlor_host::Config, Failure> {
    let host = host_settings(settings)?;
    let platform = identity::host_platform(host, identity::host_tls(settings, host)?)?;
    host_config_on(settings, &platform)
}

/// The same on a platform that is there already.
pub(super) fn host_config_on(
    settings: &Settings,
    platform: &Platform,
) -> Result<parlor_host::Config, Failure> {
    let host = host_settings(settings)?;
    let proxy = identity::proxy(settings).ok_or_else(|| {
        Failure::new("[host] names no server, and [server] has no TLS listener")
            .with_code(exit::CONFIGURATION)
    })?;
    let service = ChatService {
        host: proxy.host,
        port: proxy.port,
        chat: host.chat_uri.clone(),
    };
    let mut config = parlor_host::Config::new(host_state(settings)?, service);
    config.name.clone_from(&host.fqdn);
    if let Some(database) = &host.database {
        config.tuning.lease = database.lease;
    }
    config.control_socket = Some(host_socket(settings));
    config.webhooks = settings.webhooks.as_ref().map(|webhooks| parlor_host::Webhooks {
        listen: webhooks.listen,
        // Loaded once, at the start.
        tls: None,
        proxies: webhooks.proxies.clone(),
        body: webhooks.body,
    });
    config.operator_room = host.operator_room.as_ref().map(Room::new);
    config.server_control.clone_from(&host.server_control);
    config.feed_roots =
        feed_roots(host).map_err(|error| Failure::new(chain(&error)).with_code(exit::CONFIGURATION))?;
    config.mail.clone_from(&host.mail);
    config.tuning.fetches = host.feeds.at_once;
    config.tuning.keep_ledger = host.ledger.keep;
    config.tuning.ledger_entries = host.ledger.entries;
    config.tuning.attempt = host.outbox.attempt;
    config.tuning.room_rate = host.outbox.room_rate;
    config.tuning.bot_rate = host.outbox.bot_rate;
    config.endpoints = endpoints(host, platform);
    config.instances = host.instances.iter().map(instance).collect();
    if let Some(first) = host.instances.first() {
        config.folder.clone_from(&first.folder);
    }
    Ok(config)
}

/// Why the authorities of feeds cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FeedRootsError {
    #[error("cannot read {}, [host.feeds] roots", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("cannot use {}, [host.feeds] roots", path.display())]
    Unusable { path: PathBuf, source: RootsError },
}

/// The authorities beside the system's that may vouch for feeds.
pub(crate) fn feed_roots(host: &HostSettings) -> Result<Roots, FeedRootsError> {
    let Some(path) = &host.feeds.roots else {
        return Ok(Roots::default());
    };
    let path = path.clone();
    match std::fs::read(&path) {
        Ok(pem) => Roots::from_pem(&pem).map_err(|source| FeedRootsError::Unusable { path, source }),
        Err(source) => Err(FeedRootsError::Unreadable { path, source }),
    }
}

/// One endpoint for every user that a bot posts as; they share the platform and its certificate.
fn endpoints(host: &HostSettings, platform: &Platform) -> Vec<EndpointConfig> {
    let users: BTreeSet<_> = host.instances.iter().map(|bot| bot.user.clone()).collect();
    let endpoint = |user| EndpointConfig {
        user,
        display_name: None,
        sign_in: SignIn::Application,
        register: host.register,
        platform: platform.clone(),
    };
    users.into_iter().map(endpoint).collect()
}

fn instance(bot: &Instance) -> InstanceConfig {
    let mut config = InstanceConfig::new(&bot.id, &bot.kind, bot.user.clone());
    config.rooms = bot.rooms.iter().map(Room::new).collect();
    config.settings = bot.settings.clone();
    config.deadline = bot.deadline.unwrap_or(config.deadline);
    config.replay = bot.replay;
    config.rate = bot.rate;
    config.hears_bots = bot.hears_bots;
    config
}
