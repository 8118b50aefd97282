//! Taking stored changes over into memory, indexes included.

use std::collections::BTreeSet;
use std::sync::Arc;

use parlor_xccos::{RoomId, SipUri};

use crate::{Category, Change, Role, Room};

use super::names::fold_name;
use super::{Directory, Named};

const ROLES: [Role; 3] = [Role::Manager, Role::Member, Role::Presenter];

impl Directory {
    pub(super) fn apply_one(&mut self, change: &Change) {
        match change {
            Change::CategoryAdded(category) | Change::CategoryChanged(category) => {
                self.put_category(category)
            }
            Change::CategoryRemoved(id) => {
                if let Some(category) = self.categories.remove(id) {
                    self.names.remove(fold_name(&category.name).as_str());
                }
            }
            Change::RoleChanged {
                room,
                role,
                added,
                removed,
            } => {
                self.change_role(*room, *role, added, removed);
            }
            Change::RoomAdded(room) => self.put_room(room.clone()),
            Change::RoomChanged { room, settings } => {
                if let Some(known) = self.rooms.get_mut(room) {
                    self.names.remove(fold_name(&known.settings.name).as_str());
                    self.names
                        .insert(fold_name(&settings.name).into(), Named::Room(*room));
                    Arc::make_mut(known).settings = settings.clone();
                }
            }
            Change::RoomRemoved(id) => {
                if let Some(room) = self.rooms.remove(id) {
                    self.names.remove(fold_name(&room.settings.name).as_str());
                    for role in ROLES {
                        for user in room.list(role) {
                            self.forget(user, role, *id);
                        }
                    }
                }
            }
            Change::UserPut(user) => {
                self.users.insert(user.uri.clone(), Arc::new(user.clone()));
            }
            Change::UserRemoved(uri) => {
                self.users.remove(uri);
            }
        }
    }

    fn put_category(&mut self, category: &Category) {
        if let Some(known) = self.categories.insert(category.id, Arc::new(category.clone())) {
            self.names.remove(fold_name(&known.name).as_str());
        }
        self.names
            .insert(fold_name(&category.name).into(), Named::Category(category.id));
    }

    fn put_room(&mut self, room: Room) {
        self.names
            .insert(fold_name(&room.settings.name).into(), Named::Room(room.id));
        for role in ROLES {
            for user in room.list(role) {
                self.held.entry(user.clone()).or_default().insert((role, room.id));
            }
        }
        self.rooms.insert(room.id, Arc::new(room));
    }

    fn change_role(&mut self, id: RoomId, role: Role, added: &[SipUri], removed: &[SipUri]) {
        let Some(room) = self.rooms.get_mut(&id) else {
            return;
        };
        let list = Arc::make_mut(room).list_mut(role);
        list.extend(added.iter().cloned());
        for user in removed {
            list.remove(user);
        }
        for user in added {
            self.held.entry(user.clone()).or_default().insert((role, id));
        }
        for user in removed {
            self.forget(user, role, id);
        }
    }

    fn forget(&mut self, user: &SipUri, role: Role, room: RoomId) {
        if let Some(held) = self.held.get_mut(user) {
            held.remove(&(role, room));
            if held.is_empty() {
                self.held.remove(user);
            }
        }
    }

    /// In which rooms `user` holds any role.
    pub(super) fn rooms_held_by(&self, user: &SipUri) -> BTreeSet<RoomId> {
        self.held
            .get(user)
            .into_iter()
            .flatten()
            .map(|(_, room)| *room)
            .collect()
    }
}
