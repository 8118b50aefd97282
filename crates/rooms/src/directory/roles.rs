//! Planning changes of role lists, and the rules every list keeps:
//! an entry is in the category's scope (or an administrator), an open room has no members, only an auditorium
//! has presenters, and a presenter of a room with members is one of them.

use std::collections::BTreeSet;

use parlor_xccos::{RoomId, SipUri};

use crate::{Category, Change, Refusal, Role, Room, RoomSettings};

use super::rooms::{has_members, has_presenters};
use super::{Actor, Directory, RoleEdit};

/// The most entries of one role list; six times the largest room that the original was measured with
/// (product 1.2), so that one room cannot eat the memory of all.
pub const MAX_ROLE_ENTRIES: usize = 100_000;

impl Directory {
    pub(super) fn plan_change_role(
        &self,
        actor: Actor<'_>,
        id: RoomId,
        role: Role,
        edit: RoleEdit,
    ) -> Result<Vec<Change>, Refusal> {
        let room = self.require_manager(actor, id)?;
        let (added, removed) = difference(room.list(role), role, edit)?;
        let mut after = room.clone();
        let list = after.list_mut(role);
        list.extend(added.iter().cloned());
        for user in &removed {
            list.remove(user);
        }
        let orphans: Vec<_> = match role {
            Role::Member => removed
                .iter()
                .filter(|user| after.presenters.remove(*user))
                .cloned()
                .collect(),
            Role::Manager | Role::Presenter => Vec::new(),
        };
        let category = self
            .category_of(room)
            .ok_or(Refusal::NoSuchCategory(room.settings.category))?;
        self.check_lists(&after, category)?;

        let mut changes = Vec::new();
        if !added.is_empty() || !removed.is_empty() {
            changes.push(Change::RoleChanged {
                room: id,
                role,
                added,
                removed,
            });
        }
        if !orphans.is_empty() {
            let role = Role::Presenter;
            changes.push(Change::RoleChanged {
                room: id,
                role,
                added: Vec::new(),
                removed: orphans,
            });
        }
        Ok(changes)
    }

    /// Whether the lists of `room` keep the rules of this module.
    pub(super) fn check_lists(&self, room: &Room, category: &Category) -> Result<(), Refusal> {
        if !has_members(&room.settings) && !room.members.is_empty() {
            return Err(Refusal::MembersInOpenRoom);
        }
        if !has_presenters(&room.settings) && !room.presenters.is_empty() {
            return Err(Refusal::PresentersNeedAuditorium);
        }
        for list in [&room.members, &room.managers, &room.presenters] {
            if list.len() > MAX_ROLE_ENTRIES {
                return Err(Refusal::TooMany {
                    count: list.len(),
                    limit: MAX_ROLE_ENTRIES,
                });
            }
            let outside = self.outside(category, list);
            if !outside.is_empty() {
                return Err(Refusal::NotInScope(outside));
            }
        }
        let strangers: Vec<_> = room.presenters.difference(&room.members).cloned().collect();
        if has_members(&room.settings) && !strangers.is_empty() {
            return Err(Refusal::PresentersNotMembers(strangers));
        }
        Ok(())
    }

    /// What `room` loses from its lists when its properties become `settings` and its scope that of `category`.
    pub(super) fn strip(&self, room: &Room, settings: &RoomSettings, category: &Category) -> Vec<Change> {
        let keeps = |role: Role, user: &SipUri| {
            self.in_scope(category, user)
                && match role {
                    Role::Manager => true,
                    Role::Member => has_members(settings),
                    Role::Presenter => {
                        has_presenters(settings) && (!has_members(settings) || room.members.contains(user))
                    }
                }
        };
        [Role::Member, Role::Manager, Role::Presenter]
            .into_iter()
            .filter_map(|role| {
                let removed: Vec<_> = room
                    .list(role)
                    .iter()
                    .filter(|user| !keeps(role, user))
                    .cloned()
                    .collect();
                let change = Change::RoleChanged {
                    room: room.id,
                    role,
                    added: Vec::new(),
                    removed,
                };
                matches!(&change, Change::RoleChanged { removed, .. } if !removed.is_empty())
                    .then_some(change)
            })
            .collect()
    }
}

/// Who is new in and who leaves `list` by `edit`.
fn difference(
    list: &BTreeSet<SipUri>,
    role: Role,
    edit: RoleEdit,
) -> Result<(Vec<SipUri>, Vec<SipUri>), Refusal> {
    match edit {
        RoleEdit::Add(wanted) => {
            let users: Vec<_> = wanted.intersection(list).cloned().collect();
            if users.is_empty() {
                Ok((wanted.into_iter().collect(), Vec::new()))
            } else {
                Err(Refusal::AlreadyInRole { role, users })
            }
        }
        RoleEdit::Remove(unwanted) => {
            let users: Vec<_> = unwanted.difference(list).cloned().collect();
            if users.is_empty() {
                Ok((Vec::new(), unwanted.into_iter().collect()))
            } else {
                Err(Refusal::NotInRole { role, users })
            }
        }
        RoleEdit::Replace(wanted) => Ok((
            wanted.difference(list).cloned().collect(),
            list.difference(&wanted).cloned().collect(),
        )),
    }
}
