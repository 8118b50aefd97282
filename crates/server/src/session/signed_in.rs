//! What a successful REGISTER means for others: the user can be reached at this connection until the registration ends.

use parlor_sip::{Request, Uri};
use parlor_xccos::SipUri;

use super::Session;
use crate::endpoints::SignedIn;

/// Users signed in by one connection; a host carries one per bot.
const MAX_USERS: usize = 1_024;

impl Session {
    /// The user is registered here for `expires` seconds from now; 0 signs off. To be called again for each refresh.
    pub(super) fn signed_in(&mut self, user: &SipUri, request: &Request, expires: u64) {
        let from = request.from().ok();
        let epid = from.as_ref().and_then(|from| from.epid());
        if expires == 0 {
            return self.signed_off(user, epid);
        }
        let contact: Option<Uri> = match request.contact() {
            Ok(Some(contact)) => Some(contact.uri),
            _ => user.as_str().parse().ok(),
        };
        let Some(contact) = contact else { return };
        if !self.remember(user) {
            return;
        }
        let endpoint = SignedIn {
            epid: epid.map(str::to_owned),
            contact,
            mailbox: self.mailbox.clone(),
        };
        self.service.endpoints.enter(user, endpoint);
        if self.standing.is_trusted() {
            self.service.presence.application_came(user, &self.mailbox);
        }
    }

    /// Notes that there is something to withdraw for the user when this connection ends; false beyond the limit.
    pub(super) fn remember(&mut self, user: &SipUri) -> bool {
        let known = self.users.contains(user);
        if !known && self.users.len() < MAX_USERS {
            self.users.push(user.clone());
        }
        known || self.users.contains(user)
    }

    /// The user left this connection on purpose.
    fn signed_off(&mut self, user: &SipUri, epid: Option<&str>) {
        self.users.retain(|other| other != user);
        self.lost.retain(|chat| chat.user != *user);
        self.service.endpoints.leave(user, &self.mailbox, epid);
        self.withdraw(user);
    }

    /// What the user said by this connection is not true any more.
    pub(super) fn withdraw(&self, user: &SipUri) {
        let last = self.service.endpoints.of(user).is_empty();
        self.service.presence.endpoint_gone(user, &self.mailbox, last);
    }

    /// The connection is over.
    pub(super) fn sign_off_all(&mut self) {
        self.calls.hang_up();
        self.unsubscribe_all();
        for user in std::mem::take(&mut self.users) {
            self.service.endpoints.leave_all(&user, &self.mailbox);
            self.withdraw(&user);
        }
    }
}
