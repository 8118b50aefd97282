//! INVITE to the chat service: a proved user gets a dialog. Media is only named, never sent (facts A3).
//! INVITE to a user is a call and handed on.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use parlor_rooms::UserKind;
use parlor_sip::{AcceptError, DialogId, Name, Request, ResponseDraft, ServerTransactionId, StatusCode, Uri};
use parlor_xccos::SipUri;

use super::{ALLOW, Session};
use crate::diagnostics::Refused;
use crate::dispatch::ChatDialog;
use crate::room_task::JoinAnswer;
use crate::wire::Endpoint;

/// The user part that clients fall back to without provisioning (facts A1).
const LEGACY_USER: &str = "ocschat";
/// `x-ms-message` is the longest media type in use.
const MAX_MEDIA: usize = 32;

impl Session {
    pub(super) fn on_invite(&mut self, transaction: ServerTransactionId, request: &Request) {
        if self.service.stopping.is_cancelled() {
            return self.respond(transaction, StatusCode::SERVICE_UNAVAILABLE);
        }
        if let Err(refused) = self.open_chat(transaction, request) {
            self.refuse(transaction, refused);
        }
    }

    fn open_chat(&mut self, transaction: ServerTransactionId, request: &Request) -> Result<(), Refused> {
        let speaker = self.speaker(request)?;
        let called = called(request).ok_or(Refused::NoSuchService)?;
        if !self.is_chat_service(&called) {
            return self.call(transaction, request, &speaker, called);
        }
        if speaker.kind == UserKind::Contact {
            return Err(Refused::ContactObject);
        }
        let limits = &self.service.config.limits;
        let limit = if self.standing.is_trusted() {
            limits.trusted_dialogs
        } else {
            limits.user_dialogs
        };
        if self.dialogs.len() >= limit {
            return Err(Refused::TooManyDialogs);
        }
        let Some(dialog) = self.accept(transaction, request) else {
            return Ok(());
        };
        tracing::info!(user = %speaker.user, "chat dialog");
        let mut chat = ChatDialog {
            user: speaker.user,
            display_name: speaker.display_name,
            endpoint: self.service.sessions.endpoint(),
            rooms: HashMap::new(),
            _counted: self.service.sessions.count_dialog(),
        };
        if let Some(at) = self.lost.iter().position(|lost| lost.user == chat.user) {
            let lost = self.lost.swap_remove(at);
            chat.endpoint = lost.endpoint;
            chat.rooms = lost.rooms;
            self.move_seats(&mut chat, dialog);
        }
        if self.standing.is_trusted() && self.remember(&chat.user) {
            self.service.presence.application_came(&chat.user, &self.mailbox);
        }
        self.dialogs.insert(dialog, chat);
        Ok(())
    }

    /// An application that does not register is there as long as it has a dialog.
    pub(super) fn application_left(&self, user: &SipUri) {
        let talks = self.dialogs.values().any(|chat| chat.user == *user);
        let registered = self.service.registrar.is_at(user, &self.mailbox);
        if self.standing.is_trusted() && !talks && !registered {
            self.service.line_closed(user, &self.mailbox, Duration::ZERO);
        }
    }

    /// The rooms of a lost dialog speak to this one from now on; a room too busy to hear it is left.
    fn move_seats(&self, chat: &mut ChatDialog, dialog: DialogId) {
        let at = Endpoint {
            outbox: self.connection.outbox(),
            dialog,
        };
        let (user, endpoint) = (chat.user.clone(), chat.endpoint);
        chat.rooms.retain(|_, seat| {
            let Ok(door) = seat.again() else { return false };
            door.join(user.clone(), endpoint, at.clone(), JoinAnswer::Nobody);
            true
        });
    }

    fn accept(&mut self, transaction: ServerTransactionId, request: &Request) -> Option<DialogId> {
        let contact: Uri = match self.service.config.chat_uri.as_str().parse() {
            Ok(contact) => contact,
            Err(error) => {
                tracing::error!(%error, "the chat address is not a SIP URI");
                self.respond(transaction, StatusCode::SERVER_INTERNAL_ERROR);
                return None;
            }
        };
        let draft = ResponseDraft::new(StatusCode::OK)
            .header(Name::Allow, ALLOW)
            .body(
                "application/sdp",
                session_description(request.body(), &self.service.config.domain),
            );
        let now = self.connection.now();
        match self.connection.agent().accept(now, transaction, draft, &contact) {
            Ok(dialog) => Some(dialog),
            Err(AcceptError::TooManyDialogs | AcceptError::Gone) => None,
            Err(_) => {
                self.respond(transaction, StatusCode::BAD_REQUEST);
                None
            }
        }
    }

    fn is_chat_service(&self, called: &SipUri) -> bool {
        let config = &self.service.config;
        *called == config.chat_uri
            || (called.user() == LEGACY_USER && called.host().eq_ignore_ascii_case(&config.domain))
    }
}

/// Whom a request is for. The Request-URI of a client is an address, not yet a place.
fn called(request: &Request) -> Option<SipUri> {
    request.uri().ok()?.aor().parse().ok()
}

/// The answer to an offer: its own media type, a port nobody listens on, plain text. Any offer is accepted, also none
/// (facts A3: what Microsoft's client offers is unknown).
fn session_description(offer: &[u8], host: &str) -> Bytes {
    let plain = |media: &&str| {
        media.len() <= MAX_MEDIA
            && media
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let media = std::str::from_utf8(offer)
        .ok()
        .and_then(|offer| offer.lines().find_map(|line| line.strip_prefix("m=")))
        .and_then(|line| line.split_whitespace().next())
        .filter(plain)
        .unwrap_or("message");
    [
        "v=0\r\no=- 0 0 IN IP4 ",
        host,
        "\r\ns=session\r\nc=IN IP4 ",
        host,
        "\r\nt=0 0\r\nm=",
        media,
        " 5060 sip null\r\na=accept-types:text/plain\r\n",
    ]
    .concat()
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(offer: &str) -> String {
        String::from_utf8(session_description(offer.as_bytes(), "example.com").to_vec()).unwrap()
    }

    #[test]
    fn the_media_type_of_the_offer_is_answered() {
        assert!(
            answer("v=0\r\nm=x-ms-message 5060 sip null\r\n").contains("m=x-ms-message 5060 sip null\r\n")
        );
        assert!(answer("").contains("m=message 5060 sip null\r\n"));
        assert!(answer("m=a\u{1}b 1 sip null").contains("m=message "));
    }
}
