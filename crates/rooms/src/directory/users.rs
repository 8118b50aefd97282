//! Planning changes of users; administrators alone may.

use parlor_xccos::SipUri;

use crate::refusal::{Refusal, Subject};
use crate::{Category, Change, Role, User};

use super::names::{MAX_DISPLAY_NAME, check_line};
use super::{Actor, Directory};

impl Directory {
    pub(super) fn plan_put_user(&self, actor: Actor<'_>, user: User) -> Result<Vec<Change>, Refusal> {
        self.require_administrator(actor)?;
        check_line(&user.display_name, Subject::DisplayName, MAX_DISPLAY_NAME)?;
        let known = self.user(&user.uri);
        if known.is_some_and(|known| **known == user) {
            return Ok(Vec::new());
        }
        let demoted = known.is_some_and(|known| known.administrator) && !user.administrator;
        let uri = user.uri.clone();
        let mut changes = vec![Change::UserPut(user)];
        if demoted {
            // Who was in scope only as an administrator is not any more.
            changes.extend(self.drop_roles(&uri, |category| !category.contains(&uri)));
        }
        Ok(changes)
    }

    pub(super) fn plan_remove_user(&self, actor: Actor<'_>, uri: &SipUri) -> Result<Vec<Change>, Refusal> {
        self.require_administrator(actor)?;
        if !self.users.contains_key(uri) {
            return Err(Refusal::NoSuchUser(uri.clone()));
        }
        let mut changes = self.drop_roles(uri, |_| true);
        changes.push(Change::UserRemoved(uri.clone()));
        Ok(changes)
    }

    pub(super) fn require_administrator(&self, actor: Actor<'_>) -> Result<(), Refusal> {
        match actor {
            Actor::Operator => Ok(()),
            Actor::User(uri)
                if self
                    .user(uri)
                    .is_some_and(|user| user.administrator && user.is_active()) =>
            {
                Ok(())
            }
            Actor::User(_) => Err(Refusal::NotAuthorized),
        }
    }

    /// Takes all roles from `user` in the categories that `lost` picks.
    fn drop_roles(&self, user: &SipUri, lost: impl Fn(&Category) -> bool) -> Vec<Change> {
        let mut changes = Vec::new();
        for category in self.categories.values().filter(|category| lost(category)) {
            if category.creators.contains(user) {
                let mut category = Category::clone(category);
                category.creators.remove(user);
                changes.push(Change::CategoryChanged(category));
            }
        }
        let rooms = self.rooms_held_by(user);
        for room in rooms.iter().filter_map(|id| self.room(*id)) {
            if !self.category_of(room).is_some_and(|category| lost(category)) {
                continue;
            }
            for role in [Role::Member, Role::Manager, Role::Presenter] {
                if room.list(role).contains(user) {
                    let removed = vec![user.clone()];
                    changes.push(Change::RoleChanged {
                        room: room.id,
                        role,
                        added: Vec::new(),
                        removed,
                    });
                }
            }
        }
        changes
    }
}
