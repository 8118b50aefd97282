//! Who is signed in where: the sessions that speak for each user. Deciding who may sign in is left to REGISTER.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use parlor_sip::Uri;
use parlor_xccos::SipUri;

use crate::mailbox::Mailbox;

/// Endpoints of one user at once; a user has a handful of devices. The oldest goes.
const MAX_ENDPOINTS: usize = 16;

/// The signed-in endpoints of all users.
#[derive(Debug, Default)]
pub(crate) struct Endpoints {
    users: Mutex<HashMap<SipUri, Vec<SignedIn>>>,
}

/// One place where a user is signed in.
#[derive(Debug, Clone)]
pub(crate) struct SignedIn {
    /// The endpoint id of the client, if it has one.
    pub(crate) epid: Option<String>,
    /// Where requests go.
    pub(crate) contact: Uri,
    pub(crate) mailbox: Mailbox,
}

impl Endpoints {
    /// Enters an endpoint, or changes it.
    pub(crate) fn enter(&self, user: &SipUri, endpoint: SignedIn) {
        let mut users = self.lock();
        let at = users.entry(user.clone()).or_default();
        at.retain(|other| !other.is_same(&endpoint.mailbox, endpoint.epid.as_deref()));
        if at.len() >= MAX_ENDPOINTS {
            at.remove(0);
        }
        at.push(endpoint);
    }

    /// Takes out an endpoint of a session.
    pub(crate) fn leave(&self, user: &SipUri, mailbox: &Mailbox, epid: Option<&str>) {
        self.retain(user, |other| !other.is_same(mailbox, epid));
    }

    /// Takes out every endpoint a user has at a session.
    pub(crate) fn leave_all(&self, user: &SipUri, mailbox: &Mailbox) {
        self.retain(user, |other| !other.mailbox.is(mailbox));
    }

    /// Where the user is signed in, the newest last.
    pub(crate) fn of(&self, user: &SipUri) -> Vec<SignedIn> {
        self.lock().get(user).cloned().unwrap_or_default()
    }

    fn retain(&self, user: &SipUri, keep: impl Fn(&SignedIn) -> bool) {
        let mut users = self.lock();
        if let Some(at) = users.get_mut(user) {
            at.retain(keep);
            if at.is_empty() {
                users.remove(user);
            }
        }
    }

    /// Held for a look or a change, and no other lock is taken under it.
    fn lock(&self) -> MutexGuard<'_, HashMap<SipUri, Vec<SignedIn>>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SignedIn {
    fn is_same(&self, mailbox: &Mailbox, epid: Option<&str>) -> bool {
        self.mailbox.is(mailbox) && self.epid.as_deref() == epid
    }
}
