//! SERVICE: what a user publishes, who may see it, and the contact list ([MS-PRES], [MS-SIP]). Anything else is taken
//! with an empty 200, which is all a client needs (real-client 3.2).

use std::fmt::Write;

use parlor_sip::{Request, ResponseDraft, ServerTransactionId, StatusCode};
use parlor_xccos::SipUri;

use super::Session;
use crate::presence::{ContactsFault, Operation, PublishFault};
use crate::provisioning::SELF_TYPE;
use crate::xml::Element;

const PUBLISH_TYPE: &str = "application/msrtc-category-publish+xml";
const CONTAINERS_TYPE: &str = "application/msrtc-setcontainermembers+xml";
const SOAP_TYPE: &str = "application/SOAP+xml";
const FAULT_TYPE: &str = "application/msrtc-fault+xml";
/// What a client understands as: look again, and send it again for the version that is there.
const WRONG_DELTA: &str = "Client.BadCall.WrongDelta";

impl Session {
    pub(super) fn on_service(&mut self, transaction: ServerTransactionId, request: &Request) {
        let user = match self.speaker(request) {
            Ok(speaker) => speaker.user,
            Err(refused) => return self.refuse(transaction, refused),
        };
        let is = |name: &str| request.content_type().is_some_and(|media| media.is(name));
        let handler: fn(&mut Self, &SipUri, &Element) -> ResponseDraft = if is(PUBLISH_TYPE) {
            Self::publish
        } else if is(CONTAINERS_TYPE) {
            Self::set_containers
        } else if is(SOAP_TYPE) {
            Self::change_contacts
        } else {
            return self.respond(transaction, StatusCode::OK);
        };
        let answer = match Element::parse(request.body()) {
            Some(document) => handler(self, &user, &document),
            None => ResponseDraft::new(StatusCode::BAD_REQUEST),
        };
        self.respond(transaction, answer);
    }

    fn publish(&mut self, user: &SipUri, document: &Element) -> ResponseDraft {
        let Some(operations) = Operation::read_all(document) else {
            return ResponseDraft::new(StatusCode::BAD_REQUEST);
        };
        // It is withdrawn when the connection ends, whether the user registered or not.
        if !self.remember(user) {
            return ResponseDraft::new(StatusCode::FORBIDDEN);
        }
        match self.service.presence.publish(user, &self.mailbox, operations) {
            Ok(document) => ResponseDraft::new(StatusCode::OK).body(SELF_TYPE, document),
            Err(fault) => refused(&fault),
        }
    }

    fn set_containers(&mut self, user: &SipUri, document: &Element) -> ResponseDraft {
        match self
            .service
            .presence
            .set_containers(user, &self.mailbox, document)
        {
            Ok(()) => ResponseDraft::new(StatusCode::OK),
            Err(fault) => refused(&fault),
        }
    }

    fn change_contacts(&mut self, user: &SipUri, document: &Element) -> ResponseDraft {
        let command = document.child("Body").and_then(|body| body.children().next());
        let Some(command) = command else {
            return ResponseDraft::new(StatusCode::BAD_REQUEST);
        };
        match self.service.presence.change_contacts(user, command) {
            Ok(Some(answer)) => ResponseDraft::new(StatusCode::OK).body(SOAP_TYPE, answer),
            Ok(None) => ResponseDraft::new(StatusCode::OK),
            Err(ContactsFault::WrongDelta(current)) => {
                ResponseDraft::new(StatusCode::CONFLICT).body(FAULT_TYPE, fault(&[(1, current)]))
            }
            // The client's list is another one than ours, or it knows commands that we do not.
            Err(ContactsFault::Unknown) => ResponseDraft::new(StatusCode::NOT_FOUND),
            Err(ContactsFault::TooMany) => ResponseDraft::new(StatusCode::FORBIDDEN),
            Err(ContactsFault::Unreadable) => ResponseDraft::new(StatusCode::BAD_REQUEST),
        }
    }
}

fn refused(refused: &PublishFault) -> ResponseDraft {
    match refused {
        PublishFault::WrongVersions(wrong) => {
            ResponseDraft::new(StatusCode::CONFLICT).body(FAULT_TYPE, fault(wrong))
        }
        PublishFault::TooMany => ResponseDraft::new(StatusCode::FORBIDDEN),
    }
}

/// Which parts of a request, from 1, were made for another version, and which version is there.
fn fault(wrong: &[(usize, u32)]) -> String {
    let mut out = format!("<Fault><Faultcode>{WRONG_DELTA}</Faultcode><details>");
    for (index, current) in wrong {
        let _ = write!(out, "<operation index=\"{index}\" curVersion=\"{current}\"/>");
    }
    out.push_str("</details></Fault>");
    out
}
