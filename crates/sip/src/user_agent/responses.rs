//! Responses of ours to requests the owner got to see.

use super::{AcceptError, TransactionGone, UserAgent};
use crate::client_transactions::ANSWER_TIMEOUT;
use crate::dialog::{Dialog, contact_uri, route_lines};
use crate::name_addr::Parts;
use crate::outgoing::response_head;
use crate::session::{self, Session};
use crate::{
    DialogId, DialogState, Name, NameAddr, Refresher, Request, ResponseDraft, ServerTransactionId,
    SessionExpires, StatusCode, Uri,
};
use std::time::Instant;

impl UserAgent {
    /// Answers a request; after a final answer the transaction is gone. An INVITE is accepted with [`Self::accept`].
    ///
    /// # Errors
    /// When it was answered before, cancelled, or timed out.
    pub fn respond(
        &mut self,
        transaction: ServerTransactionId,
        draft: impl Into<ResponseDraft>,
    ) -> Result<(), TransactionGone> {
        let draft = draft.into();
        let found = self.server.find(transaction).ok_or(TransactionGone)?;
        let head = response_head(&draft, &found.echo, None, &self.settings.user_agent);
        self.outgoing.send(head, draft.additions.body_bytes().clone());
        if draft.status().is_final() {
            self.server.remove(transaction);
        }
        Ok(())
    }

    /// The To tag that answers to this request carry: a NOTIFY for the subscription it opens has it in From.
    pub fn to_tag(&self, transaction: ServerTransactionId) -> Option<String> {
        self.server
            .find(transaction)
            .map(|transaction| transaction.to_tag.to_string())
    }

    /// Answers an INVITE with 2xx and opens the dialog. Requests may be sent in it at once; if no ACK comes within
    /// 32 s it is ended ([`DialogEnd::NoAck`](crate::DialogEnd::NoAck)).
    ///
    /// A `Session-Expires` line of the draft is taken over; else what the INVITE asks for is granted within limits.
    ///
    /// # Errors
    /// When the transaction is gone or no INVITE, when the draft is no 2xx, or when the connection has too many dialogs
    /// (the INVITE is answered with 486 then).
    pub fn accept(
        &mut self,
        now: Instant,
        transaction: ServerTransactionId,
        draft: impl Into<ResponseDraft>,
        contact: &Uri,
    ) -> Result<DialogId, AcceptError> {
        let mut draft = draft.into();
        if !draft.status().is_success() {
            return Err(AcceptError::NotSuccess);
        }
        let found = self.server.find(transaction).ok_or(AcceptError::Gone)?;
        let invite = found.invite.clone().ok_or(AcceptError::NotAnInvite)?;
        if self.dialogs.len() >= self.settings.limits.dialogs {
            let _ = self.respond(transaction, StatusCode::BUSY_HERE);
            return Err(AcceptError::TooManyDialogs);
        }
        let found = self.server.remove(transaction).ok_or(AcceptError::Gone)?;
        let granted = match draft.additions.get(Name::SessionExpires) {
            Some(value) => SessionExpires::parse(value),
            None if draft.timer_only_if_asked && invite.headers().get(Name::SessionExpires).is_none() => None,
            None => {
                let granted = session::grant(&invite, self.settings.session_expires);
                if let Some(granted) = granted {
                    draft = announce(draft, granted, &invite);
                }
                granted
            }
        };
        let contact = NameAddr::new(contact.clone()).to_string();
        let head = response_head(&draft, &found.echo, Some(&contact), &self.settings.user_agent);
        self.outgoing.send(head, draft.additions.body_bytes().clone());
        let id = self.new_dialog_id();
        let mut dialog = called_dialog(id, &invite, &found.to_tag, contact);
        dialog.ack_due = Some(now + ANSWER_TIMEOUT);
        dialog.session = granted
            .map(|granted| Session::new(now, granted.interval, granted.refresher == Some(Refresher::Uas)));
        dialog.description = draft
            .additions
            .content_type()
            .map(|kind| (kind.into(), draft.additions.body_bytes().clone()));
        self.dialogs.insert(dialog);
        Ok(id)
    }
}

/// Writes the session timer into a 2xx; `Require` only towards a client that knows it (RFC 4028 section 9).
fn announce(draft: ResponseDraft, granted: SessionExpires, invite: &Request) -> ResponseDraft {
    let draft = draft
        .header(Name::SessionExpires, granted.to_string())
        .header(Name::Supported, "timer");
    let must_refresh = granted.refresher == Some(Refresher::Uac) && invite.supports("timer");
    if must_refresh {
        draft.header(Name::Require, "timer")
    } else {
        draft
    }
}

/// The dialog that our 2xx to an INVITE opens (RFC 3261 section 12.1.1).
fn called_dialog(id: DialogId, invite: &Request, to_tag: &str, contact: String) -> Dialog {
    let headers = invite.headers();
    let value = |name| headers.get(name).unwrap_or_default();
    let remote = value(Name::From);
    // Without a Contact the peer is reached at its address; a real client is known to leave it out.
    let address = || Parts::split(remote).map(|parts| parts.uri).unwrap_or_default();
    let cseq = invite.cseq().map_or(0, |cseq| cseq.number);
    Dialog {
        id,
        state: DialogState::AwaitingAck,
        call_id: value(Name::CallId).into(),
        local: format!("{};tag={to_tag}", value(Name::To)).into(),
        remote: remote.into(),
        remote_target: contact_uri(headers).unwrap_or_else(address).into(),
        routes: route_lines(headers, false),
        contact: Some(contact.into()),
        local_cseq: 0,
        remote_cseq: cseq,
        invite_cseq: 0,
        cancelled: false,
        ack_due: None,
        session: None,
        description: None,
        info_head: None,
    }
}
