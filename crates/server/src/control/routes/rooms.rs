//! Rooms: list, show, create, change, and their role lists.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use parlor_rooms::{Directory, Edit, Invitations, Role, RoleEdit, Room, RoomPatch, RoomSettings};
use parlor_xccos::{RoomId, SipUri};
use serde::Deserialize;
use tokio::sync::oneshot;

use super::{Answer, Shared, edit, find_room};
use crate::control::error::ControlError;
use crate::control::{CreateRoom, RoleChange, RoleName, RoomDetail, RoomSummary, UpdateRoom};
use crate::seed::new_room_id;
use crate::service::Service;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    name: Option<String>,
}

pub(super) async fn list(
    State(service): Shared,
    filter: Result<Query<Filter>, QueryRejection>,
) -> Answer<Vec<RoomSummary>> {
    let Query(filter) = filter?;
    let wanted = filter.name.unwrap_or_default().to_lowercase();
    let directory = service.directory.read();
    let mut rooms: Vec<RoomSummary> = directory
        .rooms()
        .filter(|room| room.settings.name.to_lowercase().contains(&wanted))
        .map(|room| summary(&service, &directory, room))
        .collect();
    rooms.sort_by_cached_key(|room| room.name.to_lowercase());
    Ok(Json(rooms))
}

pub(super) async fn show(State(service): Shared, Path(room): Path<String>) -> Answer<RoomDetail> {
    let id = find_room(&service.directory.read(), &room)?.id;
    detail(&service, id).await
}

pub(super) async fn create(
    State(service): Shared,
    body: Result<Json<CreateRoom>, JsonRejection>,
) -> Answer<RoomDetail> {
    let Json(wanted) = body?;
    let id = new_room_id();
    edit(&service, move |directory| {
        let category = match &wanted.category {
            Some(name) => super::categories::find(directory, name)?.id,
            None => directory.categories().next().ok_or(ControlError::NoCategory)?.id,
        };
        let mut settings = RoomSettings::new(category, wanted.name);
        settings.description = wanted.description;
        settings.privacy = wanted.privacy.unwrap_or(settings.privacy);
        settings.behavior = wanted.behavior.unwrap_or(settings.behavior);
        settings.invitations = Invitations::Inherit;
        Ok(Edit::AddRoom(Room {
            members: wanted.members.into_iter().collect(),
            managers: wanted.managers.into_iter().collect(),
            presenters: wanted.presenters.into_iter().collect(),
            ..Room::new(id, settings)
        }))
    })
    .await?;
    detail(&service, id).await
}

pub(super) async fn update(
    State(service): Shared,
    Path(room): Path<String>,
    body: Result<Json<UpdateRoom>, JsonRejection>,
) -> Answer<RoomDetail> {
    let Json(wanted) = body?;
    let id = find_room(&service.directory.read(), &room)?.id;
    edit(&service, move |directory| {
        let category = match &wanted.category {
            Some(name) => Some(super::categories::find(directory, name)?.id),
            None => None,
        };
        let patch = RoomPatch {
            category,
            name: wanted.name,
            description: wanted.description,
            privacy: wanted.privacy,
            behavior: wanted.behavior,
            disabled: wanted.disabled,
            ..RoomPatch::default()
        };
        Ok(Edit::ChangeRoom(id, patch))
    })
    .await?;
    detail(&service, id).await
}

pub(super) async fn change_role(
    State(service): Shared,
    Path((room, role)): Path<(String, RoleName)>,
    body: Result<Json<RoleChange>, JsonRejection>,
) -> Answer<RoomDetail> {
    let Json(wanted) = body?;
    let id = find_room(&service.directory.read(), &room)?.id;
    let role = match role {
        RoleName::Member => Role::Member,
        RoleName::Manager => Role::Manager,
        RoleName::Presenter => Role::Presenter,
    };
    // One edit, so that a list is changed as a whole or not at all.
    edit(&service, move |directory| {
        let room = directory
            .room(id)
            .ok_or_else(|| ControlError::missing("room", &room))?;
        let removed: BTreeSet<SipUri> = wanted.remove.into_iter().collect();
        let kept = room.list(role).difference(&removed).cloned();
        let list: BTreeSet<SipUri> = kept.chain(wanted.add).collect();
        Ok(Edit::ChangeRole {
            room: id,
            role,
            edit: RoleEdit::Replace(list),
        })
    })
    .await?;
    detail(&service, id).await
}

fn summary(service: &Service, directory: &Directory, room: &Room) -> RoomSummary {
    RoomSummary {
        id: room.id,
        uri: service.base.sibling(room.id),
        name: room.settings.name.clone(),
        description: room.settings.description.clone(),
        category: directory
            .category_of(room)
            .map(|category| category.name.clone())
            .unwrap_or_default(),
        privacy: room.settings.privacy,
        behavior: room.settings.behavior,
        disabled: room.settings.disabled,
        participants: service.rooms.participants(room.id),
    }
}

async fn detail(service: &Arc<Service>, id: RoomId) -> Answer<RoomDetail> {
    let present = present(service, id).await?;
    let directory = service.directory.read();
    let room = directory
        .room(id)
        .ok_or_else(|| ControlError::missing("room", &id.to_string()))?;
    let list = |role| room.list(role).iter().cloned().collect();
    Ok(Json(RoomDetail {
        summary: summary(service, &directory, room),
        members: list(Role::Member),
        managers: list(Role::Manager),
        presenters: list(Role::Presenter),
        present,
    }))
}

/// Who is in the room, from its own task; nobody is in a room that is not live.
async fn present(service: &Arc<Service>, id: RoomId) -> Result<Vec<SipUri>, ControlError> {
    let Some(entry) = service.rooms.enter_live(id) else {
        return Ok(Vec::new());
    };
    let (answer, present) = oneshot::channel();
    entry.map_err(|_| ControlError::Busy)?.present(answer);
    Ok(present.await.unwrap_or_default())
}
