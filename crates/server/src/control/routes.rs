//! What the control interface answers: routes and the handlers behind them, by subject.

mod categories;
mod posts;
mod removals;
mod rooms;
mod users;

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use parlor_rooms::{Change, Directory, Edit, Room};
use parlor_xccos::RoomUri;

use super::Status;
use super::error::ControlError;
use crate::service::Service;

/// Longest request body: a story with its escapes, or a long member list.
const MAX_REQUEST: usize = 1024 * 1024;

type Shared = State<Arc<Service>>;
type Answer<T> = Result<Json<T>, ControlError>;

pub(crate) fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/status", get(status))
        .route("/rooms", get(rooms::list).post(rooms::create))
        .route("/rooms/{room}", get(rooms::show).patch(rooms::update))
        .route("/rooms/{room}/roles/{role}", post(rooms::change_role))
        .route("/rooms/{room}/history", get(posts::history))
        .route("/rooms/{room}/posts", post(posts::create))
        .route("/rooms/{room}/posts/{message}/removal", post(removals::remove))
        .route("/rooms/{room}/removals", get(removals::list))
        .route("/rooms/{room}/live", get(posts::live))
        .route("/categories", get(categories::list).post(categories::create))
        .route("/categories/{category}", axum::routing::patch(categories::update))
        .route("/users", get(users::list).post(users::create))
        .route("/users/{user}", axum::routing::patch(users::update))
        .route("/users/{user}/password", axum::routing::put(users::set_password))
        .layer(DefaultBodyLimit::max(MAX_REQUEST))
        .with_state(service)
}

async fn status(State(service): Shared) -> Json<Status> {
    Json(service.status())
}

/// Changes the directory and tells everybody concerned. In a task of its own: a client that hangs up must not leave
/// memory behind the store.
async fn edit(
    service: &Arc<Service>,
    edit: impl FnOnce(&Directory) -> Result<Edit, ControlError> + Send + 'static,
) -> Result<Vec<Change>, ControlError> {
    let service = Arc::clone(service);
    let task = tokio::spawn(async move {
        let changes = service.directory.edit(edit).await?;
        service.announce(&changes);
        Ok(changes)
    });
    task.await.map_err(|_| ControlError::Abandoned)?
}

/// A room by id, address or name.
fn find_room<'a>(directory: &'a Directory, room: &str) -> Result<&'a Arc<Room>, ControlError> {
    let id = room
        .parse()
        .or_else(|_| room.parse::<RoomUri>().map(|uri| uri.room()));
    let by_id = id.ok().and_then(|id| directory.room(id));
    by_id
        .or_else(|| directory.room_by_name(room))
        .ok_or_else(|| ControlError::missing("room", room))
}
