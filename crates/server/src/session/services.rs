//! SERVICE: what a user publishes, who may see it, and the contact list ([MS-PRES], [MS-SIP]). What is to be kept is
//! answered when it is stored. Anything else is taken with an empty 200, which is all a client needs (real-client 3.2).

use std::fmt::Write;
use std::sync::Arc;

use parlor_sip::{Name, Request, ResponseDraft, ServerTransactionId, StatusCode};
use parlor_xccos::SipUri;

use super::Session;
use crate::diagnostics::Refused;
use crate::keeping::{Unkept, keep};
use crate::mailbox::Mail;
use crate::presence::{Body, Change, Fault, Operation, SOAP_TYPE};
use crate::xml::Element;

const PUBLISH_TYPE: &str = "application/msrtc-category-publish+xml";
const CONTAINERS_TYPE: &str = "application/msrtc-setcontainermembers+xml";
const SUBSCRIBERS_TYPE: &str = "application/msrtc-presence-setsubscriber+xml";
const FAULT_TYPE: &str = "application/msrtc-fault+xml";
/// What a client understands as: look again, and send it again for the version that is there.
const WRONG_DELTA: &str = "Client.BadCall.WrongDelta";

/// Changes of one connection that wait for the store; a client sends a handful when it signs in.
const MAX_CHANGES: usize = 64;

impl Session {
    pub(super) fn on_service(&mut self, transaction: ServerTransactionId, request: &Request) {
        let user = match self.speaker(request) {
            Ok(speaker) => speaker.user,
            Err(refused) => return self.refuse(transaction, refused),
        };
        let is = |name: &str| request.content_type().is_some_and(|media| media.is(name));
        let read: fn(&mut Self, &SipUri, Element) -> Result<Change, StatusCode> = if is(PUBLISH_TYPE) {
            Self::publication
        } else if is(CONTAINERS_TYPE) {
            |_, _, document| Ok(Change::Containers(document))
        } else if is(SOAP_TYPE) {
            Self::contact_command
        } else if is(SUBSCRIBERS_TYPE) {
            |_, _, document| acknowledgement(&document).ok_or(StatusCode::BAD_REQUEST)
        } else {
            return self.respond(transaction, StatusCode::OK);
        };
        let change = Element::parse(request.body())
            .ok_or(StatusCode::BAD_REQUEST)
            .and_then(|document| read(self, &user, document));
        match change {
            Ok(change) => self.change(transaction, user, change),
            Err(status) => self.respond(transaction, status),
        }
    }

    fn publication(&mut self, user: &SipUri, document: Element) -> Result<Change, StatusCode> {
        let operations = Operation::read_all(&document).ok_or(StatusCode::BAD_REQUEST)?;
        // It is withdrawn when the connection ends, whether the user registered or not.
        if !self.remember(user) {
            return Err(StatusCode::FORBIDDEN);
        }
        self.service.presence.endpoint_came(user, &self.mailbox);
        let by = self.mailbox.clone();
        Ok(Change::Publish { by, operations })
    }

    fn contact_command(&mut self, user: &SipUri, document: Element) -> Result<Change, StatusCode> {
        let command = document.child("Body").and_then(|body| body.children().next());
        let command = command.cloned().ok_or(StatusCode::BAD_REQUEST)?;
        // Whoever changes the list is told of each change and needs the whole no more.
        self.lists_owed.retain(|owed| owed != user);
        Ok(Change::Contacts(command))
    }

    /// Has a change made; its answer comes as a letter.
    fn change(&mut self, transaction: ServerTransactionId, user: SipUri, change: Change) {
        let waiting = Arc::strong_count(&self.changes) - 1;
        if waiting >= MAX_CHANGES {
            return self.refuse_change(transaction, Refused::TooBusy);
        }
        let lane = user.clone();
        let given = self.service.keeping.give(&lane, || {
            let (service, mailbox) = (Arc::clone(&self.service), self.mailbox.clone());
            let waiting = Arc::clone(&self.changes);
            async move {
                let kept = keep(&service, &user, change).await;
                drop(waiting);
                mailbox.post(Mail::Kept(transaction, kept));
            }
        });
        if given.is_err() {
            self.refuse_change(transaction, Refused::TooBusy);
        }
    }

    /// The change of a request was made, or not.
    pub(super) fn on_kept(&mut self, transaction: ServerTransactionId, kept: Result<Option<Body>, Unkept>) {
        let fault = match kept {
            Ok(Some((media, body))) => {
                return self.respond(transaction, ResponseDraft::new(StatusCode::OK).body(media, body));
            }
            Ok(None) => return self.respond(transaction, StatusCode::OK),
            Err(Unkept::NotStored) => return self.refuse_change(transaction, Refused::NotStored),
            Err(Unkept::Fault(fault)) => fault,
        };
        let status = match fault {
            Fault::WrongVersions(wrong) => {
                let draft = ResponseDraft::new(StatusCode::CONFLICT).body(FAULT_TYPE, wrong_versions(&wrong));
                return self.respond(transaction, draft);
            }
            // The client's list is another one than ours, or it knows commands that we do not.
            Fault::Unknown => StatusCode::NOT_FOUND,
            Fault::TooMany => StatusCode::FORBIDDEN,
            Fault::Unreadable => StatusCode::BAD_REQUEST,
        };
        self.respond(transaction, status);
    }

    /// Nothing has changed; the same request may be sent again.
    fn refuse_change(&mut self, transaction: ServerTransactionId, refused: Refused) {
        self.service.counters.refusals.request(refused);
        let draft = ResponseDraft::new(refused.status())
            .header(Name::RetryAfter, "1")
            .header(Name::MsDiagnostics, refused.header(&self.service.config.domain));
        self.respond(transaction, draft);
    }

    /// Those whom `subscriber` added as contacts are told of it ([MS-PRES] 3.6.5.1).
    pub(super) fn announce_subscriber(&self, subscriber: &SipUri, added: Vec<SipUri>) {
        let directory = self.service.directory.read();
        let Some(entry) = directory.user(subscriber) else {
            return;
        };
        let known = |user: &SipUri| user != subscriber && directory.user(user).is_some();
        for user in added.into_iter().filter(known) {
            let change = Change::Subscriber {
                user: subscriber.clone(),
                name: entry.display_name.clone(),
            };
            let lane = user.clone();
            let service = Arc::clone(&self.service);
            let given = self.service.keeping.give(&lane, || async move {
                // Nobody waits for it, and a failing store has been told of.
                let _ = keep(&service, &user, change).await;
            });
            if given.is_err() {
                tracing::debug!(user = %lane, "too busy to tell of a subscriber");
            }
        }
    }
}

/// Whom a `setSubscribers` request acknowledges; one at a time ([MS-PRES] 2.2.2.6.2).
fn acknowledgement(document: &Element) -> Option<Change> {
    let subscriber = document.child("subscriber")?;
    if subscriber.attribute("acknowledged") != Some("true") {
        return None;
    }
    let user = subscriber.attribute("user")?;
    let user = user.strip_prefix("sip:").unwrap_or(user);
    Some(Change::Acknowledge(format!("sip:{user}").parse().ok()?))
}

/// Which parts of a request, from 1, were made for another version, and which version is there.
fn wrong_versions(wrong: &[(usize, u32)]) -> String {
    let mut out = format!("<Fault><Faultcode>{WRONG_DELTA}</Faultcode><details>");
    for (index, current) in wrong {
        let _ = write!(out, "<operation index=\"{index}\" curVersion=\"{current}\"/>");
    }
    out.push_str("</details></Fault>");
    out
}
