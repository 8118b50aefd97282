//! INFO in a chat dialog: one XCCOS document, answered on the SIP level at once; what it asks for follows in INFOs of
//! our own.

use parlor_sip::{DialogId, Name, Request, ResponseDraft, ServerTransactionId, StatusCode};

use super::Session;
use crate::dispatch::{Answer, Dispatch};
use crate::wire::{CONTENT_TYPE, Endpoint};

impl Session {
    pub(super) fn on_info(&mut self, transaction: ServerTransactionId, dialog: DialogId, request: &Request) {
        let answer = self.work_on(dialog, request);
        let mut draft = ResponseDraft::new(answer.status);
        if answer.status == StatusCode::SERVICE_UNAVAILABLE {
            draft = draft.header(Name::RetryAfter, "1");
        } else if answer.status == StatusCode::UNSUPPORTED_MEDIA_TYPE {
            draft = draft.header(Name::Accept, CONTENT_TYPE);
        }
        self.respond(transaction, draft);
        let now = self.connection.now();
        for reply in answer.replies {
            let _ = self.connection.agent().info(now, dialog, CONTENT_TYPE, reply);
        }
    }

    fn work_on(&mut self, dialog: DialogId, request: &Request) -> Answer {
        let only = |status| Answer {
            status,
            replies: Vec::new(),
        };
        let Some(chat) = self.dialogs.get_mut(&dialog) else {
            return only(StatusCode::CALL_DOES_NOT_EXIST);
        };
        if self.service.stopping.is_cancelled() {
            return only(StatusCode::SERVICE_UNAVAILABLE);
        }
        if request
            .content_type()
            .is_some_and(|media| !media.is(CONTENT_TYPE))
        {
            // Typing notices and the like; chat knows none.
            return only(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        }
        let envelope = match parlor_xccos::decode(request.body()) {
            Ok(envelope) => envelope,
            Err(error) => {
                tracing::info!(user = %chat.user, %error, "unreadable document");
                return only(StatusCode::BAD_REQUEST);
            }
        };
        let limits = &self.service.config.limits;
        let limit = if self.standing.is_trusted() {
            limits.trusted_pending
        } else {
            limits.user_pending
        };
        let at = Endpoint {
            outbox: self.connection.outbox(),
            dialog,
        };
        Dispatch::new(&self.service, chat, at, &self.pending).envelope(envelope, limit)
    }
}
