//! Requests of ours: outside of dialogs, inside of them, and the INVITEs that open them.

use super::{DialogGone, Target, UserAgent};
use crate::client_transactions::{ANSWER_TIMEOUT, ClientTransaction, Purpose};
use crate::dialog::{Dialog, InfoHead};
use crate::outgoing::Outline;
use crate::session::MIN_INTERVAL;
use crate::{ClientTransactionId, DialogId, DialogState, Method, Name, RequestDraft};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Instant;

impl UserAgent {
    /// Sends a request outside of any dialog.
    ///
    /// ACK and BENOTIFY have no answer: no event ever follows for their id. Sequence numbers rise over all requests
    /// outside of dialogs, so a Call-ID may be used again.
    pub fn request(&mut self, now: Instant, to: &Target, draft: RequestDraft) -> ClientTransactionId {
        let id = self.new_client_id();
        let parties = self.parties(to);
        self.cseq += 1;
        let outline = parties.outline(
            draft.method(),
            to.request_uri.as_str(),
            &self.via,
            self.user_agent_for(&draft),
        );
        let mut head = outline.head(self.branch(id), self.cseq);
        draft.additions.write(&mut head);
        self.outgoing.send(head, draft.additions.body_bytes().clone());
        if !matches!(*draft.method(), Method::ACK | Method::BENOTIFY) {
            self.await_answer(
                now,
                id,
                Purpose::Request,
                draft.method(),
                None,
                (parties.call_id, self.cseq),
            );
        }
        id
    }

    /// Sends an INVITE. The agent acknowledges the final answer; a 2xx establishes the dialog, any other final answer
    /// or a timeout takes the dialog's id with it.
    pub fn invite(
        &mut self,
        now: Instant,
        to: &Target,
        mut draft: RequestDraft,
    ) -> (DialogId, ClientTransactionId) {
        let parties = self.parties(to);
        let dialog_id = self.new_dialog_id();
        if let Some(interval) = self.settings.session_expires
            && draft.additions.get(Name::SessionExpires).is_none()
        {
            draft = draft
                .header(Name::Supported, "timer")
                .header(Name::SessionExpires, interval.as_secs().to_string())
                .header(Name::MinSe, MIN_INTERVAL.as_secs().to_string());
        }
        self.dialogs.insert(Dialog {
            id: dialog_id,
            state: DialogState::Calling,
            call_id: parties.call_id,
            local: parties.from,
            remote: parties.to,
            remote_target: to.request_uri.as_str().into(),
            routes: Box::default(),
            contact: None,
            local_cseq: 0,
            remote_cseq: 0,
            invite_cseq: 0,
            cancelled: false,
            ack_due: None,
            session: None,
            description: None,
            info_head: None,
        });
        let id = self.send_in_dialog(now, dialog_id, &draft, Purpose::Invite);
        (dialog_id, id)
    }

    /// Sends a request in an established dialog. BYE is left to [`Self::bye`].
    ///
    /// # Errors
    /// When the dialog is over or not established yet.
    pub fn request_in_dialog(
        &mut self,
        now: Instant,
        dialog: DialogId,
        draft: RequestDraft,
    ) -> Result<ClientTransactionId, DialogGone> {
        if *draft.method() == Method::BYE {
            return self.bye(now, dialog);
        }
        self.established(dialog)?;
        let purpose = if *draft.method() == Method::INVITE {
            Purpose::Invite
        } else {
            Purpose::Request
        };
        Ok(self.send_in_dialog(now, dialog, &draft, purpose))
    }

    /// Sends an INFO in a dialog, with a body that is shared and not copied. The head is built once per dialog.
    ///
    /// # Errors
    /// When the dialog is over or not established yet.
    pub fn info(
        &mut self,
        now: Instant,
        dialog: DialogId,
        content_type: &'static str,
        body: Bytes,
    ) -> Result<ClientTransactionId, DialogGone> {
        self.established(dialog)?;
        let id = self.new_client_id();
        let branch = self.branch(id);
        let state = self.dialogs.get_mut(dialog).ok_or(DialogGone)?;
        let cseq = state.next_cseq();
        let info_head = match state.info_head.take().filter(|head| head.is_for(content_type)) {
            Some(head) => head,
            None => InfoHead::new(
                &state.outline(&Method::INFO, &self.via, &self.settings.user_agent),
                content_type,
            ),
        };
        let head = info_head.head(branch, cseq);
        state.info_head = Some(info_head);
        let call_id = Arc::clone(&state.call_id);
        self.outgoing.send(head, body);
        let purpose = if self.settings.quiet_info_success {
            Purpose::QuietInfo
        } else {
            Purpose::Request
        };
        self.await_answer(now, id, purpose, &Method::INFO, Some(dialog), (call_id, cseq));
        Ok(id)
    }

    /// Ends a dialog: its id is invalid from now on and no [`Event::DialogEnded`](crate::Event::DialogEnded) follows,
    /// only the answer to the BYE. A dialog whose INVITE has no answer yet is cancelled; a 2xx that comes all the same
    /// is hung up on.
    ///
    /// # Errors
    /// When the dialog is over.
    pub fn bye(&mut self, now: Instant, dialog: DialogId) -> Result<ClientTransactionId, DialogGone> {
        match self.dialogs.get(dialog).ok_or(DialogGone)?.state {
            DialogState::Calling => self.cancel(now, dialog).ok_or(DialogGone),
            DialogState::AwaitingAck | DialogState::Confirmed => {
                let id = self.send_in_dialog(now, dialog, &RequestDraft::new(Method::BYE), Purpose::Request);
                self.dialogs.remove(dialog);
                Ok(id)
            }
        }
    }

    /// Ends an established dialog with a BYE whose answer nobody waits for.
    pub(super) fn hang_up(&mut self, now: Instant, dialog: DialogId) {
        self.send_in_dialog(now, dialog, &RequestDraft::new(Method::BYE), Purpose::Quiet);
        self.dialogs.remove(dialog);
    }

    /// Cancels the INVITE of a dialog: same branch, same number (RFC 3261 section 9.1). Once is enough.
    fn cancel(&mut self, now: Instant, dialog_id: DialogId) -> Option<ClientTransactionId> {
        let invite = self
            .client
            .invite_of(dialog_id)
            .map(|invite| (invite.id, invite.cseq));
        let (invite, cseq) = invite?;
        let branch = self.branch(invite);
        let id = self.new_client_id();
        let dialog = self
            .dialogs
            .get_mut(dialog_id)
            .filter(|dialog| !dialog.cancelled)?;
        dialog.cancelled = true;
        let head = dialog
            .outline(&Method::CANCEL, &self.via, &self.settings.user_agent)
            .head(branch, cseq);
        let call_id = Arc::clone(&dialog.call_id);
        self.outgoing.send(head, Bytes::new());
        self.await_answer(now, id, Purpose::Request, &Method::CANCEL, None, (call_id, cseq));
        Some(id)
    }

    /// Sends a request with the identity of a dialog, which must exist.
    pub(super) fn send_in_dialog(
        &mut self,
        now: Instant,
        dialog_id: DialogId,
        draft: &RequestDraft,
        purpose: Purpose,
    ) -> ClientTransactionId {
        let id = self.new_client_id();
        let branch = self.branch(id);
        let Some(dialog) = self.dialogs.get_mut(dialog_id) else {
            return id;
        };
        let cseq = dialog.next_cseq();
        if *draft.method() == Method::INVITE {
            dialog.invite_cseq = cseq;
            dialog.contact = draft
                .additions
                .get(Name::Contact)
                .map(Into::into)
                .or_else(|| dialog.contact.take());
            let offer = draft
                .additions
                .content_type()
                .map(|kind| (kind.into(), draft.additions.body_bytes().clone()));
            dialog.description = offer.or_else(|| dialog.description.take());
        }
        let dialog = &*dialog;
        let user_agent = user_agent_for(&self.settings.user_agent, draft);
        let mut outline = dialog.outline(draft.method(), &self.via, user_agent);
        outline.contact = outline
            .contact
            .filter(|_| draft.additions.get(Name::Contact).is_none());
        let mut head = outline.head(branch, cseq);
        let call_id = Arc::clone(&dialog.call_id);
        draft.additions.write(&mut head);
        self.outgoing.send(head, draft.additions.body_bytes().clone());
        self.await_answer(now, id, purpose, draft.method(), Some(dialog_id), (call_id, cseq));
        id
    }

    fn await_answer(
        &mut self,
        now: Instant,
        id: ClientTransactionId,
        purpose: Purpose,
        method: &Method,
        dialog: Option<DialogId>,
        (call_id, cseq): (Arc<str>, u32),
    ) {
        let (method, deadline) = (method.clone(), now + ANSWER_TIMEOUT);
        self.client.insert(ClientTransaction {
            id,
            purpose,
            method,
            dialog,
            call_id,
            cseq,
            deadline,
        });
    }

    fn established(&self, dialog: DialogId) -> Result<(), DialogGone> {
        match self.dialogs.get(dialog) {
            Some(dialog) if dialog.state != DialogState::Calling => Ok(()),
            _ => Err(DialogGone),
        }
    }

    /// The addresses of a request outside of dialogs, with what the target left open filled in.
    fn parties(&mut self, to: &Target) -> Parties {
        let from = match to.from.tag() {
            Some(_) => to.from.to_string(),
            None => to
                .from
                .clone()
                .with_param("tag", Some(&self.random.token()))
                .to_string(),
        };
        let mut call_id = String::new();
        match &to.call_id {
            Some(given) => crate::text::push_line_text(&mut call_id, given),
            None => call_id.extend([self.random.token(), self.random.token()]),
        }
        Parties {
            from: from.into(),
            to: to.to.to_string().into(),
            call_id: call_id.into(),
        }
    }

    fn user_agent_for(&self, draft: &RequestDraft) -> &str {
        user_agent_for(&self.settings.user_agent, draft)
    }
}

/// What we call ourselves, unless the author of the request says it.
fn user_agent_for<'a>(ours: &'a str, draft: &RequestDraft) -> &'a str {
    if draft.additions.get(Name::UserAgent).is_some() {
        ""
    } else {
        ours
    }
}

/// From, To and Call-ID of a request outside of dialogs.
struct Parties {
    from: Box<str>,
    to: Box<str>,
    call_id: Arc<str>,
}

impl Parties {
    fn outline<'a>(
        &'a self,
        method: &'a Method,
        request_uri: &'a str,
        via: &'a str,
        user_agent: &'a str,
    ) -> Outline<'a> {
        let Self { from, to, call_id } = self;
        Outline {
            method,
            request_uri,
            via,
            routes: "",
            from,
            to,
            call_id,
            contact: None,
            user_agent,
        }
    }
}
