//! Planning changes of rooms: properties, moves, disabling, removal.

use parlor_xccos::{Behavior, Privacy, RoomId};

use crate::{Category, Change, Refusal, Room, RoomSettings};

use super::names::{check_description, check_name};
use super::{Actor, Directory, Named, RoomPatch};

impl Directory {
    pub(super) fn plan_add_room(&self, actor: Actor<'_>, mut room: Room) -> Result<Vec<Change>, Refusal> {
        let category = self.category(room.settings.category);
        let category = category.ok_or(Refusal::NoSuchCategory(room.settings.category))?;
        self.require_creator(actor, category)?;
        room.settings.name = room.settings.name.trim().to_owned();
        if let Actor::User(user) = actor {
            room.managers.insert(user.clone());
        }
        self.check_new_room(&room)?;
        Ok(vec![Change::RoomAdded(room)])
    }

    pub(super) fn plan_change_room(
        &self,
        actor: Actor<'_>,
        id: RoomId,
        patch: RoomPatch,
    ) -> Result<Vec<Change>, Refusal> {
        let room = self.require_manager(actor, id)?;
        let settings = patched(&room.settings, patch);
        let known = &room.settings;
        if known.disabled && !settings.disabled {
            self.require_administrator(actor)?;
        }
        let category = self
            .category(settings.category)
            .ok_or(Refusal::NoSuchCategory(settings.category))?;
        if settings.category != known.category {
            self.require_creator(actor, category)?;
        }
        self.check_settings(id, &settings)?;
        if settings == *known {
            return Ok(Vec::new());
        }
        let stripped = self.strip(room, &settings, category);
        let mut changes = vec![Change::RoomChanged { room: id, settings }];
        changes.extend(stripped);
        Ok(changes)
    }

    pub(super) fn plan_remove_room(&self, actor: Actor<'_>, id: RoomId) -> Result<Vec<Change>, Refusal> {
        self.require_administrator(actor)?;
        if !self.rooms.contains_key(&id) {
            return Err(Refusal::NoSuchRoom(id));
        }
        Ok(vec![Change::RoomRemoved(id)])
    }

    pub(super) fn check_new_room(&self, room: &Room) -> Result<(), Refusal> {
        if self.rooms.contains_key(&room.id) {
            return Err(Refusal::IdInUse);
        }
        let category = self.category(room.settings.category);
        let category = category.ok_or(Refusal::NoSuchCategory(room.settings.category))?;
        self.check_settings(room.id, &room.settings)?;
        self.check_lists(room, category)
    }

    fn check_settings(&self, id: RoomId, settings: &RoomSettings) -> Result<(), Refusal> {
        check_name(&settings.name)?;
        check_description(&settings.description)?;
        self.check_free(&settings.name, Named::Room(id))
    }

    fn require_creator(&self, actor: Actor<'_>, category: &Category) -> Result<(), Refusal> {
        match actor {
            Actor::Operator => Ok(()),
            Actor::User(user) if category.may_create(&self.standing(user)) => Ok(()),
            Actor::User(_) => Err(Refusal::NotCreator),
        }
    }

    /// The room, if `actor` may change it; to somebody who may not see it, it does not exist.
    pub(super) fn require_manager(&self, actor: Actor<'_>, id: RoomId) -> Result<&Room, Refusal> {
        let room = self.room(id).ok_or(Refusal::NoSuchRoom(id))?;
        let Actor::User(user) = actor else { return Ok(room) };
        let access = self.access(room, user);
        match (access.manage, access.see) {
            (true, _) => Ok(room),
            (false, true) => Err(Refusal::NotAuthorized),
            (false, false) => Err(Refusal::NoSuchRoom(id)),
        }
    }
}

fn patched(known: &RoomSettings, patch: RoomPatch) -> RoomSettings {
    RoomSettings {
        category: patch.category.unwrap_or(known.category),
        name: patch
            .name
            .map_or_else(|| known.name.clone(), |name| name.trim().to_owned()),
        description: patch.description.unwrap_or_else(|| known.description.clone()),
        privacy: patch.privacy.unwrap_or(known.privacy),
        behavior: patch.behavior.unwrap_or(known.behavior),
        disabled: patch.disabled.unwrap_or(known.disabled),
        invitations: patch.invitations.unwrap_or(known.invitations),
    }
}

/// Whether a room of these properties has a member list.
pub(super) fn has_members(settings: &RoomSettings) -> bool {
    settings.privacy != Privacy::Open
}

/// Whether a room of these properties has presenters.
pub(super) fn has_presenters(settings: &RoomSettings) -> bool {
    settings.behavior == Behavior::Auditorium
}
