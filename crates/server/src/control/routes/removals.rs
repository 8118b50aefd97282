//! Taking messages out of rooms, and the record of what was taken out.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use parlor_rooms::{MAX_READ, Removal, RemovalRequest, Removed};

use super::{Answer, Shared, find_room};
use crate::control::error::ControlError;
use crate::control::{RemovalView, RemovalsQuery, RemoveMessage, RemovedMessage};
use crate::service::now;

/// Whoever may open the socket may do it: its mode is the authority, and `by` is what they say of themselves.
///
/// Those who are in the room are told nothing, for the protocol has no notice of it (facts: product 8.4, "after everybody
/// saw it"): they see the change when they read history again.
pub(super) async fn remove(
    State(service): Shared,
    Path((room, message)): Path<(String, String)>,
    body: Result<Json<RemoveMessage>, JsonRejection>,
) -> Answer<RemovedMessage> {
    let Json(wanted) = body?;
    let room = find_room(&service.directory.read(), &room)?.id;
    let message = message
        .parse()
        .map_err(|_| ControlError::MessageId(message.clone()))?;
    let request = RemovalRequest {
        room,
        message,
        posted: wanted.posted,
        notice: wanted.text,
        by: wanted.by,
        reason: wanted.reason,
        at: now(),
    };
    let removal = Removal::check(request, service.config.limits.message_bytes)?;
    let removed = service.store.remove(removal).await?;
    let record = removed.record();
    let repeated = matches!(removed, Removed::Before(_));
    if !repeated {
        tracing::info!(
            target: "parlor_server::audit",
            %room,
            message = message.0,
            author = %record.original.author,
            by = %record.by,
            reason = record.reason.as_deref().unwrap_or_default(),
            record = record.number,
            "message removed"
        );
    }
    Ok(Json(RemovedMessage::of(record, repeated)))
}

pub(super) async fn list(
    State(service): Shared,
    Path(room): Path<String>,
    query: Result<Query<RemovalsQuery>, QueryRejection>,
) -> Answer<Vec<RemovalView>> {
    let Query(query) = query?;
    let room = find_room(&service.directory.read(), &room)?.id;
    let records = service.store.removals(room, query.after, MAX_READ).await?;
    Ok(Json(records.into_iter().map(RemovalView::from).collect()))
}
