//! Responses of the peer: matched to our requests, acknowledged, and turned into events.

use super::UserAgent;
use crate::client_transactions::{ClientTransaction, INVITE_TIMEOUT, Purpose};
use crate::dialog::route_lines;
use crate::session::Session;
use crate::{
    ClientTransactionId, DialogEnd, DialogId, DialogState, Event, Method, Name, Refresher, Response,
    StatusCode,
};
use bytes::Bytes;
use std::time::Instant;

/// Answers to a request in a dialog that mean the peer does not have the dialog (RFC 3261 section 12.2.1.2; the
/// real client answers 487 for a dialog of an earlier life).
pub(super) const DIALOG_IS_GONE: [StatusCode; 3] = [
    StatusCode::REQUEST_TIMEOUT,
    StatusCode::CALL_DOES_NOT_EXIST,
    StatusCode::REQUEST_TERMINATED,
];

impl UserAgent {
    pub(super) fn on_response(&mut self, now: Instant, response: Response) -> Option<Event> {
        let Some(id) = self.match_response(&response) else {
            self.acknowledge_again(&response);
            return None;
        };
        if !response.status().is_final() {
            return self.on_provisional(now, id, response);
        }
        let transaction = self.client.remove(id)?;
        match transaction.purpose {
            Purpose::Refresh => self.on_refresh_answer(now, &transaction, &response),
            Purpose::Quiet => None,
            Purpose::QuietInfo if response.status().is_success() => None,
            Purpose::Request | Purpose::QuietInfo => Some(self.hand_out_answer(&transaction, response)),
            Purpose::Invite => Some(self.on_invite_answer(now, &transaction, response)),
        }
    }

    /// Finds our request: by the branch that names it, or by Call-ID and CSeq where the Via did not come back whole.
    fn match_response(&self, response: &Response) -> Option<ClientTransactionId> {
        let cseq = response.cseq().ok()?;
        let branch = response.via().ok().and_then(|via| via.branch());
        // A CANCEL shares the branch of its INVITE.
        let by_branch = branch
            .filter(|_| cseq.method != Method::CANCEL)
            .and_then(|text| self.id_of_branch(text));
        let found = by_branch.and_then(|id| self.client.find(id, &cseq.method, cseq.number));
        let found = match found {
            Some(found) => found,
            None => self
                .client
                .find_by_call(response.call_id().ok()?, &cseq.method, cseq.number)?,
        };
        Some(found.id)
    }

    fn on_provisional(&mut self, now: Instant, id: ClientTransactionId, response: Response) -> Option<Event> {
        let invite = self.client.invite_mut(id)?;
        invite.deadline = now + INVITE_TIMEOUT;
        Some(Event::Response {
            transaction: id,
            dialog: invite.dialog,
            response,
        })
    }

    /// The final answer to an ordinary request of the owner; it may end the dialog.
    fn hand_out_answer(&mut self, transaction: &ClientTransaction, response: Response) -> Event {
        if let Some(dialog) = transaction.dialog
            && DIALOG_IS_GONE.contains(&response.status())
            && self.dialogs.remove(dialog).is_some()
        {
            let cause = DialogEnd::Gone(response.status().code());
            self.events.push_back(Event::DialogEnded { dialog, cause });
        }
        Event::Response {
            transaction: transaction.id,
            dialog: transaction.dialog,
            response,
        }
    }

    fn on_invite_answer(
        &mut self,
        now: Instant,
        transaction: &ClientTransaction,
        response: Response,
    ) -> Event {
        let id = transaction
            .dialog
            .and_then(|id| self.dialogs.get(id))
            .map(|dialog| (dialog.id, dialog.state));
        let Some((id, state)) = id else {
            return self.hand_out_answer(transaction, response);
        };
        if response.status().is_success() {
            self.establish(now, id, state == DialogState::Calling, &response);
            self.acknowledge(id);
            if self.dialogs.get(id).is_some_and(|dialog| dialog.cancelled) {
                // The 2xx crossed our CANCEL: the owner hung up long ago.
                self.hang_up(now, id);
            }
            return Event::Response {
                transaction: transaction.id,
                dialog: Some(id),
                response,
            };
        }
        self.acknowledge_refusal(id, transaction, &response);
        if state == DialogState::Calling {
            self.dialogs.remove(id);
            return Event::Response {
                transaction: transaction.id,
                dialog: Some(id),
                response,
            };
        }
        self.hand_out_answer(transaction, response)
    }

    /// Takes over what a 2xx to our INVITE says about the dialog.
    fn establish(&mut self, now: Instant, id: DialogId, first: bool, response: &Response) {
        let timers = self.settings.session_expires.is_some();
        let Some(dialog) = self.dialogs.get_mut(id) else {
            return;
        };
        if first {
            dialog.state = DialogState::Confirmed;
            if let Some(to) = response.headers().get(Name::To) {
                dialog.remote = to.into();
            }
            dialog.routes = route_lines(response.headers(), true);
        }
        dialog.retarget(response.headers());
        dialog.info_head = None;
        let agreed = response.session_expires().ok().flatten().filter(|_| timers);
        dialog.session =
            agreed.map(|agreed| Session::new(now, agreed.interval, agreed.refresher != Some(Refresher::Uas)));
    }

    /// The ACK to a 2xx: a request of its own in the dialog (RFC 3261 section 13.2.2.4).
    pub(super) fn acknowledge(&mut self, id: DialogId) {
        let branch = self.random.draw();
        let Some(dialog) = self.dialogs.get(id) else {
            return;
        };
        let outline = dialog.outline(&Method::ACK, &self.via, &self.settings.user_agent);
        let head = outline.head(branch, dialog.invite_cseq);
        self.outgoing.send(head, Bytes::new());
    }

    /// The ACK to a refusal: part of the INVITE's transaction, with its branch (RFC 3261 section 17.1.1.3).
    pub(super) fn acknowledge_refusal(
        &mut self,
        id: DialogId,
        invite: &ClientTransaction,
        response: &Response,
    ) {
        let branch = self.branch(invite.id);
        let Some(dialog) = self.dialogs.get(id) else {
            return;
        };
        let mut outline = dialog.outline(&Method::ACK, &self.via, &self.settings.user_agent);
        outline.to = response.headers().get(Name::To).unwrap_or(outline.to);
        let head = outline.head(branch, invite.cseq);
        self.outgoing.send(head, Bytes::new());
    }

    /// A 2xx to an INVITE that was answered before: its ACK got lost behind a proxy.
    fn acknowledge_again(&mut self, response: &Response) {
        if !response.status().is_success() {
            return;
        }
        let (Ok(cseq), Ok(call_id)) = (response.cseq(), response.call_id()) else {
            return;
        };
        let to = response.headers().get(Name::To);
        let known = self.dialogs.iter().find(|dialog| {
            cseq.method == Method::INVITE
                && dialog.state == DialogState::Confirmed
                && dialog.invite_cseq == cseq.number
                && dialog.call_id() == call_id
                && Some(dialog.remote()) == to
        });
        if let Some(id) = known.map(|dialog| dialog.id) {
            self.acknowledge(id);
        }
    }
}
