//! Dialogs (RFC 3261 section 12): identity, route set, sequence numbers, session timer and the prebuilt INFO head.

use crate::name_addr::{Parts, tag_of};
use crate::outgoing::Outline;
use crate::server_transactions::Basics;
use crate::session::Session;
use crate::text::{is_uri_like, push_hex, push_number, split_list};
use crate::{DialogId, Headers, Method, Name};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Instant;

/// A dialog of this connection.
#[derive(Debug)]
pub struct Dialog {
    pub(crate) id: DialogId,
    pub(crate) state: DialogState,
    pub(crate) call_id: Arc<str>,
    /// Our From value, with our tag.
    pub(crate) local: Box<str>,
    /// Our To value, with the peer's tag once it is known.
    pub(crate) remote: Box<str>,
    pub(crate) remote_target: Box<str>,
    /// Whole `Route` lines.
    pub(crate) routes: Box<str>,
    /// The value of our Contact.
    pub(crate) contact: Option<Box<str>>,
    pub(crate) local_cseq: u32,
    pub(crate) remote_cseq: u32,
    /// The sequence number of our INVITE; an ACK carries it again.
    pub(crate) invite_cseq: u32,
    /// We gave up on our INVITE before it was answered.
    pub(crate) cancelled: bool,
    /// When the ACK to our 2xx must have come (RFC 3261 timer H).
    pub(crate) ack_due: Option<Instant>,
    pub(crate) session: Option<Session>,
    /// Our side of the last offer and answer, to be repeated to a re-INVITE.
    pub(crate) description: Option<(Box<str>, Bytes)>,
    pub(crate) info_head: Option<InfoHead>,
}

/// How far a dialog has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialogState {
    /// Our INVITE has no final answer yet.
    Calling,
    /// We accepted an INVITE whose ACK is still due; requests may flow already.
    AwaitingAck,
    /// Established.
    Confirmed,
}

impl Dialog {
    /// Its id.
    pub fn id(&self) -> DialogId {
        self.id
    }

    /// How far it has come.
    pub fn state(&self) -> DialogState {
        self.state
    }

    /// Its Call-ID.
    pub fn call_id(&self) -> &str {
        &self.call_id
    }

    /// Our address as the dialog has it: the From value of our requests, with our tag.
    pub fn local(&self) -> &str {
        &self.local
    }

    /// The peer's address as the dialog has it: the To value of our requests, with the peer's tag.
    pub fn remote(&self) -> &str {
        &self.remote
    }

    /// The Request-URI of our requests.
    pub fn remote_target(&self) -> &str {
        &self.remote_target
    }

    pub(crate) fn is(&self, basics: &Basics<'_>) -> bool {
        self.state != DialogState::Calling
            && *self.call_id == *basics.call_id
            && tag_of(&self.local) == basics.to_tag
            && tag_of(&self.remote) == basics.from_tag
    }

    pub(crate) fn next_cseq(&mut self) -> u32 {
        self.local_cseq = self.local_cseq.wrapping_add(1);
        self.local_cseq
    }

    /// Takes over a new remote target (RFC 3261 section 12.2.1.2).
    pub(crate) fn retarget(&mut self, headers: &Headers) {
        if let Some(target) = contact_uri(headers)
            && *target != *self.remote_target
        {
            self.remote_target = target.into();
            self.info_head = None;
        }
    }

    pub(crate) fn outline<'a>(
        &'a self,
        method: &'a Method,
        via: &'a str,
        user_agent: &'a str,
    ) -> Outline<'a> {
        let refreshes_target = matches!(*method, Method::INVITE | Method::UPDATE);
        Outline {
            method,
            request_uri: &self.remote_target,
            via,
            routes: &self.routes,
            from: &self.local,
            to: &self.remote,
            call_id: &self.call_id,
            contact: self.contact.as_deref().filter(|_| refreshes_target),
            user_agent,
        }
    }

    /// When the ACK or the session timer is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let session = self.session.as_ref().map(Session::deadline);
        self.ack_due.into_iter().chain(session).min()
    }
}

/// The address of the first Contact, if there is one.
pub(crate) fn contact_uri(headers: &Headers) -> Option<&str> {
    let first = split_list(headers.get(Name::Contact)?)
        .next()
        .filter(|text| *text != "*")?;
    Parts::split(first)
        .ok()
        .map(|parts| parts.uri)
        .filter(|uri| is_uri_like(uri))
}

/// The route set of a dialog as `Route` lines; the side that sent the INVITE reads Record-Route from the bottom.
pub(crate) fn route_lines(headers: &Headers, from_bottom: bool) -> Box<str> {
    let mut routes: Vec<&str> = headers.all(Name::RecordRoute).flat_map(split_list).collect();
    if from_bottom {
        routes.reverse();
    }
    routes
        .iter()
        .flat_map(|route| ["Route: ", route, "\r\n"])
        .collect::<String>()
        .into()
}

/// The head of every INFO of a dialog but for branch, sequence number and length: built once, copied per message.
#[derive(Debug)]
pub(crate) struct InfoHead {
    content_type: &'static str,
    text: Box<str>,
    branch_at: usize,
    cseq_at: usize,
}

impl InfoHead {
    pub(crate) fn new(outline: &Outline<'_>, content_type: &'static str) -> Self {
        let mut text = String::new();
        outline.write_before_branch(&mut text);
        let branch_at = text.len();
        outline.write_before_cseq(&mut text);
        let cseq_at = text.len();
        outline.write_after_cseq(&mut text);
        text.push_str("Content-Type: ");
        crate::text::push_line_text(&mut text, content_type);
        text.push_str("\r\n");
        Self {
            content_type,
            text: text.into(),
            branch_at,
            cseq_at,
        }
    }

    /// Whether it was built for this content type.
    pub(crate) fn is_for(&self, content_type: &'static str) -> bool {
        self.content_type == content_type
    }

    pub(crate) fn head(&self, branch: u64, cseq: u32) -> String {
        let mut head = String::with_capacity(self.text.len() + ROOM_FOR_NUMBERS);
        head.push_str(&self.text[..self.branch_at]);
        push_hex(&mut head, branch);
        head.push_str(&self.text[self.branch_at..self.cseq_at]);
        push_number(&mut head, cseq as usize);
        head.push_str(&self.text[self.cseq_at..]);
        head
    }
}

/// Branch (16), sequence number (10), the Content-Length line (36) and the empty line (2).
const ROOM_FOR_NUMBERS: usize = 64;

/// The dialogs of one connection: one or two for a member, so a list is the right map. Ordered by id.
#[derive(Debug, Default)]
pub(crate) struct Dialogs {
    all: Vec<Dialog>,
}

impl Dialogs {
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn insert(&mut self, dialog: Dialog) {
        self.all.reserve_exact(1); // Room for four, which a list takes by itself, would be 1 KiB per member.
        self.all.push(dialog);
    }

    pub(crate) fn get(&self, id: DialogId) -> Option<&Dialog> {
        self.all
            .binary_search_by_key(&id, |dialog| dialog.id)
            .ok()
            .map(|at| &self.all[at])
    }

    pub(crate) fn get_mut(&mut self, id: DialogId) -> Option<&mut Dialog> {
        let at = self.all.binary_search_by_key(&id, |dialog| dialog.id).ok()?;
        self.all.get_mut(at)
    }

    pub(crate) fn remove(&mut self, id: DialogId) -> Option<Dialog> {
        let at = self.all.binary_search_by_key(&id, |dialog| dialog.id).ok()?;
        Some(self.all.remove(at))
    }

    pub(crate) fn find(&self, basics: &Basics<'_>) -> Option<DialogId> {
        self.all
            .iter()
            .find(|dialog| dialog.is(basics))
            .map(|dialog| dialog.id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Dialog> {
        self.all.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Dialog> {
        self.all.iter_mut()
    }
}
