//! One side of each one-to-one call whose client is on this connection: requests of the client go to the other side,
//! what the other side says goes to the client. Finding the called endpoints is left to the directory of endpoints.

use std::collections::HashMap;

use parlor_sip::{
    ClientTransactionId, DialogEnd, DialogId, Method, Name, NameAddr, Request, RequestDraft, Response,
    ResponseDraft, ServerTransactionId, StatusCode, Target, Uri,
};
use parlor_xccos::SipUri;

use super::speaker::Speaker;
use super::{ALLOW, Session};
use crate::call::{CallMail, Content, Invitation, Leg, LegId, Saying};
use crate::diagnostics::Refused;

/// Calls on one connection at once; a busy person has a dozen windows open.
const MAX_CALLS: usize = 64;

/// The calls of one connection.
#[derive(Debug, Default)]
pub(super) struct Calls {
    sides: HashMap<LegId, Side>,
    dialogs: HashMap<DialogId, LegId>,
    /// INVITEs of the client that nobody answered yet.
    invites: HashMap<ServerTransactionId, LegId>,
    /// Requests sent to the client whose answers the other side waits for.
    forwarded: HashMap<ClientTransactionId, Forwarded>,
}

/// How far one side is.
#[derive(Debug)]
enum Side {
    /// Our client calls; its INVITE waits.
    Calling {
        transaction: ServerTransactionId,
        called: SipUri,
        branches: Vec<Leg>,
        best: Option<(StatusCode, Content)>,
    },
    /// Our client is called and has not decided.
    Called {
        leg: LegId,
        dialog: DialogId,
        caller: Leg,
    },
    /// Both talk.
    Talking { dialog: DialogId, peer: Leg },
}

#[derive(Debug)]
enum Forwarded {
    Invite(LegId),
    Request {
        peer: Leg,
        transaction: ServerTransactionId,
    },
}

impl Calls {
    /// Everybody who talks with this connection's client learns that it is gone; gives back the dialogs of the client.
    pub(super) fn hang_up(&mut self) -> Vec<DialogId> {
        for side in std::mem::take(&mut self.sides).into_values() {
            side.hang_up();
        }
        self.invites.clear();
        std::mem::take(&mut self.dialogs).into_keys().collect()
    }

    pub(super) fn has(&self, dialog: DialogId) -> bool {
        self.dialogs.contains_key(&dialog)
    }

    fn forget(&mut self, leg: LegId) -> Option<Side> {
        let side = self.sides.remove(&leg)?;
        match &side {
            Side::Calling { transaction, .. } => {
                self.invites.remove(transaction);
            }
            Side::Called { dialog, .. } | Side::Talking { dialog, .. } => {
                self.dialogs.remove(dialog);
            }
        }
        Some(side)
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        self.hang_up();
    }
}

impl Side {
    fn hang_up(self) {
        match self {
            Self::Calling { branches, .. } => {
                for branch in branches {
                    branch.tell(Saying::Hangup);
                }
            }
            Self::Called { leg, caller, .. } => {
                caller.tell(Saying::Refused {
                    by: leg,
                    status: StatusCode::TEMPORARILY_UNAVAILABLE,
                    content: Content::default(),
                });
            }
            Self::Talking { peer, .. } => {
                peer.tell(Saying::Hangup);
            }
        }
    }
}

impl Session {
    /// INVITE to a user: every endpoint of the user is called, the first that answers has the call.
    pub(super) fn call(
        &mut self,
        transaction: ServerTransactionId,
        request: &Request,
        speaker: &Speaker,
        called: SipUri,
    ) -> Result<(), Refused> {
        if self.calls.sides.len() >= MAX_CALLS {
            return Err(Refused::TooManyDialogs);
        }
        let known = self
            .service
            .directory
            .read()
            .user(&called)
            .is_some_and(|user| user.is_active());
        if !known {
            return Err(Refused::UnknownUser);
        }
        let from = request.from().map_err(|_| Refused::NoSender)?;
        let mut caller = NameAddr::new(from.uri.clone());
        if !speaker.display_name.is_empty() {
            caller = caller.with_display(&speaker.display_name);
        }
        if let Some(epid) = from.epid() {
            caller = caller.with_param("epid", Some(epid));
        }
        let us = Leg {
            id: LegId::new(),
            mailbox: self.mailbox.clone(),
        };
        let content = content_of_request(request);
        let mut branches = Vec::new();
        // A GRUU is one endpoint, an address is all of them.
        let gruu = request.uri().ok().filter(|uri| uri.is_gruu());
        for endpoint in self.service.registrar.of(&called) {
            let is_meant = gruu.as_ref().is_none_or(|gruu| endpoint.device.has_gruu(gruu));
            // Calling oneself reaches the other endpoints only.
            let is_caller = called == speaker.user && endpoint.line == self.mailbox;
            if !is_meant || is_caller || !endpoint.is_reachable() {
                continue;
            }
            let branch = Leg {
                id: LegId::new(),
                mailbox: endpoint.line,
            };
            let invitation = Invitation {
                caller: us.clone(),
                from: caller.clone(),
                to: called.clone(),
                contact: endpoint.contact.uri,
                content: content.clone(),
            };
            if branch.tell(Saying::Invite(Box::new(invitation))) {
                branches.push(branch);
            }
        }
        if branches.is_empty() {
            return Err(Refused::NotSignedIn);
        }
        tracing::info!(user = %speaker.user, %called, endpoints = branches.len(), "call");
        self.respond(transaction, StatusCode::TRYING);
        self.calls.invites.insert(transaction, us.id);
        self.calls.sides.insert(
            us.id,
            Side::Calling {
                transaction,
                called,
                branches,
                best: None,
            },
        );
        Ok(())
    }

    /// A request of the client in a call: the other side gets it and answers.
    pub(super) fn on_call_request(
        &mut self,
        transaction: ServerTransactionId,
        dialog: DialogId,
        request: &Request,
    ) {
        let side = self
            .calls
            .dialogs
            .get(&dialog)
            .and_then(|leg| self.calls.sides.get(leg));
        let Some(Side::Talking { peer, .. }) = side else {
            return self.respond(transaction, StatusCode::CALL_DOES_NOT_EXIST);
        };
        let told = peer.tell(Saying::Request {
            transaction,
            method: request.method().clone(),
            content: content_of_request(request),
        });
        if !told {
            self.respond(transaction, StatusCode::TEMPORARILY_UNAVAILABLE);
        }
    }

    /// The dialog of a call ended here; false when it was no call.
    pub(super) fn on_call_ended(&mut self, dialog: DialogId, cause: DialogEnd) -> bool {
        let Some(leg) = self.calls.dialogs.get(&dialog).copied() else {
            return false;
        };
        tracing::debug!(?cause, "call ended");
        if let Some(side) = self.calls.forget(leg) {
            side.hang_up();
        }
        true
    }

    /// The client gave up before anybody answered.
    pub(super) fn on_cancelled(&mut self, transaction: ServerTransactionId) {
        if let Some(leg) = self.calls.invites.get(&transaction).copied()
            && let Some(side) = self.calls.forget(leg)
        {
            side.hang_up();
        }
    }

    /// The client answered a request that came from the other side; false when it was another one.
    pub(super) fn on_call_response(&mut self, transaction: ClientTransactionId, response: &Response) -> bool {
        let status = response.status();
        if !status.is_final() {
            if let Some(Forwarded::Invite(leg)) = self.calls.forwarded.get(&transaction)
                && status != StatusCode::TRYING
                && let Some(Side::Called { caller, .. }) = self.calls.sides.get(leg)
            {
                caller.tell(Saying::Provisional { status });
            }
            return self.calls.forwarded.contains_key(&transaction);
        }
        let Some(forwarded) = self.calls.forwarded.remove(&transaction) else {
            return false;
        };
        let media_type = response.headers().get(Name::ContentType);
        let content = Content::of(response.headers(), media_type, response.body());
        match forwarded {
            Forwarded::Invite(leg) => self.on_decided(leg, status, content),
            Forwarded::Request { peer, transaction } => {
                peer.tell(Saying::Response {
                    transaction,
                    status,
                    content,
                });
            }
        }
        true
    }

    /// The client did not answer a request that came from the other side.
    pub(super) fn on_call_timeout(&mut self, transaction: ClientTransactionId) {
        match self.calls.forwarded.remove(&transaction) {
            Some(Forwarded::Invite(leg)) => {
                self.on_decided(leg, StatusCode::REQUEST_TIMEOUT, Content::default());
            }
            Some(Forwarded::Request { peer, transaction }) => {
                peer.tell(Saying::Response {
                    transaction,
                    // Not 408, which would end the dialog of the other side.
                    status: StatusCode::SERVER_TIME_OUT,
                    content: Content::default(),
                });
            }
            None => {}
        }
    }

    /// The called client took the call, or did not.
    fn on_decided(&mut self, leg: LegId, status: StatusCode, content: Content) {
        let Some(Side::Called { dialog, caller, .. }) = self.calls.forget(leg) else {
            // Cancelled before; the agent hangs up on a 2xx that crossed.
            return;
        };
        if !status.is_success() {
            caller.tell(Saying::Refused {
                by: leg,
                status,
                content,
            });
            return;
        }
        let by = Leg {
            id: leg,
            mailbox: self.mailbox.clone(),
        };
        if !caller.tell(Saying::Answered { by, content }) {
            let now = self.connection.now();
            let _ = self.connection.agent().bye(now, dialog);
            return;
        }
        self.calls.dialogs.insert(dialog, leg);
        self.calls
            .sides
            .insert(leg, Side::Talking { dialog, peer: caller });
    }

    /// The other side of a call says something.
    pub(super) fn on_call_mail(&mut self, mail: CallMail) {
        let CallMail { to, saying } = mail;
        match saying {
            Saying::Invite(invitation) => self.ring(to, *invitation),
            Saying::Provisional { status } => {
                if let Some(Side::Calling { transaction, .. }) = self.calls.sides.get(&to) {
                    let transaction = *transaction;
                    self.respond(transaction, status);
                }
            }
            Saying::Answered { by, content } => self.answered(to, by, content),
            Saying::Refused { by, status, content } => self.refused(to, by, status, content),
            Saying::Request {
                transaction,
                method,
                content,
            } => self.pass_on(to, transaction, method, content),
            Saying::Response {
                transaction,
                status,
                content,
            } => self.respond(transaction, with_content(status, content)),
            Saying::Hangup => self.hung_up(to),
        }
    }

    fn ring(&mut self, leg: LegId, invitation: Invitation) {
        let Invitation {
            caller,
            from,
            to,
            contact,
            content,
        } = invitation;
        let refused = |status| Saying::Refused {
            by: leg,
            status,
            content: Content::default(),
        };
        if self.calls.sides.len() >= MAX_CALLS {
            caller.tell(refused(StatusCode::BUSY_HERE));
            return;
        }
        let Ok(called) = to.as_str().parse::<Uri>() else {
            caller.tell(refused(StatusCode::NOT_FOUND));
            return;
        };
        let mut target = Target::new(from.clone(), called);
        target.request_uri = contact;
        let draft = request_with_content(Method::INVITE, content)
            .header(Name::Contact, format!("<{}>", from.uri))
            .header(Name::Allow, ALLOW);
        let now = self.connection.now();
        let (dialog, transaction) = self.connection.agent().invite(now, &target, draft);
        self.calls.dialogs.insert(dialog, leg);
        self.calls.sides.insert(leg, Side::Called { leg, dialog, caller });
        self.calls.forwarded.insert(transaction, Forwarded::Invite(leg));
    }

    fn answered(&mut self, to: LegId, by: Leg, content: Content) {
        let calling = match self.calls.sides.get(&to) {
            Some(Side::Calling { .. }) => self.calls.forget(to),
            _ => None,
        };
        let Some(Side::Calling {
            transaction,
            called,
            branches,
            ..
        }) = calling
        else {
            // Another endpoint was faster, or the caller gave up.
            by.tell(Saying::Hangup);
            return;
        };
        for branch in branches.into_iter().filter(|branch| branch.id != by.id) {
            branch.tell(Saying::Hangup);
        }
        let Ok(contact) = called.as_str().parse::<Uri>() else {
            by.tell(Saying::Hangup);
            return;
        };
        let draft = with_content(StatusCode::OK, content)
            .header(Name::Allow, ALLOW)
            .without_session_timer_unless_asked();
        let now = self.connection.now();
        match self.connection.agent().accept(now, transaction, draft, &contact) {
            Ok(dialog) => {
                self.calls.dialogs.insert(dialog, to);
                self.calls.sides.insert(to, Side::Talking { dialog, peer: by });
            }
            Err(error) => {
                tracing::debug!(%error, "the caller is gone");
                by.tell(Saying::Hangup);
            }
        }
    }

    fn refused(&mut self, to: LegId, by: LegId, status: StatusCode, content: Content) {
        let Some(Side::Calling { branches, best, .. }) = self.calls.sides.get_mut(&to) else {
            return;
        };
        branches.retain(|branch| branch.id != by);
        // RFC 3261 section 16.7: a 6xx decides, else the lowest class; the first of its class will do.
        let rank = |status: StatusCode| match status.code() {
            600.. => 0,
            code => code / 100,
        };
        if best.as_ref().is_none_or(|(kept, _)| rank(status) < rank(*kept)) {
            *best = Some((status, content));
        }
        if !branches.is_empty() {
            return;
        }
        if let Some(Side::Calling {
            transaction,
            best: Some((status, content)),
            ..
        }) = self.calls.forget(to)
        {
            self.respond(transaction, with_content(status, content));
        }
    }

    fn pass_on(&mut self, to: LegId, transaction: ServerTransactionId, method: Method, content: Content) {
        let Some(Side::Talking { dialog, peer }) = self.calls.sides.get(&to) else {
            return;
        };
        let (dialog, peer) = (*dialog, peer.clone());
        let draft = request_with_content(method, content);
        let now = self.connection.now();
        match self.connection.agent().request_in_dialog(now, dialog, draft) {
            Ok(sent) => {
                self.calls
                    .forwarded
                    .insert(sent, Forwarded::Request { peer, transaction });
            }
            Err(_) => {
                peer.tell(Saying::Response {
                    transaction,
                    status: StatusCode::CALL_DOES_NOT_EXIST,
                    content: Content::default(),
                });
            }
        }
    }

    fn hung_up(&mut self, to: LegId) {
        let now = self.connection.now();
        if let Some(Side::Called { dialog, .. } | Side::Talking { dialog, .. }) = self.calls.forget(to) {
            let _ = self.connection.agent().bye(now, dialog);
        }
    }
}

fn content_of_request(request: &Request) -> Content {
    let media_type = request.headers().get(Name::ContentType);
    Content::of(request.headers(), media_type, request.body())
}

fn request_with_content(method: Method, content: Content) -> RequestDraft {
    let mut draft = RequestDraft::new(method);
    for (name, value) in &content.headers {
        draft = draft.header(name.as_str(), value);
    }
    match content.media_type {
        Some(media_type) => draft.body(media_type, content.body),
        None => draft,
    }
}

fn with_content(status: StatusCode, content: Content) -> ResponseDraft {
    let mut draft = ResponseDraft::new(status);
    for (name, value) in &content.headers {
        draft = draft.header(name.as_str(), value);
    }
    match content.media_type {
        Some(media_type) => draft.body(media_type, content.body),
        None => draft,
    }
}
