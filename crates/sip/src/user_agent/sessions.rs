//! Session timers (RFC 4028) of the dialogs: refreshes of the peer, refreshes of ours.

use super::UserAgent;
use super::answers::DIALOG_IS_GONE;
use crate::client_transactions::{ClientTransaction, Purpose};
use crate::session::{self, MIN_INTERVAL, Session, parse_min_se};
use crate::{
    DialogEnd, DialogId, Event, Method, Name, Refresher, Request, RequestDraft, Response, ResponseDraft,
    SessionExpires, StatusCode,
};
use bytes::Bytes;
use std::time::{Duration, Instant};

impl UserAgent {
    /// Answers a session refresh: an UPDATE, or a re-INVITE with the description we gave before.
    ///
    /// The ACK to the 2xx of a re-INVITE is not waited for: the dialog was confirmed long ago.
    pub(super) fn answer_refresh(
        &mut self,
        now: Instant,
        id: DialogId,
        request: &Request,
        description: Option<(Box<str>, Bytes)>,
    ) {
        if self.settings.session_expires.is_some() && session::is_too_brief(request) {
            self.answer_too_brief(request);
            return;
        }
        let ours = self.settings.session_expires;
        let Some(dialog) = self.dialogs.get_mut(id) else {
            return;
        };
        dialog.retarget(request.headers());
        let granted = grant_refresh(now, &mut dialog.session, request, ours);
        let contact = dialog.contact.clone();
        let mut draft = ResponseDraft::new(StatusCode::OK);
        if let Some(granted) = granted {
            draft = draft
                .header(Name::SessionExpires, granted.to_string())
                .header(Name::Supported, "timer");
        }
        if let Some((content_type, body)) = description {
            draft = draft.body(content_type, body);
        }
        self.answer_with_contact(request, &draft, contact.as_deref());
    }

    pub(super) fn answer_too_brief(&mut self, request: &Request) {
        let draft = ResponseDraft::new(StatusCode::SESSION_INTERVAL_TOO_SMALL)
            .header(Name::MinSe, MIN_INTERVAL.as_secs().to_string());
        self.answer(request, &draft);
    }

    /// Sends the UPDATE that keeps a session of ours alive, or the re-INVITE if the peer does not know UPDATE.
    pub(super) fn refresh(&mut self, now: Instant, id: DialogId) {
        let Some(dialog) = self.dialogs.get(id) else {
            return;
        };
        let Some(session) = dialog.session.as_ref() else {
            return;
        };
        let method = if session.is_by_invite() {
            Method::INVITE
        } else {
            Method::UPDATE
        };
        let mut draft = RequestDraft::new(method).header(Name::Supported, "timer").header(
            Name::SessionExpires,
            format!("{};refresher=uac", session.interval().as_secs()),
        );
        if let Some((content_type, body)) = dialog.description.as_ref().filter(|_| session.is_by_invite()) {
            draft = draft.body(content_type, body.clone());
        }
        self.send_in_dialog(now, id, &draft, Purpose::Refresh);
    }

    /// The final answer to a refresh of ours; the owner hears of it only when it ends the dialog.
    pub(super) fn on_refresh_answer(
        &mut self,
        now: Instant,
        transaction: &ClientTransaction,
        response: &Response,
    ) -> Option<Event> {
        let id = transaction.dialog?;
        let status = response.status();
        if transaction.method == Method::INVITE {
            if status.is_success() {
                self.acknowledge(id);
            } else {
                self.acknowledge_refusal(id, transaction, response);
            }
        }
        let dialog = self.dialogs.get_mut(id)?;
        let session = dialog.session.as_mut()?;
        if status.is_success() {
            let agreed = response.session_expires().ok().flatten();
            session.agree(now, agreed);
            dialog.retarget(response.headers());
            return None;
        }
        if DIALOG_IS_GONE.contains(&status) {
            self.dialogs.remove(id);
            return Some(Event::DialogEnded {
                dialog: id,
                cause: DialogEnd::Gone(status.code()),
            });
        }
        if matches!(
            status,
            StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED
        ) && !session.is_by_invite()
        {
            session.use_invite();
            self.refresh(now, id);
            return None;
        }
        let min_interval = response.headers().get(Name::MinSe).and_then(parse_min_se);
        session.retry(
            now,
            min_interval.filter(|_| status == StatusCode::SESSION_INTERVAL_TOO_SMALL),
        );
        None
    }
}

/// Restarts the session timer of a dialog for a refresh of the peer; what the answer says about it.
///
/// A refresh that asks for nothing (pidgin-sipe's bare UPDATE) keeps the interval and the roles.
fn grant_refresh(
    now: Instant,
    session: &mut Option<Session>,
    request: &Request,
    ours: Option<Duration>,
) -> Option<SessionExpires> {
    let asks = request.headers().get(Name::SessionExpires).is_some();
    if let Some(session) = session.as_mut().filter(|_| !asks) {
        session.refreshed(now);
        let refresher = if session.is_ours() {
            Refresher::Uas
        } else {
            Refresher::Uac
        };
        return Some(SessionExpires {
            interval: session.interval(),
            refresher: Some(refresher),
        });
    }
    let granted = session::grant(request, ours)?;
    *session = Some(Session::new(
        now,
        granted.interval,
        granted.refresher == Some(Refresher::Uas),
    ));
    Some(granted)
}
