//! Who a request is from, proved or refused.

use parlor_rooms::UserKind;
use parlor_sip::{Name, NameAddr, Request};
use parlor_xccos::SipUri;

use super::Session;
use crate::diagnostics::Refused;

/// Users remembered for one connection; more than any application is allowed.
const MAX_KNOWN: usize = 1_024;

/// A user of the directory who proved to be the sender.
#[derive(Debug)]
pub(super) struct Speaker {
    pub(super) user: SipUri,
    pub(super) display_name: String,
    pub(super) kind: UserKind,
}

impl Session {
    /// The sender of a request outside of a chat dialog.
    pub(super) fn speaker(&mut self, request: &Request) -> Result<Speaker, Refused> {
        let user = self.claimed(request)?;
        let contact = request.contact().ok().flatten();
        if contact.is_some() || !self.known.contains(&user) {
            self.standing
                .may_speak_as(&user, contact.as_ref().map(|contact| &contact.uri))?;
        }
        if self.standing.is_trusted() && !self.known.contains(&user) && self.known.len() < MAX_KNOWN {
            self.known.push(user.clone());
        }
        let directory = self.service.directory.read();
        let entry = directory.user(&user).ok_or(Refused::UnknownUser)?;
        if entry.disabled {
            return Err(Refused::DisabledUser);
        }
        Ok(Speaker {
            display_name: entry.display_name.clone(),
            kind: entry.kind,
            user,
        })
    }

    /// Between trusted hops P-Asserted-Identity names the user (facts E6); from anybody else it is a claim like any
    /// other and not looked at.
    fn claimed(&self, request: &Request) -> Result<SipUri, Refused> {
        if self.standing.is_trusted()
            && let Some(asserted) = request.headers().get(Name::PAssertedIdentity)
        {
            let asserted = NameAddr::parse_list(asserted).map_err(|_| Refused::NoSender)?;
            if let Some(user) = asserted.iter().find_map(|address| address.uri.aor().parse().ok()) {
                return Ok(user);
            }
        }
        let from = request.from().map_err(|_| Refused::NoSender)?;
        from.uri.aor().parse().map_err(|_| Refused::NoSender)
    }
}
