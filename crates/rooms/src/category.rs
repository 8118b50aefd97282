//! A category: the flat level above rooms that says who can be in them at all, who may create them and
//! what they may use. Users never see categories; changes are validated by [`crate::Directory`].

use std::collections::BTreeSet;

use parlor_xccos::{CategoryId, SipUri};

use crate::Scope;

/// A category of rooms (facts: product 4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    /// Never changes.
    pub id: CategoryId,
    /// At most 256 characters; shares one namespace with room names.
    pub name: String,
    /// At most 256 characters.
    pub description: String,
    /// Who may hold a role in, see and join the rooms.
    pub allowed: Scope,
    /// Exceptions from `allowed`; denial wins.
    pub denied: Scope,
    /// Who may create rooms here; each is in scope.
    pub creators: BTreeSet<SipUri>,
    /// Whether rooms may send invitations to new members.
    pub invitations: bool,
    /// Whether those who may post may upload files.
    pub file_upload: bool,
    /// Whether posts are kept; without, they are live only.
    pub history: bool,
}

impl Category {
    /// A category with the original's defaults: everyone allowed, nobody denied, no creators, history kept,
    /// no invitations, no uploads.
    pub fn new(id: CategoryId, name: impl Into<String>) -> Self {
        Self {
            id,
            name: name.into(),
            description: String::new(),
            allowed: Scope::Everyone,
            denied: Scope::nobody(),
            creators: BTreeSet::new(),
            invitations: false,
            file_upload: false,
            history: true,
        }
    }

    /// Whether `user` is allowed and not denied.
    pub fn contains(&self, user: &SipUri) -> bool {
        self.allowed.contains(user) && !self.denied.contains(user)
    }

    /// Whether `user` may create rooms here (product 4.2 "create room").
    pub fn may_create(&self, user: &crate::User) -> bool {
        user.is_active()
            && (user.administrator || (self.creators.contains(&user.uri) && self.contains(&user.uri)))
    }
}
