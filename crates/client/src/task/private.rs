//! One-to-one conversations of an endpoint: calls of others are taken, texts handed to the reader and answered when the
//! reader has accepted them; texts of ours go out one after the other per peer. Nothing here waits.
//!
//! A conversation belongs to its connection. When that is lost, a text that was on its way is of unknown outcome, one
//! that was not waits for the next connection within its deadline.

mod text;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use parlor_sip::{
    ClientTransactionId, DialogId, Method, Name, NameAddr, Request, RequestDraft, Response, ResponseDraft,
    ServerTransactionId, StatusCode,
};
use parlor_xccos::SipUri;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::Instant;

use crate::command::{Reply, answer};
use crate::error::{EstablishError, PrivateError};
use crate::private::{PrivateMessage, Receipt, Verdicts, limits};
use crate::state::EndpointState;
use crate::task::asking::{Asked, Heard};
use crate::task::line::{Line, refusal};
use text::Said;

/// Dialogs tried for one text: the one at hand may turn out to be gone, a new one then is not.
const DIALOGS_PER_TEXT: u32 = 2;
/// When a sender whom we cannot serve may try again.
const RETRY_SECONDS: &str = "5";
const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, MESSAGE, INFO, UPDATE";

#[derive(Debug)]
pub(crate) struct Conversations {
    reader: Reader,
    verdicts: Arc<Verdicts>,
    open: HashMap<DialogId, Conversation>,
    /// INVITEs of ours that are not answered yet.
    calls: BTreeMap<SipUri, Asked>,
    /// In the order of asking.
    outgoing: Vec<Outgoing>,
}

/// Who takes what others write.
#[derive(Debug)]
enum Reader {
    /// Nobody ever asked for it.
    Nobody,
    There(mpsc::Sender<PrivateMessage>),
}

#[derive(Debug)]
struct Conversation {
    peer: SipUri,
    peer_name: Option<String>,
    used: Instant,
}

/// A text of ours.
#[derive(Debug)]
struct Outgoing {
    to: SipUri,
    text: Bytes,
    deadline: Instant,
    /// `None` while it waits for its turn or for a dialog.
    sent: Option<ClientTransactionId>,
    dialogs: u32,
    reply: Reply<Result<(), PrivateError>>,
}

impl Conversations {
    pub(crate) fn new() -> Self {
        Self {
            reader: Reader::Nobody,
            verdicts: Arc::default(),
            open: HashMap::new(),
            calls: BTreeMap::new(),
            outgoing: Vec::new(),
        }
    }

    pub(crate) fn listen(&mut self, reader: mpsc::Sender<PrivateMessage>) {
        self.reader = Reader::There(reader);
    }

    /// Where readers leave their decisions about messages of this connection.
    pub(crate) fn verdicts(&self) -> &Verdicts {
        &self.verdicts
    }

    /// Takes in a text; [`Conversations::pump`] sends it.
    pub(crate) fn send(
        &mut self,
        to: SipUri,
        text: String,
        reply: Reply<Result<(), PrivateError>>,
        deadline: Instant,
    ) {
        let refused = if text.trim().is_empty() {
            Some(PrivateError::Empty)
        } else if text.len() > limits::TEXT {
            Some(PrivateError::TooLong {
                bytes: text.len(),
                limit: limits::TEXT,
            })
        } else if self.outgoing.len() >= limits::UNSENT {
            Some(PrivateError::TooManyMessages)
        } else {
            None
        };
        match refused {
            Some(error) => answer(reply, Err(error)),
            None => self.outgoing.push(Outgoing {
                to,
                text: text.into(),
                deadline,
                sent: None,
                dialogs: 0,
                reply,
            }),
        }
    }

    /// Texts whose senders still wait.
    pub(crate) fn waiting(&self) -> usize {
        self.outgoing.len()
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.outgoing.iter().map(|outgoing| outgoing.deadline).min()
    }

    /// Sends what can be sent, answers what readers have decided, and ends what waited too long.
    pub(crate) fn pump(&mut self, line: &mut Line, now: Instant) {
        for (transaction, accepted) in self.verdicts.take() {
            if accepted {
                line.respond(Some(transaction), StatusCode::OK);
            } else {
                busy(line, transaction);
            }
        }
        self.expire(now);
        let idle: Vec<_> = self
            .calls
            .keys()
            .filter(|peer| self.outgoing.iter().all(|outgoing| outgoing.to != **peer))
            .cloned()
            .collect();
        for peer in idle {
            self.give_up_call(line, &peer);
        }
        let mut served: Vec<SipUri> = Vec::new();
        for index in 0..self.outgoing.len() {
            let peer = self.outgoing[index].to.clone();
            if served.contains(&peer) {
                continue;
            }
            if self.outgoing[index].sent.is_none() {
                self.next_of(line, index, now);
            }
            served.push(peer);
        }
    }

    /// The first waiting text of a peer: into the conversation that was used last, or a new one.
    fn next_of(&mut self, line: &mut Line, index: usize, now: Instant) {
        let outgoing = &mut self.outgoing[index];
        let newest = self
            .open
            .iter_mut()
            .filter(|(_, conversation)| conversation.peer == outgoing.to)
            .max_by_key(|(_, conversation)| conversation.used);
        if let Some((dialog, conversation)) = newest {
            let draft =
                RequestDraft::new(Method::MESSAGE).body("text/plain; charset=UTF-8", outgoing.text.clone());
            let time = line.connection.now();
            match line.connection.agent().request_in_dialog(time, *dialog, draft) {
                Ok(transaction) => {
                    conversation.used = now;
                    outgoing.sent = Some(transaction);
                    outgoing.dialogs += 1;
                }
                Err(_gone) => {
                    let dialog = *dialog;
                    self.open.remove(&dialog);
                }
            }
            return;
        }
        let to = outgoing.to.clone();
        if !self.calls.contains_key(&to) && self.make_room(line) {
            match call(line, &to) {
                Ok(asked) => drop(self.calls.insert(to, asked)),
                Err(error) => self.fail(&to, &PrivateError::SignIn(error)),
            }
        }
    }

    /// Ends the conversation that was quiet longest when there are too many; `false` when all are busy.
    fn make_room(&mut self, line: &mut Line) -> bool {
        if self.open.len() + self.calls.len() < limits::CONVERSATIONS {
            return true;
        }
        let busy = |peer: &SipUri| self.outgoing.iter().any(|outgoing| outgoing.to == *peer);
        let quiet = self
            .open
            .iter()
            .filter(|(_, conversation)| !busy(&conversation.peer))
            .min_by_key(|(_, conversation)| conversation.used)
            .map(|(dialog, _)| *dialog);
        let Some(dialog) = quiet else { return false };
        self.open.remove(&dialog);
        hang_up(line, dialog);
        true
    }

    /// An answer to a request of ours; `false` when it was another's.
    pub(crate) fn responded(
        &mut self,
        line: &mut Line,
        transaction: ClientTransactionId,
        response: &Response,
        now: Instant,
    ) -> bool {
        let call = self
            .calls
            .iter()
            .find(|(_, asked)| asked.transaction == transaction);
        if let Some(peer) = call.map(|(peer, _)| peer.clone()) {
            self.called(line, peer, response, now);
            return true;
        }
        let Some(index) = self.sent(transaction) else {
            return false;
        };
        if response.status().is_final() {
            self.delivered(index, response);
        }
        true
    }

    fn sent(&self, transaction: ClientTransactionId) -> Option<usize> {
        self.outgoing
            .iter()
            .position(|outgoing| outgoing.sent == Some(transaction))
    }

    fn called(&mut self, line: &mut Line, peer: SipUri, response: &Response, now: Instant) {
        let Some(mut asked) = self.calls.remove(&peer) else {
            return;
        };
        match line.hear(&mut asked, response) {
            Ok(Heard::Waiting) => drop(self.calls.insert(peer, asked)),
            Ok(Heard::Granted) => {
                if let Some(dialog) = asked.dialog {
                    let peer_name = None;
                    self.open.insert(
                        dialog,
                        Conversation {
                            peer,
                            peer_name,
                            used: now,
                        },
                    );
                }
            }
            Err(EstablishError::Refused(refusal)) => self.fail(&peer, &PrivateError::Refused(refusal)),
            Err(error) => self.fail(&peer, &PrivateError::SignIn(error)),
        }
    }

    fn delivered(&mut self, index: usize, response: &Response) {
        let Some(refusal) = refusal("MESSAGE", response) else {
            return answer(self.outgoing.remove(index).reply, Ok(()));
        };
        let outgoing = &mut self.outgoing[index];
        // The peer does not have the dialog any more and did not take the text.
        if matches!(refusal.status, 481 | 487) && outgoing.dialogs < DIALOGS_PER_TEXT {
            outgoing.sent = None;
            return;
        }
        answer(
            self.outgoing.remove(index).reply,
            Err(PrivateError::Refused(refusal)),
        );
    }

    /// Tells the senders of all unsent texts to one peer.
    fn fail(&mut self, peer: &SipUri, error: &PrivateError) {
        let failed = |outgoing: &mut Outgoing| outgoing.to == *peer && outgoing.sent.is_none();
        for outgoing in self.outgoing.extract_if(.., failed) {
            answer(outgoing.reply, Err(error.clone()));
        }
    }

    /// No answer came to a request of ours.
    pub(crate) fn timed_out(&mut self, transaction: ClientTransactionId) {
        let call = self
            .calls
            .iter()
            .find(|(_, asked)| asked.transaction == transaction);
        if let Some(peer) = call.map(|(peer, _)| peer.clone()) {
            self.calls.remove(&peer);
            self.fail(&peer, &PrivateError::Deadline);
        } else if let Some(index) = self.sent(transaction) {
            answer(
                self.outgoing.remove(index).reply,
                Err(PrivateError::OutcomeUnknown),
            );
        }
    }

    /// A dialog is over.
    pub(crate) fn ended(&mut self, dialog: DialogId) {
        self.open.remove(&dialog);
    }

    fn expire(&mut self, now: Instant) {
        for outgoing in self.outgoing.extract_if(.., |outgoing| outgoing.deadline <= now) {
            let error = match outgoing.sent {
                Some(_) => PrivateError::OutcomeUnknown,
                None => PrivateError::Deadline,
            };
            answer(outgoing.reply, Err(error));
        }
    }

    /// Deadlines pass without a connection too.
    pub(crate) fn offline(&mut self, now: Instant) {
        self.expire(now);
    }

    /// Nobody waits for this call any more.
    fn give_up_call(&mut self, line: &mut Line, peer: &SipUri) {
        if let Some(dialog) = self.calls.remove(peer).and_then(|asked| asked.dialog) {
            hang_up(line, dialog);
        }
    }

    /// The connection is gone, and every conversation with it.
    pub(crate) fn lost(&mut self) {
        self.open.clear();
        self.calls.clear();
        self.verdicts = Arc::default();
        for outgoing in self.outgoing.extract_if(.., |outgoing| outgoing.sent.is_some()) {
            answer(outgoing.reply, Err(PrivateError::OutcomeUnknown));
        }
    }

    /// Ends every conversation and tells everybody who waits.
    pub(crate) fn end(&mut self, line: Option<&mut Line>, state: EndpointState) {
        for outgoing in self.outgoing.drain(..) {
            let error = match outgoing.sent {
                Some(_) => PrivateError::OutcomeUnknown,
                None => PrivateError::State(state),
            };
            answer(outgoing.reply, Err(error));
        }
        let called = std::mem::take(&mut self.calls)
            .into_values()
            .filter_map(|asked| asked.dialog);
        let dialogs: Vec<_> = called
            .chain(self.open.drain().map(|(dialog, _)| dialog))
            .collect();
        if let Some(line) = line {
            dialogs.into_iter().for_each(|dialog| hang_up(line, dialog));
        }
        self.reader = Reader::Nobody;
    }

    /// A request that may be a call, or belong to one; `false` when it is none of ours.
    pub(crate) fn request(
        &mut self,
        line: &mut Line,
        transaction: Option<ServerTransactionId>,
        dialog: Option<DialogId>,
        request: &Request,
        now: Instant,
    ) -> bool {
        let Some(transaction) = transaction else {
            return false;
        };
        let ours = dialog.and_then(|dialog| self.open.get_mut(&dialog));
        match (request.method(), ours) {
            (method, None) if *method == Method::INVITE && dialog.is_none() => {
                self.ring(line, transaction, request, now)
            }
            (method, Some(conversation)) if *method == Method::MESSAGE => {
                conversation.used = now;
                let (peer, name) = (conversation.peer.clone(), conversation.peer_name.clone());
                self.hand_over(line, transaction, request, peer, name);
                true
            }
            // Typing notices of older clients.
            (method, Some(_)) if *method == Method::INFO => {
                line.respond(Some(transaction), StatusCode::OK);
                true
            }
            _ => false,
        }
    }

    /// Somebody calls. `false` leaves it to be declined as before.
    fn ring(
        &mut self,
        line: &mut Line,
        transaction: ServerTransactionId,
        request: &Request,
        now: Instant,
    ) -> bool {
        let Reader::There(reader) = &self.reader else {
            return false;
        };
        if reader.is_closed() {
            line.respond(Some(transaction), StatusCode::TEMPORARILY_UNAVAILABLE);
            return true;
        }
        let caller = request
            .from()
            .ok()
            .and_then(|from| Some((from.uri.aor().parse().ok()?, from.display)));
        let Some((peer, peer_name)) = caller else {
            line.respond(Some(transaction), StatusCode::BAD_REQUEST);
            return true;
        };
        if !offers_messages(request.body()) {
            return false;
        }
        if !self.make_room(line) {
            line.respond(Some(transaction), StatusCode::BUSY_HERE);
            return true;
        }
        let Ok(contact) = NameAddr::parse_list(&line.contact).map(|mut list| list.remove(0).uri) else {
            return false;
        };
        let draft = ResponseDraft::new(StatusCode::OK)
            .header(Name::Allow, ALLOW)
            .body("application/sdp", line.description(text::ACCEPTED))
            .without_session_timer_unless_asked();
        let time = line.connection.now();
        // Otherwise the caller has given up, or is told by the agent that there are too many dialogs.
        if let Ok(dialog) = line.connection.agent().accept(time, transaction, draft, &contact) {
            tracing::debug!(%peer, "a conversation began");
            self.open.insert(
                dialog,
                Conversation {
                    peer,
                    peer_name,
                    used: now,
                },
            );
        }
        true
    }

    /// A text for the reader, who answers it by accepting it.
    fn hand_over(
        &self,
        line: &mut Line,
        transaction: ServerTransactionId,
        request: &Request,
        from: SipUri,
        from_name: Option<String>,
    ) {
        let text = match text::read(request.content_type(), request.body()) {
            Said::Text(text) => text,
            Said::Nothing => return line.respond(Some(transaction), StatusCode::OK),
            Said::Unknown => return line.respond(Some(transaction), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        };
        let (Ok(call_id), Ok(cseq)) = (request.call_id(), request.cseq()) else {
            return line.respond(Some(transaction), StatusCode::BAD_REQUEST);
        };
        let message = PrivateMessage {
            from,
            from_name,
            text,
            id: format!("{call_id}:{}", cseq.number),
            receipt: Receipt::new(transaction, Arc::clone(&self.verdicts)),
        };
        let refused = match &self.reader {
            Reader::There(reader) => reader.try_send(message).err(),
            Reader::Nobody => Some(TrySendError::Closed(message)),
        };
        if let Some(error) = refused {
            tracing::info!(%error, "a one-to-one message was not taken");
            // Its receipt tells the sender.
        }
    }
}

/// "Not now": the sender keeps the text and may try again.
fn busy(line: &mut Line, transaction: ServerTransactionId) {
    let draft = ResponseDraft::new(StatusCode::SERVICE_UNAVAILABLE).header(Name::RetryAfter, RETRY_SECONDS);
    let _gone = line.connection.agent().respond(transaction, draft);
}

fn call(line: &mut Line, to: &SipUri) -> Result<Asked, EstablishError> {
    let target = line.target(to.as_str(), to.as_str())?;
    let draft = line
        .draft(Method::INVITE)
        .header(Name::Allow, ALLOW)
        .body("application/sdp", line.description(text::ACCEPTED));
    Ok(line.ask("INVITE", target, draft))
}

fn hang_up(line: &mut Line, dialog: DialogId) {
    let now = line.connection.now();
    let _gone = line.connection.agent().bye(now, dialog);
}

/// Whether a session description is one of text messages; a call without one is taken for it.
fn offers_messages(description: &[u8]) -> bool {
    let description = String::from_utf8_lossy(description);
    let mut media = description
        .lines()
        .filter_map(|line| line.strip_prefix("m="))
        .peekable();
    media.peek().is_none()
        || media.any(|media| media.starts_with("message ") || media.starts_with("x-ms-message "))
}
