//! One connection: awaits its next event and nothing else. Requests are answered here or handed on; what a handed-on
//! request leads to comes back through the connection's outbox.

mod authenticate;
mod calls;
mod info;
mod invite;
mod register;
mod services;
mod signed_in;
mod speaker;
mod subscribe;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parlor_net::{CloseCause, Connection, Event, Incoming};
use parlor_sip::{
    DialogEnd, DialogId, Method, Name, Request, ResponseDraft, ServerTransactionId, Standard, StatusCode,
};
use parlor_xccos::SipUri;

use crate::diagnostics::Refused;
use crate::dispatch::ChatDialog;
use crate::listener::Approach;
use crate::mailbox::{Mail, Mailbox};
use crate::service::Service;
use crate::sessions::{END, Entered, MAIL, RECHECK_USERS, SWEEP_SEATS};
use crate::ticket::Pending;
use crate::trust::Standing;

use authenticate::Authentication;
use calls::Calls;
use subscribe::Subscription;

/// Methods with a meaning here.
const ALLOW: &str = "REGISTER, SUBSCRIBE, SERVICE, INVITE, ACK, INFO, MESSAGE, UPDATE, BYE, CANCEL, OPTIONS";

/// A connection and who speaks on it.
#[derive(Debug)]
struct Session {
    service: Arc<Service>,
    connection: Connection,
    standing: Standing,
    authentication: Authentication,
    dialogs: HashMap<DialogId, ChatDialog>,
    /// Dialogs that were lost without a goodbye. Their users stay in their rooms and take their seats to the next dialog:
    /// a real client does not join again after it (real-client 3.11).
    lost: Vec<ChatDialog>,
    /// Users who proved themselves with a Contact before; later requests may come without one.
    known: Vec<SipUri>,
    pending: Arc<Pending>,
    mailbox: Mailbox,
    calls: Calls,
    /// Held once by each change that waits for the store.
    changes: Arc<()>,
    /// Users whose contact list a client was promised.
    lists_owed: Vec<SipUri>,
    /// By their Call-ID.
    subscriptions: HashMap<String, Subscription>,
    /// Users who are signed in by this connection, or published something over it.
    users: Vec<SipUri>,
    /// Nobody is expected back when this connection ends.
    for_good: bool,
    _entered: Entered,
}

/// Makes a session of an accepted connection and runs it to its end.
pub(crate) async fn serve(service: Arc<Service>, incoming: Incoming, approach: Approach) {
    let peer = incoming.peer_addr();
    // Boxed: the handshake's state is large and would stay in the task for as long as the connection lives.
    let connection = match Box::pin(incoming.establish()).await {
        Ok(connection) => connection,
        Err(error) => {
            tracing::info!(error = crate::service::chain(&error), "handshake failed");
            return;
        }
    };
    let standing = Standing::new(&service.pools(), connection.peer(), peer.ip(), approach.unproved);
    let authentication = Authentication::new(&service, peer.ip(), approach.is_private);
    let entered = service.sessions.enter(connection.outbox());
    tracing::debug!(trusted = standing.is_trusted(), "connected");
    let mailbox = Mailbox::new(connection.outbox());
    let mut session = Session {
        service,
        connection,
        standing,
        authentication,
        dialogs: HashMap::new(),
        lost: Vec::new(),
        known: Vec::new(),
        pending: Arc::default(),
        mailbox,
        calls: Calls::default(),
        changes: Arc::default(),
        lists_owed: Vec::new(),
        subscriptions: HashMap::new(),
        users: Vec::new(),
        for_good: false,
        _entered: entered,
    };
    let cause = session.run().await;
    session.sign_off_all();
    match cause {
        CloseCause::PeerClosed | CloseCause::Shutdown => tracing::debug!(%cause, "closed"),
        cause => tracing::info!(cause = crate::service::chain(&cause), "closed"),
    }
    // The dialogs' seats leave their rooms as they are dropped.
}

impl Session {
    async fn run(&mut self) -> CloseCause {
        loop {
            match self.connection.next().await {
                Event::Sip(event) => self.on_sip(event),
                Event::Signal(END) => self.end(),
                Event::Signal(RECHECK_USERS) => self.recheck_users(),
                Event::Signal(SWEEP_SEATS) => self.sweep_seats(),
                Event::Signal(MAIL) => self.read_mail(),
                Event::Closed(cause) => return cause,
                _ => {}
            }
        }
    }

    fn on_sip(&mut self, event: parlor_sip::Event) {
        match event {
            parlor_sip::Event::Request {
                transaction: Some(transaction),
                dialog,
                request,
            } => {
                self.on_request(transaction, dialog, &request);
            }
            parlor_sip::Event::DialogEnded { dialog, cause } => {
                if let Some(chat) = self.dialogs.remove(&dialog) {
                    tracing::info!(user = %chat.user, ?cause, "chat dialog ended");
                    self.application_left(&chat.user);
                    self.lose(chat, cause);
                } else {
                    self.on_call_ended(dialog, cause);
                }
            }
            parlor_sip::Event::Cancelled { transaction } => self.on_cancelled(transaction),
            parlor_sip::Event::Response {
                transaction,
                response,
                ..
            } => {
                let of_a_call = self.on_call_response(transaction, &response);
                if !of_a_call && response.status().code() >= 300 {
                    tracing::debug!(status = %response.status(), "the peer refused a request");
                }
            }
            parlor_sip::Event::TimedOut { transaction, .. } => self.on_call_timeout(transaction),
            _ => {}
        }
    }

    fn on_request(&mut self, transaction: ServerTransactionId, dialog: Option<DialogId>, request: &Request) {
        let Method::Standard(method) = request.method() else {
            return self.respond(
                transaction,
                ResponseDraft::new(StatusCode::NOT_IMPLEMENTED).header(Name::Allow, ALLOW),
            );
        };
        if *method != Standard::Register && dialog.is_none() && !self.admit(transaction, request) {
            return;
        }
        match (method, dialog) {
            (Standard::Info | Standard::Message, Some(dialog)) if self.calls.has(dialog) => {
                self.on_call_request(transaction, dialog, request);
            }
            (Standard::Info, Some(dialog)) => self.on_info(transaction, dialog, request),
            (Standard::Invite, None) => self.on_invite(transaction, request),
            (Standard::Register, _) => self.on_register(transaction, request),
            (Standard::Subscribe, _) => self.on_subscribe(transaction, request),
            (Standard::Service, _) => self.on_service(transaction, request),
            (Standard::Info, None) => self.respond(transaction, StatusCode::CALL_DOES_NOT_EXIST),
            _ => self.respond(
                transaction,
                ResponseDraft::new(StatusCode::METHOD_NOT_ALLOWED).header(Name::Allow, ALLOW),
            ),
        }
    }

    fn respond(&mut self, transaction: ServerTransactionId, draft: impl Into<ResponseDraft>) {
        if self.connection.agent().respond(transaction, draft).is_err() {
            tracing::debug!("the request was cancelled or timed out before its answer");
        }
    }

    fn refuse(&mut self, transaction: ServerTransactionId, refused: Refused) {
        tracing::info!(%refused, "request refused");
        self.service.counters.refusals.request(refused);
        let diagnostics = refused.header(&self.service.config.domain);
        let mut draft = ResponseDraft::new(refused.status()).header(Name::MsDiagnostics, diagnostics);
        if refused.status() == StatusCode::FORBIDDEN {
            draft = draft.header("ms-diagnostics-public", refused.public_header());
        }
        self.respond(transaction, draft);
    }

    fn read_mail(&mut self) {
        let letters = self.mailbox.take();
        let (mut watched, mut own) = (HashSet::new(), HashSet::new());
        for mail in letters {
            match mail {
                Mail::Call(mail) => self.on_call_mail(mail),
                Mail::SignedOut(user, why) => self.on_signed_out(&user, why),
                Mail::Contacts(user, delta) => self.on_contacts(&user, &delta),
                Mail::ContactList(user) => self.show_new_list(&user),
                Mail::Kept(transaction, kept) => self.on_kept(transaction, kept),
                // However often it changed, only what it is now is told.
                Mail::Presence(user) => {
                    watched.insert(user);
                }
                Mail::Own(user) => {
                    own.insert(user);
                }
            }
        }
        for user in &watched {
            self.on_presence(user);
        }
        for user in &own {
            self.on_own(user);
        }
    }

    fn end(&mut self) {
        let now = self.connection.now();
        for dialog in self.calls.hang_up() {
            let _ = self.connection.agent().bye(now, dialog);
        }
        for dialog in std::mem::take(&mut self.dialogs).into_keys() {
            let _ = self.connection.agent().bye(now, dialog);
        }
        self.connection.begin_close(CloseCause::Shutdown);
    }

    /// Keeps the seats of a dialog that was lost; an application joins again by itself.
    fn lose(&mut self, chat: ChatDialog, cause: DialogEnd) {
        let limit = self.service.config.limits.user_dialogs;
        if cause != DialogEnd::Bye && !self.standing.is_trusted() && self.lost.len() < limit {
            self.lost.push(chat);
        }
    }

    fn sweep_seats(&mut self) {
        for chat in self.dialogs.values_mut().chain(&mut self.lost) {
            chat.rooms.retain(|_, seat| !seat.is_lost());
        }
    }
}
