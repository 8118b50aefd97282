//! Why a control request is refused, as a status and a JSON body.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use parlor_control::ErrorBody;

use crate::ground::reason;
use crate::state::StateError;

/// A control request that was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum ControlError {
    #[error("{}", reason(.0))]
    State(#[from] StateError),
    #[error("{0}")]
    Json(#[from] JsonRejection),
}

impl IntoResponse for ControlError {
    fn into_response(self) -> Response {
        let (status, word) = match &self {
            Self::State(_) => (StatusCode::SERVICE_UNAVAILABLE, "state"),
            Self::Json(rejection) => (rejection.status(), "bad_request"),
        };
        let body = ErrorBody {
            error: word.to_owned(),
            message: self.to_string(),
        };
        (status, Json(body)).into_response()
    }
}
