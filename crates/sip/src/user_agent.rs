//! The user agent of one connection: transactions, dialogs, automatic answers and timers.
//!
//! This file holds the state and the calls that drive it; what happens to a message lies in `incoming` (requests of
//! the peer), `answers` (responses of the peer), `requests` and `responses` (ours), `sessions` and `timers`.

mod answers;
mod incoming;
mod requests;
mod responses;
mod sessions;
mod settings;
mod timers;

pub use settings::{AcceptError, AgentSettings, DialogGone, Target, TransactionGone};

use crate::client_transactions::ClientTransactions;
use crate::dialog::Dialogs;
use crate::keep_alive::KeepAliveMeter;
use crate::outgoing::{Outgoing, echo, finish_head, response_head};
use crate::random::Random;
use crate::server_transactions::ServerTransactions;
use crate::{
    ClientTransactionId, Dialog, DialogId, Event, Fault, Frame, Framer, FramingError, Guard, KeepAlive,
    Message, Method, ResponseDraft, ServerTransactionId, SignedParts, StatusCode, Verdict,
};
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use std::time::Instant;

/// The user agent of one connection. It does no I/O and reads no clock: see the run loop in the crate's front page.
#[derive(Debug)]
pub struct UserAgent {
    settings: AgentSettings,
    /// The value of our Via up to the branch's own digits.
    via: Box<str>,
    framer: Framer,
    random: Random,
    /// Hides our transaction ids in the branches that carry them.
    branch_mask: u64,
    outgoing: Outgoing,
    /// Events that came of the same input as one already handed out.
    events: VecDeque<Event>,
    client: ClientTransactions,
    server: ServerTransactions,
    dialogs: Dialogs,
    keep_alives: KeepAliveMeter,
    next_client: u64,
    next_server: u64,
    next_dialog: u32,
    /// The sequence number of requests outside of dialogs, rising over all Call-IDs.
    cseq: u32,
}

impl UserAgent {
    /// An agent. `seed` makes tags, branches and Call-IDs and must be unpredictable in production.
    pub fn new(settings: AgentSettings, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut via = format!("SIP/2.0/{} ", settings.transport);
        crate::text::push_line_text(&mut via, &settings.sent_by);
        via.push_str(";branch=z9hG4bK");
        Self {
            via: via.into(),
            framer: Framer::new(settings.limits.clone()),
            branch_mask: random.draw(),
            random,
            settings,
            outgoing: Outgoing::default(),
            events: VecDeque::new(),
            client: ClientTransactions::default(),
            server: ServerTransactions::default(),
            dialogs: Dialogs::default(),
            keep_alives: KeepAliveMeter::default(),
            next_client: 0,
            next_server: 0,
            next_dialog: 0,
            cseq: 0,
        }
    }

    /// Where to append what was read from the peer. Its memory is given back whenever all of it was used.
    pub fn read_buffer(&mut self) -> &mut BytesMut {
        self.framer.buffer()
    }

    /// Reads buffered bytes and runs due timers up to the next event; `None` when there is nothing left to do.
    ///
    /// Bytes come before timers: an answer that is already here beats its timeout.
    ///
    /// # Errors
    /// A [`Fault`] means: write [`Fault::response_bytes`] and close.
    pub fn poll_event(&mut self, now: Instant) -> Result<Option<Event>, Fault> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(Some(event));
            }
            let unanswered = self.client.len();
            if unanswered > self.settings.limits.client_transactions {
                return Err(Fault::TooManyUnanswered { unanswered });
            }
            let event = match self.framer.next_frame() {
                Ok(Some(frame)) => self.receive(now, frame)?,
                Ok(None) => match self.run_timer(now) {
                    Some(event) => event,
                    None => break,
                },
                Err(error) => return Err(self.framing_fault(error)),
            };
            if event.is_some() {
                return Ok(event);
            }
        }
        self.events = VecDeque::new();
        Ok(None)
    }

    /// When to call [`Self::poll_event`] again at the latest.
    pub fn next_deadline(&self) -> Option<Instant> {
        let transactions = [self.client.next_deadline(), self.server.next_deadline()]
            .into_iter()
            .flatten();
        transactions
            .chain(self.dialogs.iter().filter_map(Dialog::deadline))
            .min()
    }

    /// Whether there is something to write.
    pub fn has_output(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// Moves everything to be written into `out`, in order; heads and shared bodies are separate pieces.
    pub fn take_output(&mut self, out: &mut impl Extend<Bytes>) {
        self.outgoing.take(out);
    }

    /// Queues a keep-alive.
    ///
    /// A server should not send pongs: pidgin-sipe stalls on a CRLF in front of a message.
    pub fn send_keep_alive(&mut self, kind: KeepAlive) {
        match kind {
            KeepAlive::Ping => {
                self.framer.expect_pong();
                self.outgoing.send_raw(b"\r\n\r\n");
            }
            KeepAlive::Pong => self.outgoing.send_raw(b"\r\n"),
        }
    }

    /// The dialogs of this connection, oldest first.
    pub fn dialogs(&self) -> impl Iterator<Item = DialogId> {
        self.dialogs.iter().map(Dialog::id)
    }

    /// A dialog; `None` when it is over.
    pub fn dialog(&self, id: DialogId) -> Option<&Dialog> {
        self.dialogs.get(id)
    }

    /// From now on every message that goes out is signed by `guard`, and every one that comes in is judged by it
    /// before anything acts on it. Replaces an earlier one.
    pub fn secure(&mut self, guard: Box<dyn Guard>) {
        self.outgoing.secure(guard);
    }

    /// Every incoming message passes here once, before anything acts on it.
    fn receive(&mut self, now: Instant, frame: Frame) -> Result<Option<Event>, Fault> {
        if let Frame::Message(message) = &frame
            && let Some(guard) = self.outgoing.guard()
            && guard.check(message, &SignedParts::of(message)) == Verdict::Refuse
        {
            self.refuse_forged(message);
            return Ok(None);
        }
        match frame {
            Frame::Message(Message::Request(request)) => Ok(self.on_request(now, request)),
            Frame::Message(Message::Response(response)) => Ok(self.on_response(now, response)),
            Frame::KeepAlive(kind) => {
                if !self.keep_alives.allow(now, self.settings.limits.keep_alives) {
                    return Err(Fault::KeepAliveFlood);
                }
                Ok(Some(Event::KeepAlive(kind)))
            }
        }
    }

    /// The fault for bytes that are no message, with an answer if the message was a request whose head is whole.
    fn framing_fault(&mut self, error: FramingError) -> Fault {
        let status = match error {
            FramingError::BodyTooLong { .. } => StatusCode::REQUEST_ENTITY_TOO_LARGE,
            FramingError::LengthMissing => StatusCode::LENGTH_REQUIRED,
            _ => StatusCode::BAD_REQUEST,
        };
        let response = match self.framer.refused_head() {
            Some(Message::Request(request)) if *request.method() != Method::ACK => {
                let draft = ResponseDraft::new(status);
                let echo = echo(&request, &self.random.token());
                Some(finish_head(
                    response_head(&draft, &echo, None, &self.settings.user_agent),
                    0,
                ))
            }
            _ => None,
        };
        Fault::Framing { error, response }
    }

    fn new_client_id(&mut self) -> ClientTransactionId {
        self.next_client += 1;
        ClientTransactionId(self.next_client)
    }

    fn new_server_id(&mut self) -> ServerTransactionId {
        self.next_server += 1;
        ServerTransactionId(self.next_server)
    }

    fn new_dialog_id(&mut self) -> DialogId {
        self.next_dialog += 1;
        DialogId(self.next_dialog)
    }

    /// The digits of the branch of a request: its id, unreadable for others.
    fn branch(&self, id: ClientTransactionId) -> u64 {
        id.0 ^ self.branch_mask
    }

    /// The id of the request whose branch this is, if it is one of ours.
    fn id_of_branch(&self, branch: &str) -> Option<ClientTransactionId> {
        let digits = branch
            .strip_prefix("z9hG4bK")
            .filter(|digits| digits.len() == 16)?;
        let number = u64::from_str_radix(digits, 16).ok()?;
        Some(ClientTransactionId(number ^ self.branch_mask))
    }
}
