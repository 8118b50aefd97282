//! REGISTER: who proved an identity is signed in for as long as the connection lasts. Bindings, several endpoints per
//! user and passwords are left to the registrar that comes with accounts.

use std::time::Duration;

use parlor_sip::{Name, NameAddr, Request, ResponseDraft, ServerTransactionId, StatusCode, Uri};

use super::Session;
use crate::provisioning::EVENTS;

/// Silence after which a client sends a keep-alive; also well below what firewalls forget.
const KEEP_ALIVE: &str = "UAS; tcp=no; hop-hop=yes; end-end=no; timeout=120";

impl Session {
    pub(super) fn on_register(&mut self, transaction: ServerTransactionId, request: &Request) {
        let Some(authentication_info) = self.admit_register(transaction, request) else {
            return;
        };
        let speaker = match self.speaker(request) {
            Ok(speaker) => speaker,
            Err(refused) => return self.refuse(transaction, refused),
        };
        let expires = granted(request, self.service.config.registration_expires);
        tracing::info!(user = %speaker.user, expires, "registered");
        self.signed_in(&speaker.user, request, expires);
        // Each on its own line: a client looks at whole values (real-client 3.1).
        let mut draft = ResponseDraft::new(StatusCode::OK)
            .header(Name::Expires, expires.to_string())
            .header(Name::Supported, "msrtc-event-categories")
            .header(Name::Supported, "adhoclist")
            .header(Name::AllowEvents, EVENTS)
            .header(Name::MsKeepAlive, KEEP_ALIVE);
        if let Some(info) = authentication_info {
            draft = draft.header(Name::AuthenticationInfo, info);
        }
        if expires > 0
            && let Some(contact) = binding(request, expires)
        {
            draft = draft.header(Name::Contact, contact.to_string());
        }
        self.respond(transaction, draft);
    }
}

/// What the client asked for, up to our limit; 0 signs off.
fn granted(request: &Request, limit: Duration) -> u64 {
    let asked = request.expires().ok().flatten().map(u64::from);
    asked.map_or(limit.as_secs(), |asked| asked.min(limit.as_secs()))
}

/// The Contact as registered, with its lifetime and, for a client with an endpoint id, the GRUU that reaches it.
fn binding(request: &Request, expires: u64) -> Option<NameAddr> {
    let contact = request
        .contact()
        .ok()
        .flatten()?
        .with_param("expires", Some(&expires.to_string()));
    let from = request.from().ok()?;
    let Some(epid) = from.epid() else {
        return Some(contact);
    };
    let gruu: Uri = from.uri.aor().parse().ok()?;
    let gruu = gruu
        .with_param("opaque", Some(&format!("user:epid:{epid}")))
        .ok()?
        .with_param("gruu", None)
        .ok()?;
    Some(contact.with_param("gruu", Some(gruu.as_str())))
}
