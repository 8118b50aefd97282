//! `parlor up`, `serve` and `host`: starts what was asked for, shows what happens, and stops it in order.

mod health;
mod reload;
mod report;
mod start;
mod watch;

pub(crate) use start::{feed_roots, host_config};

use std::net::SocketAddr;
use std::time::Duration;

use parlor_control::ReloadRequests;
use parlor_host::{Host, HostEvents};
use parlor_server::Server;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::Global;
use crate::config::Settings;
use crate::failure::Failure;
use crate::terminal::{FAINT, remark, styled};
use health::Watched;
use reload::Running;
use report::Report;
use start::Certificates;
use watch::Watch;

/// How long bots may take to finish what they are doing when the host stops.
const DRAIN: Duration = Duration::from_secs(10);

/// Which parts of the configuration run in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parts {
    server: bool,
    host: bool,
}

impl Parts {
    pub(crate) const BOTH: Self = Self {
        server: true,
        host: true,
    };
    pub(crate) const SERVER: Self = Self {
        server: true,
        host: false,
    };
    pub(crate) const fn has_host(self) -> bool {
        self.host
    }

    pub(crate) const HOST: Self = Self {
        server: false,
        host: true,
    };
}

/// Runs until a signal comes.
///
/// `metrics` is where health is told when the command line says so.
pub(crate) async fn run(
    global: &Global,
    settings: Settings,
    parts: Parts,
    metrics: Option<SocketAddr>,
) -> Result<(), Failure> {
    let report = Report::new(global.json);
    start::data_folder(&settings)?;
    let mut certificates = Certificates::default();
    let mut stop = Stop::new()?;
    let (reloads, requests) = parlor_control::reloads();
    let watching = match metrics.or(settings.metrics.listen) {
        Some(address) => Some(health::bind(address).await?),
        None => None,
    };
    let mut watched = Watched {
        thresholds: settings.metrics.thresholds,
        ..Watched::default()
    };
    let server = if parts.server {
        let (server, commits) = start::server(&settings, &mut certificates, reloads.clone()).await?;
        watched.server = Some((server.health(), commits));
        Some(server)
    } else {
        None
    };
    if let Some(server) = &server {
        report.listening(server, &settings);
    }
    let host = if parts.host {
        match start::host(&settings, &mut certificates, reloads).await {
            Ok(host) => Some(host),
            Err(failure) => {
                shut_down(None, server).await;
                return Err(failure);
            }
        }
    } else {
        None
    };
    let (host, platform) = host.unzip();
    watched.host = host.as_ref().map(Host::health);
    let _watching = watching.map(|bound| {
        report.watching(bound.address);
        bound.serve(watched)
    });
    if let Some(address) = host.as_ref().and_then(Host::webhooks) {
        report.webhooks(address, &settings);
    }
    let events = host.as_ref().map(Host::events);
    report.ready(parts.host);
    let file = Watch::of(global.config.clone(), settings.watch);
    let mut running = Running {
        file: global.config.clone(),
        settings,
        certificates,
        server,
        host,
        platform,
    };
    attend(&mut running, &report, events, requests, file, &mut stop).await;
    remark(styled(FAINT, "stopping; once more to stop at once"));
    tokio::select! {
        () = shut_down(running.host, running.server) => remark(styled(FAINT, "stopped")),
        () = stop.wait() => remark(styled(FAINT, "stopped at once; what was committed is kept")),
    }
    Ok(())
}

/// The host first, so that its last posts still find a server.
async fn shut_down(host: Option<Host>, server: Option<Server>) {
    if let Some(host) = host {
        host.shutdown(DRAIN).await;
    }
    if let Some(server) = server {
        server.shutdown().await;
    }
}

/// Prints what the bots do, and reloads when somebody asks for it or the file changes, until it is time to stop.
async fn attend(
    running: &mut Running,
    report: &Report,
    mut events: Option<HostEvents>,
    mut requests: ReloadRequests,
    mut file: Watch,
    stop: &mut Stop,
) {
    loop {
        tokio::select! {
            reload = stop.or_reload() => {
                if !reload {
                    return;
                }
                report.reloaded(&running.reload().await);
            }
            Some(request) = requests.next() => {
                let answer = running.reload().await;
                report.reloaded(&answer);
                request.answer(answer);
            }
            () = file.changed() => report.reloaded(&running.reload().await),
            event = next(&mut events) => match event {
                Some(event) => report.event(&event),
                None => events = None,
            },
        }
    }
}

async fn next(events: &mut Option<HostEvents>) -> Option<parlor_host::HostEvent> {
    match events {
        Some(events) => events.next().await,
        None => std::future::pending().await,
    }
}

/// The signals that concern a service.
struct Stop {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

impl Stop {
    fn new() -> Result<Self, Failure> {
        let listen =
            |kind| signal(kind).map_err(|error| Failure::caused("cannot listen for signals", &error));
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// Waits for a request to stop (false) or to reload (true).
    async fn or_reload(&mut self) -> bool {
        tokio::select! {
            _ = self.interrupt.recv() => false,
            _ = self.terminate.recv() => false,
            _ = self.hangup.recv() => true,
        }
    }
}
