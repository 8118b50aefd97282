//! The way of a request to reload, from a control socket to whoever can do it.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use crate::ErrorBody;

/// Requests that wait while one is done; more are told to come again.
const WAITING: usize = 4;

/// What came of a reload.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReloadAnswer {
    /// The process that answers: a server and a host may be one.
    pub pid: u32,
    /// Whether the file is in use now.
    pub done: bool,
    /// What was changed, for people.
    pub changes: Vec<String>,
    /// Keys that were changed in the file and need a restart; then nothing was changed.
    pub needs_restart: Vec<String>,
    /// What is wrong with the file or a certificate, as `parlor check` tells it; then the old one stays in use.
    pub problems: Option<String>,
}

/// Hands requests to whoever reloads; cheap to clone.
#[derive(Debug, Clone)]
pub struct Reloads(mpsc::Sender<Request>);

/// The other end.
#[derive(Debug)]
pub struct ReloadRequests(mpsc::Receiver<Request>);

/// One request, to be answered.
#[derive(Debug)]
pub struct Request(oneshot::Sender<ReloadAnswer>);

/// A way for requests.
pub fn reloads() -> (Reloads, ReloadRequests) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (Reloads(sender), ReloadRequests(receiver))
}

impl ReloadRequests {
    /// The next request; none when nobody can ask any more. Cancel safe.
    pub async fn next(&mut self) -> Option<Request> {
        self.0.recv().await
    }
}

impl Request {
    /// Tells the asker.
    pub fn answer(self, answer: ReloadAnswer) {
        // Whoever gave up waiting finds the answer in the log.
        let _gone = self.0.send(answer);
    }
}

/// `POST /reload`.
pub fn reload_route(reloads: Reloads) -> Router {
    Router::new().route("/reload", post(reload)).with_state(reloads)
}

/// What a request may say.
#[derive(Debug, Deserialize)]
struct Asked {
    /// A process that has reloaded just now: `parlor up` answers on two sockets, and once is enough.
    done_by: Option<u32>,
}

async fn reload(State(reloads): State<Reloads>, Query(asked): Query<Asked>) -> Response {
    let pid = std::process::id();
    if asked.done_by == Some(pid) {
        let done = true;
        return Json(ReloadAnswer {
            pid,
            done,
            ..ReloadAnswer::default()
        })
        .into_response();
    }
    let (answer, answered) = oneshot::channel();
    let asked = reloads.0.try_send(Request(answer)).is_ok();
    match answered.await {
        Ok(answer) if asked => Json(answer).into_response(),
        _ => {
            let body = ErrorBody {
                error: "busy".to_owned(),
                message: "it cannot reload now: it is stopping, or too many ask for it".to_owned(),
            };
            (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
        }
    }
}
