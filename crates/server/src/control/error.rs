//! Why a control request is refused, as a status and a JSON body.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use parlor_rooms::{Refusal, StoreError};

use super::ErrorBody;
use crate::accounts::PasswordError;
use crate::directory::EditError;
use crate::room_task::PostFailure;
use crate::service::chain;

/// A control request that was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum ControlError {
    #[error("there is no {what} {name:?}")]
    Missing { what: &'static str, name: String },
    #[error("there is a {what} {name:?} already")]
    Exists { what: &'static str, name: String },
    #[error("{0:?} is neither an address (sip:user@host) nor a domain")]
    Principal(String),
    #[error("{0:?} is not the number of a message")]
    MessageId(String),
    #[error(transparent)]
    Message(StoreError),
    #[error("there is no category to put the room in; create one first")]
    NoCategory,
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("the store failed: {0}")]
    Store(String),
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error("the room is busy; try again")]
    Busy,
    #[error("the server stopped working on the request")]
    Abandoned,
    #[error("{0}")]
    Json(#[from] JsonRejection),
    #[error("{0}")]
    Query(#[from] QueryRejection),
}

impl ControlError {
    pub(super) fn missing(what: &'static str, name: &str) -> Self {
        Self::Missing {
            what,
            name: name.to_owned(),
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Missing { .. } => StatusCode::NOT_FOUND,
            Self::Message(StoreError::UnknownMessage(_)) => StatusCode::NOT_FOUND,
            Self::Exists { .. } | Self::NoCategory | Self::Message(_) => StatusCode::CONFLICT,
            Self::Password(PasswordError::NameTaken(_)) => StatusCode::CONFLICT,
            Self::Password(PasswordError::Store(_)) => StatusCode::SERVICE_UNAVAILABLE,
            Self::MessageId(_) | Self::Principal(_) | Self::Password(_) => StatusCode::BAD_REQUEST,
            Self::Refused(refusal) => {
                StatusCode::from_u16(refusal.code().code()).unwrap_or(StatusCode::BAD_REQUEST)
            }
            Self::Store(_) | Self::Busy | Self::Abandoned => StatusCode::SERVICE_UNAVAILABLE,
            Self::Json(rejection) => rejection.status(),
            Self::Query(rejection) => rejection.status(),
        }
    }

    fn word(&self) -> String {
        match self {
            Self::Missing { what, .. } => format!("no_such_{what}"),
            Self::Exists { what, .. } => format!("{what}_exists"),
            Self::Principal(_) => "bad_principal".to_owned(),
            Self::MessageId(_) => "bad_message".to_owned(),
            Self::Message(StoreError::UnknownMessage(_)) => "no_such_message".to_owned(),
            Self::Message(StoreError::NotKept(_)) => "message_not_kept".to_owned(),
            Self::Message(_) => "other_message".to_owned(),
            Self::NoCategory => "no_category".to_owned(),
            Self::Refused(refusal) => refusal.code().token().to_ascii_lowercase(),
            Self::Password(PasswordError::NameTaken(_)) => "account_exists".to_owned(),
            Self::Password(PasswordError::Store(_)) | Self::Store(_) => "store".to_owned(),
            Self::Password(_) => "bad_password".to_owned(),
            Self::Busy => "busy".to_owned(),
            Self::Abandoned => "abandoned".to_owned(),
            Self::Json(_) | Self::Query(_) => "bad_request".to_owned(),
        }
    }
}

impl IntoResponse for ControlError {
    fn into_response(self) -> Response {
        let body = ErrorBody {
            error: self.word(),
            message: self.to_string(),
        };
        (self.status(), Json(body)).into_response()
    }
}

impl From<EditError<Self>> for ControlError {
    fn from(error: EditError<Self>) -> Self {
        match error {
            EditError::Refused(error) => error,
            EditError::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for ControlError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotKept(_) | StoreError::OtherMessage(_) | StoreError::UnknownMessage(_) => {
                Self::Message(error)
            }
            error => Self::Store(chain(&error)),
        }
    }
}

impl From<PostFailure> for ControlError {
    fn from(failure: PostFailure) -> Self {
        match failure {
            PostFailure::Refused(refusal) => Self::Refused(refusal),
            PostFailure::Store(error) => Self::Store(error),
        }
    }
}
