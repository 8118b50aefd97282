//! Planning changes of categories; administrators alone may.

use parlor_xccos::{CategoryId, SipUri};

use crate::{Category, Change, Refusal};

use super::names::{check_description, check_name};
use super::{Actor, CategoryPatch, Directory, Named};

impl Directory {
    pub(super) fn plan_add_category(
        &self,
        actor: Actor<'_>,
        mut category: Category,
    ) -> Result<Vec<Change>, Refusal> {
        self.require_administrator(actor)?;
        category.name = category.name.trim().to_owned();
        self.check_new_category(&category)?;
        Ok(vec![Change::CategoryAdded(category)])
    }

    pub(super) fn plan_change_category(
        &self,
        actor: Actor<'_>,
        id: CategoryId,
        patch: CategoryPatch,
    ) -> Result<Vec<Change>, Refusal> {
        self.require_administrator(actor)?;
        let known = self.categories.get(&id).ok_or(Refusal::NoSuchCategory(id))?;
        let creators_given = patch.creators.is_some();
        let mut category = patched(known, patch);
        if !creators_given {
            let outside = self.outside(&category, &category.creators);
            category.creators.retain(|user| !outside.contains(user));
        }
        self.check_category(&category)?;
        if category == **known {
            return Ok(Vec::new());
        }
        let mut changes = vec![Change::CategoryChanged(category.clone())];
        if (&category.allowed, &category.denied) != (&known.allowed, &known.denied) {
            for room in self.rooms.values().filter(|room| room.settings.category == id) {
                changes.extend(self.strip(room, &room.settings, &category));
            }
        }
        Ok(changes)
    }

    pub(super) fn plan_remove_category(
        &self,
        actor: Actor<'_>,
        id: CategoryId,
    ) -> Result<Vec<Change>, Refusal> {
        self.require_administrator(actor)?;
        if !self.categories.contains_key(&id) {
            return Err(Refusal::NoSuchCategory(id));
        }
        match self
            .rooms
            .values()
            .filter(|room| room.settings.category == id)
            .count()
        {
            0 => Ok(vec![Change::CategoryRemoved(id)]),
            rooms => Err(Refusal::CategoryNotEmpty { rooms }),
        }
    }

    pub(super) fn check_new_category(&self, category: &Category) -> Result<(), Refusal> {
        if self.categories.contains_key(&category.id) {
            return Err(Refusal::IdInUse);
        }
        self.check_category(category)
    }

    fn check_category(&self, category: &Category) -> Result<(), Refusal> {
        check_name(&category.name)?;
        check_description(&category.description)?;
        self.check_free(&category.name, Named::Category(category.id))?;
        let outside = self.outside(category, &category.creators);
        if outside.is_empty() {
            Ok(())
        } else {
            Err(Refusal::NotInScope(outside))
        }
    }

    /// Those of `users` who are neither in the category's scope nor administrators.
    pub(super) fn outside<'a>(
        &self,
        category: &Category,
        users: impl IntoIterator<Item = &'a SipUri>,
    ) -> Vec<SipUri> {
        users
            .into_iter()
            .filter(|user| !self.in_scope(category, user))
            .cloned()
            .collect()
    }

    /// Whether `user` may hold a role in the category's rooms.
    pub(super) fn in_scope(&self, category: &Category, user: &SipUri) -> bool {
        category.contains(user) || self.users.get(user).is_some_and(|user| user.administrator)
    }
}

fn patched(known: &Category, patch: CategoryPatch) -> Category {
    Category {
        id: known.id,
        name: patch
            .name
            .map_or_else(|| known.name.clone(), |name| name.trim().to_owned()),
        description: patch.description.unwrap_or_else(|| known.description.clone()),
        allowed: patch.allowed.unwrap_or_else(|| known.allowed.clone()),
        denied: patch.denied.unwrap_or_else(|| known.denied.clone()),
        creators: patch.creators.unwrap_or_else(|| known.creators.clone()),
        invitations: patch.invitations.unwrap_or(known.invitations),
        file_upload: patch.file_upload.unwrap_or(known.file_upload),
        history: patch.history.unwrap_or(known.history),
    }
}
