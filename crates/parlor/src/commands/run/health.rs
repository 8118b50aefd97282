//! /metrics, /live and /ready over plain HTTP, for whoever watches this process. What they tell is known to server and
//! host; here it is only served.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use parlor_host::{BotReadiness, Thresholds};
use parlor_metrics::{Exposition, Kind};
use parlor_store::Commits;
use serde::Serialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::task::AbortOnDropHandle;

use crate::failure::Failure;

/// Connections at once; monitoring has a handful. Others wait to be accepted.
const CONNECTIONS: usize = 32;
/// How long a connection lives: one request and its answer, for which the state has five seconds.
const CONNECTION_TIME: Duration = Duration::from_secs(15);
/// The longest head of a request.
const HEAD: usize = 16 * 1024;

/// What is watched.
#[derive(Debug, Default)]
pub(super) struct Watched {
    pub(super) server: Option<(parlor_server::Health, Arc<Commits>)>,
    pub(super) host: Option<parlor_host::Health>,
    pub(super) thresholds: Thresholds,
}

/// A bound address where nobody answers yet.
#[derive(Debug)]
pub(super) struct Bound {
    listener: TcpListener,
    pub(super) address: SocketAddr,
}

/// Answers until it is dropped.
#[derive(Debug)]
#[must_use = "dropping it stops the answers"]
pub(super) struct Serving {
    _task: AbortOnDropHandle<()>,
}

/// Takes the address, before anything is started that would have to be stopped again.
pub(super) async fn bind(address: SocketAddr) -> Result<Bound, Failure> {
    let bound = async {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Bound { listener, address })
    };
    bound.await.map_err(|error: std::io::Error| {
        Failure::caused(&format!("cannot listen on {address} for [metrics]"), &error)
            .with_help("`parlor serve` and `parlor host` beside each other need an address each: --metrics ADDRESS:PORT.")
    })
}

impl Bound {
    pub(super) fn serve(self, watched: Watched) -> Serving {
        let router = Router::new()
            .route("/metrics", get(metrics))
            .route("/live", get(live))
            .route("/ready", get(ready))
            .with_state(Arc::new(watched));
        Serving {
            _task: AbortOnDropHandle::new(tokio::spawn(accept(self.listener, router))),
        }
    }
}

async fn accept(listener: TcpListener, router: Router) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        // The semaphore is never closed.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let answer = answer(stream, router.clone());
                tokio::spawn(async move {
                    let _late = tokio::time::timeout(CONNECTION_TIME, answer).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a monitoring connection could not be accepted");
                // Out of file descriptors, most likely: not at once again.
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// One request, one answer.
async fn answer(stream: TcpStream, router: Router) {
    let served = http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a monitoring connection failed");
    }
}

async fn metrics(State(watched): State<Arc<Watched>>) -> impl IntoResponse {
    let mut exposition = Exposition::default();
    exposition
        .family("parlor_build_info", Kind::Gauge, "1; the version is a label.")
        .sample(&[("version", env!("CARGO_PKG_VERSION"))], true);
    if let Some((server, commits)) = &watched.server {
        server.write(&mut exposition);
        commits.write(&mut exposition);
    }
    if let Some(host) = &watched.host {
        host.write(&mut exposition, &watched.thresholds).await;
    }
    (
        [(header::CONTENT_TYPE, parlor_metrics::CONTENT_TYPE)],
        exposition.finish(),
    )
}

/// Alive: worth not being killed. What starting again cannot mend does not count.
async fn live(State(watched): State<Arc<Watched>>) -> (StatusCode, &'static str) {
    match &watched.host {
        Some(host) if !host.is_alive().await => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the state file does not answer\n",
        ),
        _ => (StatusCode::OK, "alive\n"),
    }
}

/// What /ready answers.
#[derive(Debug, Serialize)]
struct Readiness {
    ready: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<ServerReadiness>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bots: Option<Vec<BotReadiness>>,
}

#[derive(Debug, Serialize)]
struct ServerReadiness {
    ready: bool,
    reasons: Vec<String>,
}

async fn ready(State(watched): State<Arc<Watched>>) -> impl IntoResponse {
    let server = watched.server.as_ref().map(|(server, _)| {
        let reasons: Vec<_> = server.trouble().into_iter().collect();
        let ready = reasons.is_empty();
        ServerReadiness { ready, reasons }
    });
    let host = match &watched.host {
        Some(host) => Some(host.readiness(&watched.thresholds).await),
        None => None,
    };
    let ready =
        server.as_ref().is_none_or(|server| server.ready) && host.as_ref().is_none_or(|host| host.ready);
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let bots = host.map(|host| host.bots);
    (status, Json(Readiness { ready, server, bots }))
}
