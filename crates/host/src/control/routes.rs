//! What the control interface answers: routes and the handlers behind them.

use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};

use super::error::ControlError;
use crate::desk::Desk;
use crate::ledger::{LedgerEntry, LedgerQuery, Retried, Retry};
use crate::status::Status;

/// Longest request body: a query or the name of an item, which may hold a long address.
const MAX_REQUEST: usize = 64 * 1024;

type Answer<T> = Result<Json<T>, ControlError>;
type Body<T> = Result<Json<T>, JsonRejection>;

/// The routes of a host.
pub(crate) fn router(desk: Desk) -> Router {
    Router::new()
        .route("/status", get(status))
        .route("/ledger/query", post(list))
        .route("/ledger/about/{what}", get(about))
        .route("/ledger/retry", post(retry))
        .layer(DefaultBodyLimit::max(MAX_REQUEST))
        .with_state(desk)
}

async fn status(State(desk): State<Desk>) -> Json<Status> {
    Json(desk.status().await)
}

async fn list(State(desk): State<Desk>, query: Body<LedgerQuery>) -> Answer<Vec<LedgerEntry>> {
    Ok(Json(desk.ledger(query?.0).await?))
}

async fn about(State(desk): State<Desk>, Path(what): Path<String>) -> Answer<Vec<LedgerEntry>> {
    Ok(Json(desk.ledger_about(what).await?))
}

async fn retry(State(desk): State<Desk>, retry: Body<Retry>) -> Answer<Retried> {
    Ok(Json(desk.retry(retry?.0).await?))
}
