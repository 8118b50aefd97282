//! Why a request is not taken, and how its sender is told.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderValue};
use hyper::{Response, StatusCode};
use parlor_bot::{BodyError, Signature};

use super::Hook;
use super::proof::Unproved;

/// The longest key of a request, in bytes: a UUID has 36.
pub(super) const KEY: usize = 200;
/// When a sender may come again whose request could not be stored.
const AGAIN: Duration = Duration::from_secs(30);

/// Why a request is not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("there is nothing here")]
    Nowhere,
    #[error("only POST is answered here")]
    Method,
    #[error("this address may not send here")]
    Forbidden,
    #[error("too many wrong requests")]
    Shut(Duration),
    #[error("{0}")]
    Unproved(#[from] Unproved),
    #[error("the body is longer than {0} bytes")]
    TooLong(usize),
    #[error("the body took too long")]
    Late,
    #[error("the body broke off")]
    Broken,
    #[error("{0}")]
    Body(#[from] BodyError),
    #[error("the key is longer than {KEY} bytes, or has characters that are not printable")]
    Key,
    #[error("more requests than this webhook takes")]
    TooMany(Duration),
    #[error("too many requests wait to be handled")]
    Full,
    #[error("the request could not be stored")]
    NotStored,
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::Nowhere => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::Unproved(_) => StatusCode::UNAUTHORIZED,
            Self::TooLong(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Late => StatusCode::REQUEST_TIMEOUT,
            Self::Body(BodyError::Type(_)) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Broken | Self::Body(_) | Self::Key => StatusCode::BAD_REQUEST,
            Self::Shut(_) | Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Full | Self::NotStored => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// When to come again.
    fn again(&self) -> Option<Duration> {
        match self {
            Self::Shut(wait) | Self::TooMany(wait) => Some(*wait),
            Self::Full | Self::NotStored => Some(AGAIN),
            _ => None,
        }
    }

    /// As it is counted.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Nowhere => "unknown",
            Self::Method => "method",
            Self::Forbidden => "forbidden",
            Self::Unproved(_) => "unproved",
            Self::TooLong(_) => "too_long",
            Self::Late | Self::Broken => "broken_off",
            Self::Body(BodyError::Type(_)) => "type",
            Self::Body(_) | Self::Key => "unreadable",
            Self::Shut(_) => "shut",
            Self::TooMany(_) => "too_many",
            Self::Full => "full",
            Self::NotStored => "not_stored",
        }
    }
}

/// The answer to a request that was not taken.
pub(super) fn refused(refusal: &Refusal, hook: Option<&Hook>) -> Response<Full<Bytes>> {
    let mut response = answer(refusal.status(), format!("{refusal}\n"));
    let headers = response.headers_mut();
    if let Some(wait) = refusal.again() {
        // Rounded up: who comes a moment too early is sent away once more.
        headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1));
    }
    if let Refusal::Method = refusal {
        headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    if let (Refusal::Unproved(_), Some(hook)) = (refusal, hook)
        && hook.spec.signature == Signature::Bearer
    {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// A short answer in plain text.
pub(super) fn answer(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response
}
