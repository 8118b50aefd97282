//! Scopes: which users a category is open to. Who holds a role in a room is `room`'s subject.

use std::collections::BTreeSet;
use std::fmt;

use parlor_xccos::SipUri;

/// One entry of a scope: a user, or everybody of a SIP domain.
///
/// Directory groups of the original become entries here once a directory is connected.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Principal {
    /// Every user whose address is in this domain, compared without case; sub-domains are not included.
    Domain(Box<str>),
    /// One user.
    User(SipUri),
}

impl Principal {
    /// Everybody of `domain`.
    pub fn domain(domain: &str) -> Self {
        Self::Domain(domain.to_ascii_lowercase().into())
    }

    /// Whether the principal stands for `user`.
    pub fn covers(&self, user: &SipUri) -> bool {
        match self {
            Self::Domain(domain) => user.host().eq_ignore_ascii_case(domain),
            Self::User(uri) => uri == user,
        }
    }
}

impl fmt::Display for Principal {
    /// The user's URI, or the bare domain.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(domain) => f.write_str(domain),
            Self::User(uri) => write!(f, "{uri}"),
        }
    }
}

/// A set of users that can be tested without listing them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All users.
    Everyone,
    /// Users covered by at least one entry; with no entry, nobody.
    Only(BTreeSet<Principal>),
}

impl Scope {
    /// The empty scope.
    pub fn nobody() -> Self {
        Self::Only(BTreeSet::new())
    }

    /// The scope covered by `principals`.
    pub fn only(principals: impl IntoIterator<Item = Principal>) -> Self {
        Self::Only(principals.into_iter().collect())
    }

    /// Whether `user` is in the scope.
    pub fn contains(&self, user: &SipUri) -> bool {
        let Self::Only(entries) = self else { return true };
        // The set is small or made of single users: look the user up before walking the domains, which
        // sort first.
        entries.contains(&Principal::User(user.clone()))
            || entries
                .iter()
                .take_while(|entry| matches!(entry, Principal::Domain(_)))
                .any(|entry| entry.covers(user))
    }

    /// The entries; none for [`Scope::Everyone`].
    pub fn principals(&self) -> impl Iterator<Item = &Principal> {
        match self {
            Self::Everyone => None,
            Self::Only(entries) => Some(entries),
        }
        .into_iter()
        .flatten()
    }
}
