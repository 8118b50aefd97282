//! REGISTER: who proved an identity binds an endpoint, refreshes it, asks for the bindings, or signs off
//! (RFC 3261 section 10.3). What a binding means is the registrar's.

use std::time::Duration;

use parlor_sip::{Name, NameAddr, Request, ResponseDraft, ServerTransactionId, StatusCode, Uri};
use parlor_xccos::SipUri;

use super::Session;
use crate::diagnostics::Refused;
use crate::mailbox::Mailbox;
use crate::provisioning::EVENTS;
use crate::registrar::{Binding, Device, Full, Registration, Why, now};

/// Silence after which a client sends a keep-alive; also well below what firewalls forget.
const KEEP_ALIVE: &str = "UAS; tcp=no; hop-hop=yes; end-end=no; timeout=120";
/// The shortest registration; a shorter one is a mistake, and each refresh costs an answer.
const SHORTEST: Duration = Duration::from_secs(30);
/// Bytes of one Contact. pidgin-sipe's has 270; the answer repeats those of all endpoints and must fit into a head.
const MAX_CONTACT: usize = 1_024;
/// Seconds after which a full server may have room: a grace time.
const RETRY_AFTER: &str = "60";

/// What a REGISTER wants.
enum Wish {
    /// RFC 3261 section 10.3 step 6: without a Contact only the answer counts.
    Bindings,
    Bind(Registration<Mailbox>),
    Leave(Device),
    LeaveEverywhere,
}

impl Session {
    pub(super) fn on_register(&mut self, transaction: ServerTransactionId, request: &Request) {
        let Some(authentication_info) = self.admit_register(transaction, request) else {
            return;
        };
        let user = match self.speaker(request) {
            Ok(speaker) => speaker.user,
            Err(refused) => return self.refuse(transaction, refused),
        };
        let wish = match self.wish(request) {
            Ok(wish) => wish,
            Err(refused) => return self.refuse_registration(transaction, refused),
        };
        let granted = match &wish {
            Wish::Bind(registration) => Some(registration.lifetime.as_secs()),
            Wish::Leave(_) | Wish::LeaveEverywhere => Some(0),
            Wish::Bindings => None,
        };
        if let Err(refused) = self.grant(&user, wish) {
            return self.refuse_registration(transaction, refused);
        }
        // Each on its own line: a client looks at whole values (real-client 3.1).
        let mut draft = ResponseDraft::new(StatusCode::OK)
            .header(Name::Supported, "msrtc-event-categories")
            .header(Name::Supported, "adhoclist")
            .header(Name::AllowEvents, EVENTS)
            .header(Name::MsKeepAlive, KEEP_ALIVE);
        if let Some(granted) = granted {
            draft = draft.header(Name::Expires, granted.to_string());
        }
        if let Some(info) = authentication_info {
            draft = draft.header(Name::AuthenticationInfo, info);
        }
        for contact in self.contacts_of(&user) {
            draft = draft.header(Name::Contact, contact.to_string());
        }
        self.respond(transaction, draft);
    }

    fn wish(&self, request: &Request) -> Result<Wish, Refused> {
        let expires = request.expires().map_err(|_| Refused::OddContact)?;
        let contacts: Vec<&str> = request.headers().all(Name::Contact).collect();
        match contacts.as_slice() {
            [] if expires != Some(0) => return Ok(Wish::Bindings),
            [text] if text.trim() == "*" => {
                // RFC 3261 section 10.2.2: the star only takes away.
                let leaves = expires == Some(0);
                return leaves.then_some(Wish::LeaveEverywhere).ok_or(Refused::OddContact);
            }
            [_, _, ..] => return Err(Refused::OddContact),
            [text] if text.len() > MAX_CONTACT || is_list(text) => return Err(Refused::OddContact),
            _ => {}
        }
        let contact = request.contact().map_err(|_| Refused::OddContact)?;
        let device = Device::of(request, contact.as_ref()).map_err(|_| Refused::OddEndpoint)?;
        let limit = self.service.config.registration_expires;
        let own = contact
            .as_ref()
            .and_then(|contact| contact.params.get("expires")?.parse().ok());
        let lifetime = own
            .or(expires)
            .map_or(limit, |asked: u32| Duration::from_secs(asked.into()).min(limit));
        let Some(contact) = contact.filter(|_| !lifetime.is_zero()) else {
            return Ok(Wish::Leave(device));
        };
        if lifetime < SHORTEST {
            return Err(Refused::TooBrief);
        }
        Ok(Wish::Bind(Registration {
            device,
            contact,
            line: self.mailbox.clone(),
            lifetime,
        }))
    }

    fn grant(&mut self, user: &SipUri, wish: Wish) -> Result<(), Refused> {
        match wish {
            Wish::Bindings => {}
            Wish::Leave(device) => self.service.sign_off(user, &self.mailbox, &device),
            Wish::LeaveEverywhere => self.service.sign_off_everywhere(user, Why::SignedOff),
            Wish::Bind(registration) => {
                if !self.remember(user) {
                    return Err(Refused::TooManyUsers);
                }
                let seconds = registration.lifetime.as_secs();
                self.service
                    .sign_in(user, registration)
                    .map_err(|full| match full {
                        Full::User => Refused::TooManyEndpoints,
                        Full::Server => Refused::FullRegistrar,
                    })?;
                tracing::info!(%user, expires = seconds, "registered");
                if self.standing.is_trusted() {
                    self.service.presence.application_came(user, &self.mailbox);
                }
            }
        }
        Ok(())
    }

    fn refuse_registration(&mut self, transaction: ServerTransactionId, refused: Refused) {
        let extra = match refused {
            Refused::TooBrief => (Name::MinExpires, SHORTEST.as_secs().to_string()),
            Refused::FullRegistrar => (Name::RetryAfter, RETRY_AFTER.to_owned()),
            _ => return self.refuse(transaction, refused),
        };
        tracing::info!(%refused, "registration refused");
        self.service.counters.refusals.request(refused);
        let draft = ResponseDraft::new(refused.status())
            .header(extra.0, extra.1)
            .header(Name::MsDiagnostics, refused.header(&self.service.config.domain));
        self.respond(transaction, draft);
    }

    /// Every binding of the user with what is left of its time, those of this connection first: a client that looks
    /// at one only finds its own.
    fn contacts_of(&self, user: &SipUri) -> Vec<NameAddr> {
        let mut bindings = self.service.registrar.of(user);
        bindings.reverse();
        bindings.sort_by_key(|binding| binding.line != self.mailbox);
        bindings
            .into_iter()
            .map(|binding| contact(user, binding))
            .collect()
    }
}

/// A Contact as registered, with its time and the GRUU that reaches it.
fn contact(user: &SipUri, binding: Binding<Mailbox>) -> NameAddr {
    let left = binding.expires.saturating_duration_since(now());
    // Rounded, not cut: the answer to a REGISTER says what was granted.
    let left = (left + Duration::from_millis(500)).as_secs();
    let contact = binding.contact.with_param("expires", Some(&left.to_string()));
    match gruu(user, &binding.device) {
        Some(gruu) => contact.with_param("gruu", Some(gruu.as_str())),
        None => contact,
    }
}

fn gruu(user: &SipUri, device: &Device) -> Option<Uri> {
    let uri: Uri = user.as_str().parse().ok()?;
    let uri = uri.with_param("opaque", Some(&device.opaque()?)).ok()?;
    uri.with_param("gruu", None).ok()
}

/// Whether there is more than one Contact in the value; one endpoint registers itself and nobody else.
fn is_list(text: &str) -> bool {
    NameAddr::parse_list(text).is_ok_and(|list| list.len() > 1)
}
