//! A user known to the service. How a user proves an identity is the server's subject.

use parlor_xccos::SipUri;

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The address and identity.
    pub uri: SipUri,
    /// At most 256 characters; may be empty.
    pub display_name: String,
    /// What stands behind the address.
    pub kind: UserKind,
    /// A disabled user has no rights.
    pub disabled: bool,
    /// Administrators change everything and are in scope everywhere (product 4.2, notes).
    pub administrator: bool,
}

/// What stands behind an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserKind {
    /// A contact object, as a trusted application endpoint makes one; the chat service refuses it as the
    /// original does (product 8.4).
    Contact,
    /// A person or a bot with a user object.
    User,
}

impl User {
    /// An enabled user without special rights.
    pub fn new(uri: SipUri) -> Self {
        Self {
            uri,
            display_name: String::new(),
            kind: UserKind::User,
            disabled: false,
            administrator: false,
        }
    }

    /// Whether the user can use the service at all.
    pub fn is_active(&self) -> bool {
        !self.disabled && self.kind == UserKind::User
    }
}
