//! Requests of the peer: what is answered here and what the owner gets to see.
//!
//! Answered here: whatever is malformed (400) or belongs to a dialog that is not there (481 to INVITE, BYE, INFO,
//! UPDATE and PRACK), BYE, session refreshes, CANCEL, OPTIONS, and any request beyond the limit (503). NOTIFY,
//! SUBSCRIBE, MESSAGE and REFER with a foreign To tag are the owner's: he may keep dialogs of his own.

use super::UserAgent;
use crate::name_addr::tag_of;
use crate::outgoing::{echo, response_head};
use crate::server_transactions::{Basics, Key, ServerTransaction};
use crate::session;
use crate::{
    DialogEnd, DialogId, DialogState, Event, HeaderError, Message, Method, Name, Request, ResponseDraft,
    StatusCode,
};
use std::time::Instant;

/// Methods that mean nothing outside of a dialog of this connection.
const DIALOG_ONLY: &[Method] = &[Method::BYE, Method::INFO, Method::PRACK, Method::UPDATE];

/// What Allow says; the owner may answer more methods, these are the ones this crate understands.
const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, INFO, UPDATE, OPTIONS, MESSAGE, SUBSCRIBE, NOTIFY, BENOTIFY, \
                     SERVICE, REGISTER, REFER";

/// What a client is told when it sends faster than it is answered, in seconds.
const RETRY_AFTER: &str = "5";

/// A request as the agent sees it before it decides.
#[derive(Clone, Copy)]
struct Intake {
    key: Key,
    /// The key of the INVITE that a CANCEL is about.
    invite_key: Key,
    cseq: u32,
    has_to_tag: bool,
    dialog: Option<DialogId>,
}

impl UserAgent {
    pub(super) fn on_request(&mut self, now: Instant, request: Request) -> Option<Event> {
        let intake = match Basics::read(&request) {
            Ok(basics) => Intake {
                key: basics.key(request.method()),
                invite_key: basics.key(&Method::INVITE),
                cseq: basics.cseq,
                has_to_tag: basics.to_tag.is_some(),
                dialog: self.dialogs.find(&basics),
            },
            Err(error) => {
                self.refuse_malformed(&request, error);
                return None;
            }
        };
        match *request.method() {
            Method::ACK => return self.on_ack(intake, request),
            Method::CANCEL => return self.on_cancel(intake, &request),
            Method::BENOTIFY => {
                return Some(Event::Request {
                    transaction: None,
                    dialog: intake.dialog,
                    request,
                });
            }
            _ => {}
        }
        if self.server.find_key(intake.key).is_some() {
            return None; // Sent again although the transport is reliable; the answer is on its way.
        }
        match intake.dialog {
            Some(dialog) => self.on_request_in_dialog(now, intake, dialog, request),
            None => self.on_request_outside(now, intake, request),
        }
    }

    fn refuse_malformed(&mut self, request: &Request, error: HeaderError) {
        if matches!(*request.method(), Method::ACK | Method::BENOTIFY) {
            return;
        }
        let draft = ResponseDraft::new(StatusCode::BAD_REQUEST).reason(format!("Bad Request: {error}"));
        self.answer(request, &draft);
    }

    /// A message without a valid signature where one is due; only a request has an answer.
    pub(super) fn refuse_forged(&mut self, message: &Message) {
        if let Message::Request(request) = message
            && !matches!(*request.method(), Method::ACK | Method::BENOTIFY)
        {
            let draft = ResponseDraft::new(StatusCode::FORBIDDEN).reason("Invalid Message Signature");
            self.answer(request, &draft);
        }
    }

    fn on_request_outside(&mut self, now: Instant, intake: Intake, request: Request) -> Option<Event> {
        let method = request.method();
        let opens_nothing = DIALOG_ONLY.contains(method) || (*method == Method::INVITE && intake.has_to_tag);
        if opens_nothing {
            self.answer(&request, &StatusCode::CALL_DOES_NOT_EXIST.into());
            return None;
        }
        if *method == Method::OPTIONS {
            self.answer_options(&request);
            return None;
        }
        if *method == Method::INVITE
            && self.settings.session_expires.is_some()
            && session::is_too_brief(&request)
        {
            self.answer_too_brief(&request);
            return None;
        }
        self.hand_out(now, intake, None, request)
    }

    fn on_request_in_dialog(
        &mut self,
        now: Instant,
        intake: Intake,
        id: DialogId,
        request: Request,
    ) -> Option<Event> {
        let dialog = self.dialogs.get_mut(id)?;
        if intake.cseq < dialog.remote_cseq {
            let draft = ResponseDraft::new(StatusCode::SERVER_INTERNAL_ERROR).reason("CSeq Out Of Order");
            self.answer(&request, &draft);
            return None;
        }
        dialog.remote_cseq = intake.cseq;
        match *request.method() {
            Method::BYE => {
                self.dialogs.remove(id);
                self.answer(&request, &StatusCode::OK.into());
                Some(Event::DialogEnded {
                    dialog: id,
                    cause: DialogEnd::Bye,
                })
            }
            Method::UPDATE => {
                self.answer_refresh(now, id, &request, None);
                None
            }
            Method::INVITE if self.client.invite_of(id).is_some() => {
                self.answer(&request, &StatusCode::REQUEST_PENDING.into());
                None
            }
            Method::INVITE => {
                let description = self.dialogs.get(id).and_then(|dialog| dialog.description.clone());
                self.answer_refresh(now, id, &request, description);
                None
            }
            Method::OPTIONS => {
                self.answer_options(&request);
                None
            }
            _ => self.hand_out(now, intake, Some(id), request),
        }
    }

    /// Keeps what the answer needs and gives the request to the owner.
    fn hand_out(
        &mut self,
        now: Instant,
        intake: Intake,
        dialog: Option<DialogId>,
        request: Request,
    ) -> Option<Event> {
        if self.server.len() >= self.settings.limits.server_transactions {
            let draft =
                ResponseDraft::new(StatusCode::SERVICE_UNAVAILABLE).header(Name::RetryAfter, RETRY_AFTER);
            self.answer(&request, &draft);
            return None;
        }
        let tag = request
            .headers()
            .get(Name::To)
            .and_then(tag_of)
            .map(str::to_owned);
        let tag = tag.unwrap_or_else(|| self.random.token());
        let id = self.new_server_id();
        self.server
            .insert(ServerTransaction::new(id, intake.key, &request, tag, now));
        Some(Event::Request {
            transaction: Some(id),
            dialog,
            request,
        })
    }

    /// An ACK confirms a dialog, or belongs to a refused INVITE and says nothing new.
    fn on_ack(&mut self, intake: Intake, request: Request) -> Option<Event> {
        let id = intake.dialog?;
        let dialog = self.dialogs.get_mut(id)?;
        dialog.ack_due = None;
        dialog.state = DialogState::Confirmed;
        Some(Event::Request {
            transaction: None,
            dialog: Some(id),
            request,
        })
    }

    fn on_cancel(&mut self, intake: Intake, request: &Request) -> Option<Event> {
        let Some(invite) = self
            .server
            .find_key(intake.invite_key)
            .map(|transaction| transaction.id)
        else {
            self.answer(request, &StatusCode::CALL_DOES_NOT_EXIST.into());
            return None;
        };
        self.answer(request, &StatusCode::OK.into());
        let answered = self.respond(invite, StatusCode::REQUEST_TERMINATED);
        answered.ok().map(|()| Event::Cancelled { transaction: invite })
    }

    fn answer_options(&mut self, request: &Request) {
        let draft = ResponseDraft::new(StatusCode::OK)
            .header(Name::Allow, ALLOW)
            .header(Name::Accept, "text/plain, application/sdp")
            .header(Name::Supported, "timer, gruu-10, ms-benotify");
        self.answer(request, &draft);
    }

    /// Answers a request that nobody waits for.
    pub(super) fn answer(&mut self, request: &Request, draft: &ResponseDraft) {
        self.answer_with_contact(request, draft, None);
    }

    pub(super) fn answer_with_contact(
        &mut self,
        request: &Request,
        draft: &ResponseDraft,
        contact: Option<&str>,
    ) {
        let echo = echo(request, &self.random.token());
        let head = response_head(draft, &echo, contact, &self.settings.user_agent);
        self.outgoing.send(head, draft.additions.body_bytes().clone());
    }
}
